//! What is said of something that is tried every second and fails: the first time, then once a minute, and
//! that it is over.

use std::time::Duration;

use liaison_types::Timestamp;

/// How often it is said again.
const AGAIN: Duration = Duration::from_mins(1);

/// Something that is tried again and again.
#[derive(Debug, Default)]
pub(super) struct Trouble(Option<Since>);

#[derive(Clone, Copy, Debug)]
struct Since {
    began: Timestamp,
    told: Timestamp,
    failures: u64,
}

/// For how long it has been failing, and how often it did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spell {
    /// Since the first failure, in whole seconds; zero at the first.
    pub(super) seconds: u64,
    /// The first included.
    pub(super) failures: u64,
}

impl Trouble {
    /// It failed. Answers what is to be said, where it is time to.
    pub(super) fn failed(&mut self, now: Timestamp) -> Option<Spell> {
        let first = self.0.is_none();
        let since = self.0.get_or_insert(Since {
            began: now,
            told: now,
            failures: 0,
        });
        since.failures += 1;
        if !first && now.since(since.told) < AGAIN {
            return None;
        }
        since.told = now;
        Some(since.spell(now))
    }

    /// It succeeded. Answers what is over, where it had failed.
    pub(super) fn succeeded(&mut self, now: Timestamp) -> Option<Spell> {
        self.0.take().map(|since| since.spell(now))
    }
}

impl Since {
    fn spell(&self, now: Timestamp) -> Spell {
        Spell {
            seconds: now.since(self.began).as_secs(),
            failures: self.failures,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_said_at_first_once_a_minute_and_when_it_is_over() {
        let mut trouble = Trouble::default();
        let at = Timestamp::from_seconds;
        assert_eq!(trouble.succeeded(at(9)), None, "nothing was wrong");
        let told: Vec<_> = (10..=200)
            .filter_map(|second| trouble.failed(at(second)))
            .map(|spell| (spell.seconds, spell.failures))
            .collect();
        assert_eq!(told, [(0, 1), (60, 61), (120, 121), (180, 181)]);
        let over = Spell {
            seconds: 191,
            failures: 191,
        };
        assert_eq!(trouble.succeeded(at(201)), Some(over));
        assert_eq!(trouble.succeeded(at(202)), None);
        let anew = Spell {
            seconds: 0,
            failures: 1,
        };
        assert_eq!(trouble.failed(at(203)), Some(anew), "it is said anew");
    }
}
