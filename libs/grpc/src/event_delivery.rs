//! The hop between services over gRPC: `liaison-outbox` moves bytes, this module gives them their
//! schema and their way. Every service uses it on both ends:
//!
//! * [`EventSource`] makes the outbox rows of a service's facts;
//! * [`EventDelivery`] is the relay's way to the other services' inboxes;
//! * [`EventInbox`] answers `DeliverEvents` and calls the service's [`EventHandler`] in one
//!   transaction with the record of which events were seen.
//!
//! Events of one subject keep their order on the whole way, and after one that fails none of the
//! later ones of its subject in that batch takes effect.

mod inbox;
mod outgoing;
mod source;

pub use inbox::{EventHandler, EventInbox, ReceivedEvent};
pub use outgoing::EventDelivery;
pub use source::{EventSource, NewFact};

use liaison_proto::event::event::Data;

/// The most events of one call.
pub const MAX_EVENTS: usize = 256;

/// The name of an event's kind: that of its field in the schema.
#[must_use]
pub const fn kind(data: &Data) -> &'static str {
    match data {
        Data::ReferralAdmitted(_) => "referral_admitted",
        Data::ReferralChanged(_) => "referral_changed",
        Data::CaseClassified(_) => "case_classified",
        Data::TriageRequested(_) => "triage_requested",
        Data::AssignmentChanged(_) => "assignment_changed",
        Data::CaseReturned(_) => "case_returned",
        Data::TaskChanged(_) => "task_changed",
        Data::ReferralPurged(_) => "referral_purged",
    }
}
