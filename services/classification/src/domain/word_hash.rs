//! Words as numbers: what the words of the rule set are found by.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// FNV-1a, 64 bits: <http://www.isthe.com/chongo/tech/comp/fnv/>.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fnv(u64);

impl Fnv {
    /// Of nothing yet.
    pub(super) const NEW: Self = Self(0xcbf2_9ce4_8422_2325);

    /// The hash.
    pub(super) const fn number(self) -> u64 {
        self.0
    }

    pub(super) const fn and(self, byte: u8) -> Self {
        Self((self.0 ^ byte as u64).wrapping_mul(0x0000_0100_0000_01b3))
    }

    fn and_all(self, bytes: &[u8]) -> Self {
        bytes.iter().fold(self, |hash, byte| hash.and(*byte))
    }
}

impl Default for Fnv {
    fn default() -> Self {
        Self::NEW
    }
}

/// For what the rule set holds, which nobody else chooses.
impl Hasher for Fnv {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        *self = self.and_all(bytes);
    }
}

/// The hash of a word.
pub(super) fn word_hash(word: &str) -> u64 {
    Fnv::NEW.and_all(word.as_bytes()).0
}

/// Numbers that are hashes already are their own hash.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct AlreadyHashed(u64);

/// A map by the hash of a word. A word that somebody makes up to have the hash of another is read as that one, which he
/// could have written.
pub(super) type ByHash<T> = HashMap<u64, T, BuildHasherDefault<AlreadyHashed>>;

impl Hasher for AlreadyHashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = Fnv(self.0).and_all(bytes).0;
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_fnv_1a() {
        // From the reference test vectors.
        assert_eq!(word_hash("foobar"), 0x8594_4171_f739_67e8);
    }
}
