//! Leases: who holds an assignment for now, and how they prove it.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use liaison_types::{Random, Timestamp};
use sha2::{Digest, Sha256};

/// Bytes of a token.
const TOKEN: usize = 32;

/// How leases are given.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LeaseTerms {
    /// Where the unit does not say.
    pub default: Duration,
    /// The shortest a unit may ask for.
    pub min: Duration,
    /// The longest a unit may ask for, and the longest a lease lasts after its pull.
    pub max: Duration,
    /// After this many pulls without an answer the assignment is a dead letter.
    pub max_attempts: i32,
}

/// The secret that a unit shows with every call on what it pulled: 32 random bytes in base64url. It is
/// new with each pull, so that whoever held an earlier lease cannot act on a later one. Only its hash
/// is kept.
#[derive(Clone, PartialEq, Eq)]
pub struct LeaseToken(String);

impl LeaseToken {
    /// A new one.
    #[must_use]
    pub fn new(random: &dyn Random) -> Self {
        let mut bytes = [0; TOKEN];
        random.fill(&mut bytes);
        Self(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// The text that the unit gets.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What is kept of it.
    #[must_use]
    pub fn hash(&self) -> TokenHash {
        TokenHash::of(&self.0)
    }
}

impl fmt::Debug for LeaseToken {
    /// Without the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LeaseToken")
    }
}

/// SHA-256 of a token's text. Comparing hashes tells nothing about the token, however long it takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// The hash of whatever text a caller shows; any text has one, and only one token's matches.
    #[must_use]
    pub fn of(text: &str) -> Self {
        Self(Sha256::digest(text.as_bytes()).into())
    }

    /// The hash as it was stored.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The hash to store.
    #[must_use]
    pub const fn bytes(self) -> [u8; 32] {
        self.0
    }
}

/// A lease on an assignment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Lease {
    /// Proves it.
    pub token: TokenHash,
    /// When it was pulled.
    pub pulled_at: Timestamp,
    /// When it runs out.
    pub until: Timestamp,
}

impl Lease {
    /// A lease from now on, for `asked` or the default.
    #[must_use]
    pub fn new(
        token: TokenHash,
        asked: Option<Duration>,
        terms: &LeaseTerms,
        now: Timestamp,
    ) -> Self {
        let lease = Self {
            token,
            pulled_at: now,
            until: now,
        };
        Self {
            until: lease.end(asked.unwrap_or(terms.default), terms, now),
            ..lease
        }
    }

    /// When a lease of `asked` from now on ends: within the terms, and never later than the longest
    /// lease after the pull.
    #[must_use]
    pub fn end(&self, asked: Duration, terms: &LeaseTerms, now: Timestamp) -> Timestamp {
        (now + asked.clamp(terms.min, terms.max)).min(self.pulled_at + terms.max)
    }

    /// Whether it still holds.
    #[must_use]
    pub fn holds(&self, now: Timestamp) -> bool {
        now < self.until
    }
}

#[cfg(test)]
mod tests {
    use liaison_types::SeededRandom;
    use proptest::prelude::*;

    use super::*;

    fn terms() -> LeaseTerms {
        LeaseTerms {
            default: Duration::from_mins(15),
            min: Duration::from_secs(10),
            max: Duration::from_hours(8),
            max_attempts: 5,
        }
    }

    #[test]
    fn a_token_is_long_random_and_never_printed() {
        let random = SeededRandom::new(1);
        let (one, two) = (LeaseToken::new(&random), LeaseToken::new(&random));
        assert_eq!(one.as_str().len(), 43);
        assert_ne!(one.hash(), two.hash());
        assert_eq!(one.hash(), TokenHash::of(one.as_str()));
        assert_eq!(format!("{one:?}"), "LeaseToken");
    }

    proptest! {
        #[test]
        fn no_lease_lasts_longer_than_the_terms_after_its_pull(
            asked in prop::option::of(0_u64..200_000),
            extensions in prop::collection::vec((0_u64..40_000, 0_u64..200_000), 0..20),
        ) {
            let terms = terms();
            let mut now = Timestamp::from_seconds(1_000_000);
            let token = TokenHash::of("x");
            let mut lease = Lease::new(token, asked.map(Duration::from_secs), &terms, now);
            prop_assert!(lease.until >= now + terms.min);
            for (later, asked) in extensions {
                now = now + Duration::from_secs(later);
                if !lease.holds(now) {
                    break;
                }
                lease.until = lease.end(Duration::from_secs(asked), &terms, now);
                prop_assert!(lease.until <= lease.pulled_at + terms.max);
                prop_assert!(lease.until <= now + terms.max);
            }
        }
    }
}
