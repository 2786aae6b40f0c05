//! What a service holds of its outbox: the way in, and the wake-ups of its relay.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::event::Destination;
use crate::handover::{Entrance, Handed, Terms};

/// The outbox of one service, as its use cases see it: [`Outbox::enqueue`] is the way in. Cheap to
/// clone; clones share what they know of the relay.
///
/// It works without a relay, too: events are stored then and wait for one.
#[derive(Clone, Default)]
pub struct Outbox(Arc<Mutex<HashMap<Destination, Door>>>);

/// What is known of the relay's task for one destination.
struct Door {
    /// Wake-ups shorten waits and carry nothing: the periodic scan is the truth.
    wake: watch::Sender<u64>,
    /// Open while the task runs.
    entrance: Option<Arc<Entrance>>,
}

impl Default for Door {
    fn default() -> Self {
        Self {
            wake: watch::Sender::new(0),
            entrance: None,
        }
    }
}

impl fmt::Debug for Outbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.doors().keys()).finish()
    }
}

impl Outbox {
    /// An outbox no relay serves yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Something was committed for `destination`; before the commit the relay would look too early.
    /// Wake-ups coalesce.
    pub(crate) fn wake(&self, destination: &Destination) {
        if let Some(door) = self.doors().get(destination) {
            door.wake
                .send_modify(|count| *count = count.wrapping_add(1));
        }
    }

    /// A receiver per listener, so that none takes another's wake-up and none is missed between two
    /// waits.
    pub(crate) fn listen(&self, destination: &Destination) -> watch::Receiver<u64> {
        let mut doors = self.doors();
        doors
            .entry(destination.clone())
            .or_default()
            .wake
            .subscribe()
    }

    /// From now on events for `destination` are handed over on these terms, until [`Outbox::close`].
    pub(crate) fn open(&self, destination: &Destination, terms: Terms) -> Handed {
        let (entrance, handed) = Entrance::new(terms);
        let mut doors = self.doors();
        doors.entry(destination.clone()).or_default().entrance = Some(entrance);
        handed
    }

    /// No more events are handed over.
    pub(crate) fn close(&self, destination: &Destination) {
        if let Some(door) = self.doors().get_mut(destination) {
            door.entrance = None;
        }
    }

    pub(crate) fn entrance(&self, destination: &Destination) -> Option<Arc<Entrance>> {
        self.doors().get(destination)?.entrance.clone()
    }

    fn doors(&self) -> MutexGuard<'_, HashMap<Destination, Door>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wake_up_reaches_its_destination_and_is_kept_until_heard() {
        let outbox = Outbox::new();
        let (one, two) = (Destination::new("one"), Destination::new("two"));
        let (mut first, second) = (outbox.listen(&one), outbox.listen(&two));
        outbox.wake(&one);
        outbox.wake(&one);
        assert!(first.has_changed().unwrap() && !second.has_changed().unwrap());
        first.mark_unchanged();
        assert!(!first.has_changed().unwrap());
        outbox.wake(&one);
        outbox.wake(&two);
        assert!(first.has_changed().unwrap() && second.has_changed().unwrap());
    }
}
