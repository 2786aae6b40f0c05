//! The layers, one per file. [`crate::stack`] puts them in order and says why it is that order.
//!
//! No layer returns `Err` for a refusal: an error that tonic does not know tears the whole HTTP/2
//! stream down. A refusal is a response whose headers carry the status.

pub(crate) mod admit;
pub(crate) mod arrival;
pub(crate) mod authenticate;
pub(crate) mod catch_panic;
pub(crate) mod deadline;
pub(crate) mod explain;
pub(crate) mod hold;
pub(crate) mod observe;
pub(crate) mod quota;
pub(crate) mod rate_limit;
pub(crate) mod refusal;

use http::HeaderMap;
use liaison_types::Language;

/// The language for texts, from the header `accept-language`; English where there is none.
pub(crate) fn language(headers: &HeaderMap) -> Language {
    headers
        .get(http::header::ACCEPT_LANGUAGE)
        .and_then(|value| value.to_str().ok())
        .map(Language::negotiate)
        .unwrap_or_default()
}
