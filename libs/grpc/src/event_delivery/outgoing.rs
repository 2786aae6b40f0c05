//! The relay's way to the other services.

use std::collections::{BTreeMap, HashSet};
use std::fmt;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use liaison_outbox::{Deliver, Destination, Outcome, Outgoing};
use liaison_proto::event::event_inbox_service_client::EventInboxServiceClient;
use liaison_proto::event::{DeliverEventsRequest, DeliveryResult, DeliveryStatus, Event};
use liaison_types::{Error, Reason, Result};
use prost::Message as _;

use crate::client::Channel;
use crate::status::from_status;

/// Delivers outbox rows by `DeliverEvents`, one call a batch.
#[derive(Clone)]
pub struct EventDelivery {
    peers: BTreeMap<Destination, EventInboxServiceClient<Channel>>,
    unhurried: HashSet<Destination>,
}

impl fmt::Debug for EventDelivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.peers.keys()).finish()
    }
}

impl EventDelivery {
    /// Delivers to these services, each under the name that the service's rows carry as destination.
    #[must_use]
    pub fn new(peers: impl IntoIterator<Item = (Destination, Channel)>) -> Self {
        Self {
            peers: peers
                .into_iter()
                .map(|(name, channel)| (name, EventInboxServiceClient::new(channel)))
                .collect(),
            unhurried: HashSet::new(),
        }
    }

    /// Nobody's work waits for events to `destination`: they may linger for others to go with them.
    #[must_use]
    pub fn unhurried(mut self, destination: Destination) -> Self {
        self.unhurried.insert(destination);
        self
    }
}

impl Deliver for EventDelivery {
    fn destinations(&self) -> Vec<Destination> {
        self.peers.keys().cloned().collect()
    }

    fn may_linger(&self, destination: &Destination) -> bool {
        self.unhurried.contains(destination)
    }

    /// [`EventInbox`](super::EventInbox) keeps it.
    fn keeps_order(&self) -> bool {
        true
    }

    fn deliver<'a>(
        &'a self,
        destination: &'a Destination,
        batch: Vec<Outgoing>,
    ) -> BoxFuture<'a, Result<Vec<Outcome>>> {
        async move {
            let Some(client) = self.peers.get(destination) else {
                return Err(Error::internal(format!("no way to {destination}")));
            };
            let (events, mut outcomes) = decode(&batch);
            let sent = events.len();
            if sent == 0 {
                return Ok(outcomes);
            }
            let answer = client
                .clone()
                .deliver_events(DeliverEventsRequest { events })
                .await
                .map_err(from_status)?
                .into_inner();
            if answer.results.len() != sent {
                return Err(Error::internal("the receiver did not answer each event"));
            }
            let open = outcomes
                .iter_mut()
                .filter(|outcome| **outcome == Outcome::Delivered);
            for (place, result) in open.zip(&answer.results) {
                *place = outcome(result);
            }
            Ok(outcomes)
        }
        .boxed()
    }
}

/// The events of the batch, and an outcome for each row, which is `Delivered` where the receiver has
/// yet to say. A row that is no event becomes a dead letter, where nothing is lost and people look;
/// those of its subject behind it wait.
fn decode(batch: &[Outgoing]) -> (Vec<Event>, Vec<Outcome>) {
    let mut unreadable = HashSet::new();
    let mut events = Vec::with_capacity(batch.len());
    let mut outcomes = Vec::with_capacity(batch.len());
    for row in batch {
        if unreadable.contains(row.subject.as_str()) {
            outcomes.push(Outcome::Retry {
                reason: Reason::Unavailable,
                after: None,
            });
        } else if let Ok(event) = Event::decode(row.payload.as_slice()) {
            events.push(event);
            outcomes.push(Outcome::Delivered);
        } else {
            unreadable.insert(row.subject.as_str());
            outcomes.push(Outcome::Rejected {
                reason: Reason::MalformedMessage,
            });
        }
    }
    (events, outcomes)
}

fn outcome(result: &DeliveryResult) -> Outcome {
    let reason = result.reason.parse().unwrap_or(Reason::Internal);
    match result.status() {
        DeliveryStatus::Accepted => Outcome::Delivered,
        DeliveryStatus::Rejected => Outcome::Rejected { reason },
        DeliveryStatus::Retry | DeliveryStatus::Unspecified => Outcome::Retry {
            reason,
            after: None,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use liaison_types::{EventId, SeededRandom, Timestamp};

    #[test]
    fn what_is_no_event_is_given_up_and_its_subject_waits() {
        let row = |subject: &str, sequence: i64, payload: Vec<u8>| Outgoing {
            id: EventId::new(Timestamp::default(), &SeededRandom::new(1)),
            subject: subject.to_owned(),
            sequence,
            kind: String::new(),
            payload,
            traceparent: None,
            created_at: Timestamp::default(),
            attempt: 1,
        };
        let batch = [
            row("a", 1, vec![0xff]),
            row("a", 2, Vec::new()),
            row("b", 1, Vec::new()),
        ];
        let (events, outcomes) = decode(&batch);
        assert_eq!(events.len(), 1);
        assert_eq!(
            outcomes,
            [
                Outcome::Rejected {
                    reason: Reason::MalformedMessage
                },
                Outcome::Retry {
                    reason: Reason::Unavailable,
                    after: None
                },
                Outcome::Delivered,
            ]
        );
    }

    #[test]
    fn every_status_has_its_outcome() {
        let result = |status: i32, reason: &str| DeliveryResult {
            status,
            reason: reason.into(),
        };
        let retry = |reason| Outcome::Retry {
            reason,
            after: None,
        };
        assert_eq!(outcome(&result(1, "")), Outcome::Delivered);
        assert_eq!(
            outcome(&result(2, "UNAVAILABLE")),
            retry(Reason::Unavailable)
        );
        assert_eq!(
            outcome(&result(3, "INVALID_ARGUMENT")),
            Outcome::Rejected {
                reason: Reason::InvalidArgument
            }
        );
        // What a later version may say means: not yet.
        assert_eq!(outcome(&result(99, "NEWER")), retry(Reason::Internal));
    }
}
