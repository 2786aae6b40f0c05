//! Admitted cases are decided, in batches.
//!
//! A batch is claimed under a lease, its inputs are read from intake, and what is decided is written
//! in one transaction that first makes sure that each case is still pending: whoever comes second,
//! after a lease that ran out, changes nothing. A case that cannot be read or written is tried again
//! by itself, later and later, and in the end given to people; it delays no other.

use std::collections::HashMap;
use std::ops::AddAssign;
use std::sync::Arc;
use std::time::Instant;

use liaison_store::Commit;
use liaison_types::{Error, ErrorKind, ReferralId, Result, Timestamp};
use tracing::Span;

use super::classify_text::SHORT;
use super::{Core, Ops};
use crate::case::Case;
use crate::convert::CaseInput;
use crate::store::{self, Conclusion};

/// What became of a batch, in cases.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Tally {
    /// Claimed.
    pub claimed: u32,
    /// Decided by the machine, or given to people after too many attempts.
    pub concluded: u32,
    /// To be tried again later.
    pub postponed: u32,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.claimed += other.claimed;
        self.concluded += other.concluded;
        self.postponed += other.postponed;
    }
}

/// A claim that a crash of the machine forgets leads to one more decision, of which the second changes
/// nothing.
const CLAIM_COMMIT: Commit = Commit::Asynchronous;

/// A case with what intake gave for it.
type Read = (Case, Result<CaseInput>);

/// A claimed case, and which attempt it is.
type Claim = (ReferralId, u32);

const fn claim_of(case: &Case) -> Claim {
    (case.referral, case.attempts)
}

impl Ops {
    /// Claims cases that wait to be decided, at most one batch of them; none where none is due.
    ///
    /// # Errors
    /// Where the database refuses.
    pub async fn claim_pending(&self) -> Result<Vec<Case>> {
        let (core, terms) = (&self.core, self.terms());
        core.parts
            .db
            .write_tx_with(CLAIM_COMMIT, "classification.claim", |tx| {
                Box::pin(async move {
                    let now = core.now();
                    store::claim(tx, now, now + terms.lease, terms.batch).await
                })
            })
            .await
    }

    /// Decides claimed cases. Dropping the future is what a crash is: what was not written is free
    /// again when the lease has run out.
    ///
    /// # Errors
    /// Where intake or the database answers nobody: the cases are free again at once, and the attempt
    /// does not count.
    pub async fn classify(&self, cases: Vec<Case>) -> Result<Tally> {
        let core = &self.core;
        if cases.is_empty() {
            return Ok(Tally::default());
        }
        let claims: Vec<Claim> = cases.iter().map(claim_of).collect();
        let done = core.classify(cases).await;
        if done.is_err() {
            core.set_free(&claims).await;
        }
        done
    }

    /// Frees claimed cases that nobody has begun to decide; the attempt does not count.
    pub async fn give_back(&self, cases: Vec<Case>) {
        let claims: Vec<Claim> = cases.iter().map(claim_of).collect();
        self.core.set_free(&claims).await;
    }

    /// Claims and decides one batch: for tests, and for draining by hand.
    ///
    /// # Errors
    /// Where claiming fails or intake answers nobody.
    pub async fn classify_pending(&self) -> Result<Tally> {
        let cases = self.claim_pending().await?;
        self.classify(cases).await
    }
}

fn count<T>(list: &[T]) -> u32 {
    u32::try_from(list.len()).unwrap_or(u32::MAX)
}

impl Core {
    async fn classify(self: &Arc<Self>, cases: Vec<Case>) -> Result<Tally> {
        let claimed = count(&cases);
        let referrals: Vec<ReferralId> = cases.iter().map(|case| case.referral).collect();
        let mut found = self.read_inputs(&referrals).await?;
        let read: Vec<Read> = cases
            .into_iter()
            .map(|case| {
                let input = found.remove(&case.referral);
                (case, input.unwrap_or_else(|| Err(Error::not_found())))
            })
            .collect();
        let (conclusions, mut failed) = self.judge_all(read).await?;
        let (concluded, unwritten) = self.write_all(&conclusions).await?;
        failed.extend(unwritten);
        self.postpone(&failed).await;
        Ok(Tally {
            claimed,
            concluded,
            postponed: count(&failed),
        })
    }

