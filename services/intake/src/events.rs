//! What intake tells the others. `referrals/*` is its subject; the sequence is the position in the
//! history.

use std::sync::Arc;

use liaison_grpc::event_delivery::{EventSource, NewFact};
use liaison_grpc::wire;
use liaison_outbox::{Destination, NewEvent};
use liaison_types::{Party, Random};

use crate::convert;
use crate::domain::{Referral, Step};

/// Decides what kind of case an admitted referral is.
pub const CLASSIFICATION: Destination = Destination::new("classification");
/// Has units work on it.
pub const ROUTING: Destination = Destination::new("routing");
/// Tells the owner.
pub const NOTIFICATION: Destination = Destination::new("notification");

/// Makes intake's events.
#[derive(Clone, Debug)]
pub struct Publisher(EventSource);

impl Publisher {
    /// Events of `service`, which is this one.
    #[must_use]
    pub fn new(service: &Party, random: Arc<dyn Random>) -> Self {
        Self(EventSource::new(service, random))
    }

    /// Tells the owner of a step.
    #[must_use]
    pub fn changed(&self, referral: &Referral, step: &Step, trace: Option<&str>) -> NewEvent {
        self.event(
            NOTIFICATION,
            referral,
            step,
            trace,
            convert::changed(referral, step),
        )
    }

    /// Tells the owner, and those `informed`, of a step.
    #[must_use]
    pub fn informed(
        &self,
        referral: &Referral,
        step: &Step,
        informed: &[Party],
        trace: Option<&str>,
    ) -> NewEvent {
        let data = convert::informed(referral, step, informed);
        self.event(NOTIFICATION, referral, step, trace, data)
    }

    /// Hands an admitted referral on.
    #[must_use]
    pub fn admitted(&self, referral: &Referral, step: &Step, trace: Option<&str>) -> NewEvent {
        self.event(
            CLASSIFICATION,
            referral,
            step,
            trace,
            convert::admitted(referral),
        )
    }

    /// Has those who keep what people wrote about a referral destroy it.
    #[must_use]
    pub fn purged(&self, referral: &Referral, step: &Step, trace: Option<&str>) -> [NewEvent; 2] {
        [CLASSIFICATION, ROUTING].map(|destination| {
            let data = convert::purged(referral);
            self.event(destination, referral, step, trace, data)
        })
    }

    fn event(
        &self,
        destination: Destination,
        referral: &Referral,
        step: &Step,
        trace: Option<&str>,
        data: convert::Data,
    ) -> NewEvent {
        self.0.event(NewFact {
            destination,
            subject: wire::resource(referral.id),
            sequence: step.position,
            at: step.what.at,
            traceparent: trace.map(str::to_owned),
            data,
        })
    }
}
