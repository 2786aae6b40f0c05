//! Bytes that are hashed or signed. The first line says what they are, so that what was made for one
//! purpose is never taken for another.

use liaison_types::{ReferralId, Timestamp};
use sha2::{Digest as _, Sha256};

/// First lines. Each ends with a line feed and none is the beginning of another. A changed encoding
/// gets a new one.
pub(crate) mod tag {
    pub(crate) const RECEIPT: &[u8] = b"liaison.custody.receipt.v2\n";
    pub(crate) const SIGNATURE: &[u8] = b"liaison.custody.signature.v2\n";
    pub(crate) const STATEMENT: &[u8] = b"liaison.custody.statement.v1\n";
    pub(crate) const SEAL: &[u8] = b"liaison.audit.seal.v1\n";
    pub(crate) const CHECKPOINT: &[u8] = b"liaison.audit.checkpoint.v1\n";
}

/// Where the bytes go: into a hash, or into a message to be signed.
pub(crate) trait Sink {
    fn bytes(&mut self, bytes: &[u8]);

    fn integer(&mut self, value: i64) {
        self.bytes(&value.to_be_bytes());
    }

    fn instant(&mut self, at: Timestamp) {
        self.integer(at.as_micros());
    }

    fn referral(&mut self, referral: ReferralId) {
        self.bytes(referral.uuid().as_bytes());
    }

    /// Length and bytes, so that fields do not run into each other. No field comes near 4 GiB:
    /// messages are bounded far below.
    fn field(&mut self, bytes: &[u8]) {
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        self.bytes(&length.to_be_bytes());
        self.bytes(bytes);
    }
}

impl Sink for Sha256 {
    fn bytes(&mut self, bytes: &[u8]) {
        self.update(bytes);
    }
}

impl Sink for Vec<u8> {
    fn bytes(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}
