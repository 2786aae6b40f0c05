//! Whose turn it is: the order of each subject's events while they are in memory.
//!
//! Events of a subject that follow each other closely are all handed over, although the earlier ones
//! are still in the table: the table cannot say then what may go, so this does. Each group of events
//! draws a ticket under its subject's row lock, before it is committed, and goes when everything
//! before it was delivered. A ticket that is dropped before its events were settled (rolled back,
//! failed, expired, lost in a crash of its task) takes the whole line with it: what is behind it goes
//! back to the table, where a claim restores the order.
//!
//! A line also remembers up to which sequence everything of its subject is known to have gone this
//! way, so that the table need not be asked whether something is left. Another process that serves the
//! same database may write the next sequence: then the numbers have a gap here, and the table is asked.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The lines of one destination's task, by subject. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Turns(Arc<Mutex<Lines>>);

#[derive(Debug, Default)]
struct Lines {
    by_subject: HashMap<String, Line>,
    /// Lines that were empty at some time, and the number that said so, oldest first.
    empty: VecDeque<(String, u64)>,
    last_number: u64,
}

#[derive(Debug, Default)]
struct Line {
    places: VecDeque<Place>,
    /// No row up to this sequence is left in the table but those that have places.
    known: Option<i64>,
    /// Drawn when it became empty.
    empty_since: u64,
}

/// Empty lines that are remembered, about a quarter of a KiB each.
const MOST_EMPTY: usize = 4_096;

/// The sequences that one transaction gives to one subject, over all destinations.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Span {
    pub(crate) subject: String,
    pub(crate) first: i64,
    pub(crate) last: i64,
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
        let number = lines.draw();
        let place = Place {
            number,
            first,
            delivered: false,
        };
        if let Some(line) = lines.by_subject.get_mut(subject) {
            line.places.push_back(place);
        } else {
            let line = Line {
                places: [place].into(),
                ..Line::default()
            };
            lines.by_subject.insert(subject.to_owned(), line);
        }
        Ticket {
            turns: self.clone(),
            subject: subject.to_owned(),
            number,
        }
    }

    /// Whether everything before the span is known.
    pub(crate) fn knows(&self, span: &Span) -> bool {
        self.lines()
            .by_subject
            .get(&span.subject)
            .is_some_and(|line| line.reaches(span))
    }

    /// An event of this subject goes another way: whoever comes next has to ask.
    pub(crate) fn doubt(&self, subject: &str) {
        if let Some(line) = self.lines().by_subject.get_mut(subject) {
            line.known = None;
        }
    }

    /// The spans were committed; with each the number of its ticket where events of it go this way. What
    /// is before those is known, or was asked about: so everything up to their ends is, as long as their
    /// lines are not broken. Of the others everything up to the end is known where all before is.
    pub(crate) fn reached<'a>(&self, spans: impl Iterator<Item = (&'a Span, Option<u64>)>) {
        let mut lines = self.lines();
        for (span, ticket) in spans {
            if let Some(line) = lines.by_subject.get_mut(&span.subject)
                && ticket.map_or_else(|| line.reaches(span), |number| line.has(number))
            {
                line.known = line.known.max(Some(span.last));
            }
        }
    }

    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Line {
    fn has(&self, number: u64) -> bool {
        self.places.iter().any(|place| place.number == number)
    }

    fn reaches(&self, span: &Span) -> bool {
        self.known.is_some_and(|known| known >= span.first - 1)
    }
}

impl Lines {
    const fn draw(&mut self) -> u64 {
        self.last_number += 1;
        self.last_number
    }

    /// Remembers an empty line where it knows something, and forgets the one that was empty longest.
    fn note_empty(&mut self, subject: &str) {
        let number = self.draw();
        match self.by_subject.get_mut(subject) {
            Some(line) if line.known.is_some() => line.empty_since = number,
            _ => {
                self.by_subject.remove(subject);
                return;
            }
        }
        self.empty.push_back((subject.to_owned(), number));
        if self.empty.len() > MOST_EMPTY
            && let Some((oldest, number)) = self.empty.pop_front()
            && let Some(line) = self.by_subject.get(&oldest)
            && line.empty_since == number
            && line.places.is_empty()
        {
            self.by_subject.remove(&oldest);
        }
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
        line.places.retain(|place| place.number != self.number);
        if line.places.is_empty() {
            lines.note_empty(&self.subject);
        }
    }

    /// What `look` finds in its line, at its place; `None` where the line is broken.
    fn in_line<T>(&self, look: impl FnOnce(&mut VecDeque<Place>, usize) -> T) -> Option<T> {
        let mut lines = self.turns.lines();
        let line = &mut lines.by_subject.get_mut(&self.subject)?.places;
        let at = line.iter().position(|place| place.number == self.number)?;
        Some(look(line, at))
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut lines = self.turns.lines();
        let line = lines.by_subject.get(&self.subject);
        if line.is_some_and(|line| line.has(self.number)) {
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

    fn span(first: i64, last: i64) -> Span {
        Span {
            subject: "a".to_owned(),
            first,
            last,
        }
    }

    #[test]
    fn a_line_knows_what_follows_without_a_gap() {
        let turns = Turns::default();
        let first = turns.enter("a", 2);
        assert!(!turns.knows(&span(3, 3)), "not committed yet");
        turns.reached([(&span(1, 2), Some(first.number()))].into_iter());
        assert!(turns.knows(&span(3, 3)) && !turns.knows(&span(4, 4)));
        first.settled();
        assert!(turns.knows(&span(3, 5)), "an empty line is remembered");
        // To another destination only.
        turns.reached([(&span(3, 5), None)].into_iter());
        assert!(turns.knows(&span(6, 6)));
        // Somebody else wrote 6.
        turns.reached([(&span(7, 7), None)].into_iter());
        assert!(!turns.knows(&span(8, 8)) && turns.knows(&span(6, 6)));
        turns.doubt("a");
        assert!(!turns.knows(&span(6, 6)));
        turns.reached([(&span(6, 6), None)].into_iter());
        assert!(
            !turns.knows(&span(7, 7)),
            "a doubt stays until somebody asked"
        );
    }

    #[test]
    fn a_late_word_on_a_broken_line_says_nothing_of_the_next_one() {
        let turns = Turns::default();
        let first = turns.enter("a", 5);
        let number = first.number();
        drop(first);
        let _second = turns.enter("a", 6);
        turns.reached([(&span(5, 5), Some(number))].into_iter());
        assert!(!turns.knows(&span(6, 6)));
    }

    #[test]
    fn few_empty_lines_are_remembered() {
        let turns = Turns::default();
        let known = |subject: &str| Span {
            subject: subject.to_owned(),
            first: 1,
            last: 1,
        };
        for subject in 0..=MOST_EMPTY {
            let subject = subject.to_string();
            let ticket = turns.enter(&subject, 1);
            turns.reached([(&known(&subject), Some(ticket.number()))].into_iter());
            ticket.settled();
        }
        let lines = turns.lines();
        assert_eq!(
            (lines.by_subject.len(), lines.empty.len()),
            (MOST_EMPTY, MOST_EMPTY)
        );
        assert!(!lines.by_subject.contains_key("0") && lines.by_subject.contains_key("1"));
    }
}
