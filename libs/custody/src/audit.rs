//! The seal of a service's audit.
//!
//! Audit entries are written without a chain, because a chain would make all writers wait for each
//! other; each carries its own digest. One sealer appends them to a chain afterwards ([`seal`]), and
//! signs the end of that chain from time to time ([`Checkpoint`]). Whoever can change the database can
//! also calculate a new chain, and then no checkpoint fits any more.

mod checkpoint;
mod verifier;

use liaison_types::AuditId;
use sha2::{Digest as _, Sha256};

pub use checkpoint::Checkpoint;
pub use verifier::{AuditProblem, AuditReport, CheckpointProblem, SealVerifier, Sealed};

use crate::chain::Digest;
use crate::message::{Sink as _, tag};

/// The chained digest of the audit entry `entry` with the digest `digest`, sealed at `position` (1 for
/// the first) after `previous`.
///
/// SHA-256 over the line `liaison.audit.seal.v1`, the chained digest before (32 zero bytes for the
/// first), the position as an 8-byte big-endian integer, the 16 bytes of the entry's UUID and its
/// digest.
#[must_use]
pub fn seal(previous: Option<&Digest>, position: i64, entry: AuditId, digest: &Digest) -> Digest {
    let mut hash = Sha256::new();
    hash.bytes(tag::SEAL);
    hash.bytes(previous.unwrap_or(&[0; 32]));
    hash.integer(position);
    hash.bytes(entry.uuid().as_bytes());
    hash.bytes(digest);
    hash.finalize().into()
}
