//! How much one party may have at a time, who has how much, and what a refusal says.
//!
//! Each replica of a service counts for itself. What is counted lives in memory and only for parties
//! that have something at the moment: it cannot be made to grow by inventing names, for a party is
//! known by its certificate alone.
//!
//! There is deliberately no quota on how many referrals a bureau may submit: a referral that is refused
//! on its merits can be corrected, one that is refused for its number is a person who is not looked for.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use liaison_types::{Error, ErrorKind, Party, Reason};
use tonic_types::{ErrorDetails, QuotaViolation};

/// The metadata key of an error that names the quota.
const QUOTA: &str = "quota";
/// The one that says how much the party may have.
const LIMIT: &str = "limit";
/// The one that names the party.
const PARTY: &str = "party";

/// The name of the quota on calls per second.
const RATE: &str = "party_rate";

/// What a party may have only so much of at a time.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Quota {
    /// Open connections.
    Connections,
    /// Calls in progress.
    Calls,
    /// Long polls in progress.
    LongPolls,
    /// Open streams.
    Streams,
}

impl Quota {
    /// The setting that limits it, which is also its name in a refusal.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Connections => "party_connections",
            Self::Calls => "party_calls",
            Self::LongPolls => "party_long_polls",
            Self::Streams => "party_streams",
        }
    }

    const fn what(self) -> &'static str {
        match self {
            Self::Connections => "open connections",
            Self::Calls => "calls in progress",
            Self::LongPolls => "long polls in progress",
            Self::Streams => "open streams",
        }
    }

    /// When to come again. A connection or a stream is held for long, a call is not.
    const fn retry_after(self) -> Duration {
        match self {
            Self::Calls => Duration::from_millis(200),
            Self::LongPolls => Duration::from_secs(1),
            Self::Connections | Self::Streams => Duration::from_secs(5),
        }
    }
}

/// `party` has as much of `quota` as it may, which is `most`.
pub(crate) fn exceeded(party: &Party, quota: Quota, most: NonZeroUsize) -> Error {
    error(party, quota.as_str(), &most.get())
        .message(format!(
            "{party} has {most} {} and may have no more at a time",
            quota.what()
        ))
        .retry_after(quota.retry_after())
}

/// `party` calls more often than `rate` times a second, and may again after `wait`.
pub(crate) fn too_often(party: &Party, rate: u32, wait: Duration) -> Error {
    error(party, RATE, &rate)
        // Never "come again at once", which the rounding of a clock could say.
        .retry_after(wait.max(Duration::from_millis(1)))
}

fn error(party: &Party, quota: &'static str, limit: &impl ToString) -> Error {
    Error::new(ErrorKind::ResourceExhausted, Reason::RateLimited)
        .metadata(QUOTA, quota)
        .metadata(LIMIT, limit.to_string())
        .metadata(PARTY, party.to_string())
}

/// Adds `google.rpc.QuotaFailure` where `error` is about a quota: which one, whose, how much.
pub(crate) fn describe(error: &Error, details: &mut ErrorDetails) {
    let value = |wanted: &str| {
        let mut all = error.metadata_list().iter();
        all.find(|(key, _)| *key == wanted).map(|(_, value)| value)
    };
    if error.kind() != ErrorKind::ResourceExhausted {
        return;
    }
    if let (Some(quota), Some(limit), Some(party)) = (value(QUOTA), value(LIMIT), value(PARTY)) {
        let mut violation =
            QuotaViolation::new(format!("{}{party}", Party::SCHEME), error.to_string());
        violation.quota_id.clone_from(quota);
        violation.quota_value = limit.parse().unwrap_or(0);
        details.set_quota_failure(vec![violation]);
    }
}

/// How many places of one kind each party holds. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Places(Arc<Mutex<HashMap<Party, usize>>>);

impl Places {
    /// A place for `party`, which may hold `most`; `None` where it holds that many. Without a limit
    /// nothing is counted.
    pub(crate) fn take(&self, party: &Party, most: Option<NonZeroUsize>) -> Option<Place> {
        let Some(most) = most else {
            return Some(Place::free());
        };
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match held.get_mut(party) {
            Some(count) if *count >= most.get() => return None,
            Some(count) => *count += 1,
            None => {
                held.insert(party.clone(), 1);
            }
        }
        Some(Place(Some((self.clone(), party.clone()))))
    }

    fn give_back(&self, party: Party) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Entry::Occupied(mut count) = held.entry(party) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}

/// One place, given back when this is dropped.
#[derive(Debug)]
pub(crate) struct Place(Option<(Places, Party)>);

impl Place {
    /// A place that nobody counts.
    pub(crate) const fn free() -> Self {
        Self(None)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some((places, party)) = self.0.take() {
            places.give_back(party);
        }
    }
}

#[cfg(test)]
mod tests {
    use liaison_types::Language;
    use tonic_types::StatusExt as _;

    use super::*;

    #[test]
    fn each_party_has_its_own_places_and_what_is_given_back_leaves_nothing_behind() {
        let places = Places::default();
        let (france, spain): (Party, Party) = (
            "bureau/NB-FR".parse().unwrap(),
            "bureau/NB-ES".parse().unwrap(),
        );
        let two = NonZeroUsize::new(2);
        let held: Vec<_> = (0..2).map(|_| places.take(&france, two).unwrap()).collect();
        assert!(places.take(&france, two).is_none());
        let other = places.take(&spain, two).unwrap();
        assert!(places.take(&france, None).is_some());
        drop(held);
        let again = places.take(&france, two).unwrap();
        drop((again, other));
        assert!(places.0.lock().unwrap().is_empty());
    }

    #[test]
    fn a_refusal_names_the_quota_its_subject_and_its_value() {
        let party: Party = "bureau/NB-FR".parse().unwrap();
        let error = exceeded(&party, Quota::Streams, NonZeroUsize::MIN);
        let details = crate::to_status(&error, Language::Fr).get_error_details();
        let quota = &details.quota_failure().unwrap().violations[0];
        assert_eq!(quota.subject, "liaison://bureau/NB-FR");
        assert_eq!(
            (quota.quota_id.as_str(), quota.quota_value),
            ("party_streams", 1)
        );
        assert!(quota.description.contains("open streams"), "{quota:?}");
        assert!(details.retry_info().unwrap().retry_delay.is_some());
        let error = too_often(&party, 5, Duration::ZERO);
        let details = crate::to_status(&error, Language::En).get_error_details();
        assert_eq!(
            details.quota_failure().unwrap().violations[0].quota_id,
            "party_rate"
        );
        let other = crate::to_status(&Error::overloaded(Duration::ZERO), Language::En);
        assert!(other.get_error_details().quota_failure().is_none());
    }
}
