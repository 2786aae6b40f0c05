//! Verifies a sealed audit while it is read, in memory that does not grow with it.

use std::fmt;
use std::time::Duration;

use liaison_types::{AuditId, Timestamp};

use super::{Checkpoint, seal};
use crate::chain::Digest;
use crate::signature::{Invalid, PublicKeys};

/// So many seals that do not hold are kept to find out which of them changed places.
const SUSPECTS: usize = 64;

/// A row of the seal, together with the audit entry it names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sealed {
    /// 1 for the first; without gaps.
    pub position: i64,
    /// The entry.
    pub entry: AuditId,
    /// The entry's digest, made anew from its fields; none where the entry is gone.
    pub digest: Option<Digest>,
    /// The chained digest, as it was kept.
    pub chained: Digest,
}

/// What is wrong with a sealed audit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum AuditProblem {
    /// Entries that do not fit their seals: their fields or the seals were altered.
    Altered {
        /// The first of them.
        from: i64,
        /// The last of them; all between are altered as well.
        to: i64,
    },
    /// Entries or seals that are gone.
    Removed {
        /// The first of them.
        from: i64,
        /// The last of them; all between are gone as well.
        to: i64,
    },
    /// Entries that changed places.
    Reordered {
        /// Where one of them stands.
        position: i64,
        /// Where it belongs.
        belongs: i64,
    },
    /// A seal at a position that has one already.
    Inserted {
        /// The position.
        position: i64,
    },
    /// An entry without a seal although later ones have one: inserted afterwards, or its seal is gone.
    Unsealed {
        /// The entry.
        entry: AuditId,
        /// When it says that it was written.
        at: Timestamp,
    },
    /// Seals behind the last checkpoint. Whoever seals signs the end in the same transaction, so that these
    /// were added or calculated anew, and the checkpoints that would say so were removed.
    Unsigned {
        /// The first seal for which no good checkpoint speaks.
        from: i64,
        /// The last seal there is.
        to: i64,
    },
    /// A checkpoint does not fit the chain.
    Checkpoint {
        /// The position it speaks of.
        position: i64,
        /// Why.
        problem: CheckpointProblem,
    },
}

/// Why a checkpoint does not fit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CheckpointProblem {
    /// Its signature is not good.
    Signature(Invalid),
    /// It is of another service.
    Service,
    /// The chain has another digest there: it was calculated anew from there or earlier.
    Digest,
    /// It came after the seals behind its position, so that it could not be compared.
    Order,
}

impl AuditProblem {
    /// The position it is about; none for an entry without a seal.
    #[must_use]
    pub const fn position(&self) -> Option<i64> {
        match self {
            Self::Altered { from, .. }
            | Self::Removed { from, .. }
            | Self::Unsigned { from, .. } => Some(*from),
            Self::Reordered { position, .. }
            | Self::Inserted { position }
            | Self::Checkpoint { position, .. } => Some(*position),
            Self::Unsealed { .. } => None,
        }
    }
}

impl fmt::Display for AuditProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let range = |f: &mut fmt::Formatter<'_>, from: &i64, to: &i64| {
            if from == to {
                write!(f, "The audit entry sealed at position {from}")
            } else {
                write!(f, "Each audit entry sealed at positions {from} to {to}")
            }
        };
        match self {
            Self::Altered { from, to } => {
                range(f, from, to)?;
                f.write_str(" was altered, or its seal was.")
            }
            Self::Removed { from, to } => {
                range(f, from, to)?;
                f.write_str(" is gone.")
            }
            Self::Reordered { position, belongs } => write!(
                f,
                "The audit entry sealed at position {position} belongs at position {belongs}."
            ),
            Self::Inserted { position } => {
                write!(f, "There is more than one seal at position {position}.")
            }
            Self::Unsealed { entry, at } => write!(
                f,
                "The audit entry {entry} of {at} has no seal, although later ones have: \
                 it was inserted, or its seal was removed."
            ),
            Self::Unsigned { from, to } => write!(
                f,
                "No checkpoint speaks for what is sealed from position {from} to {to}: it was added or \
                 sealed anew without the key, or its checkpoints were removed."
            ),
            Self::Checkpoint { position, problem } => {
                write!(f, "The checkpoint of position {position} ")?;
                match problem {
                    CheckpointProblem::Signature(Invalid::UnknownKey(key)) => write!(
                        f,
                        "is signed with a key that is not among those given: {key}."
                    ),
                    CheckpointProblem::Signature(Invalid::Forged) => {
                        f.write_str("has a signature that does not belong to it.")
                    }
                    CheckpointProblem::Service => f.write_str("is of another service."),
                    CheckpointProblem::Digest => f.write_str(
                        "does not fit: the audit was altered there or earlier, and sealed anew.",
                    ),
                    CheckpointProblem::Order => f.write_str("is out of order."),
                }
            }
        }
    }
}

