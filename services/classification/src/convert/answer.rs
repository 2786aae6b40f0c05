//! What callers are answered.

use liaison_grpc::wire::{self, TriageItem};
use liaison_proto::classification as api;
use liaison_proto::{common, event};

use crate::case::{Decided, Ground, GroundKind};
use crate::desk::Waiting;
use crate::domain::Outcome;

/// What stands for none of the units.
const NONE: &str = "none";

/// A decision. One that is not kept (revision 0) has no name and no referral.
#[must_use]
pub fn decision(decided: &Decided) -> api::Decision {
    let kept = decided.revision > 0;
    let name = |name: String| if kept { name } else { String::new() };
    api::Decision {
        name: name(wire::resource(decided.id)),
        referral: name(wire::resource(decided.referral)),
        revision: decided.revision,
        outcome: match decided.outcome {
            Outcome::Route => api::DecisionOutcome::Route,
            Outcome::Review => api::DecisionOutcome::Review,
        }
        .into(),
        lead: text_or(decided.lead.as_ref(), NONE),
        supporting: decided.supporting.iter().map(ToString::to_string).collect(),
        desk: text_or(decided.desk.as_ref(), ""),
        units: decided
            .probabilities
            .iter()
            .map(|answer| api::UnitProbability {
                unit: text_or(answer.unit.as_ref(), NONE),
                probability: answer.probability,
            })
            .collect(),
        reasons: decided.grounds.iter().map(reason).collect(),
        rule_set: decided.rule_set.clone(),
        model: String::new(),
        language: decided
            .language
            .map_or(common::Language::Unspecified, wire::language)
            .into(),
        decided_at: Some(wire::timestamp(decided.at)),
        decided_by: decided
            .by
            .as_ref()
            .map(|by| wire::actor(&by.party, &by.officer)),
        note: decided.note.clone().unwrap_or_default(),
    }
}

/// One reason, with the first place in the text; those in the title have none.
fn reason(ground: &Ground) -> api::Reason {
    let place = ground.places.iter().find(|place| !place.title);
    let byte = |at: u32| i32::try_from(at).unwrap_or(i32::MAX);
    api::Reason {
        rule: match ground.kind {
            GroundKind::Rule | GroundKind::Code | GroundKind::Wording => ground.id.clone(),
            GroundKind::Concept => format!("concept.{}", ground.id),
        },
        unit: text_or(ground.unit.as_ref(), ""),
        weight: ground.weight,
        start: place.map_or(0, |place| byte(place.start)),
        end: place.map_or(0, |place| byte(place.end)),
    }
}

/// An item of the desk.
#[must_use]
pub fn waiting(waiting: &Waiting) -> api::TriageItem {
    let item = &waiting.item;
    api::TriageItem {
        name: wire::resource(TriageItem(item.referral)),
        referral: wire::resource(item.referral),
        reference: waiting.envelope.reference.clone(),
        cause: wire::number::<event::TriageCause>(item.cause.as_str()),
        urgency: wire::number::<common::Urgency>(item.urgency.as_str()),
        waiting_since: Some(wire::timestamp(item.waiting_since)),
        proposal: waiting.proposal.as_ref().map(decision),
        excluded_units: waiting.excluded.iter().map(ToString::to_string).collect(),
        exercise: item.exercise,
    }
}

fn text_or(code: Option<&impl ToString>, absent: &str) -> String {
    code.map_or_else(|| absent.to_owned(), ToString::to_string)
}
