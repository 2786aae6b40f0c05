//! A dossier that somebody opens: the markings of its pieces, and what is served of it.

use liaison_grpc::wire::{Checks, Path, read_markings};
use liaison_proto::{common, intake};
use liaison_types::{Error, ErrorKind, Markings, Reason, Result};

use super::referral::dossier;
use crate::domain::Withheld;
use crate::ops::get_dossier::Opened;

/// The own markings of every piece of evidence in `content`, in its order. What a piece does not say is
/// as the markings of its referral say, and so is all of it where it says nothing.
///
/// # Errors
/// INCONSISTENT_DATA where the stored bytes are no dossier, or a marking makes no sense: nothing is
/// served that nobody can say who may see.
pub fn evidence_markings(content: &[u8], referral: &Markings) -> Result<Vec<Markings>> {
    let mut checks = Checks::default();
    let path = Path::root("evidence");
    let evidence = dossier(content)?.evidence.into_iter().enumerate();
    let markings = evidence
        .map(|(index, entry)| match &entry.markings {
            Some(given) => own(
                &mut checks,
                path.index(index).field("markings"),
                given,
                referral,
            ),
            None => referral.clone(),
        })
        .collect();
    if checks.is_clean() {
        Ok(markings)
    } else {
        Err(Error::new(ErrorKind::DataLoss, Reason::InconsistentData))
    }
}

/// A submission is read alike, but for what is not given: a referral then has the standard, and a piece
/// what its referral has. Else a piece that only names a restriction of another kind would be AMBER in a
/// referral that is GREEN.
fn own(
    checks: &mut Checks,
    path: Path<'_>,
    given: &common::Markings,
    referral: &Markings,
) -> Markings {
    let read = read_markings(checks, path, Some(given));
    let mut own = Markings {
        handling_text: String::new(),
        ..read
    };
    if given.confidentiality == 0 {
        own.confidentiality = referral.confidentiality;
    }
    if given.handling.is_empty() {
        own.handling.clone_from(&referral.handling);
    }
    if given.tlp == 0 {
        own.tlp = referral.tlp;
    }
    if given.pap == 0 {
        own.pap = referral.pap;
    }
    own
}

/// What is served: the dossier as it was submitted, without what is withheld.
///
/// # Errors
/// INCONSISTENT_DATA where the stored bytes are none.
pub fn opened(opened: &Opened) -> Result<intake::GetDossierResponse> {
    let mut dossier = dossier(&opened.content)?;
    let mut index = 0..;
    dossier.evidence.retain(|_| {
        let index = index.next();
        !opened.withheld.iter().any(|item| Some(item.index) == index)
    });
    Ok(intake::GetDossierResponse {
        dossier: Some(dossier),
        withheld: opened.withheld.iter().map(withheld).collect(),
    })
}

fn withheld(item: &Withheld) -> intake::WithheldItem {
    intake::WithheldItem {
        rules: item.rules(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use liaison_policy::{Facts, Policy, Question};
    use liaison_types::{Confidentiality, Handling, Pap, Tlp};
    use prost::Message as _;

    fn content(pieces: impl IntoIterator<Item = Option<common::Markings>>) -> Vec<u8> {
        let evidence =
            pieces
                .into_iter()
                .zip(0_u32..)
                .map(|(markings, number)| intake::EvidenceEntry {
                    label: format!("piece {number}"),
                    markings,
                    ..intake::EvidenceEntry::default()
                });
        intake::Dossier {
            evidence: evidence.collect(),
            ..intake::Dossier::default()
        }
        .encode_to_vec()
    }

    #[test]
    fn what_a_piece_does_not_say_is_as_its_referral_says() {
        let referral = Markings {
            confidentiality: Confidentiality::Restricted,
            handling: vec![Handling::H1],
            tlp: Tlp::Green,
            pap: Pap::Clear,
            excluded_units: vec!["cyber".parse().unwrap()],
            ..Markings::default()
        };
        let excluding = common::Markings {
            excluded_countries: vec!["XK".into()],
            ..common::Markings::default()
        };
        let red = common::Markings {
            handling: vec![common::HandlingCode::H3.into()],
            handling_text: "Ask first.".into(),
            tlp: common::Tlp::Red.into(),
            ..common::Markings::default()
        };
        let content = content([None, Some(excluding), Some(red)]);
        let read = evidence_markings(&content, &referral).unwrap();
        assert_eq!(
            read,
            [
                referral.clone(),
                Markings {
                    excluded_countries: vec!["XK".parse().unwrap()],
                    excluded_units: Vec::new(),
                    ..referral.clone()
                },
                Markings {
                    handling: vec![Handling::H3],
                    tlp: Tlp::Red,
                    excluded_units: Vec::new(),
                    ..referral.clone()
                },
            ]
        );
        // Each is bound by both.
        for own in read {
            assert!(referral.tighten(&own).is_at_least_as_strict_as(&referral));
        }
    }

    #[test]
    fn what_cannot_be_read_opens_nothing() {
        let later = common::Markings {
            tlp: 99,
            ..common::Markings::default()
        };
        let standard = Markings::default();
        for wrong in [content([None, Some(later)]), vec![0xff]] {
            let error = evidence_markings(&wrong, &standard).unwrap_err();
            assert_eq!(error.reason(), Reason::InconsistentData);
        }
    }

    #[test]
    fn what_is_withheld_is_not_in_the_answer() {
        let facts = Facts::new(Question::ViewItem);
        let refusal = Policy::built_in().decide(facts);
        let answer = opened(&Opened {
            content: content([None, None, None, None]),
            withheld: [0, 2]
                .map(|index| Withheld {
                    index,
                    refusals: vec![refusal.clone(), refusal.clone()],
                })
                .into(),
        })
        .unwrap();
        let labels: Vec<_> = answer.dossier.unwrap().evidence;
        let labels: Vec<&str> = labels.iter().map(|entry| entry.label.as_str()).collect();
        assert_eq!(labels, ["piece 1", "piece 3"]);
        let told = intake::WithheldItem {
            rules: vec!["view.no-need-to-know".into()],
        };
        assert_eq!(answer.withheld, [told.clone(), told]);
    }
}
