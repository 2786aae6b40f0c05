//! Everything that can be wrong with receipts and bundles, typed for programs and in a sentence for
//! people.

use std::fmt;

use liaison_types::ReferralId;

use crate::signature::{Invalid, KeyId};

/// What is wrong.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Problem {
    /// Not a custody bundle.
    NotABundle {
        /// Why.
        reason: String,
    },
    /// Not spelled the one way a bundle is spelled, so that something was changed.
    NotCanonical {
        /// The first line that differs, from 1.
        line: usize,
    },
    /// No receipt of the referral.
    Empty,
    /// Positions without a receipt, with receipts after them.
    Missing {
        /// The first of them.
        from: i64,
        /// The last of them.
        to: i64,
    },
    /// A position a second time.
    Duplicate {
        /// The position.
        position: i64,
    },
    /// A receipt after one with a higher position, or with none that exists.
    Misplaced {
        /// The position.
        position: i64,
    },
    /// A receipt of another referral: replayed.
    Foreign {
        /// The position it has there.
        position: i64,
        /// The referral it belongs to.
        referral: ReferralId,
    },
    /// A signature speaks for the digest, and the content does not belong to it.
    Altered {
        /// The position.
        position: i64,
    },
    /// The content does not belong to the digest, and no good signature speaks for that digest.
    Unproved {
        /// The position.
        position: i64,
    },
    /// It does not continue the receipt before, for whose digest no good signature speaks.
    Unlinked {
        /// The position of the later one.
        position: i64,
    },
    /// The signature of a receipt is not good.
    Signature {
        /// The position.
        position: i64,
        /// Why.
        invalid: Invalid,
    },
    /// The last receipt carries no signature.
    Unsigned {
        /// Its position.
        position: i64,
    },
    /// The bundle was closed at a later position than that of its last receipt.
    CutOff {
        /// The last receipt.
        last: i64,
        /// Where the bundle was closed.
        closed: i64,
    },
    /// There are receipts after the position at which the bundle was closed.
    Extended {
        /// The last receipt.
        last: i64,
        /// Where the bundle was closed.
        closed: i64,
    },
    /// The closing statement has another digest at the last position.
    StatementDigest {
        /// The position.
        position: i64,
    },
    /// The signature of the closing statement is not good.
    StatementSignature {
        /// Why.
        invalid: Invalid,
    },
}

impl Problem {
    /// The position it is about; none where it is about the whole.
    #[must_use]
    pub const fn position(&self) -> Option<i64> {
        match self {
            Self::NotABundle { .. }
            | Self::NotCanonical { .. }
            | Self::Empty
            | Self::StatementSignature { .. } => None,
            Self::Missing { from, .. } => Some(*from),
            Self::CutOff { last, .. } | Self::Extended { last, .. } => Some(*last),
            Self::Duplicate { position }
            | Self::Misplaced { position }
            | Self::Foreign { position, .. }
            | Self::Altered { position }
            | Self::Unproved { position }
            | Self::Unlinked { position }
            | Self::Signature { position, .. }
            | Self::Unsigned { position }
            | Self::StatementDigest { position } => Some(*position),
        }
    }

    /// A stable word for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotABundle { .. } => "NOT_A_BUNDLE",
            Self::NotCanonical { .. } => "NOT_CANONICAL",
            Self::Empty => "EMPTY",
            Self::Missing { .. } => "MISSING",
            Self::Duplicate { .. } => "DUPLICATE",
            Self::Misplaced { .. } => "MISPLACED",
            Self::Foreign { .. } => "FOREIGN",
            Self::Altered { .. } => "ALTERED",
            Self::Unproved { .. } => "UNPROVED",
            Self::Unlinked { .. } => "UNLINKED",
            Self::Signature {
                invalid: Invalid::UnknownKey(_),
                ..
            } => "UNKNOWN_KEY",
            Self::Signature {
                invalid: Invalid::Forged,
                ..
            } => "BAD_SIGNATURE",
            Self::Unsigned { .. } => "UNSIGNED",
            Self::CutOff { .. } => "CUT_OFF",
            Self::Extended { .. } => "EXTENDED",
            Self::StatementDigest { .. } => "STATEMENT_DIGEST",
            Self::StatementSignature {
                invalid: Invalid::UnknownKey(_),
            } => "STATEMENT_UNKNOWN_KEY",
            Self::StatementSignature {
                invalid: Invalid::Forged,
            } => "STATEMENT_BAD_SIGNATURE",
        }
    }

    /// What concerns the whole first, then by position.
    pub(crate) const fn rank(&self) -> (Option<i64>, &'static str) {
        (self.position(), self.code())
    }
}

