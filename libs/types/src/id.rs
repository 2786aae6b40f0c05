//! Identifiers: UUID version 7 (RFC 9562 §5.7), one type per thing they name.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::random::Random;
use crate::time::Timestamp;

/// The text was not a UUID in its hyphenated lower-case form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a UUID in hyphenated lower-case form")]
pub struct ParseIdError;

/// A version 7 UUID: 48 bits of milliseconds from `at`, the rest from `random`. Ids made later sort
/// later, to the millisecond.
#[must_use]
pub fn uuid_v7(at: Timestamp, random: &dyn Random) -> Uuid {
    let mut bytes = [0; 10];
    random.fill(&mut bytes);
    let millis = u64::try_from(at.as_millis()).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid()
}

/// Parses the one accepted form, so that one thing has one name.
fn parse(text: &str) -> Result<Uuid, ParseIdError> {
    let uuid = Uuid::try_parse(text).map_err(|_| ParseIdError)?;
    let mut buffer = Uuid::encode_buffer();
    if uuid.hyphenated().encode_lower(&mut buffer) == text {
        Ok(uuid)
    } else {
        Err(ParseIdError)
    }
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[derive(Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Uuid);

        impl $name {
            /// A new id; see [`uuid_v7`].
            #[must_use]
            pub fn new(at: Timestamp, random: &dyn Random) -> Self {
                Self(uuid_v7(at, random))
            }

            /// The id with this value.
            #[must_use]
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The value.
            #[must_use]
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;
            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                parse(text).map(Self)
            }
        }

        impl TryFrom<String> for $name {
            type Error = ParseIdError;
            fn try_from(text: String) -> Result<Self, ParseIdError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.to_string()
            }
        }
    )*};
}

ids! {
    /// A referral.
    ReferralId;
    /// A unit's share of a referral.
    AssignmentId;
    /// A piece of work under an assignment.
    TaskId;
    /// A party that a referral was or is to be passed on to.
    ShareId;
    /// An event: the row id in the sender's outbox, the key in the receiver's inbox.
    EventId;
    /// A classification decision.
    DecisionId;
    /// What was said of a classification decision afterwards.
    CorrectionId;
    /// An entry of a service's audit.
    AuditId;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SeededRandom;

    #[test]
    fn ids_sort_by_time_and_round_trip() {
        let random = SeededRandom::new(1);
        let early = ReferralId::new(Timestamp::from_seconds(1_000), &random);
        let late = ReferralId::new(Timestamp::from_seconds(1_001), &random);
        assert!(early < late);
        assert_eq!(early.uuid().get_version_num(), 7);
        assert_eq!(early.to_string().parse(), Ok(early));
    }

    #[test]
    fn only_one_spelling_is_accepted() {
        let id = EventId::new(Timestamp::from_seconds(1), &SeededRandom::new(2)).to_string();
        assert!(id.to_uppercase().parse::<EventId>().is_err());
        assert!(id.replace('-', "").parse::<EventId>().is_err());
        assert!("".parse::<EventId>().is_err());
    }
}
