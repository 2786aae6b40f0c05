//! What routing decides. Pure: no I/O, no clock, no schema, no database.
//!
//! * [`assignment_state`] and [`task_state`] are the two state machines, one table each.
//! * [`assignment`] and [`task`] are what a unit works with; [`lease`] proves who holds what.
//! * [`case`] is a classified referral; [`plan`] says who gets it, and who gets it next.
//! * [`fact`] is what others are told.

pub mod actor;
pub mod assignment;
pub mod assignment_state;
pub mod case;
pub mod fact;
pub mod lease;
pub mod plan;
pub mod task;
pub mod task_state;
pub mod unit;
pub mod vocabulary;

pub use actor::Actor;
pub use assignment::Assignment;
pub use assignment_state::{AssignmentState, AssignmentStep};
pub use case::{Case, CompletionClock, Decision, Envelope};
pub use fact::Fact;
pub use lease::{Lease, LeaseTerms, LeaseToken, TokenHash};
pub use task::Task;
pub use task_state::{TaskState, TaskStep};
pub use unit::Units;
pub use vocabulary::{DeclineReason, Outcome, ReferralKind, Role, TriageCause, Urgency};