    /// Reads what there is to read. Where a call fails for what it asks, each half is asked for by
    /// itself, and so on, so that one referral that cannot be answered for is told from the others.
    /// What is not found out within half the lease is left out.
    async fn read_inputs(
        &self,
        referrals: &[ReferralId],
    ) -> Result<HashMap<ReferralId, Result<CaseInput>>> {
        let begun = Instant::now();
        let budget = self.parts.terms.lease / 2;
        let mut found = HashMap::with_capacity(referrals.len());
        let mut open = vec![referrals];
        while let Some(asked) = open.pop() {
            match self.parts.inputs.inputs(asked).await {
                Ok(answers) => found.extend(answers),
                Err(error) if answers_nobody(&error) => return Err(error),
                Err(error) => {
                    tracing::debug!(
                        reason = error.reason().as_str(),
                        cases = asked.len(),
                        "inputs could not be read together"
                    );
                    match asked {
                        [] => {}
                        [one] => {
                            found.insert(*one, Err(error));
                        }
                        _ if begun.elapsed() > budget => {}
                        several => {
                            let (first, second) = several.split_at(several.len() / 2);
                            open.extend([second, first]);
                        }
                    }
                }
            }
        }
        Ok(found)
    }

    /// Decides all that was read, on a thread where that may take its time; answers with what to
    /// write, and with the claims of those that failed.
    async fn judge_all(self: &Arc<Self>, read: Vec<Read>) -> Result<(Vec<Conclusion>, Vec<Claim>)> {
        let (core, span) = (Arc::clone(self), Span::current());
        let inputs = read.iter().filter_map(|(_, input)| input.as_ref().ok());
        let bytes: usize = inputs.map(|input| input.narrative.len()).sum();
        let judge = move || {
            let _in = span.enter();
            let (mut conclusions, mut failed) = (Vec::with_capacity(read.len()), Vec::new());
            for (case, input) in read {
                match core.judge_one(&case, input) {
                    Ok(conclusion) => conclusions.push(conclusion),
                    Err(error) => {
                        say_failed(&case, &error);
                        failed.push(claim_of(&case));
                    }
                }
            }
            (conclusions, failed)
        };
        if bytes <= SHORT {
            return Ok(judge());
        }
        tokio::task::spawn_blocking(judge)
            .await
            .map_err(|_| Error::internal("deciding did not end"))
    }

    fn judge_one(&self, case: &Case, input: Result<CaseInput>) -> Result<Conclusion> {
        let now = self.now();
        let error = match input.and_then(|input| self.judge(case.clone(), &input, now)) {
            Ok(conclusion) => return Ok(conclusion),
            Err(error) => error,
        };
        if case.attempts < self.parts.terms.max_attempts {
            return Err(error);
        }
        tracing::error!(
            referral.id = %case.referral,
            attempts = case.attempts,
            reason = error.reason().as_str(),
            cause = %error.chain(),
            "{} could not be decided by the machine; the duty desk has it",
            case.referral
        );
        self.give_up(case.clone(), now)
    }

