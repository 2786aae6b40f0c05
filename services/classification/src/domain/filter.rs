//! A set that is asked before a larger one: it says "no" of most that is not there, and never of what is.

/// Bits by the high half of a hash: a Bloom filter of one hash function.
#[derive(Debug)]
pub(super) struct Filter(Box<[u64]>);

impl Filter {
    /// Empty, of 2 to the power of `bits` bits, at least 6.
    pub(super) fn new(bits: u32) -> Self {
        Self(vec![0; 1 << (bits - 6)].into())
    }

    /// Adds what has this hash.
    pub(super) fn insert(&mut self, hash: u64) {
        let (word, bit) = self.place(hash);
        self.0[word] |= bit;
    }

    /// Whether something with this hash may have been added.
    #[inline]
    pub(super) fn may_hold(&self, hash: u64) -> bool {
        let (word, bit) = self.place(hash);
        self.0[word] & bit != 0
    }

    const fn place(&self, hash: u64) -> (usize, u64) {
        let high = hash >> 32;
        ((high >> 6) as usize & (self.0.len() - 1), 1 << (high & 63))
    }
}
