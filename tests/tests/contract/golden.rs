//! Bytes as they travel and as they are kept. Programs of others were built on these, and databases
//! hold them: they may gain fields and never change.

use liaison_proto::common::{
    Actor, AssignmentRole, AssignmentState, Clock, Confidentiality, Markings, Offence, OffenceTag,
    Outcome, ReferralKind, ReferralState, RefusalGround, Urgency,
};
use liaison_proto::event::event::Data;
use liaison_proto::event::{
    AssignmentChanged, AssignmentStep, CaseClassified, DeliverEventsResponse, DeliveryResult,
    DeliveryStatus, Envelope, Event, ReferralChanged, ReferralStep,
};
use liaison_proto::intake::{
    Dossier, EvidenceEntry, GetDossierResponse, HistoryEntry, Person, PersonStatus,
    SubmitReferralRequest, WithheldItem,
};
use liaison_proto::notification::Notification;
use liaison_proto::routing::{Assignment, PulledAssignment};
use prost::Message;

/// Name, and bytes in hexadecimal, one message a line.
const GOLDEN: &str = include_str!("golden.txt");

const REFERRAL: &str = "referrals/0198c0de-0000-7000-8000-000000000001";
const ASSIGNMENT: &str = "assignments/0198c0de-0000-7000-8000-000000000002";

fn at(seconds: i64) -> prost_types::Timestamp {
    prost_types::Timestamp {
        seconds: 1_772_352_000 + seconds,
        nanos: 250_000,
    }
}

fn clock() -> Clock {
    Clock {
        started_at: Some(at(0)),
        due_at: Some(at(8 * 3_600)),
        rule: "completion.urgent.direct".to_owned(),
    }
}

fn markings() -> Markings {
    Markings {
        confidentiality: Confidentiality::Restricted.into(),
        handling: vec![1, 4],
        handling_text: "Ask first.".to_owned(),
        tlp: 3,
        pap: 4,
        excluded_countries: vec!["XK".to_owned()],
        excluded_units: vec!["terrorism".to_owned()],
    }
}

fn envelope() -> Envelope {
    Envelope {
        referral: REFERRAL.to_owned(),
        reference: "2026-FR-000123".to_owned(),
        bureau: "NB-FR".to_owned(),
        kind: ReferralKind::Alert.into(),
        urgency: Urgency::Urgent.into(),
        markings: Some(markings()),
        received_at: Some(at(0)),
        completion: Some(clock()),
        exercise: true,
    }
}

fn event(subject: &str, data: Data) -> Event {
    Event {
        id: "0198c0de-0000-7000-8000-0000000000ff".to_owned(),
        source: "liaison://service/intake".to_owned(),
        subject: subject.to_owned(),
        sequence: 300,
        time: Some(at(1)),
        traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned(),
        data: Some(data),
    }
}

fn submission() -> SubmitReferralRequest {
    SubmitReferralRequest {
        dossier: Some(Dossier {
            bureau_reference: "FR-1".to_owned(),
            kind: ReferralKind::RequestForAssistance.into(),
            offences: vec![Offence {
                iccs: "0701".to_owned(),
                tags: vec![OffenceTag::Cyber.into(), OffenceTag::OrganizedCrime.into()],
                national_provision: "art. 323-1".to_owned(),
            }],
            narrative: "تحويل أموال".to_owned(),
            persons: vec![Person {
                status: PersonStatus::Suspect.into(),
                family_name: "Varga".to_owned(),
                minor: true,
                ..Person::default()
            }],
            evidence: vec![EvidenceEntry {
                label: "disk".to_owned(),
                size_bytes: 1 << 40,
                sha256: vec![7; 32],
                child_sexual_abuse_material: true,
                ..EvidenceEntry::default()
            }],
            exercise: true,
            ..Dossier::default()
        }),
        request_id: "0198c0de-0000-7000-8000-000000000003".to_owned(),
        validate_only: true,
    }
}

fn marked() -> EvidenceEntry {
    EvidenceEntry {
        label: "statement".to_owned(),
        sha256: vec![8; 32],
        markings: Some(markings()),
        ..EvidenceEntry::default()
    }
}

fn opened() -> GetDossierResponse {
    GetDossierResponse {
        dossier: Some(Dossier {
            evidence: vec![marked()],
            ..Dossier::default()
        }),
        withheld: vec![WithheldItem {
            rules: vec!["markings.tlp-red.lead-only".to_owned()],
        }],
    }
}

fn history_entry() -> HistoryEntry {
    HistoryEntry {
        position: 7,
        step: ReferralStep::Accepted.into(),
        state: ReferralState::Accepted.into(),
        at: Some(at(2)),
        actor: Some(Actor {
            party: "unit/cyber".to_owned(),
            officer: "c.one".to_owned(),
        }),
        unit: "cyber".to_owned(),
        detail: "LEAD".to_owned(),
        digest: vec![9; 32],
        ..HistoryEntry::default()
    }
}

