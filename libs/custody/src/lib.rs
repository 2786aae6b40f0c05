//! Verifiable custody: what proves to somebody outside that a history is whole.
//!
//! Pure: no I/O, no clock, so that a sender can check everything offline. Two things are proved:
//!
//! - the **custody of a referral**: every step leaves a [`Receipt`], chained by SHA-256 to the one
//!   before ([`chain`]) and signed with Ed25519 ([`signature`]). The bureau downloads all of them as a
//!   [`Bundle`], one JSON document with exactly one spelling, and [`check`] says whether it is sound,
//!   everything that is wrong with it, and the life of the referral in plain words;
//! - the **audit of a service**: its entries are sealed into one chain afterwards, and the seal is
//!   signed from time to time ([`audit`]).
//!
//! `FORMAT.md` beside this crate describes every byte, for whoever writes a verifier of their own.

pub mod audit;
pub mod bundle;
pub mod chain;
pub mod problem;
pub mod receipt;
pub mod report;
pub mod signature;

mod message;
mod words;

pub use bundle::Bundle;
pub use chain::{Broken, Digest, Step, digest, verify};
pub use problem::{Problem, Warning};
pub use receipt::Receipt;
pub use report::{Report, check};
pub use signature::{KeyId, PublicKey, PublicKeys, Signature, SigningKey};
pub use words::shown;
