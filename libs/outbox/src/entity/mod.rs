//! The tables. Public because they stand in each service's own database, where its operators' tools
//! and its schema tests meet them; everything else goes through this crate's functions.

pub mod inbox;
pub mod outbox;
