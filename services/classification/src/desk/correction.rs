//! What is said of a decision afterwards: that it was right, or what is right instead.
//!
//! It is what the machine learns from. Nothing here holds words: ids, codes and numbers only, so that it
//! outlives a purge.

use liaison_types::referral::RefusalGround;
use liaison_types::{CorrectionId, DecisionId, Language, ReferralId, Timestamp, UnitCode};

use super::TriageCause;
use crate::case::Decided;

liaison_types::names! {
    /// What brought a correction about.
    CorrectionCause {
        /// The desk ruled otherwise than the machine proposed.
        Ruling = "RULING",
        /// The desk ruled as the machine proposed.
        Confirmed = "CONFIRMED",
        /// The unit that was to lead says it is the wrong one.
        WrongUnit = "WRONG_UNIT",
        /// The desk corrected a decision that routing had, or a refusal.
        Correction = "CORRECTION",
        /// The machine decided otherwise after what it had decided on was amended.
        Amendment = "AMENDMENT",
        /// The desk ruled otherwise because the unit that fits could not have it: it declined, did not
        /// answer, or must not have it, or another that led in its place says it is the wrong one. That
        /// says nothing of what kind of case it is.
        Reassigned = "REASSIGNED",
    }
}

impl CorrectionCause {
    /// Whether it says what kind of case it is.
    #[must_use]
    pub const fn is_label(self) -> bool {
        !matches!(self, Self::Reassigned)
    }

    /// Whether a person said it. Only people tell the machine what it does not know.
    #[must_use]
    pub const fn by_people(self) -> bool {
        !matches!(self, Self::Amendment)
    }
}

/// What a decision comes to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    /// The decision.
    pub decision: DecisionId,
    /// The unit that leads; none where it is no unit's business.
    pub lead: Option<UnitCode>,
}

impl From<&Decided> for Answer {
    fn from(decided: &Decided) -> Self {
        Self {
            decision: decided.id,
            lead: decided.lead.clone(),
        }
    }
}

/// What was decided in the end.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settled {
    /// The decision.
    pub decision: DecisionId,
    /// The unit that leads; none where it is no unit's business.
    pub lead: Option<UnitCode>,
    /// Units that support.
    pub supporting: Vec<UnitCode>,
}

impl From<&Decided> for Settled {
    fn from(decided: &Decided) -> Self {
        Self {
            decision: decided.id,
            lead: decided.lead.clone(),
            supporting: decided.supporting.clone(),
        }
    }
}

/// The machine's decision that a correction speaks of, as figures need it.
#[derive(Clone, PartialEq, Debug)]
pub struct Measured {
    /// The decision.
    pub decision: DecisionId,
    /// The version of its rule set.
    pub rule_set: String,
    /// The language of the text.
    pub language: Option<Language>,
    /// How probable its answer was, from the text alone.
    pub confidence: Option<f64>,
}

impl From<&Decided> for Measured {
    fn from(decided: &Decided) -> Self {
        Self {
            decision: decided.id,
            rule_set: decided.rule_set.clone(),
            language: decided.language,
            confidence: decided.confidence(),
        }
    }
}

/// What was said of a decision.
#[derive(Clone, PartialEq, Debug)]
pub struct Correction {
    /// Its id.
    pub id: CorrectionId,
    /// The referral.
    pub referral: ReferralId,
    /// What brought it about.
    pub cause: CorrectionCause,
    /// The decision it is about; none where the machine could not decide.
    pub before: Option<Answer>,
    /// What was decided then; none while nobody has.
    pub after: Option<Settled>,
    /// The machine's decision that it speaks of; none where the machine made none.
    pub machine: Option<Measured>,
    /// Training traffic.
    pub exercise: bool,
    /// When it was said.
    pub at: Timestamp,
}

/// What a label rests on: a correction that was settled, with the machine's decision it speaks of.
#[derive(Clone, PartialEq, Debug)]
pub struct Label {
    /// The correction.
    pub correction: Correction,
    /// What was decided in the end.
    pub settled: Settled,
    /// The machine's decision; none where the machine made none.
    pub machine: Option<Decided>,
    /// On what ground it was refused, where it was.
    pub ground: Option<RefusalGround>,
}

/// The latest decision and the machine's latest one among `decisions`, the newest first.
#[must_use]
pub fn latest(decisions: &[Decided]) -> (Option<&Decided>, Option<&Decided>) {
    let by_machine = decisions.iter().find(|decided| decided.by.is_none());
    (decisions.first(), by_machine)
}

/// Whether a ground says of a case what it is, and not only that nobody can have it.
const fn says_what_it_is(ground: RefusalGround) -> bool {
    !matches!(ground, RefusalGround::NotAvailable)
}

