//! The hop between services: an event is stored in the transaction that causes it, handed on until
//! the receiver has it, and takes effect there once.
//!
//! ```text
//! sender:    write_tx { state + enqueue(events) }  →  Relay: Deliver → delete + Hook
//!                                                            claim → Deliver → delete + Hook
//! receiver:  write_tx { first_time(ids) + effects (+ enqueue of its own) }
//! ```
//!
//! # Promises
//! * **Nothing is lost.** A row leaves the table only in the transaction that follows the receiver's
//!   own confirmation. Until then a crash, a time-out or a refusal leads to another attempt.
//! * **Effects happen once.** Delivery is at least once; [`first_time`], called in the transaction of
//!   the effects, tells the first delivery of an event from every other.
//! * **Order holds per subject and destination.** An event is delivered only when every earlier one
//!   (lower sequence, then lower id) of the same pair was delivered; a dead letter holds up what is
//!   behind it. After a crash an event that had arrived may come once more behind a later one: the
//!   inbox knows it. Events of different subjects overtake each other freely. The sender's part: it draws a subject's sequence under that subject's row
//!   lock, so that sequences become visible in ascending order.
//! * **A bad event blocks its own subject only.** What the receiver rejects, or what fails too often,
//!   becomes a dead letter: kept, listed ([`dead_letters`]) and put back ([`requeue`]) by people.
//! * **Leases save work, they do not carry correctness.** Any number of relays may run at once. One
//!   whose lease ran out can neither delete nor reschedule what another has claimed since.
//!
//! * **What was just committed is not read again.** It goes to the relay of the same process in memory,
//!   its rows stored under that relay's lease, and the relay keeps the order of each subject there.
//!   What does not get there, because the process dies, the destination is down or another process has
//!   written an earlier event of the subject, is claimed from the table.
//!
//! Payloads are bytes: this crate knows no schema and no transport. A service implements [`Deliver`]
//! over its clients and adds [`migration::migrations`] to its own.

mod backend;
mod claim;
mod dead;
mod deliver;
mod depth;
mod enqueue;
pub mod entity;
mod event;
mod handover;
mod inbox;
mod lane;
pub mod migration;
mod outbox;
mod pace;
mod relay;
mod serve;
mod settings;
mod settle;
mod turns;

pub use dead::{DeadLetter, DeadLetterQuery, dead_letters, discard, lock_dead_letters, requeue};
pub use deliver::{Deliver, Hook, Outcome};
pub use depth::{Depth, depths};
pub use event::{Dead, Delivered, Destination, NewEvent, Outgoing};
pub use inbox::{first_time, keep_inbox_short, prune_inbox};
pub use outbox::Outbox;
pub use relay::{Relay, Tick};
pub use settings::RelaySettings;