    /// Writes all together and, where that fails for what is written, one by one. Answers with how
    /// many were written and with the claims of those that could not be.
    async fn write_all(&self, conclusions: &[Conclusion]) -> Result<(u32, Vec<Claim>)> {
        let together: Vec<&Conclusion> = conclusions.iter().collect();
        match self.write(&together).await {
            Ok(written) => return Ok((written, Vec::new())),
            Err(error) if answers_nobody(&error) => return Err(error),
            Err(error) => {
                tracing::debug!(
                    reason = error.reason().as_str(),
                    cases = together.len(),
                    "conclusions could not be written together"
                );
            }
        }
        let (mut written, mut unwritten) = (0, Vec::new());
        for conclusion in conclusions {
            match self.write_one(conclusion).await {
                Ok(one) => written += one,
                Err(error) => {
                    say_failed(&conclusion.case, &error);
                    unwritten.push(claim_of(&conclusion.case));
                }
            }
        }
        Ok((written, unwritten))
    }

    /// As [`write`](Self::write). Where it fails, what a shadow says is left out before the decision is.
    async fn write_one(&self, conclusion: &Conclusion) -> Result<u32> {
        let done = self.write(&[conclusion]).await;
        if done.is_ok() || conclusion.difference.is_none() {
            return done;
        }
        let without = Conclusion {
            difference: None,
            ..conclusion.clone()
        };
        self.write(&[&without]).await
    }

    /// Writes those whose cases are still pending, in one transaction, and says how many.
    async fn write(&self, conclusions: &[&Conclusion]) -> Result<u32> {
        if conclusions.is_empty() {
            return Ok(0);
        }
        let referrals: Vec<ReferralId> = conclusions
            .iter()
            .map(|conclusion| conclusion.case.referral)
            .collect();
        let referrals = referrals.as_slice();
        self.parts
            .db
            .write_tx("classification.decide", |tx| {
                Box::pin(async move {
                    let pending = store::pending(tx, referrals).await?;
                    let ours: Vec<&Conclusion> = conclusions
                        .iter()
                        .copied()
                        .filter(|conclusion| pending.contains(&conclusion.case.referral))
                        .collect();
                    store::write(tx, &self.parts.vault, &self.parts.outbox, self.now(), &ours)
                        .await?;
                    self.keep_amendments(tx, &ours).await?;
                    Ok(count(&ours))
                })
            })
            .await
    }

    /// Frees cases, each after its own wait.
    async fn postpone(&self, claims: &[Claim]) {
        let (terms, random) = (&self.parts.terms, self.parts.random.as_ref());
        let now = self.now();
        let due = claims.iter().map(|(referral, attempts)| {
            let wait = terms.backoff.delay(*attempts, random);
            (*referral, *attempts, now + wait)
        });
        self.free(due.collect()).await;
    }

    /// Frees cases at once, as if they had never been claimed.
    async fn set_free(&self, claims: &[Claim]) {
        let now = self.now();
        let due = claims
            .iter()
            .map(|(referral, attempts)| (*referral, attempts.saturating_sub(1), now));
        self.free(due.collect()).await;
    }

    async fn free(&self, due: Vec<(ReferralId, u32, Timestamp)>) {
        if due.is_empty() {
            return;
        }
        let due = due.as_slice();
        let freed = self
            .parts
            .db
            .write_tx("classification.postpone", |tx| {
                Box::pin(async move { store::postpone(tx, due).await })
            })
            .await;
        if let Err(error) = freed {
            // The lease frees them.
            tracing::warn!(
                reason = error.reason().as_str(),
                cause = %error.chain(),
                "claimed cases could not be put back"
            );
        }
    }
}

/// Whether a failure says nothing about what was asked or written: the other side, intake or the
/// database, cannot be reached, takes no more, or does not take us for who we are.
fn answers_nobody(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Unavailable
            | ErrorKind::Cancelled
            | ErrorKind::ResourceExhausted
            | ErrorKind::Unauthenticated
            | ErrorKind::PermissionDenied
            | ErrorKind::Unimplemented
    )
}

fn say_failed(case: &Case, error: &Error) {
    tracing::warn!(
        referral.id = %case.referral,
        attempt = case.attempts,
        reason = error.reason().as_str(),
        cause = %error.chain(),
        "{} could not be decided and is tried again",
        case.referral
    );
}
