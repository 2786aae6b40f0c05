//! The border to the schema, in both directions. Requests are read whole: every violation is reported
//! at once, and what comes out needs no further check.

mod dossier;
mod entries;
mod event;
mod explain;
mod opened;
mod referral;
mod share;

pub use dossier::submission;
pub use entries::{evidence, identifiers, occurrences, persons};
pub use event::{accepts, admitted, changed, fact, informed, purged};
pub use explain::{explained, inquiry};
pub use liaison_proto::event::event::Data;
pub use opened::{evidence_markings, opened};
pub use referral::{
    ReviewDecision, classification_inputs, classification_names, history, list_request, opening,
    purge, referral, referral_id, review,
};
pub use share::{consent_page, consent_verdict, share, share_id, shares_page, wish};
