//! Intake takes referrals from national bureaus and partners, keeps them, decides whether they are
//! admissible, and tells where they stand. It is the only place where their content exists.
//!
//! # What it promises
//! * An answered submission is durable; repeated under its request id it takes effect once.
//! * References are gapless per owner and year.
//! * Each step of a referral is part of one chain of custody, reads of the content by others included.
//! * Who may not see a referral learns nothing of it, not even whether it exists.
//! * The state of an admitted referral is a pure function of the facts that the other services tell,
//!   in whatever order they arrive ([`domain::progress`]).
//!
//! # How it is made
//! [`app`] wires everything. A call goes [`api`] → [`convert`] → [`ops`] → [`store`] and back; events
//! come and go through [`worker`]. [`domain`] decides and knows none of them.

pub mod api;
mod app;
pub mod convert;
pub mod domain;
pub mod events;
pub mod ops;
mod settings;
pub mod store;
pub mod worker;

pub use app::Intake;
pub use settings::IntakeSettings;
