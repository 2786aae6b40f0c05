//! Receipts: what is kept of one step, its place in the chain, and the signature that vouches for it.
//!
//! A transaction may append several steps to one referral. Only the last of them must carry a
//! signature: its digest covers referral, position and everything before. So an unsigned receipt
//! is proved by the next signed one, and the last receipt of a chain always carries one.

use std::collections::BTreeMap;

use liaison_types::{ReferralId, Timestamp};

use crate::chain::{Digest, Step, digest};
use crate::message::{Sink as _, tag};
use crate::problem::{Problem, Warning};
use crate::signature::{PublicKeys, Signature, SigningKey};

/// One step of a referral and what proves it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Receipt {
    /// The referral.
    pub referral: ReferralId,
    /// 1 for the first; without gaps.
    pub position: i64,
    /// When.
    pub at: Timestamp,
    /// What happened, by its name in the API.
    pub step: String,
    /// The state after it, by its name in the API.
    pub state: String,
    /// Who, in short form.
    pub party: String,
    /// The acting officer; empty for a machine.
    pub officer: String,
    /// The unit concerned; may be empty.
    pub unit: String,
    /// A coded detail; may be empty.
    pub detail: String,
    /// SHA-256 of the dossier as it was submitted; only with the steps that brought one.
    pub content: Option<Digest>,
    /// SHA-256 over all of the above and the digest of the receipt before.
    pub digest: Digest,
    /// Over the digest; see [`sign`].
    pub signature: Option<Signature>,
}

impl Receipt {
    /// The receipt of `step`.
    #[must_use]
    pub fn new(step: &Step<'_>, digest: Digest, signature: Option<Signature>) -> Self {
        Self {
            referral: step.referral,
            position: step.position,
            at: step.at,
            step: step.step.to_owned(),
            state: step.state.to_owned(),
            party: step.party.to_owned(),
            officer: step.officer.to_owned(),
            unit: step.unit.to_owned(),
            detail: step.detail.to_owned(),
            content: step.content,
            digest,
            signature,
        }
    }

    /// What its digest is made of.
    #[must_use]
    pub fn as_step(&self) -> Step<'_> {
        Step {
            referral: self.referral,
            position: self.position,
            at: self.at,
            step: &self.step,
            state: &self.state,
            party: &self.party,
            officer: &self.officer,
            unit: &self.unit,
            detail: &self.detail,
            content: self.content,
        }
    }

    /// Whether its content belongs to its digest, where `previous` is the digest before.
    fn follows(&self, previous: Option<&Digest>) -> bool {
        digest(previous, &self.as_step()) == self.digest
    }
}

/// Signs the receipt with this digest, and with it everything before.
#[must_use]
pub fn sign(digest: &Digest, key: &SigningKey) -> Signature {
    key.sign(&message(digest))
}

fn message(digest: &Digest) -> Vec<u8> {
    let mut message = tag::SIGNATURE.to_vec();
    message.bytes(digest);
    message
}

/// Checks all receipts of `referral`, in the order they are given.
///
/// # Errors
/// Everything that is wrong, by position. Receipts of another referral are named and otherwise left
/// aside; where one is missing, the next is not blamed for it.
pub fn verify(
    receipts: &[Receipt],
    referral: ReferralId,
    keys: &PublicKeys,
) -> Result<(), Vec<Problem>> {
    let mut problems = Vec::new();
    let found = in_place(receipts, referral, &mut problems);
    missing(&found, &mut problems);
    let judged = judge(&found, keys, &mut problems);
    blame(&judged, &mut problems);
    match found.values().next_back() {
        None => problems.push(Problem::Empty),
        Some(last) if last.signature.is_none() => {
            problems.push(Problem::Unsigned {
                position: last.position,
            });
        }
        Some(_) => {}
    }
    if problems.is_empty() {
        return Ok(());
    }
    problems.sort_by_key(Problem::rank);
    Err(problems)
}

/// Where time runs backwards. Facts keep the instant of the service they come from, and clocks differ,
/// so this alone proves nothing.
#[must_use]
pub fn warnings(receipts: &[Receipt]) -> Vec<Warning> {
    receipts
        .windows(2)
        .filter(|pair| pair[1].at < pair[0].at)
        .map(|pair| Warning::TimeBackwards {
            position: pair[1].position,
        })
        .collect()
}

/// The receipts of `referral` by position, the first where there are several.
fn in_place<'a>(
    receipts: &'a [Receipt],
    referral: ReferralId,
    problems: &mut Vec<Problem>,
) -> BTreeMap<i64, &'a Receipt> {
    let mut found = BTreeMap::new();
    let mut highest = 0;
    for receipt in receipts {
        let position = receipt.position;
        if receipt.referral != referral {
            problems.push(Problem::Foreign {
                position,
                referral: receipt.referral,
            });
            continue;
        }
        if found.contains_key(&position) {
            problems.push(Problem::Duplicate { position });
            continue;
        }
        if position <= highest {
            problems.push(Problem::Misplaced { position });
        }
        if position > 0 {
            highest = highest.max(position);
            found.insert(position, receipt);
        }
    }
    found
}

fn missing(found: &BTreeMap<i64, &Receipt>, problems: &mut Vec<Problem>) {
    let mut before = 0;
    for &position in found.keys() {
        if position > before + 1 {
            problems.push(Problem::Missing {
                from: before + 1,
                to: position - 1,
            });
        }
        before = position;
    }
}

/// What can be said of one receipt before it is known whom to blame.
struct Judged {
    position: i64,
    /// Whether it continues the one before; unknown where that is missing.
    follows: Option<bool>,
    /// Whether a good signature, its own or a later one's, speaks for its digest.
    vouched: bool,
}

fn judge(
    found: &BTreeMap<i64, &Receipt>,
    keys: &PublicKeys,
    problems: &mut Vec<Problem>,
) -> Vec<Judged> {
    let mut judged = Vec::with_capacity(found.len());
    let mut previous: Option<&Receipt> = None;
    for (&position, &receipt) in found {
        let neighbour = previous.filter(|previous| previous.position + 1 == position);
        let follows = match neighbour {
            None if position > 1 => None,
            neighbour => Some(receipt.follows(neighbour.map(|receipt| &receipt.digest))),
        };
        let mut vouched = false;
        if let Some(signature) = &receipt.signature {
            match keys.verify(&message(&receipt.digest), signature) {
                Ok(()) => vouched = true,
                Err(invalid) => problems.push(Problem::Signature { position, invalid }),
            }
        }
        judged.push(Judged {
            position,
            follows,
            vouched,
        });
        previous = Some(receipt);
    }
    // Backwards: whoever is continued by a vouched receipt is vouched for.
    for index in (1..judged.len()).rev() {
        let next = &judged[index];
        if next.vouched && next.follows == Some(true) {
            judged[index - 1].vouched = true;
        }
    }
    judged
}

/// Says of each receipt that does not continue the one before which of the two it was, where that can
/// be known.
fn blame(judged: &[Judged], problems: &mut Vec<Problem>) {
    let mut certain = true;
    for receipt in judged {
        if receipt.follows == Some(false) {
            let position = receipt.position;
            problems.push(match (receipt.vouched, certain) {
                (true, true) => Problem::Altered { position },
                (true, false) => Problem::Unlinked { position },
                (false, _) => Problem::Unproved { position },
            });
        }
        certain = receipt.vouched;
    }
}
