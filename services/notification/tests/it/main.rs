//! The notification service behind its real stack, on both databases.

mod audience;
mod cursors;
mod fixture;
mod intake_of_events;
mod positions;
mod streams;
