//! What intake decides, without I/O, schema or database: what a dossier needs, by when, and where a
//! referral stands.

pub mod clocks;
pub mod dossier;
pub mod evidence;
pub mod facts;
pub mod progress;
pub mod reference;
pub mod referral;
pub mod review;
pub mod share;
pub mod vocabulary;

pub use clocks::{Clocks, Deadline, with_indirect_access};
pub use dossier::{Person, Submission};
pub use evidence::Withheld;
pub use facts::{Fact, FactKind};
pub use progress::{Admission, Classification, Grant, Progress};
pub use reference::Series;
pub use referral::{Actor, Chain, NewStep, PROVED, Referral, Step};
pub use share::{Passed, Share, Terms, Words};
pub use vocabulary::{
    AssignmentState, AssignmentStep, IntendedAction, IntendedUse, Outcome, PersonStatus,
    ReferralKind, ReferralState, ReferralStep, RefusalGround, Role, ShareState, ShareStep, Urgency,
};
