//! Words planted in everything that people write, and the search for them wherever they must not be.
//!
//! * [`Words`] has a word of its own for each text, in each language.
//! * [`lived`] works referrals full of them from their submission to their end.
//! * [`Needles`] finds them, however they were encoded.

mod life;
mod needles;
mod schema;
mod words;

pub use life::{Told, lived};
pub use needles::Needles;
pub use schema::{Field, fields, filled, requests};
pub use words::{OFFICERS, PURPOSE, REFERENCE, Words};
