//! Wake-ups. They shorten waits and carry nothing: the periodic scan is the truth.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use crate::event::Destination;

/// Wakes the relay of this process after a commit. Cheap to clone; wake-ups coalesce.
#[derive(Clone, Debug, Default)]
pub struct Nudge(Arc<Mutex<HashMap<Destination, watch::Sender<u64>>>>);

impl Nudge {
    /// A nudge nobody listens to yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Something was committed for `destination`. Call it after the commit: before it, the relay
    /// would look too early.
    pub fn wake(&self, destination: &Destination) {
        let lanes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lane) = lanes.get(destination) {
            lane.send_modify(|count| *count = count.wrapping_add(1));
        }
    }

    /// Something was committed, for whomever.
    pub fn wake_all(&self) {
        let lanes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for lane in lanes.values() {
            lane.send_modify(|count| *count = count.wrapping_add(1));
        }
    }

    /// A receiver per listener, so that none takes another's wake-up and none is missed between two
    /// waits.
    pub(crate) fn listen(&self, destination: &Destination) -> watch::Receiver<u64> {
        let mut lanes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lanes
            .entry(destination.clone())
            .or_insert_with(|| watch::Sender::new(0))
            .subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wake_up_reaches_its_destination_and_is_kept_until_heard() {
        let nudge = Nudge::new();
        let (one, two) = (Destination::new("one"), Destination::new("two"));
        let (mut first, second) = (nudge.listen(&one), nudge.listen(&two));
        nudge.wake(&one);
        nudge.wake(&one);
        assert!(first.has_changed().unwrap() && !second.has_changed().unwrap());
        first.mark_unchanged();
        assert!(!first.has_changed().unwrap());
        nudge.wake_all();
        assert!(first.has_changed().unwrap() && second.has_changed().unwrap());
    }
}
