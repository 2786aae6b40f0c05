//! A unit's share of a referral.

use std::time::Duration;

use liaison_types::{
    AssignmentId, DeskCode, Error, ErrorKind, Reason, ReferralId, Result, Timestamp, UnitCode,
};

use crate::domain::assignment_state::{AssignmentState, AssignmentStep, next};
use crate::domain::lease::{Lease, LeaseTerms, TokenHash};
use crate::domain::vocabulary::{DeclineReason, Outcome, Role};

/// The version of a new assignment, which is also the sequence of its first event.
pub const FIRST_VERSION: i64 = 1;

/// A unit's share of a referral. It changes by the methods below only, and every change has a new
/// version.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Assignment {
    /// Its id.
    pub id: AssignmentId,
    /// The referral.
    pub referral: ReferralId,
    /// The unit.
    pub unit: UnitCode,
    /// The unit's desk, where the decision names one.
    pub desk: Option<DeskCode>,
    /// The unit's part.
    pub role: Role,
    /// Where it stands.
    pub state: AssignmentState,
    /// Intake has acknowledged the grant; only then can it be pulled.
    pub granted: bool,
    /// Rules that sent it here.
    pub rules: Vec<String>,
    /// The present lease. After an answer the last one stays, so that a repeated call is recognised.
    pub lease: Option<Lease>,
    /// 1 + releases + expiries.
    pub attempt: i32,
    /// Its first task was begun.
    pub work_started: bool,
    /// Why it was declined.
    pub decline_reason: Option<DeclineReason>,
    /// What came of it.
    pub outcome: Option<Outcome>,
    /// What the unit said when it declined or completed, as it is kept: nobody reads it here.
    pub note: Option<Vec<u8>>,
    /// Counts the changes; ascending, and the sequence of the events.
    pub version: i64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// The trace that created it; what the hub does later by itself belongs there.
    pub traceparent: Option<String>,
}

impl Assignment {
    /// Whether the referral is still the unit's business: it has, may still take, or has done its
    /// share. As long as that, intake shows it the referral, and not any longer.
    #[must_use]
    pub const fn is_current(&self) -> bool {
        self.state.is_open() || matches!(self.state, AssignmentState::Completed)
    }

    /// Takes the step, or refuses it and changes nothing.
    fn step(&mut self, step: AssignmentStep, now: Timestamp) -> Result<AssignmentStep> {
        self.state = next(self.state, step)?;
        self.version += 1;
        self.updated_at = now;
        Ok(step)
    }

