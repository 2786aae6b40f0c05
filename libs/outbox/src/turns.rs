//! Whose turn it is: the order of each subject's events while they are in memory.
//!
//! Events of a subject that follow each other closely are all handed over, although the earlier ones
//! are still in the table: the table cannot say then what may go, so this does. Each group of events
//! draws a ticket under its subject's row lock, before it is committed, and goes when everything
//! before it was delivered. A ticket that is dropped before its events were settled (rolled back,
//! failed, expired, lost in a crash of its task) takes the whole line with it: what is behind it goes
//! back to the table, where a claim restores the order.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The lines of one destination's task, by subject. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Turns(Arc<Mutex<Lines>>);

#[derive(Debug, Default)]
struct Lines {
    by_subject: HashMap<String, VecDeque<Place>>,
    last_number: u64,
}

/// A group's place in the line of its subject.
#[derive(Debug)]
struct Place {
    number: u64,
    /// The group's first sequence.
    first: i64,
    delivered: bool,
}

/// Holds a place until its events are settled.
#[derive(Debug)]
pub(crate) struct Ticket {
    turns: Turns,
    subject: String,
    number: u64,
}

/// Whether a group may go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Turn {
    Now,
    /// When what is before it was delivered.
    Later,
    /// Something before it was not delivered.
    Never,
}

impl Turns {
    /// Takes the last place in the subject's line, for events from sequence `first` on.
    pub(crate) fn enter(&self, subject: &str, first: i64) -> Ticket {
        let mut lines = self.lines();
        lines.last_number += 1;
        let number = lines.last_number;
        let place = Place {
            number,
            first,
            delivered: false,
        };
        if let Some(line) = lines.by_subject.get_mut(subject) {
            line.push_back(place);
        } else {
            lines.by_subject.insert(subject.to_owned(), [place].into());
        }
        Ticket {
            turns: self.clone(),
            subject: subject.to_owned(),
            number,
        }
    }

    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ticket {
    pub(crate) fn subject(&self) -> &str {
        &self.subject
    }

    /// Tells it from every other.
    pub(crate) const fn number(&self) -> u64 {
        self.number
    }

    /// The first sequence in this line that is not settled; `None` where the line is broken.
    pub(crate) fn oldest(&self) -> Option<i64> {
        self.in_line(|line, _| line.front().map(|place| place.first))
            .flatten()
    }

    /// `with` are the numbers of those in the same batch.
    pub(crate) fn turn(&self, with: &HashSet<u64>) -> Turn {
        self.in_line(|line, at| {
            let mut before = line.iter().take(at);
            if before.all(|place| place.delivered || with.contains(&place.number)) {
                Turn::Now
            } else {
                Turn::Later
            }
        })
        .unwrap_or(Turn::Never)
    }

    /// The receiver has its events: those behind it may go.
    pub(crate) fn delivered(&self) {
        self.in_line(|line, at| line[at].delivered = true);
    }

    /// Its events are gone from the table.
    pub(crate) fn settled(self) {
        let mut lines = self.turns.lines();
        let Some(line) = lines.by_subject.get_mut(&self.subject) else {
            return;
        };
        line.retain(|place| place.number != self.number);
        if line.is_empty() {
            lines.by_subject.remove(&self.subject);
        }
    }

    /// What `look` finds in its line, at its place; `None` where the line is broken.
    fn in_line<T>(&self, look: impl FnOnce(&mut VecDeque<Place>, usize) -> T) -> Option<T> {
        let mut lines = self.turns.lines();
        let line = lines.by_subject.get_mut(&self.subject)?;
        let at = line.iter().position(|place| place.number == self.number)?;
        Some(look(line, at))
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut lines = self.turns.lines();
        let line = lines.by_subject.get(&self.subject);
        if line.is_some_and(|line| line.iter().any(|place| place.number == self.number)) {
            lines.by_subject.remove(&self.subject);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alone(ticket: &Ticket) -> Turn {
        ticket.turn(&HashSet::new())
    }

    #[test]
    fn a_group_goes_when_everything_before_it_was_delivered() {
        let turns = Turns::default();
        let (first, second) = (turns.enter("a", 4), turns.enter("a", 6));
        let other = turns.enter("b", 1);
        assert_eq!(
            [alone(&first), alone(&second), alone(&other)],
            [Turn::Now, Turn::Later, Turn::Now]
        );
        assert_eq!(second.turn(&HashSet::from([first.number()])), Turn::Now);
        first.delivered();
        assert_eq!(alone(&second), Turn::Now);
        assert_eq!(second.oldest(), Some(4), "delivered is not settled");
        first.settled();
        assert_eq!(second.oldest(), Some(6));
        second.settled();
        other.settled();
        assert!(turns.lines().by_subject.is_empty());
    }

    #[test]
    fn what_is_dropped_breaks_the_line_and_not_the_next_one() {
        let turns = Turns::default();
        let [first, second, third] = [1, 2, 3].map(|sequence| turns.enter("a", sequence));
        first.delivered();
        drop(second);
        assert_eq!(alone(&third), Turn::Never);
        assert_eq!(third.oldest(), None);
        let fourth = turns.enter("a", 4);
        assert_eq!((alone(&fourth), fourth.oldest()), (Turn::Now, Some(4)));
        // Late ends of the broken line leave the new one alone.
        first.settled();
        drop(third);
        assert_eq!(alone(&fourth), Turn::Now);
    }
}