/// What was found out about a sealed audit.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AuditReport {
    /// Everything that is wrong. None: it is sound, as far as it is signed.
    pub problems: Vec<AuditProblem>,
    /// How many seals were read.
    pub sealed: u64,
    /// Up to this position a good checkpoint speaks for the chain. What is sealed behind it is a problem.
    pub signed_through: Option<i64>,
    /// Entries so young that the sealer had not come to them.
    pub tail: u64,
}

impl AuditReport {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.problems.is_empty()
    }
}

/// A seal that does not hold.
#[derive(Clone, Copy, Debug)]
struct Suspect {
    row: Sealed,
    previous: Option<Digest>,
}

/// Takes seals by position, checkpoints and entries without a seal, and says what is wrong.
///
/// A checkpoint is given before or right after the seal of its position. Entries without a seal are
/// given last.
#[derive(Debug)]
pub struct SealVerifier<'a> {
    service: &'a str,
    keys: &'a PublicKeys,
    lag: Duration,
    report: AuditReport,
    /// Position and chained digest of the last seal, as it was kept.
    last: Option<(i64, Digest)>,
    /// What the last seal should have been, where it is not.
    mended: Option<Digest>,
    waiting: Vec<Checkpoint>,
    /// The highest position that a checkpoint speaks of, good or not.
    heard: i64,
    /// The last good checkpoint's instant.
    signed_at: Option<Timestamp>,
    suspects: Vec<Suspect>,
}

impl<'a> SealVerifier<'a> {
    /// For the audit of `service`, whose sealer is at most `lag` behind.
    #[must_use]
    pub fn new(service: &'a str, keys: &'a PublicKeys, lag: Duration) -> Self {
        Self {
            service,
            keys,
            lag,
            report: AuditReport::default(),
            last: None,
            mended: None,
            waiting: Vec::new(),
            heard: 0,
            signed_at: None,
            suspects: Vec::new(),
        }
    }

    /// The next seal.
    pub fn seal(&mut self, row: Sealed) {
        self.report.sealed += 1;
        let before = self.last.map_or(0, |(position, _)| position);
        if row.position == before && self.last.is_some() {
            let position = row.position;
            self.report
                .problems
                .push(AuditProblem::Inserted { position });
            return;
        }
        if row.position <= before {
            // Rows come sorted, so only somebody who feeds them otherwise comes here.
            self.report.problems.push(AuditProblem::Reordered {
                position: before,
                belongs: row.position,
            });
            return;
        }
        let gap = row.position > before + 1;
        if gap {
            self.removed(before + 1, row.position - 1);
        }
        self.link(row, gap);
        self.last = Some((row.position, row.chained));
        self.compare(row);
    }

    /// Checks that `row` continues the chain; behind a gap that cannot be known.
    fn link(&mut self, row: Sealed, gap: bool) {
        let mended = self.mended.take();
        let Some(digest) = row.digest else {
            return self.removed(row.position, row.position);
        };
        if gap {
            return;
        }
        let previous = self.last.map(|(_, chained)| chained);
        let expected = seal(previous.as_ref(), row.position, row.entry, &digest);
        // Where only the kept digest of the one before was altered, this one is not to blame.
        let through_mended = || {
            mended.is_some_and(|mended| {
                seal(Some(&mended), row.position, row.entry, &digest) == row.chained
            })
        };
        if expected == row.chained || through_mended() {
            return;
        }
        self.mended = Some(expected);
        if self.suspects.len() < SUSPECTS {
            self.suspects.push(Suspect { row, previous });
        }
        let position = row.position;
        if let Some(AuditProblem::Altered { to, .. }) = self.report.problems.last_mut()
            && *to + 1 == position
        {
            *to = position;
            return;
        }
        self.report.problems.push(AuditProblem::Altered {
            from: position,
            to: position,
        });
    }

