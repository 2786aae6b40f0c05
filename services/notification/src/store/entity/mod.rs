//! The tables.

pub(super) mod notification;
pub(super) mod recipient;
