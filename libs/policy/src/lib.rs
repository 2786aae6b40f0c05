//! Who may do what: pure decisions over typed facts, each with the ids of the rules that made it.
//!
//! No other crate compares a marking, an exclusion or a party's standing. Every question denies by
//! default; the rule that allows is always named. [`access`] says which party may call which method
//! at all; the other modules decide about the subject of the call.

pub mod access;
pub mod admission;
pub mod assignment;
pub mod clock;
pub mod decision;
pub mod route;
pub mod triage;
pub mod view;

pub use admission::{Admission, SubmissionFacts, screen};
pub use assignment::{may_list_assignments, may_view_assignment, may_work_assignment};
pub use clock::{ClockRule, clock_rule};
pub use decision::{Decision, Effect, RuleId};
pub use route::{RouteFacts, may_route};
pub use triage::may_triage;
pub use view::{ViewFacts, may_decide_review, may_list_all, may_view_dossier, may_view_envelope};

/// The version of the rule set in this build. It stands beside every kept decision.
pub const RULE_SET: &str = "policy-2026.11";
