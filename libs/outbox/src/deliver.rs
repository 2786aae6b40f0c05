//! What a service supplies: the way to its receivers, and what it does once they have confirmed.

use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use liaison_store::Tx;
use liaison_types::{Error, Reason, Result};

use crate::event::{Dead, Delivered, Destination, Outgoing};

/// The way to the receivers.
pub trait Deliver: Send + Sync + 'static {
    /// Everybody this service sends to. Asked once; a destination that is not named here has no
    /// task, and its events wait.
    fn destinations(&self) -> Vec<Destination>;

    /// Whether the receiver applies the events of one batch that share a subject in the order given
    /// *and*, after one of them fails, applies none of the later ones of that subject.
    ///
    /// Only where this holds may a batch carry several events of one subject
    /// ([`RelaySettings::run`](crate::RelaySettings::run)); otherwise each batch carries at most one,
    /// and the next follows when it is confirmed.
    fn keeps_order(&self) -> bool {
        false
    }

    /// Whether events for `destination` may wait [`RelaySettings::linger`](crate::RelaySettings::linger)
    /// for others to go with them: where nobody's work waits for them.
    fn may_linger(&self, _destination: &Destination) -> bool {
        false
    }

    /// Hands `batch` to `destination` and answers with one outcome per event, in the same order.
    ///
    /// The future is dropped when
    /// [`RelaySettings::deliver_timeout`](crate::RelaySettings::deliver_timeout) is over.
    ///
    /// # Errors
    /// Where nothing is known about any event of the batch: no connection, no answer, a call refused
    /// as a whole. Every event is tried again, and the relay slows down towards this destination.
    /// What concerns one event belongs into its [`Outcome`].
    fn deliver<'a>(
        &'a self,
        destination: &'a Destination,
        batch: Vec<Outgoing>,
    ) -> BoxFuture<'a, Result<Vec<Outcome>>>;
}

/// What became of one event.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// The receiver has it durably; also where it had it before.
    Delivered,
    /// Not now; it may succeed later without anybody mending anything.
    Retry {
        /// Why.
        reason: Reason,
        /// The receiver's own wish; the relay's backoff where it is absent or shorter than that.
        after: Option<Duration>,
    },
    /// Not ever, as it is: it becomes a dead letter.
    Rejected {
        /// Why.
        reason: Reason,
    },
}

impl From<&Error> for Outcome {
    /// A retryable error is a [`Outcome::Retry`], any other an [`Outcome::Rejected`].
    fn from(error: &Error) -> Self {
        let reason = error.reason();
        if error.is_retryable() {
            Self::Retry {
                reason,
                after: error.retry_delay(),
            }
        } else {
            Self::Rejected { reason }
        }
    }
}

/// What the sender does once a receiver has confirmed, in the transaction that removes the events.
///
/// Each event is heard of exactly once per committed transaction; what is to follow the commit goes to
/// [`Tx::after_commit`]. An error here keeps the events:
/// they are delivered again later, where the receiver knows them by their ids, and the hook runs
/// again.
pub trait Hook: Send + Sync + 'static {
    /// Whether it wants to hear of events for `destination`. Their settlement follows their delivery
    /// at once then and is on disk when it is acknowledged; that of all others may come a moment later,
    /// several batches together.
    fn hears(&self, destination: &Destination) -> bool;

    /// The receiver has these; their rows are gone with this transaction.
    ///
    /// # Errors
    /// Where the sender's own change fails.
    fn delivered<'a>(
        &'a self,
        _tx: &'a Tx<'a>,
        _events: &'a [Delivered],
    ) -> BoxFuture<'a, Result<()>> {
        async { Ok(()) }.boxed()
    }

    /// These became dead letters with this transaction.
    ///
    /// # Errors
    /// Where the sender's own change fails.
    fn dead<'a>(&'a self, _tx: &'a Tx<'a>, _events: &'a [Dead]) -> BoxFuture<'a, Result<()>> {
        async { Ok(()) }.boxed()
    }
}

/// Nothing to do.
impl Hook for () {
    fn hears(&self, _destination: &Destination) -> bool {
        false
    }
}
