//! `liaison referral dossier`: the content of a referral, as far as the caller may see it.

use liaison_proto::common::{Confidentiality, HandlingCode, Markings, Pap, Tlp};
use liaison_proto::intake::{
    Dossier, EvidenceEntry, GetDossierRequest, GetDossierResponse, WithheldItem,
};
use serde_json::Value;

use crate::cli::{DossierArgs, Output, ReferralArgs};
use crate::connection::Connection;
use crate::failure::{Failure, Outcome};
use crate::output::{CARE, STRONG, document, styled, word};
use crate::proto_json::to_json;

use super::resource;

/// Opens a dossier and prints it. Programs get the dossier as it can be submitted, but for one thing: where
/// something was withheld, a field `withheld` says what the rules are, and no service takes it for a whole.
///
/// # Errors
/// What keeps it from being opened.
pub async fn run(output: &Output, args: &DossierArgs) -> Outcome {
    let ReferralArgs { name, connect } = &args.referral;
    let mut intake = Connection::open(connect, None)?.intake()?;
    let request = GetDossierRequest {
        name: resource("referrals", name),
        purpose: args.purpose.clone(),
    };
    let opened = intake
        .get_dossier(request)
        .await
        .map_err(Failure::refused(name))?
        .into_inner();
    document(output, &json(&opened), || text(&opened))?;
    Ok(())
}

fn json(opened: &GetDossierResponse) -> Value {
    let dossier = opened.dossier.clone().unwrap_or_default();
    let mut json = to_json("liaison.intake.v1.Dossier", &dossier);
    if let (Value::Object(fields), false) = (&mut json, opened.withheld.is_empty()) {
        let item = |item| to_json("liaison.intake.v1.WithheldItem", item);
        let items = opened.withheld.iter().map(item).collect();
        fields.insert("withheld".to_owned(), items);
    }
    json
}

fn text(opened: &GetDossierResponse) -> String {
    let empty = Dossier::default();
    let dossier = opened.dossier.as_ref().unwrap_or(&empty);
    let mut text = format!(
        "{}\n\n{}\n",
        styled(STRONG, &dossier.title),
        dossier.narrative
    );
    for person in &dossier.persons {
        let name = if person.identity_unknown {
            "identity unknown".to_owned()
        } else {
            format!("{} {}", person.given_names, person.family_name)
        };
        let status = word(person.status().as_str_name(), "PERSON_STATUS_");
        text.push_str(&format!("\n{status}: {name} – {}", person.purpose_link));
    }
    for identifier in &dossier.identifiers {
        let kind = word(identifier.kind().as_str_name(), "IDENTIFIER_KIND_");
        text.push_str(&format!("\n{kind}: {}", identifier.value));
    }
    for entry in &dossier.evidence {
        text.push_str(&format!("\n{}", piece(entry)));
    }
    if let Some(markings) = dossier.markings.as_ref().map(marked) {
        text.push_str(&format!("\nmarkings: {markings}"));
    }
    if !opened.withheld.is_empty() {
        text.push_str(&format!("\n\n{}", withheld(&opened.withheld)));
    }
    text
}

/// A piece of evidence in one line. Its markings stand there where it has its own.
fn piece(entry: &EvidenceEntry) -> String {
    let mut line = format!("evidence: {}", entry.label);
    if entry.child_sexual_abuse_material {
        line.push_str(" – child sexual abuse material");
    }
    if !entry.locator.is_empty() {
        line.push_str(&format!(" – {}", entry.locator));
    }
    if let Some(markings) = entry.markings.as_ref().map(marked) {
        line.push_str(&format!(" – {}", styled(CARE, &markings)));
    }
    line
}

