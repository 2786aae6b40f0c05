//! The border between the schema and everything inside.

mod answer;
mod envelope;
mod fact;
mod input;
mod recompute;
mod request;

/// What stands for none of the units, where a lead is named.
const NONE: &str = "none";

pub use answer::{decision, label, listed, opened, waiting, week};
pub use envelope::Sealed;
pub use fact::{Purged, Returned, accepts, admission, purged, returned};
pub use input::{CaseInput, input, names};
pub use recompute::{decision_name, recomputed};
pub use request::{
    LabelsRequest, PageRequest, correcting, labels_request, opened_item, page_request, referral,
    ruling, text, weeks,
};
