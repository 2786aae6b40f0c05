//! Dossiers of our own writing.

use liaison_proto::{common, intake};
use prost_types::Timestamp;

/// 2026-02-27T22:15:00Z.
const BEFORE: Timestamp = Timestamp {
    seconds: 1_772_230_500,
    nanos: 0,
};

/// A dossier with every element, which screening admits.
pub(crate) fn dossier() -> intake::Dossier {
    intake::Dossier {
        bureau_reference: "BCN/2026/0417".into(),
        kind: common::ReferralKind::RequestForAssistance.into(),
        authority: Some(intake::RequestingAuthority {
            name: "Office central".into(),
            address: "1, rue du Port\n69000 Lyon".into(),
            authorising_officer: "Cmdt A. Premier".into(),
        }),
        offences: vec![common::Offence {
            iccs: "0204".into(),
            tags: vec![common::OffenceTag::Minor.into()],
            national_provision: "Code pénal, art. 225-4-1".into(),
        }],
        title: "Recrutement par de fausses annonces d'emploi".into(),
        narrative: "Deux personnes ont été recrutées par une annonce et retenues.".into(),
        language: common::Language::Fr.into(),
        occurrences: vec![intake::Occurrence {
            place: "Lyon".into(),
            country: "FR".into(),
            from: Some(BEFORE),
            to: None,
        }],
        purpose: intake::Purpose::InvestigationInformation.into(),
        persons: vec![
            intake::Person {
                status: intake::PersonStatus::Suspect.into(),
                family_name: "Durand".into(),
                given_names: "Luc".into(),
                aliases: vec!["Le Recruteur".into()],
                date_of_birth: "1984-11".into(),
                nationalities: vec!["FR".into()],
                purpose_link: "Placed the advertisement.".into(),
                ..intake::Person::default()
            },
            intake::Person {
                status: intake::PersonStatus::Victim.into(),
                identity_unknown: true,
                minor: true,
                purpose_link: "Answered the advertisement.".into(),
                ..intake::Person::default()
            },
        ],
        identifiers: vec![intake::Identifier {
            kind: intake::IdentifierKind::Phone.into(),
            value: "+33 6 12 34 56 78".into(),
        }],
        requested_actions: vec![intake::RequestedAction::IdentifySuspect.into()],
        objective_reasons: "The number was used from several countries.".into(),
        urgency: None,
        legal_basis: Some(intake::LegalBasis {
            provision: "Bilateral treaty of 2009, art. 4".into(),
            authorisation_reference: "TGI-77/26".into(),
            authorisation_issuer: "Tribunal judiciaire de Lyon".into(),
            authorisation_valid_until: Some(Timestamp {
                seconds: 4_102_444_800,
                nanos: 0,
            }),
        }),
        markings: Some(common::Markings {
            excluded_units: vec!["terrorism".into()],
            ..common::Markings::default()
        }),
        evaluation: Some(intake::Evaluation {
            scheme: "4x4".into(),
            source: "B".into(),
            information: "2".into(),
        }),
        evidence: vec![intake::EvidenceEntry {
            label: "Screenshot of the advertisement".into(),
            media_type: "image/png".into(),
            size_bytes: 48_213,
            sha256: vec![7; 32],
            collected_at: Some(BEFORE),
            collected_by: "Brigade numérique".into(),
            ..intake::EvidenceEntry::default()
        }],
        exercise: false,
    }
}

/// A dossier that screening flags: a suspected minor.
pub(crate) fn flagged() -> intake::Dossier {
    let mut dossier = dossier();
    dossier.persons[0].minor = true;
    dossier
}

/// An urgent dossier.
pub(crate) fn urgent() -> intake::Dossier {
    intake::Dossier {
        urgency: Some(intake::UrgencyClaim {
            urgency: common::Urgency::Urgent.into(),
            ground: common::UrgencyGround::LossOfRelevance.into(),
            reason: "The logs are kept for two days.".into(),
        }),
        ..dossier()
    }
}

/// Asks to submit it under a request id made of `number`.
pub(crate) fn submission(dossier: intake::Dossier, number: u128) -> intake::SubmitReferralRequest {
    intake::SubmitReferralRequest {
        dossier: Some(dossier),
        request_id: uuid::Uuid::from_u128(0xa000 + number).to_string(),
        validate_only: false,
    }
}
