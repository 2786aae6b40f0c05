//! Where the different things of one text are in the list of them.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;

/// Positions by hashes: a table with open addressing, at most three quarters full.
///
/// Who sends a text chooses what is in it, and can make things up whose hashes crowd one place of a table. So hashes are
/// mixed with a key that he does not know.
#[derive(Debug)]
pub(super) struct Positions {
    key: u64,
    /// Each position plus one; 0 where there is none.
    slots: Vec<u32>,
}

impl Positions {
    /// For at most so many different things.
    pub(super) fn with_room(things: usize) -> Self {
        Self {
            key: RandomState::new().hash_one(things) | 1,
            slots: vec![0; (things * 4 / 3 + 1).next_power_of_two()],
        }
    }

    /// The position of the thing with this hash: of those asked for with it before, the first one that `is` it. Where none
    /// is, this thing is kept as `next`, and there is no position. The key does not part things of one hash: where a writer
    /// can make those up, `is` has to take them for one.
    #[inline]
    pub(super) fn find_or_keep(
        &mut self,
        hash: u64,
        next: usize,
        is: impl Fn(usize) -> bool,
    ) -> Option<usize> {
        let last = self.slots.len() - 1;
        let mut at = self.first(hash) & last;
        loop {
            let slot = &mut self.slots[at];
            let Some(position) = (*slot as usize).checked_sub(1) else {
                *slot = u32::try_from(next + 1).unwrap_or(u32::MAX);
                return None;
            };
            if is(position) {
                return Some(position);
            }
            at = (at + 1) & last;
        }
    }

    /// Where the search begins: the middle of the product, which all bits of hash and key have a part in.
    #[expect(clippy::cast_possible_truncation, reason = "the middle is asked for")]
    const fn first(&self, hash: u64) -> usize {
        let product = hash as u128 * self.key as u128;
        ((product >> 64) as u64 ^ product as u64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_thing_is_kept_once_and_found_again() {
        let mut things: Vec<u64> = Vec::new();
        let mut positions = Positions::with_room(100);
        let mut found = Vec::new();
        // Of three hashes, so that most searches go on.
        for thing in (0..100).chain([7, 99, 0]) {
            let known = positions.find_or_keep(thing % 3, things.len(), |at| things[at] == thing);
            match known {
                Some(position) => found.push(position),
                None => things.push(thing),
            }
        }
        assert_eq!(things, Vec::from_iter(0..100));
        assert_eq!(found, [7, 99, 0]);
    }

    #[test]
    fn there_is_room_for_nothing_too() {
        assert_eq!(Positions::with_room(0).find_or_keep(1, 0, |_| false), None);
    }
}
