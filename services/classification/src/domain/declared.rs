//! Decisions on declared offences: codes, tags and cited laws, against what the text says.

use liaison_types::{Tag, UnitCode};

use super::fixtures::{declared, lead, offence, rule_ids};
use super::*;

#[test]
fn codes_route_without_any_text() {
    let decision = declared(&[offence("060121", &[])], "");
    assert_eq!(decision.outcome, Outcome::Route);
    assert_eq!(lead(&decision), "narcotics-organized-crime");
    assert_eq!(decision.desk.as_str(), "drugs");
    assert_eq!(decision.basis, Basis::Codes);
    assert_eq!(rule_ids(&decision), ["codes.table"]);
}

#[test]
fn a_code_that_the_text_contradicts_is_for_people() {
    let narrative = "The suspects pledged allegiance to Islamic State, built a car bomb with \
                     explosives and planned a suicide attack on the embassy. Jihadist propaganda and \
                     instructions for making bombs were found.";
    let decision = declared(&[offence("060121", &[])], narrative);
    assert_eq!(decision.outcome, Outcome::Review);
    assert!(rule_ids(&decision).contains(&"codes.contradicted-by-text"));
    // The same text agrees with its own code, and a weak hint does not contradict anything.
    assert_eq!(
        declared(&[offence("09061", &[])], narrative).outcome,
        Outcome::Route
    );
    let hint = declared(
        &[offence("060121", &[])],
        "He was arrested on arrival from Syria.",
    );
    assert_eq!(hint.outcome, Outcome::Route);
}

fn cited(provision: &str, tags: &[Tag]) -> DeclaredOffence {
    DeclaredOffence {
        iccs: None,
        tags: tags.to_vec(),
        national_provision: Some(provision.to_owned()),
    }
}

fn code_ids(decision: &Decision) -> Vec<&str> {
    let codes = decision.reasons.iter().filter_map(|reason| match reason {
        Reason::Code { id, .. } => Some(id.as_str()),
        _ => None,
    });
    codes.collect()
}

#[test]
fn a_national_provision_is_read_where_no_code_is_given() {
    let drugs = "Officers found forty kilos of cocaine in the truck and arrested the dealers.";
    let decision = declared(&[cited("art. 222-37 du Code pénal", &[])], drugs);
    assert_eq!(lead(&decision), "narcotics-organized-crime");
    assert_eq!(
        (decision.outcome, decision.basis),
        (Outcome::Route, Basis::Codes)
    );
    assert_eq!(code_ids(&decision)[0], "provision.fr-code-penal.222-37");
    // With a code, the code is believed.
    let mut both = offence("0204", &[]);
    both.national_provision = Some("art. 222-37 du Code pénal".to_owned());
    let decision = declared(&[both], "");
    assert_eq!(lead(&decision), "children-trafficking");
    assert_eq!(code_ids(&decision), ["code.0204"]);
}

#[test]
fn a_provision_mapped_from_memory_routes_only_where_the_text_agrees() {
    for narrative in [
        "",
        "The quarterly meeting of the housing association took place.",
    ] {
        let decision = declared(&[cited("§ 303b StGB", &[])], narrative);
        assert_eq!(
            (decision.outcome, lead(&decision)),
            (Outcome::Review, "cyber")
        );
        assert!(rule_ids(&decision).contains(&"codes.unchecked-provision"));
    }
    // A terrorist context that the sender declares holds without it.
    let decision = declared(&[cited("§ 211 StGB", &[Tag::Terrorism])], "");
    assert_eq!(
        (decision.outcome, lead(&decision)),
        (Outcome::Route, "terrorism")
    );
    let decision = declared(&[cited("§ 303b StGB", &[Tag::Terrorism])], "");
    assert_eq!(
        (decision.outcome, lead(&decision)),
        (Outcome::Route, "terrorism")
    );
}

#[test]
fn a_declared_code_goes_before_a_provision_mapped_from_memory() {
    let offences = [cited("§ 303b StGB", &[]), offence("0204", &[])];
    let decision = declared(&offences, "");
    assert_eq!(
        (decision.outcome, lead(&decision)),
        (Outcome::Route, "children-trafficking")
    );
    let supporting: Vec<&str> = decision.supporting.iter().map(UnitCode::as_str).collect();
    assert_eq!(supporting, ["cyber"]);
}

#[test]
fn laws_of_one_name_that_disagree_lead_nowhere() {
    let decision = declared(&[cited("Código Penal, art. 188, 376", &[])], "");
    assert_eq!(decision.lead, None);
    assert!(code_ids(&decision).contains(&"provision.of-several-laws"));
    let decision = declared(&[cited("(CO) Código Penal, art. 376", &[])], "");
    assert_eq!(lead(&decision), "narcotics-organized-crime");
}

#[test]
fn a_code_without_a_unit_leaves_the_text_to_decide() {
    let decision = declared(
        &[offence("0101", &[])],
        "A suicide bomber blew himself up in the market; Islamic State claimed the attack.",
    );
    assert_eq!(
        (decision.outcome, lead(&decision)),
        (Outcome::Route, "terrorism")
    );
    assert_eq!(decision.basis, Basis::Text);
}

#[test]
fn personal_use_is_never_routed_and_controlled_beliefs_raise_article_3() {
    let use_only = declared(
        &[offence("06011", &[])],
        "Two grams of cocaine for his own use.",
    );
    assert_eq!(
        (use_only.outcome, lead(&use_only)),
        (Outcome::Review, "none")
    );
    assert!(rule_ids(&use_only).contains(&"codes.not-referable"));

    let beliefs = declared(
        &[offence("0803", &[])],
        "Al-Qaida propaganda and explosives were found.",
    );
    assert!(beliefs.article_3);
    assert_eq!(beliefs.outcome, Outcome::Review);
}
