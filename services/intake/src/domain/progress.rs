//! Where a referral stands once it is admitted: a pure function of what is known.
//!
//! The facts come from two services, so they arrive in any interleaving. What is kept of them is
//! chosen so that the order does not matter and a repetition changes nothing: of each assignment the
//! latest step, of classification the latest word. [`Progress::state`] then looks at nothing else.

use liaison_types::{AssignmentId, Timestamp, UnitCode};

use super::facts::{Fact, FactKind};
use super::vocabulary::{
    AssignmentState, AssignmentStep, Outcome, ReferralState, RefusalGround, Role,
};

/// Whether it is admissible.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Admission {
    /// A reviewer has to decide.
    Pending,
    /// Admitted.
    Admitted,
    /// Refused.
    Refused,
}

/// The latest word of classification.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Classification {
    /// Position in classification's own counting.
    pub sequence: i64,
    /// When it was said; decides where positions are equal.
    pub at: Timestamp,
    /// The decision's revision; 0 where people have to decide.
    pub revision: i32,
    /// On what ground people refused it, as no unit's business.
    pub refusal: Option<RefusalGround>,
}

/// A unit's share, which is also its grant to open the dossier.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Grant {
    /// The assignment.
    pub assignment: AssignmentId,
    /// The unit.
    pub unit: UnitCode,
    /// Its part.
    pub role: Role,
    /// Where it stands.
    pub state: AssignmentState,
    /// The latest step's position.
    pub sequence: i64,
    /// Since when it leads; none where it never led.
    pub lead_since: Option<Timestamp>,
    /// Whether its first task was begun.
    pub work_started: bool,
    /// What came of it.
    pub outcome: Option<Outcome>,
}

impl Grant {
    /// Whether the unit may open the dossier: it has, may still take, or has done its share.
    #[must_use]
    pub const fn is_active(&self) -> bool {
        self.state.is_open() || matches!(self.state, AssignmentState::Completed)
    }

    /// Who leads if several seem to: whoever took over last.
    fn leads_since(&self) -> (Timestamp, AssignmentId) {
        (self.lead_since.unwrap_or_default(), self.assignment)
    }
}

/// All that is known.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Progress {
    /// Whether it is admissible.
    pub admission: Admission,
    /// What classification said last.
    pub classification: Option<Classification>,
    /// Every share there ever was, in the order of their ids.
    pub grants: Vec<Grant>,
    /// Its content was destroyed, which nothing undoes.
    pub purged: bool,
}

impl Progress {
    /// Where the referral stands.
    #[must_use]
    pub fn state(&self) -> ReferralState {
        if self.purged {
            return ReferralState::Purged;
        }
        match self.admission {
            Admission::Pending => return ReferralState::UnderReview,
            Admission::Refused => return ReferralState::Refused,
            Admission::Admitted => {}
        }
        if self.refusal().is_some() {
            return ReferralState::Refused;
        }
        match self.lead() {
            Some(lead) => match lead.state {
                AssignmentState::Completed => ReferralState::Completed,
                AssignmentState::Accepted | AssignmentState::TransferOffered
                    if lead.work_started =>
                {
                    ReferralState::InProgress
                }
                AssignmentState::Accepted | AssignmentState::TransferOffered => {
                    ReferralState::Accepted
                }
                _ => ReferralState::Routed,
            },
            None => match self.classification {
                Some(said) if said.revision > 0 => ReferralState::Classified,
                _ => ReferralState::Admitted,
            },
        }
    }

    /// On what ground it is refused, by people who found it no unit's business. A unit that has committed
    /// itself to lead keeps it: then it is not refused, whatever was said.
    #[must_use]
    pub fn refusal(&self) -> Option<RefusalGround> {
        let said = self.classification?.refusal?;
        let led = self.lead().is_some_and(|lead| {
            lead.state.is_committed() || lead.state == AssignmentState::Completed
        });
        (!led).then_some(said)
    }

    /// The share that leads, if one does.
    #[must_use]
    pub fn lead(&self) -> Option<&Grant> {
        self.grants
            .iter()
            .filter(|grant| grant.role == Role::Lead && grant.is_active())
            .max_by_key(|grant| grant.leads_since())
    }

