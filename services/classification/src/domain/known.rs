//! What a rule set knows by a hash, asked thousands of times for each text.
//!
//! A table with open addressing, at most half full. Of a hash it keeps where it leads and the high half of it, and next to
//! that what is known: a text asks each time elsewhere, and what lies together comes from memory together. So of what is
//! not known one in some billions is taken for something that is.

/// 2⁶⁴ over the golden ratio, odd: <https://en.wikipedia.org/wiki/Hash_function#Fibonacci_hashing>.
const MIXER: u64 = 0x9e37_79b9_7f4a_7c15;

/// So many are asked together.
const TOGETHER: usize = 32;

/// Values by their hashes.
#[derive(Debug)]
pub(super) struct Known<T> {
    /// The high half of the hash, never 0, and the value. An empty slot has 0.
    slots: Box<[(u32, T)]>,
}

/// Where a value is in its table.
pub(super) type Place = u32;

impl<T: Copy + Default> Known<T> {
    /// Room for so many.
    pub(super) fn with_room(values: usize) -> Self {
        Self {
            slots: vec![(0, T::default()); 2 * values + 1].into(),
        }
    }

    /// The value of this hash, to be changed; one that says nothing yet where there was none.
    ///
    /// As many different ones as there is room for can be asked for. Of two with one high half that lie beside each other
    /// the second gets the value of the first: of a hundred thousand rule sets of our size one has such a pair.
    pub(super) fn entry(&mut self, hash: u64) -> &mut T {
        let mut at = self.first(hash);
        while ![0, high(hash)].contains(&self.slots[at].0) {
            at = (at + 1) % self.slots.len();
        }
        let slot = &mut self.slots[at];
        slot.0 = high(hash);
        &mut slot.1
    }

    /// Calls `out` with each of these hashes that has a value: where it is, and what was said with the hash.
    ///
    /// Some are asked together: the processor waits for memory once for all of them, where it would wait each time if what
    /// is done next went by what it finds.
    #[inline]
    pub(super) fn each_found<Q: Copy>(&self, asked: &[(u64, Q)], mut out: impl FnMut(Place, Q)) {
        for asked in asked.chunks(TOGETHER) {
            let mut begun = [(0, 0); TOGETHER];
            for (begun, (hash, _)) in begun.iter_mut().zip(asked) {
                let at = self.first(*hash);
                *begun = (at, self.slots[at].0);
            }
            for ((hash, with), (at, tag)) in asked.iter().zip(begun) {
                let wanted = high(*hash);
                let found = match tag {
                    tag if tag == wanted => Some(at),
                    0 => None,
                    _ => self.search(wanted, at),
                };
                if let Some(at) = found {
                    out(place(at), *with);
                }
            }
        }
    }

    /// The value at a place.
    #[inline]
    pub(super) fn at(&self, place: Place) -> &T {
        &self.slots[place as usize].1
    }

    /// Where the first slot with this tag is from this one on, where it comes before an empty one.
    #[inline]
    fn search(&self, wanted: u32, from: usize) -> Option<usize> {
        let mut at = from;
        loop {
            match self.slots[at].0 {
                tag if tag == wanted => return Some(at),
                0 => return None,
                _ => at += 1,
            }
            if at == self.slots.len() {
                at = 0;
            }
        }
    }

    /// Where the search for a hash begins. Not all hashes are spread well: those of short words are much alike.
    #[inline]
    const fn first(&self, hash: u64) -> usize {
        let mixed = hash.wrapping_mul(MIXER) >> 32;
        ((mixed * self.slots.len() as u64) >> 32) as usize
    }
}

/// There are fewer than 2³² slots: half of a hash says which.
fn place(at: usize) -> Place {
    Place::try_from(at).unwrap_or(Place::MAX)
}

/// The high half of a hash, and 1 for 0.
const fn high(hash: u64) -> u32 {
    let high = (hash >> 32) as u32;
    if high == 0 { 1 } else { high }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_in_is_found_and_nothing_else() {
        let hashes: Vec<u64> = (2..102).map(|n| n << 32 | n).collect();
        // So small that some searches go on at the first slot.
        let mut known = Known::with_room(hashes.len() / 2 + 1);
        for (value, hash) in (1_u16..).zip(&hashes) {
            *known.entry(*hash) = value;
        }
        let unknown = [200 << 32, 7];
        let asked: Vec<(u64, u64)> = hashes.iter().chain(&unknown).map(|it| (*it, *it)).collect();
        let mut found = Vec::new();
        known.each_found(&asked, |place, hash| found.push((hash, *known.at(place))));
        let expected: Vec<(u64, u16)> = hashes.iter().copied().zip(1..).collect();
        assert_eq!(found, expected);
        Known::<u16>::with_room(0).each_found(&[(7, ())], |_, ()| unreachable!());
    }
}
