//! What tests send.

use std::time::Duration;

use liaison_classification::case::Actor;
use liaison_grpc::wire;
use liaison_proto::common;
use liaison_proto::event::Envelope;
use liaison_proto::intake::ClassificationInput;
use liaison_types::{ReferralId, Timestamp};

pub fn duty_officer() -> Actor {
    Actor {
        party: "desk/triage".parse().unwrap(),
        officer: "d.officer".into(),
    }
}

/// A routine envelope.
pub fn envelope(referral: ReferralId, at: Timestamp) -> Envelope {
    Envelope {
        referral: wire::resource(referral),
        reference: "2026-FR-000123".into(),
        bureau: "NB-FR".into(),
        kind: common::ReferralKind::RequestForAssistance.into(),
        urgency: common::Urgency::Routine.into(),
        markings: Some(common::Markings::default()),
        received_at: Some(wire::timestamp(at)),
        completion: Some(wire::clock(
            at,
            at + Duration::from_secs(604_800),
            "completion.other",
        )),
        exercise: false,
    }
}

/// A dossier with this code, and a text that says nothing.
pub fn coded(iccs: &str) -> ClassificationInput {
    ClassificationInput {
        offences: vec![common::Offence {
            iccs: iccs.into(),
            ..common::Offence::default()
        }],
        title: "Request".into(),
        narrative: "The details are attached.".into(),
        language: common::Language::En.into(),
        ..ClassificationInput::default()
    }
}

/// A dossier that no machine can decide.
pub fn vague() -> ClassificationInput {
    ClassificationInput {
        offences: vec![common::Offence {
            national_provision: "Article 12".into(),
            ..common::Offence::default()
        }],
        title: "Request".into(),
        narrative: "Kindly assist in the matter we spoke of.".into(),
        ..ClassificationInput::default()
    }
}