    /// Checks that the caller holds the lease and that it has not run out.
    fn check_lease(&self, proof: TokenHash, now: Timestamp) -> Result<()> {
        let holds = match self.state {
            AssignmentState::Queued => false,
            AssignmentState::Leased => self
                .lease
                .is_some_and(|lease| lease.token == proof && lease.holds(now)),
            // There is no lease to prove any more; the table says what is possible.
            _ => true,
        };
        if holds {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::FailedPrecondition,
            Reason::StaleLease,
        ))
    }

    /// The caller repeats the call that led to `state`, its answer having been lost.
    fn is_repetition(&self, state: AssignmentState, proof: TokenHash) -> bool {
        self.state == state && self.lease.is_some_and(|lease| lease.token == proof)
    }

    /// Intake has acknowledged the grant. `None` where that changes nothing any more.
    pub fn grant(&mut self, now: Timestamp) -> Option<AssignmentStep> {
        if self.granted {
            return None;
        }
        let step = self.step(AssignmentStep::Queued, now).ok()?;
        self.granted = true;
        Some(step)
    }

    /// A unit pulls it.
    ///
    /// # Errors
    /// ILLEGAL_STATE where it does not wait to be pulled.
    pub fn pull(&mut self, lease: Lease) -> Result<AssignmentStep> {
        if !self.granted {
            return Err(Error::illegal_state(
                AssignmentStep::Leased.as_str(),
                self.state.as_str(),
            ));
        }
        let step = self.step(AssignmentStep::Leased, lease.pulled_at)?;
        self.lease = Some(lease);
        Ok(step)
    }

    /// The unit commits itself. `None` where it has by the same lease before.
    ///
    /// # Errors
    /// STALE_LEASE, ILLEGAL_STATE.
    pub fn accept(&mut self, proof: TokenHash, now: Timestamp) -> Result<Option<AssignmentStep>> {
        if self.is_repetition(AssignmentState::Accepted, proof) {
            return Ok(None);
        }
        self.check_lease(proof, now)?;
        self.step(AssignmentStep::Accepted, now).map(Some)
    }

    /// The unit will not do it. `None` where it has said so by the same lease before.
    ///
    /// # Errors
    /// STALE_LEASE, ILLEGAL_STATE.
    pub fn decline(
        &mut self,
        proof: TokenHash,
        reason: DeclineReason,
        now: Timestamp,
    ) -> Result<Option<AssignmentStep>> {
        if self.is_repetition(AssignmentState::Declined, proof)
            && self.decline_reason == Some(reason)
        {
            return Ok(None);
        }
        self.check_lease(proof, now)?;
        let step = self.step(AssignmentStep::Declined, now)?;
        self.decline_reason = Some(reason);
        Ok(Some(step))
    }

    /// The lease is extended from now on.
    ///
    /// # Errors
    /// STALE_LEASE, ILLEGAL_STATE.
    pub fn extend(
        &mut self,
        proof: TokenHash,
        asked: Duration,
        terms: &LeaseTerms,
        now: Timestamp,
    ) -> Result<AssignmentStep> {
        self.check_lease(proof, now)?;
        let step = self.step(AssignmentStep::LeaseExtended, now)?;
        if let Some(lease) = &mut self.lease {
            lease.until = lease.end(asked, terms, now);
        }
        Ok(step)
    }

    /// The unit gives it back without an answer: it waits again, or is a dead letter where that was
    /// the last attempt.
    ///
    /// # Errors
    /// STALE_LEASE, ILLEGAL_STATE.
    pub fn release(
        &mut self,
        proof: TokenHash,
        terms: &LeaseTerms,
        now: Timestamp,
    ) -> Result<AssignmentStep> {
        self.check_lease(proof, now)?;
        self.unanswered(AssignmentStep::Released, terms, now)
    }

    /// The lease runs out, as with [`Assignment::release`]. `None` where it has not.
    pub fn expire(&mut self, terms: &LeaseTerms, now: Timestamp) -> Option<AssignmentStep> {
        if self.lease?.holds(now) {
            return None;
        }
        self.unanswered(AssignmentStep::LeaseExpired, terms, now)
            .ok()
    }

    fn unanswered(
        &mut self,
        step: AssignmentStep,
        terms: &LeaseTerms,
        now: Timestamp,
    ) -> Result<AssignmentStep> {
        if self.attempt >= terms.max_attempts {
            // Checked first, so that nothing but a lease ends this way.
            next(self.state, step)?;
            let dead = self.step(AssignmentStep::DeadLettered, now)?;
            self.lease = None;
            return Ok(dead);
        }
        let step = self.step(step, now)?;
        self.lease = None;
        self.attempt += 1;
        Ok(step)
    }

    /// The unit reports the outcome; no task may be open.
    ///
    /// # Errors
    /// ILLEGAL_STATE.
    pub fn complete(
        &mut self,
        outcome: Outcome,
        open_tasks: u64,
        now: Timestamp,
    ) -> Result<AssignmentStep> {
        next(self.state, AssignmentStep::Completed)?;
        if open_tasks > 0 {
            return Err(Error::illegal_state(
                AssignmentStep::Completed.as_str(),
                self.state.as_str(),
            )
            .message(format!("{open_tasks} tasks have to be finished first"))
            .metadata("open_tasks", open_tasks.to_string()));
        }
        let step = self.step(AssignmentStep::Completed, now)?;
        self.outcome = Some(outcome);
        Ok(step)
    }

    /// The lead unit has no direct access to what is asked for.
    ///
    /// # Errors
    /// ILLEGAL_STATE where the unit does not lead or has not committed itself.
    pub fn declare_indirect_access(&mut self, now: Timestamp) -> Result<AssignmentStep> {
        let declared = AssignmentStep::IndirectAccessDeclared;
        if self.role != Role::Lead {
            return Err(Error::illegal_state(declared.as_str(), self.state.as_str())
                .message("only the lead unit declares indirect access"));
        }
        self.step(declared, now)
    }

    /// A task is added.
    ///
    /// # Errors
    /// ILLEGAL_STATE where the unit has not committed itself.
    pub fn add_task(&mut self, now: Timestamp) -> Result<AssignmentStep> {
        self.step(AssignmentStep::TaskCreated, now)
    }

    /// A task is claimed. `None` where it is not the first.
    ///
    /// # Errors
    /// ILLEGAL_STATE where the unit has not committed itself.
    pub fn start_work(&mut self, now: Timestamp) -> Result<Option<AssignmentStep>> {
        next(self.state, AssignmentStep::WorkStarted)?;
        if self.work_started {
            return Ok(None);
        }
        let step = self.step(AssignmentStep::WorkStarted, now)?;
        self.work_started = true;
        Ok(Some(step))
    }

    /// The hub takes it back.
    ///
    /// # Errors
    /// ILLEGAL_STATE.
    pub fn revoke(&mut self, now: Timestamp) -> Result<AssignmentStep> {
        self.step(AssignmentStep::Revoked, now)
    }

    /// The supporting unit becomes the lead, where it stands.
    ///
    /// # Errors
    /// ILLEGAL_STATE.
    pub fn promote(&mut self, now: Timestamp) -> Result<AssignmentStep> {
        let step = self.step(AssignmentStep::Promoted, now)?;
        self.role = Role::Lead;
        Ok(step)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    /// An assignment that waits and has its grant.
    pub(crate) fn waiting(number: u128, unit: &str, role: Role) -> Assignment {
        let now = Timestamp::from_seconds(1_000);
        Assignment {
            id: AssignmentId::from_uuid(Uuid::from_u128(number)),
            referral: ReferralId::from_uuid(Uuid::from_u128(1)),
            unit: unit.parse().unwrap(),
            desk: None,
            role,
            state: AssignmentState::Queued,
            granted: true,
            rules: Vec::new(),
            lease: None,
            attempt: 1,
            work_started: false,
            decline_reason: None,
            outcome: None,
            note: None,
            version: FIRST_VERSION,
            created_at: now,
            updated_at: now,
            traceparent: None,
        }
    }

    fn terms() -> LeaseTerms {
        LeaseTerms {
            default: Duration::from_mins(15),
            min: Duration::from_secs(10),
            max: Duration::from_hours(8),
            max_attempts: 3,
        }
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    fn pulled(token: &str) -> Assignment {
        let mut assignment = waiting(7, "cyber", Role::Lead);
        let lease = Lease::new(TokenHash::of(token), None, &terms(), at(2_000));
        assignment.pull(lease).unwrap();
        assignment
    }

    #[test]
    fn only_the_holder_of_a_lease_that_has_not_run_out_may_answer() {
        let mut assignment = pulled("right");
        let stale = |result: Result<Option<AssignmentStep>>| {
            assert_eq!(result.unwrap_err().reason(), Reason::StaleLease);
        };
        let before = assignment.clone();
        stale(assignment.accept(TokenHash::of("wrong"), at(2_001)));
        stale(assignment.accept(TokenHash::of("right"), at(2_900)));
        assert_eq!(assignment, before);
        assert!(
            assignment
                .accept(TokenHash::of("right"), at(2_899))
                .unwrap()
                .is_some()
        );
        assert!(
            assignment
                .accept(TokenHash::of("right"), at(9_999))
                .unwrap()
                .is_none()
        );
        let error = assignment
            .accept(TokenHash::of("wrong"), at(2_899))
            .unwrap_err();
        assert_eq!(error.reason(), Reason::IllegalState);
    }

    #[test]
    fn what_waits_has_no_lease_to_prove() {
        let mut assignment = waiting(7, "cyber", Role::Lead);
        let error = assignment.accept(TokenHash::of(""), at(2_000)).unwrap_err();
        assert_eq!(error.reason(), Reason::StaleLease);
        assignment.granted = false;
        let lease = Lease::new(TokenHash::of("x"), None, &terms(), at(2_000));
        assert_eq!(
            assignment.pull(lease).unwrap_err().reason(),
            Reason::IllegalState
        );
        assert_eq!(assignment.grant(at(2_000)), Some(AssignmentStep::Queued));
        assert_eq!(assignment.grant(at(2_000)), None);
        assignment.pull(lease).unwrap();
        assert_eq!(assignment.grant(at(2_000)), None);
    }

    #[test]
    fn the_last_attempt_ends_as_a_dead_letter() {
        let mut assignment = waiting(7, "cyber", Role::Lead);
        let terms = terms();
        let mut now = at(2_000);
        for attempt in 1..=terms.max_attempts {
            assert_eq!(assignment.attempt, attempt);
            let lease = Lease::new(TokenHash::of("x"), None, &terms, now);
            assignment.pull(lease).unwrap();
            assert_eq!(
                assignment.expire(&terms, now + Duration::from_secs(1)),
                None
            );
            now = now + terms.default;
            let step = assignment.expire(&terms, now).unwrap();
            let last = attempt == terms.max_attempts;
            assert_eq!(step == AssignmentStep::DeadLettered, last);
        }
        assert_eq!(assignment.state, AssignmentState::DeadLettered);
        assert_eq!(assignment.expire(&terms, now), None);
    }

    #[test]
    fn completion_needs_every_task_finished() {
        let mut assignment = pulled("x");
        let early = assignment
            .complete(Outcome::NoTrace, 0, at(2_100))
            .unwrap_err();
        assert_eq!(early.reason(), Reason::IllegalState);
        assignment.accept(TokenHash::of("x"), at(2_100)).unwrap();
        let open = assignment
            .complete(Outcome::NoTrace, 2, at(2_100))
            .unwrap_err();
        assert_eq!(open.reason(), Reason::IllegalState);
        assert!(
            open.metadata_list()
                .contains(&("open_tasks", "2".to_owned()))
        );
        assert_eq!(assignment.outcome, None);
        assignment.complete(Outcome::NoTrace, 0, at(2_100)).unwrap();
        assert_eq!(assignment.outcome, Some(Outcome::NoTrace));
    }

    #[derive(Clone, Debug)]
    enum Try {
        Grant,
        Pull,
        Accept(bool),
        Decline(bool),
        Extend(u64),
        Release,
        Expire,
        Complete(u64),
        Work,
        Revoke,
        Promote,
    }

    fn tries() -> impl Strategy<Value = Vec<(Try, u64)>> {
        let one = prop_oneof![
            Just(Try::Grant),
            Just(Try::Pull),
            any::<bool>().prop_map(Try::Accept),
            any::<bool>().prop_map(Try::Decline),
            (0_u64..50_000).prop_map(Try::Extend),
            Just(Try::Release),
            Just(Try::Expire),
            (0_u64..2).prop_map(Try::Complete),
            Just(Try::Work),
            Just(Try::Revoke),
            Just(Try::Promote),
        ];
        prop::collection::vec((one, 0_u64..2_000), 0..60)
    }

    proptest! {
        #[test]
        fn whatever_is_tried_the_record_stays_sound(tried in tries()) {
            let terms = terms();
            let mut now = at(10_000);
            let mut assignment = waiting(7, "cyber", Role::Supporting);
            assignment.granted = false;
            for (what, later) in tried {
                now = now + Duration::from_secs(later);
                let before = assignment.clone();
                let proof = |right: bool| TokenHash::of(if right { "right" } else { "wrong" });
                let changed = match what {
                    Try::Grant => assignment.grant(now).is_some(),
                    Try::Pull => {
                        let lease = Lease::new(proof(true), None, &terms, now);
                        assignment.pull(lease).is_ok()
                    }
                    Try::Accept(right) => matches!(assignment.accept(proof(right), now), Ok(Some(_))),
                    Try::Decline(right) => matches!(
                        assignment.decline(proof(right), DeclineReason::NoCapacity, now),
                        Ok(Some(_))
                    ),
                    Try::Extend(by) => {
                        assignment.extend(proof(true), Duration::from_secs(by), &terms, now).is_ok()
                    }
                    Try::Release => assignment.release(proof(true), &terms, now).is_ok(),
                    Try::Expire => assignment.expire(&terms, now).is_some(),
                    Try::Complete(open) => assignment.complete(Outcome::NoTrace, open, now).is_ok(),
                    Try::Work => matches!(assignment.start_work(now), Ok(Some(_))),
                    Try::Revoke => assignment.revoke(now).is_ok(),
                    Try::Promote => assignment.promote(now).is_ok(),
                };
                if changed {
                    prop_assert!(before.state.is_open());
                    prop_assert_eq!(assignment.version, before.version + 1);
                    prop_assert_eq!(assignment.updated_at, now);
                } else {
                    prop_assert_eq!(&assignment, &before, "a refusal changes nothing");
                }
                let leased = assignment.state == AssignmentState::Leased;
                prop_assert!(!leased || (assignment.lease.is_some() && assignment.granted));
                prop_assert!(assignment.state != AssignmentState::Queued || assignment.lease.is_none());
                prop_assert!(assignment.attempt <= terms.max_attempts);
                let completed = assignment.state == AssignmentState::Completed;
                prop_assert_eq!(assignment.outcome.is_some(), completed);
                let declined = assignment.state == AssignmentState::Declined;
                prop_assert_eq!(assignment.decline_reason.is_some(), declined);
            }
        }
    }
}
