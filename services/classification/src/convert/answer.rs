//! What callers are answered.

use liaison_grpc::wire::{self, TriageItem};
use liaison_proto::classification as api;
use liaison_proto::{common, event};
use liaison_types::referral::RefusalGround;
use liaison_types::{Language, UnitCode};

use super::NONE;
use crate::case::{Course, Decided, Ground, GroundKind, Hinted, Place};
use crate::desk::{Correction, Label, Opened, Waiting, WeekFigures};

/// A decision without what people wrote of it, for whom it was not opened.
#[must_use]
pub fn listed(decided: &Decided) -> api::Decision {
    api::Decision {
        note: String::new(),
        ..decision(decided)
    }
}

/// A decision. One that is not kept (revision 0) has no name and no referral.
#[must_use]
pub fn decision(decided: &Decided) -> api::Decision {
    let kept = decided.revision > 0;
    let name = |name: String| if kept { name } else { String::new() };
    api::Decision {
        name: name(wire::resource(decided.id)),
        referral: name(wire::resource(decided.referral)),
        revision: decided.revision,
        outcome: match decided.course {
            Course::Route => api::DecisionOutcome::Route,
            Course::Review => api::DecisionOutcome::Review,
            Course::Refuse(_) => api::DecisionOutcome::Refuse,
        }
        .into(),
        refusal_ground: ground(decided.course),
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
        model: decided.model.clone(),
        language: language(decided.language),
        decided_at: Some(wire::timestamp(decided.at)),
        decided_by: decided
            .by
            .as_ref()
            .map(|by| wire::actor(&by.party, &by.officer)),
        note: decided.note.clone().unwrap_or_default(),
        suggestions: decided
            .suggestions
            .iter()
            .map(|suggestion| api::OffenceSuggestion {
                iccs: suggestion.iccs.to_string(),
                weight: suggestion.weight,
            })
            .collect(),
        urgency_hints: decided.urgency_hints.iter().map(urgency_hint).collect(),
    }
}

/// On what ground a case is refused; 0 where it is not.
pub(super) fn ground(course: Course) -> i32 {
    number(course.refusal())
}

fn number(ground: Option<RefusalGround>) -> i32 {
    ground.map_or(0, |ground| {
        wire::number::<common::RefusalGround>(ground.as_str())
    })
}

/// One reason, with the first place in the text; those in the title have none.
fn reason(ground: &Ground) -> api::Reason {
    let (start, end) = first_place(&ground.places);
    api::Reason {
        rule: match ground.kind {
            GroundKind::Rule | GroundKind::Code | GroundKind::Wording => ground.id.clone(),
            GroundKind::Concept => format!("concept.{}", ground.id),
        },
        unit: text_or(ground.unit.as_ref(), ""),
        weight: ground.weight,
        start,
        end,
    }
}

/// One sign that a case may be pressing, with its place as a reason has it.
fn urgency_hint(hint: &Hinted) -> api::UrgencyHint {
    let (start, end) = first_place(&hint.places);
    api::UrgencyHint {
        id: hint.id.clone(),
        start,
        end,
    }
}

/// The first place that is not in the title, from byte to byte; from 0 to 0 where there is none.
fn first_place(places: &[Place]) -> (i32, i32) {
    let byte = |at: u32| i32::try_from(at).unwrap_or(i32::MAX);
    let place = places.iter().find(|place| !place.title);
    place.map_or((0, 0), |place| (byte(place.start), byte(place.end)))
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

/// A referral as the desk knows it.
#[must_use]
pub fn opened(opened: &Opened) -> api::GetTriageItemResponse {
    api::GetTriageItemResponse {
        item: opened.item.as_ref().map(waiting),
        waits: opened.item.as_ref().is_some_and(|item| item.item.open),
        decisions: opened.decisions.iter().map(decision).collect(),
        corrections: opened.corrections.iter().map(correction).collect(),
    }
}

fn correction(correction: &Correction) -> api::Correction {
    let (before, after) = (correction.before.as_ref(), correction.after.as_ref());
    let machine = correction.machine.as_ref();
    let none_or = |lead: &Option<UnitCode>| text_or(lead.as_ref(), NONE);
    api::Correction {
        cause: wire::number::<api::CorrectionCause>(correction.cause.as_str()),
        before: before.map_or_else(String::new, |before| wire::resource(before.decision)),
        before_lead: before.map_or_else(String::new, |before| none_or(&before.lead)),
        after: after.map_or_else(String::new, |after| wire::resource(after.decision)),
        after_lead: after.map_or_else(String::new, |after| none_or(&after.lead)),
        rule_set: machine.map_or_else(String::new, |machine| machine.rule_set.clone()),
        language: language(machine.and_then(|machine| machine.language)),
        confidence: machine.and_then(|machine| machine.confidence),
        made_at: Some(wire::timestamp(correction.at)),
    }
}

/// A label.
#[must_use]
pub fn label(label: &Label) -> api::Label {
    let (correction, settled) = (&label.correction, &label.settled);
    let before = correction.before.as_ref();
    let measured = correction.machine.as_ref();
    api::Label {
        referral: wire::resource(correction.referral),
        cause: wire::number::<api::CorrectionCause>(correction.cause.as_str()),
        decision: wire::resource(settled.decision),
        before: before.map_or_else(String::new, |before| wire::resource(before.decision)),
        lead: text_or(settled.lead.as_ref(), NONE),
        supporting: settled.supporting.iter().map(ToString::to_string).collect(),
        language: language(measured.and_then(|measured| measured.language)),
        machine: label.machine.as_ref().map(|machine| api::MachineAnswer {
            decision: wire::resource(machine.id),
            lead: text_or(machine.lead.as_ref(), NONE),
            probability: machine.confidence().unwrap_or_default(),
            rule_set: machine.rule_set.clone(),
            concepts: machine.concepts().into_iter().map(str::to_owned).collect(),
        }),
        made_at: Some(wire::timestamp(correction.at)),
        exercise: correction.exercise,
        refusal_ground: number(label.ground),
    }
}

/// The figures of one week and rule set.
#[must_use]
pub fn week(figures: &WeekFigures) -> api::WeekFigures {
    api::WeekFigures {
        week: figures.week.to_string(),
        since: Some(wire::timestamp(figures.week.since())),
        rule_set: figures.rule_set.clone(),
        decisions: figures.decisions,
        leads: figures
            .leads
            .iter()
            .map(|(lead, decisions)| api::LeadFigures {
                lead: text_or(lead.as_ref(), NONE),
                decisions: *decisions,
            })
            .collect(),
        mean_confidence: figures.confidence,
        reviews: figures.reviews,
        review_share: figures.share(figures.reviews),
        changed: figures.changed,
        changed_share: figures.share(figures.changed),
    }
}

fn language(language: Option<Language>) -> i32 {
    language
        .map_or(common::Language::Unspecified, wire::language)
        .into()
}

fn text_or(code: Option<&impl ToString>, absent: &str) -> String {
    code.map_or_else(|| absent.to_owned(), ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desk::CorrectionCause;

    #[test]
    fn our_causes_are_the_schemas() {
        for cause in CorrectionCause::ALL {
            assert_ne!(wire::number::<api::CorrectionCause>(cause.as_str()), 0);
        }
        let known = |number| api::CorrectionCause::try_from(number).is_ok();
        let causes = (1..64).filter(|number| known(*number)).count();
        assert_eq!(causes, CorrectionCause::ALL.len());
    }
}