    /// The units that support, each once.
    #[must_use]
    pub fn supporting(&self) -> Vec<UnitCode> {
        let lead = self.lead().map(|grant| &grant.unit);
        let mut units: Vec<UnitCode> = Vec::new();
        for grant in &self.grants {
            let supports = grant.role == Role::Supporting && grant.is_active();
            if supports && Some(&grant.unit) != lead && !units.contains(&grant.unit) {
                units.push(grant.unit.clone());
            }
        }
        units
    }

    /// What came of it.
    #[must_use]
    pub fn outcome(&self) -> Option<Outcome> {
        self.lead().and_then(|lead| lead.outcome)
    }

    /// Takes a fact in.
    pub fn apply(&mut self, fact: &Fact) {
        match &fact.kind {
            FactKind::Classified { revision, .. } => self.said(fact, *revision, None),
            FactKind::Refused { revision, ground } => self.said(fact, *revision, Some(*ground)),
            FactKind::TriageRequested { .. } => self.said(fact, 0, None),
            FactKind::Assignment {
                assignment,
                unit,
                role,
                step,
                state,
                outcome,
                ..
            } => {
                let leads = *role == Role::Lead
                    && matches!(step, AssignmentStep::Created | AssignmentStep::Promoted);
                let told = Grant {
                    assignment: *assignment,
                    unit: unit.clone(),
                    role: *role,
                    state: *state,
                    sequence: fact.sequence,
                    lead_since: leads.then_some(fact.at),
                    work_started: *step == AssignmentStep::WorkStarted,
                    outcome: *outcome,
                };
                match self
                    .grants
                    .binary_search_by_key(assignment, |grant| grant.assignment)
                {
                    Ok(place) => merge(&mut self.grants[place], &told),
                    Err(place) => self.grants.insert(place, told),
                }
            }
        }
    }

    fn said(&mut self, fact: &Fact, revision: i32, refusal: Option<RefusalGround>) {
        let said = Classification {
            sequence: fact.sequence,
            at: fact.at,
            revision,
            refusal,
        };
        self.classification = self.classification.max(Some(said));
    }
}

