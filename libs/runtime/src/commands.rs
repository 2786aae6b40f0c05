//! What the commands of a service's own are made with, so that they look like those that every service has.

pub use crate::cli::{Output, reason};
pub use crate::run::say;
pub use crate::table::table;
