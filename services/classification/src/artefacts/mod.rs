//! Rule sets, with their text models, as versioned artefacts.
//!
//! A rule set is some files (`data/README.md`). The database keeps the files of every version that ever was
//! added, so that what a decision was made by can be had again; a version names one content for good, by a
//! digest. One version is active and decides; one may be a shadow, which decides the same cases without effect,
//! and what it would have decided otherwise is kept. Operators choose by the commands of [`commands`]; every
//! process looks every few seconds whether another was chosen ([`watch`]).
//!
//! * [`files`]: what a rule set is made of, and the one place where files become one.
//! * [`digest`]: what is compared to the byte.
//! * [`kept`]: where a version stands and which steps there are, pure.
//! * [`in_use`]: what this process decides by now, swapped as a whole.
//! * [`shadow`]: what another rule set says of the same case.
//! * [`register`]: what a start brings.

pub mod commands;
pub mod digest;
pub mod files;
pub mod in_use;
pub mod kept;
pub mod register;
pub mod shadow;
pub mod watch;

use liaison_store::audit::AuditEntry;
use liaison_types::{AuditId, Party, Random, Timestamp};

/// An entry of the audit about the rule set `version`.
fn entry(
    at: Timestamp,
    random: &dyn Random,
    by: &Party,
    action: &'static str,
    version: &str,
    purpose: Option<String>,
) -> AuditEntry {
    let subject = format!("ruleSets/{version}");
    AuditEntry {
        purpose,
        ..AuditEntry::new(
            AuditId::new(at, random),
            at,
            by.clone(),
            action,
            subject,
            "PERMIT",
        )
    }
}