fn merge(known: &mut Grant, told: &Grant) {
    if told.sequence > known.sequence {
        (known.sequence, known.state, known.role) = (told.sequence, told.state, told.role);
    }
    known.lead_since = known.lead_since.max(told.lead_since);
    known.work_started |= told.work_started;
    known.outcome = known.outcome.or(told.outcome);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::referral::Actor;
    use liaison_types::{Party, Random, ReferralId, SeededRandom};
    use proptest::prelude::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    fn fact(sequence: i64, seconds: i64, kind: FactKind) -> Fact {
        Fact {
            referral: ReferralId::new(at(0), &SeededRandom::new(1)),
            sequence,
            at: at(seconds),
            actor: Actor::machine(Party::service("routing")),
            kind,
        }
    }

    fn classified(sequence: i64, seconds: i64, revision: i32) -> Fact {
        let lead = "cyber".parse().unwrap();
        fact(
            sequence,
            seconds,
            FactKind::Classified {
                revision,
                lead,
                rule: String::new(),
            },
        )
    }

    fn refused(sequence: i64, seconds: i64, revision: i32) -> Fact {
        let ground = RefusalGround::NotAnOffence;
        fact(sequence, seconds, FactKind::Refused { revision, ground })
    }

    fn triage(sequence: i64, seconds: i64) -> Fact {
        fact(
            sequence,
            seconds,
            FactKind::TriageRequested { cause: "DECLINED" },
        )
    }

    /// One assignment's facts, in its own order.
    fn assignment(
        number: u64,
        unit: &str,
        role: Role,
        from: i64,
        steps: &[AssignmentStep],
    ) -> Vec<Fact> {
        let mut role = role;
        let mut state = AssignmentState::Queued;
        steps
            .iter()
            .zip(1..)
            .map(|(step, sequence)| {
                state = match step {
                    AssignmentStep::Leased => AssignmentState::Leased,
                    AssignmentStep::Accepted | AssignmentStep::WorkStarted => {
                        AssignmentState::Accepted
                    }
                    AssignmentStep::Declined => AssignmentState::Declined,
                    AssignmentStep::Completed => AssignmentState::Completed,
                    AssignmentStep::DeadLettered => AssignmentState::DeadLettered,
                    AssignmentStep::Revoked => AssignmentState::Revoked,
                    AssignmentStep::Promoted => {
                        role = Role::Lead;
                        state
                    }
                    _ => AssignmentState::Queued,
                };
                fact(
                    sequence,
                    from + sequence,
                    FactKind::Assignment {
                        assignment: AssignmentId::new(at(from), &SeededRandom::new(number)),
                        unit: unit.parse().unwrap(),
                        role,
                        step: *step,
                        state,
                        decline_reason: None,
                        outcome: (*step == AssignmentStep::Completed).then_some(Outcome::NoTrace),
                    },
                )
            })
            .collect()
    }

    fn after(facts: &[Fact]) -> Progress {
        let mut progress = Progress {
            admission: Admission::Admitted,
            classification: None,
            grants: Vec::new(),
            purged: false,
        };
        for fact in facts {
            progress.apply(fact);
        }
        progress
    }

    /// The whole life of one referral: triage, a lead that declines, a supporter that is promoted and
    /// revoked, triage again, a refusal, a third decision that corrects it, a lead that completes.
    fn life() -> Vec<Vec<Fact>> {
        use AssignmentStep::{
            Accepted, Completed, Created, Declined, Leased, Promoted, Queued, Revoked, WorkStarted,
        };
        vec![
            vec![
                triage(1, 1),
                classified(2, 2, 1),
                triage(3, 40),
                refused(4, 45, 2),
                classified(5, 50, 3),
            ],
            assignment(
                1,
                "cyber",
                Role::Lead,
                10,
                &[Created, Queued, Leased, Declined],
            ),
            assignment(
                2,
                "terrorism",
                Role::Supporting,
                10,
                &[Created, Queued, Promoted, Leased, Revoked],
            ),
            assignment(
                3,
                "children-trafficking",
                Role::Lead,
                60,
                &[Created, Queued, Leased, Accepted, WorkStarted, Completed],
            ),
            assignment(
                4,
                "cyber",
                Role::Supporting,
                60,
                &[Created, Queued, Leased, Accepted],
            ),
        ]
    }

    /// Any interleaving that keeps each producer's own order.
    fn interleaved(lines: Vec<Vec<Fact>>, seed: u64) -> Vec<Fact> {
        let random = SeededRandom::new(seed);
        let mut lines: Vec<_> = lines.into_iter().map(Vec::into_iter).collect();
        let mut facts = Vec::new();
        while !lines.is_empty() {
            let place = usize::try_from(random.next_u64() % lines.len() as u64).unwrap();
            match lines[place].next() {
                Some(fact) => facts.push(fact),
                None => drop(lines.remove(place)),
            }
        }
        facts
    }

    proptest! {
        #[test]
        fn no_interleaving_changes_the_end(seed: u64) {
            let facts = interleaved(life(), seed);
            let progress = after(&facts);
            prop_assert_eq!(&progress, &after(&life().concat()));
            prop_assert_eq!(progress.state(), ReferralState::Completed);
            prop_assert_eq!(progress.outcome(), Some(Outcome::NoTrace));
            prop_assert_eq!(progress.supporting(), vec!["cyber".parse::<UnitCode>().unwrap()]);
        }

        #[test]
        fn no_order_and_no_repetition_changes_the_end(
            facts in Just(life().concat()).prop_shuffle(), again: prop::sample::Index,
        ) {
            let end = after(&facts);
            let mut twice = facts.clone();
            twice.insert(again.index(facts.len()), facts[again.index(facts.len())].clone());
            twice.extend(facts.iter().cloned());
            prop_assert_eq!(&after(&twice), &end);
            prop_assert_eq!(&end, &after(&life().concat()));
        }

        #[test]
        fn at_no_time_is_there_a_state_without_its_reason(seed: u64, cut: prop::sample::Index) {
            let facts = interleaved(life(), seed);
            let progress = after(&facts[..cut.index(facts.len() + 1)]);
            let state = progress.state();
            let led = matches!(
                state,
                ReferralState::Routed
                    | ReferralState::Accepted
                    | ReferralState::InProgress
                    | ReferralState::Completed
            );
            prop_assert_eq!(progress.refusal().is_some(), state == ReferralState::Refused);
            prop_assert!(!led || progress.lead().is_some(), "{}", state);
            prop_assert!(led || progress.refusal().is_some() || progress.lead().is_none(), "{}", state);
        }
    }

    #[test]
    fn the_state_follows_the_life() {
        use AssignmentStep::{Accepted, Completed, Created, Declined, Queued, WorkStarted};
        let lead = |steps: &[AssignmentStep]| assignment(1, "cyber", Role::Lead, 10, steps);
        let decided = [classified(1, 1, 1)];
        let state = |facts: &[Fact]| after(&[&decided, facts].concat()).state();
        assert_eq!(after(&[]).state(), ReferralState::Admitted);
        assert_eq!(state(&[]), ReferralState::Classified);
        assert_eq!(state(&lead(&[Created, Queued])), ReferralState::Routed);
        assert_eq!(state(&lead(&[Created, Accepted])), ReferralState::Accepted);
        assert_eq!(
            state(&lead(&[Created, Accepted, WorkStarted])),
            ReferralState::InProgress
        );
        let done = lead(&[Created, Accepted, WorkStarted, Completed]);
        assert_eq!(state(&done), ReferralState::Completed);
        let mut declined = lead(&[Created, Declined]);
        assert_eq!(state(&declined), ReferralState::Classified);
        declined.push(triage(2, 20));
        assert_eq!(state(&declined), ReferralState::Admitted);
    }

    #[test]
    fn people_refuse_what_nobody_has_committed_themselves_to_lead() {
        use AssignmentStep::{Accepted, Completed, Created, Declined, Leased, Queued, Revoked};
        let none = [classified(1, 1, 1), refused(2, 30, 2)];
        for (steps, state) in [
            (&[][..], ReferralState::Refused),
            (&[Created, Queued], ReferralState::Refused),
            (&[Created, Queued, Leased], ReferralState::Refused),
            (&[Created, Queued, Leased, Revoked], ReferralState::Refused),
            (&[Created, Declined], ReferralState::Refused),
            (&[Created, Accepted], ReferralState::Accepted),
            (&[Created, Accepted, Completed], ReferralState::Completed),
        ] {
            let lead = assignment(1, "cyber", Role::Lead, 10, steps);
            let progress = after(&[&none, &lead[..]].concat());
            assert_eq!(progress.state(), state, "{steps:?}");
            assert_eq!(after(&[&lead[..], &none].concat()), progress);
        }
        let supporting = assignment(1, "cyber", Role::Supporting, 10, &[Created, Accepted]);
        let progress = after(&[&none, &supporting[..]].concat());
        assert_eq!(progress.state(), ReferralState::Refused);
        // And it is decided otherwise.
        let again = [&none[..], &[classified(3, 40, 3)]].concat();
        assert_eq!(after(&again).state(), ReferralState::Classified);
    }

    #[test]
    fn admission_comes_before_everything() {
        let mut progress = after(&life().concat());
        progress.admission = Admission::Refused;
        assert_eq!(progress.state(), ReferralState::Refused);
        progress.admission = Admission::Pending;
        assert_eq!(progress.state(), ReferralState::UnderReview);
    }

    #[test]
    fn a_grant_lasts_until_the_share_ends() {
        use AssignmentStep::{Accepted, Completed, Created, DeadLettered, Declined, Revoked};
        for (steps, active) in [
            (&[Created][..], true),
            (&[Created, Accepted], true),
            (&[Created, Accepted, Completed], true),
            (&[Created, Declined], false),
            (&[Created, DeadLettered], false),
            (&[Created, Accepted, Revoked], false),
        ] {
            let progress = after(&assignment(1, "cyber", Role::Lead, 10, steps));
            assert_eq!(progress.grants[0].is_active(), active, "{steps:?}");
        }
    }
}
