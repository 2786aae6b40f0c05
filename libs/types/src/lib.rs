//! The vocabulary every crate of Liaison shares: identifiers, time, randomness, parties, codes,
//! markings, errors and backoff.
//!
//! Nothing here does I/O and nothing here knows gRPC, a database or an async runtime.

pub mod backoff;
pub mod code;
pub mod duration;
pub mod error;
pub mod form;
pub mod id;
pub mod language;
pub mod marking;
pub mod names;
pub mod party;
pub mod random;
pub mod reason;
pub mod referral;
pub mod time;
pub mod violation;

pub use backoff::Backoff;
pub use code::{CountryCode, IccsCode, Tag};
pub use error::{Error, ErrorKind, Result};
pub use form::Form;
pub use id::{
    AssignmentId, AuditId, CorrectionId, DecisionId, EventId, ReferralId, ShareId, TaskId,
};
pub use language::Language;
pub use marking::{Confidentiality, Handling, Markings, Pap, Tlp};
pub use party::{BureauCode, DeskCode, Name, Party, PartyKind, UnitCode};
pub use random::{Random, SeededRandom, SystemRandom};
pub use reason::Reason;
pub use time::{Clock, ManualClock, SystemClock, Timestamp};
pub use violation::{Rule, Violation};