/// What a ruling at the desk says of what was decided before, the newest first, where the item came to the
/// desk for `item`. Nothing where a person is repeated.
#[must_use]
pub fn ruled(before: &[Decided], item: TriageCause, ruling: &Decided) -> Option<CorrectionCause> {
    let (latest, machine) = latest(before);
    let same = latest.is_some_and(|latest| latest.answers_as(ruling));
    if same {
        let by_machine = latest.is_some_and(|latest| latest.by.is_none());
        return by_machine.then_some(CorrectionCause::Confirmed);
    }
    match item {
        TriageCause::Uncertain
        | TriageCause::Contradiction
        | TriageCause::NoUnit
        | TriageCause::WrongUnit => Some(CorrectionCause::Ruling),
        // Which units could not have it is no matter then.
        _ if ruling.course.refusal().is_some_and(says_what_it_is) => Some(CorrectionCause::Ruling),
        // The machine named a unit that could not have it.
        TriageCause::Declined | TriageCause::DeadLettered | TriageCause::NotPermitted => {
            Some(match machine {
                Some(_) => CorrectionCause::Reassigned,
                None => CorrectionCause::Ruling,
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::{Actor, Course, Probable};
    use liaison_types::SeededRandom;

    fn unit(name: &str) -> UnitCode {
        name.parse().unwrap()
    }

    fn decided(lead: Option<&str>, supporting: &[&str], by_person: bool) -> Decided {
        let (at, random) = (Timestamp::from_seconds(1), SeededRandom::new(1));
        Decided {
            id: DecisionId::new(at, &random),
            referral: ReferralId::new(at, &random),
            revision: 1,
            course: Course::Review,
            lead: lead.map(unit),
            supporting: supporting.iter().map(|name| unit(name)).collect(),
            desk: None,
            probabilities: Vec::new(),
            grounds: Vec::new(),
            suggestions: Vec::new(),
            urgency_hints: Vec::new(),
            rule_set: String::new(),
            model: String::new(),
            making: None,
            language: None,
            at,
            by: by_person.then(|| Actor {
                party: "desk/triage".parse().unwrap(),
                officer: "d.officer".into(),
            }),
            note: None,
            exercise: false,
        }
    }

    #[test]
    fn a_ruling_confirms_or_corrects_what_the_machine_proposed() {
        use CorrectionCause::{Confirmed, Reassigned, Ruling};
        let machine = decided(Some("cyber"), &["terrorism", "children-trafficking"], false);
        let as_proposed = decided(Some("cyber"), &["children-trafficking", "terrorism"], true);
        let another_lead = decided(Some("terrorism"), &[], true);
        let less_support = decided(Some("cyber"), &["terrorism"], true);
        for (ruling, item, cause) in [
            (&as_proposed, TriageCause::Uncertain, Confirmed),
            (&as_proposed, TriageCause::DeadLettered, Confirmed),
            (&another_lead, TriageCause::Uncertain, Ruling),
            (&another_lead, TriageCause::NoUnit, Ruling),
            (&less_support, TriageCause::Contradiction, Ruling),
            (&another_lead, TriageCause::WrongUnit, Ruling),
            (&another_lead, TriageCause::NotPermitted, Reassigned),
            (&another_lead, TriageCause::Declined, Reassigned),
            (&another_lead, TriageCause::DeadLettered, Reassigned),
        ] {
            let said = ruled(std::slice::from_ref(&machine), item, ruling);
            assert_eq!(said, Some(cause), "{item}");
        }
        // Nobody's business, says the machine.
        let nobody = decided(None, &[], false);
        let said = ruled(&[nobody], TriageCause::NoUnit, &another_lead);
        assert_eq!(said, Some(Ruling));
        let nobody = decided(None, &[], true);
        for proposed in [&[][..], &["cyber"]] {
            let proposal = decided(None, proposed, false);
            let said = ruled(&[proposal], TriageCause::NoUnit, &nobody);
            assert_eq!(said, Some(Confirmed), "{proposed:?}");
        }
        let said = ruled(
            std::slice::from_ref(&machine),
            TriageCause::Uncertain,
            &nobody,
        );
        assert_eq!(said, Some(Ruling));
        // The machine could not decide.
        let said = ruled(&[], TriageCause::Uncertain, &another_lead);
        assert_eq!(said, Some(Ruling));
    }

    #[test]
    fn who_repeats_a_person_says_nothing_new() {
        let before = [
            decided(Some("terrorism"), &[], true),
            decided(Some("cyber"), &[], false),
        ];
        let again = decided(Some("terrorism"), &[], true);
        assert_eq!(ruled(&before, TriageCause::DeadLettered, &again), None);
        let other = decided(Some("cyber"), &[], true);
        let said = ruled(&before, TriageCause::Declined, &other);
        assert_eq!(said, Some(CorrectionCause::Reassigned));
    }

    #[test]
    fn the_confidence_is_that_of_its_own_answer() {
        let answers = |lead| Decided {
            probabilities: vec![
                Probable {
                    unit: Some(unit("cyber")),
                    probability: 0.75,
                },
                Probable {
                    unit: None,
                    probability: 0.25,
                },
            ],
            ..decided(lead, &[], false)
        };
        assert_eq!(answers(Some("cyber")).confidence(), Some(0.75));
        assert_eq!(answers(None).confidence(), Some(0.25));
        assert_eq!(answers(Some("terrorism")).confidence(), None);
    }
}