fn unknown(f: &mut fmt::Formatter<'_>, what: &str, key: KeyId) -> fmt::Result {
    write!(
        f,
        "{what} is signed with a key that is not among those given: {key}."
    )
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotABundle { reason } => write!(f, "This is not a custody bundle: {reason}."),
            Self::NotCanonical { line } => write!(
                f,
                "The text was changed: line {line} is not spelled the one way a bundle is spelled."
            ),
            Self::Empty => f.write_str("There is no receipt of the referral."),
            Self::Missing { from, to } if from == to => {
                write!(f, "The receipt at position {from} is missing.")
            }
            Self::Missing { from, to } => {
                write!(f, "The receipts at positions {from} to {to} are missing.")
            }
            Self::Duplicate { position } => {
                write!(f, "There is more than one receipt at position {position}.")
            }
            Self::Misplaced { position } => {
                write!(f, "The receipt at position {position} stands in the wrong place.")
            }
            Self::Foreign { position, referral } => write!(
                f,
                "The receipt at position {position} belongs to another referral: referrals/{referral}."
            ),
            Self::Altered { position } => write!(
                f,
                "The receipt at position {position} was altered after it was signed: \
                 its content does not belong to its digest."
            ),
            Self::Unproved { position } => write!(
                f,
                "The receipt at position {position} was altered: its content does not belong to its \
                 digest, and no good signature speaks for that digest."
            ),
            Self::Unlinked { position } => write!(
                f,
                "The chain is broken before position {position}: the receipt there does not continue \
                 the one before it, and one of the two was altered after it was signed."
            ),
            Self::Signature { position, invalid } => match invalid {
                Invalid::UnknownKey(key) => {
                    unknown(f, &format!("The receipt at position {position}"), *key)
                }
                Invalid::Forged => write!(
                    f,
                    "The signature at position {position} does not belong to the receipt: \
                     the receipt was altered after it was signed, or the signature was made up."
                ),
            },
            Self::Unsigned { position } => write!(
                f,
                "The last receipt, at position {position}, carries no signature."
            ),
            Self::CutOff { last, closed } => write!(
                f,
                "The last steps were cut off: the bundle was closed at position {closed}, \
                 and its receipts end at position {last}."
            ),
            Self::Extended { last, closed } => write!(
                f,
                "Steps were added: the bundle was closed at position {closed}, \
                 and its receipts go on to position {last}."
            ),
            Self::StatementDigest { position } => write!(
                f,
                "The closing statement speaks of another receipt at position {position} \
                 than the one that is there."
            ),
            Self::StatementSignature { invalid } => match invalid {
                Invalid::UnknownKey(key) => unknown(f, "The closing statement", *key),
                Invalid::Forged => f.write_str(
                    "The signature of the closing statement does not belong to this bundle: its \
                     reference, owner, time of issue or end was altered, or the signature was made up.",
                ),
            },
        }
    }
}

/// What is strange and proves nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Warning {
    /// A step is earlier than the one before it.
    TimeBackwards {
        /// The position of the later one.
        position: i64,
    },
    /// The bundle was issued before its last step.
    IssuedEarly {
        /// The position of the last step.
        position: i64,
    },
}

impl Warning {
    /// The position it is about.
    #[must_use]
    pub const fn position(&self) -> i64 {
        match self {
            Self::TimeBackwards { position } | Self::IssuedEarly { position } => *position,
        }
    }

    /// A stable word for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TimeBackwards { .. } => "TIME_BACKWARDS",
            Self::IssuedEarly { .. } => "ISSUED_EARLY",
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TimeBackwards { position } => write!(
                f,
                "Time runs backwards: the step at position {position} is earlier than the one before."
            ),
            Self::IssuedEarly { position } => write!(
                f,
                "Time runs backwards: the bundle was issued before its last step, at position {position}."
            ),
        }
    }
}
