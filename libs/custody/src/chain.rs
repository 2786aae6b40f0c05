//! The chain of a referral: every step, chained by SHA-256 to the one before.
//!
//! The encoding that is hashed is, for each step, the line `liaison.custody.receipt.v2`, the digest of
//! the step before (32 zero bytes for the first), the referral's 16 UUID bytes, the position and the
//! instant in microseconds as 8-byte big-endian integers, and then step, state, party, officer, unit,
//! detail and content, each as a 4-byte big-endian length and that many bytes. What is absent has the
//! length 0.

use liaison_types::{ReferralId, Timestamp};
use sha2::{Digest as _, Sha256};

use crate::message::{Sink as _, tag};

/// SHA-256 of a step and everything before it, or of a content.
pub type Digest = [u8; 32];

/// What is kept of one step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Step<'a> {
    /// The referral.
    pub referral: ReferralId,
    /// 1 for the first; without gaps.
    pub position: i64,
    /// When.
    pub at: Timestamp,
    /// What happened, by its name in the API.
    pub step: &'a str,
    /// The state after it, by its name in the API.
    pub state: &'a str,
    /// Who, in short form.
    pub party: &'a str,
    /// The acting officer; empty for a machine.
    pub officer: &'a str,
    /// The unit concerned; may be empty.
    pub unit: &'a str,
    /// A coded detail; may be empty.
    pub detail: &'a str,
    /// SHA-256 of the dossier as it was submitted; only with the steps that brought one.
    pub content: Option<Digest>,
}

/// The digest of `step` that follows `previous`.
#[must_use]
pub fn digest(previous: Option<&Digest>, step: &Step<'_>) -> Digest {
    let mut hash = Sha256::new();
    hash.bytes(tag::RECEIPT);
    hash.bytes(previous.unwrap_or(&[0; 32]));
    hash.referral(step.referral);
    hash.integer(step.position);
    hash.instant(step.at);
    for text in [
        step.step,
        step.state,
        step.party,
        step.officer,
        step.unit,
        step.detail,
    ] {
        hash.field(text.as_bytes());
    }
    hash.field(step.content.as_ref().map_or(&[], |digest| &digest[..]));
    hash.finalize().into()
}

/// Where a chain does not hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Broken {
    /// A position is missing, repeated or out of order.
    #[error("the step after position {0} is missing or out of order")]
    Gap(i64),
    /// The content does not belong to its digest, or the step before was changed.
    #[error("the step at position {0} was altered")]
    Altered(i64),
}

/// Checks a whole chain, from the first step on. That it was made by the suite, only signatures prove:
/// see [`crate::receipt::verify`].
///
/// # Errors
/// The first place where it does not hold.
pub fn verify<'a>(steps: impl IntoIterator<Item = (Step<'a>, Digest)>) -> Result<(), Broken> {
    let mut previous: Option<Digest> = None;
    let mut position = 0;
    for (step, claimed) in steps {
        if step.position != position + 1 {
            return Err(Broken::Gap(position));
        }
        if digest(previous.as_ref(), &step) != claimed {
            return Err(Broken::Altered(step.position));
        }
        previous = Some(claimed);
        position = step.position;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use liaison_types::SeededRandom;
    use proptest::prelude::*;

    fn chain(details: &[String]) -> Vec<(Step<'_>, Digest)> {
        let at = Timestamp::from_seconds(1_772_352_000);
        let referral = ReferralId::new(at, &SeededRandom::new(1));
        let mut steps: Vec<(Step<'_>, Digest)> = Vec::new();
        for (index, detail) in details.iter().enumerate() {
            let step = Step {
                referral,
                position: i64::try_from(index).unwrap() + 1,
                at,
                step: "SUBMITTED",
                state: "SUBMITTED",
                party: "bureau/NB-FR",
                officer: "a.first",
                unit: "",
                detail,
                content: None,
            };
            let previous = steps.last().map(|(_, digest)| *digest);
            steps.push((step, digest(previous.as_ref(), &step)));
        }
        steps
    }

    proptest! {
        #[test]
        fn a_chain_holds_and_every_tampering_is_found(
            details in prop::collection::vec("[a-z]{0,8}", 2..12), at: prop::sample::Index,
        ) {
            let good = chain(&details);
            prop_assert_eq!(verify(good.clone()), Ok(()));
            let at = at.index(good.len());

            let mut altered = good.clone();
            altered[at].0.detail = "tampered-with";
            prop_assert_eq!(verify(altered), Err(Broken::Altered(good[at].0.position)));

            let mut removed = good.clone();
            removed.remove(at);
            prop_assert_eq!(verify(removed).is_err(), at + 1 < good.len());

            let mut swapped = good.clone();
            swapped.swap(at, (at + 1) % good.len());
            prop_assert!(verify(swapped).is_err());
        }
    }

    #[test]
    fn fields_do_not_run_into_each_other() {
        let details = [String::new()];
        let (step, _) = chain(&details)[0];
        let one = Step {
            unit: "ab",
            detail: "c",
            ..step
        };
        let two = Step {
            unit: "a",
            detail: "bc",
            ..step
        };
        assert_ne!(digest(None, &one), digest(None, &two));
    }

    #[test]
    fn every_field_counts() {
        let details = ["d".to_owned()];
        let (step, good) = chain(&details)[0];
        let later = Timestamp::from_micros(step.at.as_micros() + 1);
        let other = ReferralId::new(step.at, &SeededRandom::new(2));
        let changed = [
            Step {
                referral: other,
                ..step
            },
            Step {
                position: 2,
                ..step
            },
            Step { at: later, ..step },
            Step {
                step: "ADMITTED",
                ..step
            },
            Step {
                state: "ADMITTED",
                ..step
            },
            Step {
                party: "bureau/NB-ES",
                ..step
            },
            Step {
                officer: "",
                ..step
            },
            Step {
                unit: "cyber",
                ..step
            },
            Step { detail: "", ..step },
            Step {
                content: Some([0; 32]),
                ..step
            },
        ];
        let mut digests = vec![good, digest(Some(&[1; 32]), &step)];
        digests.extend(changed.iter().map(|step| digest(None, step)));
        let distinct: std::collections::HashSet<_> = digests.iter().collect();
        assert_eq!(distinct.len(), digests.len());
    }
}
