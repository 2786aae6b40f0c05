//! How the named transactions fared.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// What happened to the transactions of one name since the database was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TxCounts {
    /// Committed.
    pub committed: u64,
    /// Given up with an error, refusals by the domain included.
    pub failed: u64,
    /// Repeated attempts, over all of them.
    pub retries: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Counts(Mutex<BTreeMap<&'static str, TxCounts>>);

impl Counts {
    pub(crate) fn update(&self, name: &'static str, change: impl FnOnce(&mut TxCounts)) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        change(counts.entry(name).or_default());
    }

    pub(crate) fn snapshot(&self) -> BTreeMap<&'static str, TxCounts> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}
