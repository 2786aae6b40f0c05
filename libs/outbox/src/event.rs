//! Events on their way: what a service hands in, what a deliverer gets, what a hook hears.

use std::borrow::Cow;
use std::fmt;

use liaison_types::{EventId, Reason, Timestamp};

/// The name of a receiver, for example `classification`. Known in advance and few: each has a task
/// of its own in the relay.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Destination(Cow<'static, str>);

impl Destination {
    /// The destination with this name.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self(Cow::Borrowed(name))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for Destination {
    fn from(name: String) -> Self {
        Self(Cow::Owned(name))
    }
}

impl From<&'static str> for Destination {
    fn from(name: &'static str) -> Self {
        Self::new(name)
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An event to be handed on.
#[derive(Clone, PartialEq, Eq)]
pub struct NewEvent {
    /// The key under which the receiver knows it again. One fact for two destinations is two events
    /// with two ids.
    pub id: EventId,
    /// What it is about, for example `referrals/…`. Order holds within one subject.
    pub subject: String,
    /// The position within the subject, from 1, drawn under the subject's row lock. Nothing of the
    /// subject was ever enqueued before the one that carries 1.
    pub sequence: i64,
    /// Who gets it.
    pub destination: Destination,
    /// What kind of fact it is, in the sender's and receiver's terms.
    pub kind: String,
    /// The fact itself.
    pub payload: Vec<u8>,
    /// The trace it belongs to, as a W3C `traceparent` value.
    pub traceparent: Option<String>,
}

impl fmt::Debug for NewEvent {
    /// Without the payload, so that no log ever holds it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewEvent")
            .field("id", &self.id)
            .field("subject", &self.subject)
            .field("sequence", &self.sequence)
            .field("destination", &self.destination)
            .field("kind", &self.kind)
            .field("payload_bytes", &self.payload.len())
            .finish_non_exhaustive()
    }
}

/// A claimed event, as a deliverer gets it.
#[derive(Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// The event's id.
    pub id: EventId,
    /// What it is about.
    pub subject: String,
    /// Its position within the subject.
    pub sequence: i64,
    /// What kind of fact it is.
    pub kind: String,
    /// The fact itself.
    pub payload: Vec<u8>,
    /// The trace it belongs to.
    pub traceparent: Option<String>,
    /// When it was enqueued.
    pub created_at: Timestamp,
    /// The number of this attempt, from 1.
    pub attempt: u32,
}

impl fmt::Debug for Outgoing {
    /// Without the payload, so that no log ever holds it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing")
            .field("id", &self.id)
            .field("subject", &self.subject)
            .field("sequence", &self.sequence)
            .field("kind", &self.kind)
            .field("payload_bytes", &self.payload.len())
            .field("attempt", &self.attempt)
            .finish_non_exhaustive()
    }
}

/// An event the receiver has confirmed, as a [`Hook`](crate::Hook) hears of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Delivered {
    /// The event's id.
    pub id: EventId,
    /// Who has it.
    pub destination: Destination,
    /// What it is about.
    pub subject: String,
    /// Its position within the subject.
    pub sequence: i64,
    /// What kind of fact it is.
    pub kind: String,
}

/// An event that became a dead letter, as a [`Hook`](crate::Hook) hears of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Dead {
    /// The event's id.
    pub id: EventId,
    /// Who should have had it.
    pub destination: Destination,
    /// What it is about. Later events of this subject wait behind it.
    pub subject: String,
    /// Its position within the subject.
    pub sequence: i64,
    /// What kind of fact it is.
    pub kind: String,
    /// Why it was given up.
    pub reason: Reason,
}
