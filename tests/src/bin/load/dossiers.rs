//! Dossiers of a given size.

use std::sync::atomic::{AtomicU64, Ordering};

use liaison_proto::common::{Language, Markings, Offence, ReferralKind, Urgency};
use liaison_proto::intake::{
    Dossier, LegalBasis, Occurrence, Person, PersonStatus, Purpose, RequestedAction,
    RequestingAuthority, SubmitReferralRequest, UrgencyClaim,
};
use liaison_types::{Clock as _, SystemClock, SystemRandom};
use prost::Message as _;

/// Bytes of a dossier on the wire.
pub(crate) const BYTES: usize = 4096;

static NUMBER: AtomicU64 = AtomicU64::new(1);

/// ICCS codes that each lead to one unit by themselves.
const OFFENCES: [&str; 4] = ["02042", "09032", "060121", "09062"];

/// A submission of a dossier of [`BYTES`] bytes with three persons, each different from the last.
pub(crate) fn submission() -> SubmitReferralRequest {
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let mut dossier = Dossier {
        bureau_reference: format!("LOAD-{number}"),
        kind: ReferralKind::RequestForAssistance.into(),
        authority: Some(RequestingAuthority {
            name: "National Bureau, Load Desk".to_owned(),
            address: "1 Measured Mile".to_owned(),
            authorising_officer: "Insp. L. Oad".to_owned(),
        }),
        offences: vec![Offence {
            iccs: OFFENCES[usize::try_from(number % 4).unwrap_or_default()].to_owned(),
            ..Offence::default()
        }],
        title: format!("Case {number}"),
        language: Language::En.into(),
        occurrences: vec![Occurrence {
            country: "FR".to_owned(),
            from: Some(prost_types::Timestamp {
                seconds: 1_772_352_000,
                nanos: 0,
            }),
            ..Occurrence::default()
        }],
        purpose: Purpose::InvestigationInformation.into(),
        persons: (0..3).map(|index| person(number, index)).collect(),
        requested_actions: vec![RequestedAction::ProvideInformation.into()],
        objective_reasons: "The number called is registered in your region.".to_owned(),
        urgency: Some(UrgencyClaim {
            urgency: Urgency::Routine.into(),
            ..UrgencyClaim::default()
        }),
        legal_basis: Some(LegalBasis {
            provision: "Police Cooperation Act, s. 4".to_owned(),
            ..LegalBasis::default()
        }),
        markings: Some(Markings::default()),
        ..Dossier::default()
    };
    // The field itself takes a tag and two bytes of length.
    let left = BYTES.saturating_sub(dossier.encoded_len() + 3);
    dossier.narrative = narrative(number, left);
    SubmitReferralRequest {
        dossier: Some(dossier),
        request_id: liaison_types::id::uuid_v7(SystemClock.now(), &SystemRandom).to_string(),
        validate_only: false,
    }
}

fn person(number: u64, index: u64) -> Person {
    Person {
        status: PersonStatus::Suspect.into(),
        family_name: format!("Family {number}"),
        given_names: format!("Given {index}"),
        nationalities: vec!["FR".to_owned()],
        purpose_link: "Was called by the number under investigation.".to_owned(),
        ..Person::default()
    }
}

/// Plain prose of `bytes` bytes; the numbers in it keep it from compressing better than prose does.
fn narrative(number: u64, bytes: usize) -> String {
    let mut text = String::with_capacity(bytes + 80);
    let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    while text.len() < bytes {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        text.push_str(&format!(
            "On day {} a call of {} seconds was made; ",
            state % 365,
            state >> 44
        ));
    }
    text.truncate(bytes);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dossiers_have_the_size_they_say() {
        for _ in 0..10 {
            let dossier = submission().dossier.unwrap();
            assert!(
                dossier.encoded_len().abs_diff(BYTES) <= 2,
                "{}",
                dossier.encoded_len()
            );
            assert_eq!(dossier.persons.len(), 3);
        }
    }
}