fn pulled() -> PulledAssignment {
    PulledAssignment {
        assignment: Some(Assignment {
            name: ASSIGNMENT.to_owned(),
            referral: REFERRAL.to_owned(),
            unit: "cyber".to_owned(),
            role: AssignmentRole::Supporting.into(),
            state: AssignmentState::Leased.into(),
            completion: Some(clock()),
            delivery_attempt: 2,
            outcome: Outcome::NoTrace.into(),
            rules: vec!["iccs.0903".to_owned()],
            bureau: "NB-FR".to_owned(),
            ..Assignment::default()
        }),
        lease_token: "token".to_owned(),
    }
}

/// Checks that `message` has the bytes of `name`, and that they are read as `message`.
fn check<M: Message + Default + PartialEq + std::fmt::Debug>(name: &str, message: &M) {
    let bytes = hex::encode(message.encode_to_vec());
    let golden = GOLDEN
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    let golden = golden.unwrap_or_else(|| panic!("add to golden.txt:\n{name} {bytes}"));
    assert_eq!(bytes, golden, "{name} changed its bytes");
    let read = M::decode(hex::decode(golden).unwrap().as_slice()).unwrap();
    assert_eq!(read, *message, "{name}");
}

#[test]
fn messages_keep_their_bytes() {
    check("submission", &submission());
    check("opened", &opened());
    check("history_entry", &history_entry());
    check("pulled", &pulled());
    let classified = CaseClassified {
        envelope: Some(envelope()),
        decision: "classifications/0198c0de-0000-7000-8000-000000000004".to_owned(),
        revision: 2,
        lead: "cyber".to_owned(),
        supporting: vec!["children-trafficking".to_owned()],
        desk: "threat-response".to_owned(),
        rules: vec!["tag.minor".to_owned()],
        by_person: true,
        ..CaseClassified::default()
    };
    check(
        "case_classified",
        &event(REFERRAL, Data::CaseClassified(classified)),
    );
    let refused = CaseClassified {
        envelope: Some(envelope()),
        decision: "classifications/0198c0de-0000-7000-8000-000000000005".to_owned(),
        revision: 3,
        rules: vec!["triage.desk".to_owned()],
        by_person: true,
        refusal_ground: RefusalGround::NotAnOffence.into(),
        actor: Some(Actor {
            party: "desk/triage".to_owned(),
            officer: "d.one".to_owned(),
        }),
        ..CaseClassified::default()
    };
    check(
        "case_refused",
        &event(REFERRAL, Data::CaseClassified(refused)),
    );
    let changed = AssignmentChanged {
        assignment: ASSIGNMENT.to_owned(),
        referral: REFERRAL.to_owned(),
        reference: "2026-FR-000123".to_owned(),
        unit: "cyber".to_owned(),
        role: AssignmentRole::Lead.into(),
        step: AssignmentStep::Promoted.into(),
        state: AssignmentState::DeadLettered.into(),
        decline_reason: 6,
        outcome: Outcome::Duplicate.into(),
        exercise: true,
        actor: Some(Actor {
            party: "unit/cyber".to_owned(),
            officer: String::new(),
        }),
    };
    check(
        "assignment_changed",
        &event(ASSIGNMENT, Data::AssignmentChanged(changed)),
    );
    let changed = ReferralChanged {
        referral: REFERRAL.to_owned(),
        reference: "2026-FR-000123".to_owned(),
        bureau: "NB-FR".to_owned(),
        step: ReferralStep::AssignmentEnded.into(),
        state: ReferralState::Purged.into(),
        unit: "cyber".to_owned(),
        detail: "REVOKED".to_owned(),
        exercise: true,
        ..ReferralChanged::default()
    };
    let notification = Notification {
        position: i64::MAX,
        event: Some(event(REFERRAL, Data::ReferralChanged(changed))),
    };
    check("notification", &notification);
    let results = DeliverEventsResponse {
        results: vec![DeliveryResult {
            status: DeliveryStatus::Rejected.into(),
            reason: "INVALID_ARGUMENT".to_owned(),
        }],
    };
    check("results", &results);
}

#[test]
fn what_a_later_version_adds_is_left_alone() {
    // A field that this version does not know (99), and an enum value that it does not know (99).
    let mut bytes = history_entry().encode_to_vec();
    bytes.extend_from_slice(&[0x9a, 0x06, 0x03, b'n', b'e', b'w', 0x10, 99]);
    let read = HistoryEntry::decode(bytes.as_slice()).unwrap();
    assert_eq!(read.step, 99);
    assert_eq!(
        HistoryEntry {
            step: ReferralStep::Accepted.into(),
            ..read
        },
        history_entry()
    );
}
