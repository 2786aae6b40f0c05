//! A case was classified: who gets it?

use std::collections::HashSet;
use std::sync::Arc;

use liaison_grpc::wire;
use liaison_store::Tx;
use liaison_types::{AssignmentId, Error, ErrorKind, Reason, ReferralId, Result, Timestamp};

use super::{Core, Ops};
use crate::domain::assignment::FIRST_VERSION;
use crate::domain::plan::{Asked, Plan, Share, plan};
use crate::domain::{Assignment, AssignmentState, AssignmentStep, Case, Decision, Envelope};
use crate::store::{self, Board, Cause};

const ASSIGN: &str = "routing.assign";
/// The rule of a decision after which nothing is assigned any more.
const NOTHING_TO_ASSIGN: &str = "route.settled";
/// The rule of a decision that it is no unit's business.
const NO_UNIT: &str = "route.no-unit";
/// The rule of a decision on what was purged.
const PURGED: &str = "route.purged";

/// A decision, as it arrives.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Classified {
    /// The envelope.
    pub envelope: Envelope,
    /// The decision.
    pub decision: Decision,
    /// The trace of the fact.
    pub traceparent: Option<String>,
}

impl Ops {
    /// Lets decisions take effect, in their order, whatever their number by one statement a table.
    /// One that is not newer than what is known is passed over. Of what was purged nothing is assigned any more.
    ///
    /// # Errors
    /// UNKNOWN_UNIT where a decision names a unit that is not configured: nothing of the batch takes
    /// effect then.
    pub async fn record_classifications(
        &self,
        tx: &Tx<'_>,
        now: Timestamp,
        decisions: Vec<Classified>,
    ) -> Result<()> {
        let core = &self.core;
        for classified in &decisions {
            core.check_units(&classified.decision)?;
        }
        let mut referrals: Vec<ReferralId> = decisions
            .iter()
            .map(|classified| classified.envelope.referral)
            .collect();
        referrals.sort_unstable();
        referrals.dedup();
        let mut board = Board::default();
        let known = store::lock_cases(tx, referrals).await?;
        let existing = known.iter().map(|case| case.envelope.referral);
        board.read_assignments(store::lock_all(tx, [], existing).await?);
        board.read_cases(known);
        // Only what people decide comes so late.
        let late = decisions.iter().filter(|one| one.decision.by_person);
        let late: Vec<ReferralId> = late.map(|one| one.envelope.referral).collect();
        let purged = match late.is_empty() {
            true => HashSet::new(),
            false => store::purged(tx, late).await?,
        };
        for classified in decisions {
            let purged = purged.contains(&classified.envelope.referral);
            core.record(&mut board, classified, purged, now)?;
        }
        core.save(tx, board, now).await
    }
}

impl Core {
    fn check_units(&self, decision: &Decision) -> Result<()> {
        let units = &self.parts.units;
        let unknown = decision
            .candidates()
            .into_iter()
            .find(|unit| !units.contains(unit));
        unknown.map_or(Ok(()), |unit| {
            Err(Error::new(ErrorKind::InvalidArgument, Reason::UnknownUnit)
                .metadata("unit", unit.as_str()))
        })
    }

    fn record(
        &self,
        board: &mut Board,
        classified: Classified,
        purged: bool,
        now: Timestamp,
    ) -> Result<()> {
        let Classified {
            mut envelope,
            mut decision,
            traceparent,
        } = classified;
        let referral = envelope.referral;
        let known = board.find_case(referral);
        if known.is_some_and(|known| known.decision.revision >= decision.revision) {
            return Ok(());
        }
        // Classification hands on the clock as it started; a unit may have declared indirect access since.
        if let Some(known) = known {
            envelope.completion.clone_from(&known.envelope.completion);
        }
        // A desk that is not configured would be a queue that nobody pulls from.
        let units = &self.parts.units;
        decision.desk = decision
            .desk
            .zip(decision.lead.as_ref())
            .filter(|(desk, lead)| units.has_desk(lead, desk))
            .map(|(desk, _)| desk);
        let case = Case {
            envelope: Arc::new(envelope),
            decision,
            returned: None,
            created_at: known.map_or(now, |known| known.created_at),
            updated_at: now,
        };
        let mut plan = plan(&self.parts.policy, &case, &board.assignments_of(referral));
        if purged {
            // Nothing is left for a unit to work on.
            plan = Plan {
                revoke: plan.revoke,
                ..Plan::default()
            };
        }
        let nothing = match (purged, &case.decision.lead) {
            (true, _) => PURGED,
            (false, None) => NO_UNIT,
            (false, Some(_)) => NOTHING_TO_ASSIGN,
        };
        let cause = Cause {
            actor: None,
            at: now,
            traceparent,
        };
        board.put_case(case);

        for id in plan.revoke {
            let mut assignment = board.assignment(id).cloned().ok_or_else(Error::not_found)?;
            let step = assignment.revoke(now)?;
            board.put_assignment(assignment, step, &cause)?;
        }
        if let Some(id) = plan.promote {
            let mut assignment = board.assignment(id).cloned().ok_or_else(Error::not_found)?;
            let step = assignment.promote(now)?;
            board.put_assignment(assignment, step, &cause)?;
        }
        for share in plan.create {
            let assignment = self.new_assignment(referral, share, &cause);
            board.put_assignment(assignment, AssignmentStep::Created, &cause)?;
        }
        if let Some(why) = plan.give_back {
            board.give_back(referral, why, None, &cause)?;
        }
        if plan.asked.is_empty() {
            let subject = wire::resource(referral);
            board.audit(self.done(&cause, ASSIGN, subject, nothing));
        }
        self.record_asked(board, referral, &plan.asked, &cause);
        Ok(())
    }

    /// An entry of the audit for each unit that policy was asked about: which part it may have, or must not.
    pub(super) fn record_asked(
        &self,
        board: &mut Board,
        referral: ReferralId,
        asked: &[Asked],
        cause: &Cause,
    ) {
        for Asked {
            unit,
            role,
            decided,
        } in asked
        {
            let subject = wire::resource(referral);
            let mut entry = self.permitted(cause, ASSIGN, subject, decided, None);
            entry.purpose = Some(format!("{role} unit/{unit}"));
            board.audit(entry);
        }
    }

    /// A share that comes to be. It can be pulled once intake has acknowledged the grant.
    pub(super) fn new_assignment(
        &self,
        referral: ReferralId,
        share: Share,
        cause: &Cause,
    ) -> Assignment {
        Assignment {
            id: AssignmentId::new(cause.at, self.parts.random.as_ref()),
            referral,
            unit: share.unit,
            desk: share.desk,
            role: share.role,
            state: AssignmentState::Queued,
            granted: false,
            rules: share.rules,
            lease: None,
            attempt: 1,
            work_started: false,
            decline_reason: None,
            outcome: None,
            note: None,
            version: FIRST_VERSION,
            created_at: cause.at,
            updated_at: cause.at,
            traceparent: cause.traceparent.clone(),
        }
    }
}
