//! What is said of decisions afterwards is kept, in the transaction of the thing itself.

use std::collections::HashMap;

use liaison_store::Tx;
use liaison_types::{CorrectionId, ReferralId, Result, Timestamp};

use super::Core;
use crate::case::Decided;
use crate::convert::Returned;
use crate::desk::{
    Answer, Correction, CorrectionCause, Measured, Settled, TriageCause, latest, ruled,
};
use crate::store::{self, Conclusion};

/// What is known of the referral that something is said of.
#[derive(Clone, Copy)]
pub(super) struct Said<'a> {
    /// The referral.
    pub(super) referral: ReferralId,
    /// Training traffic.
    pub(super) exercise: bool,
    /// When it is said.
    pub(super) at: Timestamp,
    /// The decisions so far, the newest first.
    pub(super) before: &'a [Decided],
}

impl Core {
    /// The correction of `before` to `after`, where they are known.
    fn correction(
        &self,
        said: Said<'_>,
        cause: CorrectionCause,
        before: Option<&Decided>,
        after: Option<&Decided>,
        machine: Option<&Decided>,
    ) -> Correction {
        Correction {
            id: CorrectionId::new(said.at, self.parts.random.as_ref()),
            referral: said.referral,
            cause,
            before: before.map(Answer::from),
            after: after.map(Settled::from),
            machine: machine.map(Measured::from),
            exercise: said.exercise,
            at: said.at,
        }
    }

    /// The desk ruled: it says what is right where a unit said that it is the wrong one, or what it thinks
    /// of the proposal. The transaction holds the case's lock.
    pub(super) async fn keep_ruling(
        &self,
        tx: &Tx<'_>,
        said: Said<'_>,
        item: TriageCause,
        ruling: &Decided,
    ) -> Result<()> {
        if store::is_contested(tx, said.referral).await? {
            return store::settle(tx, said.referral, &Settled::from(ruling)).await;
        }
        let Some(cause) = ruled(said.before, item, ruling) else {
            return Ok(());
        };
        let (latest, machine) = latest(said.before);
        let correction = self.correction(said, cause, latest, Some(ruling), machine);
        store::keep_corrections(tx, &[correction]).await
    }

    /// The desk corrected the latest decision. The transaction holds the case's lock.
    pub(super) async fn keep_correction(
        &self,
        tx: &Tx<'_>,
        said: Said<'_>,
        corrected: &Decided,
    ) -> Result<()> {
        let (latest, machine) = latest(said.before);
        let cause = CorrectionCause::Correction;
        let correction = self.correction(said, cause, latest, Some(corrected), machine);
        store::keep_corrections(tx, &[correction]).await
    }

    /// What units said that they are the wrong ones for. Where the decision was replaced meanwhile, the
    /// latest one is what came after. A unit that led in the place of one that could not says nothing of what
    /// the machine decided, and neither does whoever is named then. The transaction holds the cases' locks.
    pub(super) async fn keep_wrong_units(
        &self,
        tx: &Tx<'_>,
        now: Timestamp,
        returns: &[Returned],
        exercises: &HashMap<ReferralId, bool>,
    ) -> Result<()> {
        let wrong: Vec<&Returned> = returns
            .iter()
            .filter(|back| back.cause == TriageCause::WrongUnit)
            .collect();
        if wrong.is_empty() {
            return Ok(());
        }
        let referrals: Vec<ReferralId> = wrong.iter().map(|back| back.referral).collect();
        let decisions = store::without_notes(tx, &referrals).await?;
        let reassigned = store::reassigned(tx, &referrals).await?;
        let mut corrections = Vec::with_capacity(wrong.len());
        for back in wrong {
            let all = decisions.get(&back.referral).map_or(&[][..], Vec::as_slice);
            let Some(at) = all.iter().position(|one| one.revision == back.revision) else {
                // The machine gave it to people without a decision, who have not made one.
                continue;
            };
            let (later, before) = all.split_at(at);
            let said = Said {
                referral: back.referral,
                exercise: exercises.get(&back.referral).copied().unwrap_or_default(),
                at: now,
                before,
            };
            let (contested, machine) = latest(before);
            let mut correction = self.correction(
                said,
                CorrectionCause::WrongUnit,
                contested,
                later.first(),
                machine,
            );
            if reassigned.contains(&back.referral) {
                correction.cause = CorrectionCause::Reassigned;
            }
            if let (Some(before), Some(unit)) = (&mut correction.before, &back.unit)
                && before.lead.as_ref() != Some(unit)
            {
                correction.cause = CorrectionCause::Reassigned;
                before.lead = Some(unit.clone());
            }
            corrections.push(correction);
        }
        store::keep_corrections(tx, &corrections).await
    }

    /// Where the machine decided again and came to another answer. The transaction holds the cases' locks,
    /// and `conclusions` are written.
    pub(super) async fn keep_amendments(
        &self,
        tx: &Tx<'_>,
        conclusions: &[&Conclusion],
    ) -> Result<()> {
        let again = conclusions.iter().filter_map(|conclusion| {
            let decided = conclusion.decided.as_ref();
            decided.filter(|decided| decided.by.is_none() && decided.revision > 1)
        });
        let again: Vec<&Decided> = again.collect();
        if again.is_empty() {
            return Ok(());
        }
        let referrals: Vec<ReferralId> = again.iter().map(|decided| decided.referral).collect();
        let decisions = store::without_notes(tx, &referrals).await?;
        let mut corrections = Vec::new();
        for decided in again {
            let all = decisions
                .get(&decided.referral)
                .map_or(&[][..], Vec::as_slice);
            let before = all.iter().find(|one| one.revision < decided.revision);
            let Some(before) = before.filter(|before| !before.answers_as(decided)) else {
                continue;
            };
            let said = Said {
                referral: decided.referral,
                exercise: decided.exercise,
                at: decided.at,
                before: all,
            };
            let cause = CorrectionCause::Amendment;
            let after = Some(decided);
            corrections.push(self.correction(said, cause, Some(before), after, after));
        }
        store::keep_corrections(tx, &corrections).await
    }
}
