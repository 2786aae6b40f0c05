//! Who calls: the party that the connection's certificate names, and what the metadata adds.

use std::sync::Arc;
use std::time::Duration;

use liaison_types::{Error, ErrorKind, Language, Party, PartyKind, Reason, Timestamp};
use tokio::time::Instant;
use tonic::Status;

use crate::status;

/// Metadata key under which a party names its acting officer.
pub const OFFICER: &str = "liaison-officer";

/// Longest officer name, in bytes.
pub const MAX_OFFICER: usize = 64;

/// The other end of an authenticated connection: an extension of every request on it.
pub type Peer = Arc<liaison_identity::Peer>;

/// The caller of one request: an extension of every request to a business service.
///
/// The party comes from the certificate and nothing else. The officer is what that party says and
/// vouches for: it is recorded, and it decides nothing on its own.
#[derive(Clone, Debug)]
pub struct Caller {
    peer: Peer,
    officer: Option<Box<str>>,
    language: Language,
    deadline: Option<Instant>,
}

impl Caller {
    /// A caller, for tests and for work that a service does in its own name.
    #[must_use]
    pub fn new(party: Party, officer: Option<&str>, language: Language) -> Self {
        let peer = liaison_identity::Peer::in_process(party, Timestamp::from_micros(i64::MAX));
        Self::of_peer(Arc::new(peer), officer.map(Into::into), language)
    }

    pub(crate) fn of_peer(peer: Peer, officer: Option<Box<str>>, language: Language) -> Self {
        Self {
            peer,
            officer,
            language,
            deadline: None,
        }
    }

    /// The caller of `request`.
    ///
    /// # Errors
    /// UNAUTHENTICATED where no authentication took place, which means that the service was mounted
    /// outside the stack.
    pub fn of<T>(request: &tonic::Request<T>) -> Result<&Self, Status> {
        request.extensions().get::<Self>().ok_or_else(|| {
            let error = Error::new(ErrorKind::Unauthenticated, Reason::CertificateInvalid);
            status::to_status(&error, Language::En)
        })
    }

    /// The party.
    #[must_use]
    pub fn party(&self) -> &Party {
        &self.peer.party
    }

    /// The acting officer, where one was named.
    #[must_use]
    pub fn officer(&self) -> Option<&str> {
        self.officer.as_deref()
    }

    /// The acting officer, for methods that people must answer for.
    ///
    /// # Errors
    /// `PERMISSION_DENIED` with reason `OFFICER_REQUIRED` where none was named.
    pub fn required_officer(&self) -> Result<&str, Error> {
        self.officer()
            .ok_or_else(|| Error::new(ErrorKind::PermissionDenied, Reason::OfficerRequired))
    }

    /// The language of texts for people.
    #[must_use]
    pub fn language(&self) -> Language {
        self.language
    }

    /// When the answer must have left; `None` where the call has no limit. The deadline layer
    /// enforces it: this is for handlers that wait and want to answer in time with nothing.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// How long a handler may wait when it was asked to wait `asked` at most, so that an empty
    /// answer still arrives in time.
    #[must_use]
    pub fn wait(&self, asked: Duration) -> Duration {
        self.deadline.map_or(asked, |deadline| {
            let left = deadline.saturating_duration_since(Instant::now());
            asked.min(left.saturating_sub(ANSWER_TIME))
        })
    }

    pub(crate) fn set_deadline(&mut self, deadline: Instant) {
        self.deadline = Some(deadline);
    }

    /// `error` as the status for this caller.
    #[must_use]
    pub fn status(&self, error: &Error) -> Status {
        status::to_status(error, self.language)
    }
}

/// What [`Caller::wait`] keeps back for the way of the answer.
const ANSWER_TIME: Duration = Duration::from_millis(250);

/// Whether parties of this kind have people whom they answer for: everybody but the services of the
/// suite, which act for nobody. What an officer did is recorded where it was done, and a service that
/// hands work on says who in the event, never by speaking in somebody's name.
pub(crate) const fn may_vouch(kind: PartyKind) -> bool {
    match kind {
        PartyKind::Bureau
        | PartyKind::Unit
        | PartyKind::Desk
        | PartyKind::Partner
        | PartyKind::Operator
        | PartyKind::Auditor => true,
        PartyKind::Service => false,
    }
}

/// Whether `officer` may stand in an audit row: visible ASCII without separators that would let one
/// name pass for several.
pub(crate) fn valid_officer(officer: &str) -> bool {
    (1..=MAX_OFFICER).contains(&officer.len())
        && officer
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b'@' | b':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn officer_names_are_plain() {
        for good in ["a", "badge-17", "j.doe@nb-fr", "urn:x:1", &"x".repeat(64)] {
            assert!(valid_officer(good), "{good}");
        }
        for bad in ["", " ", "a b", "a,b", "é", "a\t", &"x".repeat(65)] {
            assert!(!valid_officer(bad), "{bad}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_ends_before_the_deadline() {
        let mut caller = Caller::new(Party::service("intake"), None, Language::En);
        assert_eq!(
            caller.wait(Duration::from_secs(60)),
            Duration::from_secs(60)
        );
        caller.set_deadline(Instant::now() + Duration::from_secs(10));
        assert_eq!(
            caller.wait(Duration::from_secs(60)),
            Duration::from_millis(9750)
        );
        assert_eq!(caller.wait(Duration::from_secs(1)), Duration::from_secs(1));
        caller.set_deadline(Instant::now());
        assert_eq!(caller.wait(Duration::from_secs(1)), Duration::ZERO);
    }
}
