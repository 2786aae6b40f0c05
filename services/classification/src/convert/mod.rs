//! The border between the schema and everything inside.

mod answer;
mod envelope;
mod fact;
mod input;
mod request;

pub use answer::{decision, waiting};
pub use envelope::Sealed;
pub use fact::{Purged, Returned, accepts, admission, purged, returned};
pub use input::{CaseInput, input, names};
pub use request::{PageRequest, page_request, referral, ruling, text};
