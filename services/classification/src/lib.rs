//! The classification service: it answers *what is this?* for an admitted referral.
//!
//! [`domain`] is the decision itself, pure and reproducible: declared codes and tags first, the text
//! second, people third.
//!
//! # What it promises
//! * Every admitted referral is decided once by the machine, or waits at the triage desk for people.
//!   One that cannot be read is tried again, delays no other, and ends at the desk.
//! * What comes back from routing is decided again, by people. A decision is never changed: a later
//!   one has a higher revision.
//! * What people say of a decision afterwards, and every other answer the machine comes to, is kept with
//!   both decisions in the transaction of the thing itself: what it can learn from, and how often it errs.
//! * It keeps envelopes and reasons: rules, concepts, weights and places. Words of a narrative are in
//!   memory while it is decided, and nowhere else.
//! * A decision of the machine names what made it, and can be made again: by the kept files of its rule set, to
//!   the byte, as long as intake has what it was made on.
//! * No unit that markings or exclusions forbid is ever named as lead.
//!
//! # How it is made
//! `app` wires everything. A call goes `api` → [`convert`] → [`ops`] → [`store`] and back. Facts
//! come in through [`worker`], which also works off what waits; they leave through the outbox.
//! [`case`] holds the state machine, [`desk`] what people may decide, [`artefacts`] which rule set decides.

mod api;
mod app;
pub mod arrivals;
pub mod artefacts;
pub mod case;
pub mod convert;
pub mod desk;
pub mod domain;
mod events;
pub mod inputs;
pub mod ops;
mod settings;
pub mod store;
pub mod worker;

pub use app::Classification;
pub use settings::ClassificationSettings;
pub use store::Migrator;