/// What is said of the markings, by the names that people use; what is not said is left out.
fn marked(markings: &Markings) -> String {
    let mut said = Vec::new();
    if markings.confidentiality() != Confidentiality::Unspecified {
        let level = markings.confidentiality().as_str_name();
        said.push(word(level, "CONFIDENTIALITY_").to_uppercase());
    }
    for code in markings.handling() {
        let name = code.as_str_name();
        match (code, markings.handling_text.as_str()) {
            (HandlingCode::H3, text) if !text.is_empty() => said.push(format!("H3 ({text})")),
            _ => said.push(word(name, "HANDLING_CODE_").to_uppercase()),
        }
    }
    if markings.tlp() != Tlp::Unspecified {
        let colour = word(markings.tlp().as_str_name(), "TLP_").to_uppercase();
        said.push(format!("TLP:{}", colour.replace(' ', "+")));
    }
    if markings.pap() != Pap::Unspecified {
        let colour = word(markings.pap().as_str_name(), "PAP_").to_uppercase();
        said.push(format!("PAP:{colour}"));
    }
    let excluded = markings.excluded_countries.iter();
    for excluded in excluded.chain(&markings.excluded_units) {
        said.push(format!("not for {excluded}"));
    }
    if said.is_empty() {
        return "none".to_owned();
    }
    said.join(", ")
}

/// That the dossier is not whole, and by which rules.
fn withheld(items: &[WithheldItem]) -> String {
    let said = match items.len() {
        1 => "1 piece of evidence is withheld from you:".to_owned(),
        count => format!("{count} pieces of evidence are withheld from you:"),
    };
    let lines = items
        .iter()
        .map(|item| format!("\n  by {}", item.rules.join(", ")));
    styled(CARE, &said) + &lines.collect::<String>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use liaison_proto::intake::{Person, PersonStatus};

    fn opened() -> GetDossierResponse {
        let evidence = vec![
            EvidenceEntry {
                label: "Log file".into(),
                ..EvidenceEntry::default()
            },
            EvidenceEntry {
                label: "Statement".into(),
                locator: "locker 4".into(),
                markings: Some(Markings {
                    confidentiality: Confidentiality::OfficialUseOnly.into(),
                    handling: vec![HandlingCode::H1.into(), HandlingCode::H3.into()],
                    handling_text: "ask first".into(),
                    tlp: Tlp::AmberStrict.into(),
                    pap: Pap::Red.into(),
                    excluded_countries: vec!["XK".into()],
                    excluded_units: vec!["cyber".into()],
                }),
                ..EvidenceEntry::default()
            },
        ];
        GetDossierResponse {
            dossier: Some(Dossier {
                title: "A case".into(),
                persons: vec![Person {
                    status: PersonStatus::Victim.into(),
                    identity_unknown: true,
                    ..Person::default()
                }],
                markings: Some(Markings {
                    tlp: Tlp::Green.into(),
                    ..Markings::default()
                }),
                evidence,
                ..Dossier::default()
            }),
            withheld: vec![WithheldItem {
                rules: vec!["a.rule".into(), "b.rule".into()],
            }],
        }
    }

    #[test]
    fn people_see_the_markings_of_a_piece_and_what_is_missing() {
        let mut opened = opened();
        let text = anstream::adapter::strip_str(&super::text(&opened)).to_string();
        for line in [
            "evidence: Log file",
            "evidence: Statement – locker 4 – OFFICIAL USE ONLY, H1, H3 (ask first), \
             TLP:AMBER+STRICT, PAP:RED, not for XK, not for cyber",
            "markings: TLP:GREEN",
            "1 piece of evidence is withheld from you:",
            "  by a.rule, b.rule",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
        opened.withheld.push(opened.withheld[0].clone());
        let text = super::text(&opened);
        assert!(text.contains("2 pieces of evidence are withheld"), "{text}");
        opened.withheld.clear();
        assert!(!super::text(&opened).contains("withheld"));
    }

    #[test]
    fn a_part_is_not_taken_for_the_whole() {
        let mut opened = opened();
        let part = json(&opened);
        assert_eq!(
            part["withheld"][0]["rules"],
            serde_json::json!(["a.rule", "b.rule"])
        );
        assert_eq!(part["title"], "A case");
        crate::dossier_file::parse(&part.to_string()).unwrap_err();
        opened.withheld.clear();
        let whole = crate::dossier_file::parse(&json(&opened).to_string()).unwrap();
        assert_eq!(Some(whole), opened.dossier);
    }
}