    fn removed(&mut self, first: i64, last: i64) {
        if let Some(AuditProblem::Removed { to, .. }) = self.report.problems.last_mut()
            && *to + 1 == first
        {
            *to = last;
            return;
        }
        self.report.problems.push(AuditProblem::Removed {
            from: first,
            to: last,
        });
    }

    /// A checkpoint, before or right after the seal of its position.
    pub fn checkpoint(&mut self, checkpoint: Checkpoint) {
        let position = checkpoint.position;
        self.heard = self.heard.max(position);
        let problem = if checkpoint.service != self.service {
            Some(CheckpointProblem::Service)
        } else if let Err(invalid) = checkpoint.verify(self.keys) {
            Some(CheckpointProblem::Signature(invalid))
        } else {
            match self.last {
                Some((last, _)) if position < last => Some(CheckpointProblem::Order),
                Some((last, chained)) if position == last => {
                    self.fit(&checkpoint, &chained);
                    None
                }
                _ => {
                    self.waiting.push(checkpoint);
                    None
                }
            }
        };
        if let Some(problem) = problem {
            self.misfit(position, problem);
        }
    }

    /// Compares the checkpoints that waited for `row`, or for one before it that did not come.
    fn compare(&mut self, row: Sealed) {
        let (due, later): (Vec<_>, Vec<_>) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition(|checkpoint| checkpoint.position <= row.position);
        self.waiting = later;
        for checkpoint in due {
            // One of a position that is gone has been reported with the gap.
            if checkpoint.position == row.position {
                self.fit(&checkpoint, &row.chained);
            }
        }
    }

    fn fit(&mut self, checkpoint: &Checkpoint, chained: &Digest) {
        if checkpoint.digest == *chained {
            self.report.signed_through = Some(checkpoint.position);
            self.signed_at = self.signed_at.max(Some(checkpoint.at));
        } else {
            self.misfit(checkpoint.position, CheckpointProblem::Digest);
        }
    }

    fn misfit(&mut self, position: i64, problem: CheckpointProblem) {
        self.report
            .problems
            .push(AuditProblem::Checkpoint { position, problem });
    }

    /// An entry that has no seal, and when it says that it was written. Given last.
    pub fn unsealed(&mut self, entry: AuditId, at: Timestamp) {
        if self.signed_at.is_some_and(|signed| at + self.lag < signed) {
            self.report
                .problems
                .push(AuditProblem::Unsealed { entry, at });
        } else {
            self.report.tail += 1;
        }
    }

    /// What was found out.
    #[must_use]
    pub fn finish(mut self) -> AuditReport {
        let last = self.last.map_or(0, |(position, _)| position);
        let signed = self.waiting.iter().map(|checkpoint| checkpoint.position);
        if let Some(signed) = signed.max()
            && signed > last
        {
            self.removed(last + 1, signed);
        }
        if last > self.heard {
            let from = self.report.signed_through.unwrap_or(0) + 1;
            let unsigned = AuditProblem::Unsigned { from, to: last };
            self.report.problems.push(unsigned);
        }
        self.trade_places();
        self.report
    }

    /// Entries that do not fit where they are, but where another one is that does not fit either, were
    /// not altered: they changed places.
    fn trade_places(&mut self) {
        let fits = |place: &Suspect, entry: &Suspect| {
            let digest = entry.row.digest.unwrap_or_default();
            let made = seal(
                place.previous.as_ref(),
                place.row.position,
                entry.row.entry,
                &digest,
            );
            made == place.row.chained || made == entry.row.chained
        };
        let mut moved = Vec::new();
        for entry in &self.suspects {
            let mut places = self.suspects.iter();
            let place =
                places.find(|place| place.row.position != entry.row.position && fits(place, entry));
            if let Some(place) = place {
                moved.push((entry.row.position, place.row.position));
            }
        }
        if moved.is_empty() {
            return;
        }
        let mut problems = Vec::new();
        for problem in std::mem::take(&mut self.report.problems) {
            let AuditProblem::Altered { from, to } = problem else {
                problems.push(problem);
                continue;
            };
            let mut start = from;
            for &(position, belongs) in &moved {
                if !(start..=to).contains(&position) {
                    continue;
                }
                if start < position {
                    problems.push(AuditProblem::Altered {
                        from: start,
                        to: position - 1,
                    });
                }
                problems.push(AuditProblem::Reordered { position, belongs });
                start = position + 1;
            }
            if start <= to {
                problems.push(AuditProblem::Altered { from: start, to });
            }
        }
        self.report.problems = problems;
    }
}
