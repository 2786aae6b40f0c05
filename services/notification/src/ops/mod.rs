//! One use case a file.

pub(crate) mod follow;
pub(crate) mod list;
