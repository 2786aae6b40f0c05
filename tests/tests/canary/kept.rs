//! What is kept as it was written, where, and why. It is kept nowhere else.

use e2e::canary::{Needles, OFFICERS, PURPOSE, REFERENCE};

use crate::dump::Dump;

/// What people write that is no content.
pub(crate) struct Kept {
    /// What it is.
    pub(crate) what: &'static str,
    /// Why it is kept in the clear.
    pub(crate) why: &'static str,
    /// What it is found by.
    words: &'static [&'static str],
    /// Every column where it stands, as `service.table.column`.
    places: &'static [&'static str],
}

/// All there is.
pub(crate) const KEPT: [Kept; 3] = [
    Kept {
        what: "the bureau's own reference",
        why: "it is envelope: the bureau finds its referral by it in lists, where nothing is opened",
        words: &[REFERENCE],
        places: &["intake.referral.bureau_reference"],
    },
    Kept {
        what: "what a dossier was opened for",
        why: "auditors judge each reading by it, also after a purge; it is said about the reading, and the \
              API says that it is kept",
        words: &[PURPOSE],
        places: &["intake.audit.purpose"],
    },
    Kept {
        what: "the officers who acted",
        why: "who did what is what histories and the audit are for",
        words: &OFFICERS,
        places: &[
            "classification.audit.officer",
            "classification.decision.officer",
            // Who ruled, as intake is told for the history.
            "classification.outbox_kept.payload",
            "intake.audit.officer",
            "intake.custody.officer",
            "intake.referral.officer",
            "intake.share.decided_officer",
            "intake.share.requested_officer",
            // What a unit's own officers did, as it is told to the unit.
            "notification.notification.event",
            "routing.audit.officer",
            "routing.outbox_kept.payload",
            "routing.task.claimed_officer",
        ],
    },
];

/// Panics where something is kept elsewhere, or no longer where it says.
pub(crate) fn check(dump: &Dump) {
    for kept in KEPT {
        let needles = Needles::of(kept.words);
        let found = dump
            .iter()
            .filter(|(_, held)| needles.find(held).is_some())
            .map(|(place, _)| place.as_str())
            // What PostgreSQL remembers of columns is where the columns are.
            .filter(|place| !place.contains('('));
        let found: Vec<&str> = found.collect();
        assert_eq!(
            found, kept.places,
            "{}, kept because {}",
            kept.what, kept.why
        );
    }
}
