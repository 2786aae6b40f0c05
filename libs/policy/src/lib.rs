//! Who may do what: an engine that is pure and total, and rules that are data.
//!
//! No other crate compares a marking, an exclusion or a party's standing. A caller states facts, typed
//! and without names, and is answered by a [`Decision`]: an effect, the ids of the rules that made it, and
//! the consent that is missing. Every question denies by default; the rule that allows is always named.
//! [`access`] says which party may call which method at all; everything else decides about the subject of
//! the call.
//!
//! # How it hangs together
//!
//! - [`attribute`] is the vocabulary: what rules can ask for. It only grows.
//! - A typed question, [`ViewFacts`] or [`ShareFacts`] for instance, compares names with names and
//!   markings with markings, and becomes [`Facts`]: one small integer for each attribute. Facts can be kept
//!   beside the decision ([`Facts::encode`]) and shown to people ([`Facts::pairs`]).
//! - A [`RuleSet`] is read from text and decides facts. [`RuleSet::built_in`] is the one of this build,
//!   which the free functions ([`may_route`]) ask; each has a method of its name for every other rule set.
//! - A [`Policy`] is what a service decides by: its rule set and the clearances on record. It answers
//!   [`Decided`], the decision with what it was made on, which the audit keeps.
//! - [`RuleSet::explain`] tells every rule that spoke; [`simulate`] tells what a candidate would have
//!   decided otherwise.
//!
//! ```
//! use liaison_policy::{Passing, RuleSet, ShareFacts, attribute};
//! use liaison_types::{Handling, Markings, Party};
//!
//! let (lead, owner): (Party, Party) = ("unit/cyber".parse()?, "bureau/NB-FR".parse()?);
//! let other = "unit/terrorism".parse()?;
//! let markings = Markings { handling: vec![Handling::H2], ..Markings::default() };
//! let mut passing = Passing::new(&lead, &owner, &other, &markings);
//! passing.grant = attribute::Grant::Lead;
//! passing.intent.purpose = attribute::PurposeLimitation::Same;
//! let facts = ShareFacts {
//!     passing,
//!     officer: Some("b.second"),
//!     submitting_officer: Some("a.first"),
//!     mandate: attribute::Mandate::Within,
//!     item: attribute::ItemClass::Dossier,
//! };
//! let decision = RuleSet::built_in().may_share(&facts);
//! assert_eq!(decision.rules, ["markings.h2.passing-on"]);
//! assert_eq!(decision.missing_consent.unwrap().to_string(), "bureau/NB-FR");
//! # Ok::<(), liaison_types::party::ParsePartyError>(())
//! ```
//!
//! # How to read and write a rule set
//!
//! It is TOML. The one of this build stands in `rules/`, in parts that are read one after the other.
//!
//! ```toml
//! version = "policy-2026.12"            # stands beside every kept decision
//!
//! [[rule]]
//! id = "markings.h2.passing-on"         # unique and stable: it is kept, and people look it up
//! questions = ["share", "transfer", "export"]
//! effect = "needs_consent"
//! when = { handling-h2 = "yes", relation = "other", recipient-standing = ["stranger", "involved"] }
//! source = "Council Manual 6261/18, handling code H2"
//! says = "H2 information is passed on only with the provider's permission."
//! ```
//!
//! - `questions` are the values of the attribute `question`; `when` names attributes and their values as
//!   [`attribute`] lists them. All conditions must hold, each accepts any of its values. A rule without
//!   `when` always applies; an array of tables applies where one of them does.
//! - A condition may also be `{ not = … }` and, on a scale (confidentiality, tlp, pap),
//!   `{ at_least = … }` or `{ at_most = … }`.
//! - `effect` is `deny`, which wins over everything; `needs_consent`, of the owner; `allow`, which it takes
//!   at least one of; `default`, the rule that is named where nothing allows, exactly one for each question
//!   that no rule always allows; or `flag`, for `submit` alone: a person looks first.
//! - `source` is the public instrument with its article, or `[D]` and why it was decided so.
//! - Everything that is wrong is said at once when it is loaded, and nothing of it is used then. A text has
//!   at most 256 KiB and 1,024 rules.
//!
//! Two promises are kept by tests, and a new rule must keep them: to tighten a marking never turns a denial
//! into an allowance, and for every condition of every rule there is a worked example
//! (`tests/it/examples/`) that comes out otherwise without it. Write the examples first.

pub mod access;
pub mod admission;
pub mod assignment;
pub mod attribute;
pub mod clock;
pub mod decision;
pub mod facts;
pub mod load;
pub mod notify;
pub mod passing;
pub mod policy;
pub mod purge;
pub mod purpose;
pub mod receiver;
pub mod review;
pub mod route;
pub mod rule_set;
pub mod simulate;
pub mod triage;
pub mod view;
mod write;

pub use admission::{Admission, SubmissionFacts, screen};
pub use assignment::{
    AssignmentFacts, may_list_assignments, may_view_assignment, may_work_assignment,
};
pub use attribute::Question;
pub use clock::{ClockRule, clock_rule};
pub use decision::{Consenter, Decision, Effect, RuleId};
pub use facts::{DecodeFactsError, Facts, UnknownFact};
pub use load::{Problem, RuleSetError};
pub use notify::{NotifyFacts, may_notify};
pub use passing::{
    ExportFacts, Passing, ShareFacts, TransferFacts, may_export, may_share, may_transfer,
};
pub use policy::{Clearances, Decided, Policy};
pub use purge::{PurgeFacts, may_purge};
pub use receiver::{Clearance, Intent, Recipient};
pub use review::{ReviewFacts, may_decide_review};
pub use route::{RouteFacts, may_route};
pub use rule_set::{Explanation, Rule, RuleEffect, RuleSet, Spoken};
pub use simulate::{Difference, Kept, simulate};
pub use triage::{may_triage, triage_facts};
pub use view::{
    ItemFacts, ViewFacts, may_list_all, may_view_dossier, may_view_envelope, may_view_item,
};

/// The version of the rule set in this build. It stands beside every kept decision.
pub const RULE_SET: &str = "policy-2026.12";
