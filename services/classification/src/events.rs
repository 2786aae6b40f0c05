//! What classification tells the others: about a referral, at positions of its own counting.
//!
//! One subject per referral, so that what is told about it arrives in order, whichever kind it is.

use std::sync::Arc;

use liaison_grpc::event_delivery::{EventSource, NewFact};
use liaison_grpc::wire;
use liaison_outbox::{Destination, NewEvent};
use liaison_proto::event::event::Data;
use liaison_types::{Party, Random, ReferralId, Timestamp};

use crate::case::{Case, Decided};
use crate::convert::Sealed;
use crate::desk::TriageCause;

/// Assigns what was decided.
pub(crate) const ROUTING: Destination = Destination::new("routing");
/// Keeps the referral's history.
pub(crate) const INTAKE: Destination = Destination::new("intake");
/// Tells the desk.
pub(crate) const NOTIFICATION: Destination = Destination::new("notification");

/// Makes the events.
#[derive(Clone, Debug)]
pub(crate) struct Publisher(EventSource);

impl Publisher {
    /// Events of `service`, which is this one.
    pub(crate) fn new(service: &Party, random: Arc<dyn Random>) -> Self {
        Self(EventSource::new(service, random))
    }

    /// The case was decided: routing assigns it, intake keeps the step. Takes the next position.
    pub(crate) fn classified(
        &self,
        case: &mut Case,
        envelope: &Sealed,
        decided: &Decided,
        trace: Option<&str>,
    ) -> Vec<NewEvent> {
        let data = envelope.classified(decided);
        self.tell([ROUTING, INTAKE], case, decided.at, trace, data)
    }

    /// People have to decide: intake keeps the step, the desk is told. Takes the next position.
    pub(crate) fn triage_requested(
        &self,
        case: &mut Case,
        envelope: &Sealed,
        cause: TriageCause,
        at: Timestamp,
        trace: Option<&str>,
    ) -> Vec<NewEvent> {
        let data = envelope.triage_requested(cause);
        self.tell([INTAKE, NOTIFICATION], case, at, trace, data)
    }

    fn tell(
        &self,
        whom: [Destination; 2],
        case: &mut Case,
        at: Timestamp,
        trace: Option<&str>,
        data: Data,
    ) -> Vec<NewEvent> {
        let sequence = case.next_fact();
        let [first, second] = whom;
        let event = |destination, data| {
            self.0.event(NewFact {
                destination,
                subject: subject(case.referral),
                sequence,
                at,
                traceparent: trace.map(str::to_owned),
                data,
            })
        };
        vec![event(first, data.clone()), event(second, data)]
    }
}

fn subject(referral: ReferralId) -> String {
    wire::resource(referral)
}
