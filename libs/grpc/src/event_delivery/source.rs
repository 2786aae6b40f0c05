//! Making events.

use std::sync::Arc;

use liaison_outbox::{Destination, NewEvent};
use liaison_proto::event;
use liaison_proto::event::event::Data;
use liaison_types::{EventId, Party, Random, Timestamp};
use prost::Message as _;

use super::kind;
use crate::wire;

/// A fact that somebody is told.
#[derive(Clone, Debug)]
pub struct NewFact {
    /// Who is told. One fact for two is two events.
    pub destination: Destination,
    /// What it is about, a resource name.
    pub subject: String,
    /// The position within the subject, drawn under the subject's row lock.
    pub sequence: i64,
    /// When it happened.
    pub at: Timestamp,
    /// The trace it belongs to. Not taken from the current span: that may be the span of a batch.
    pub traceparent: Option<String>,
    /// The fact.
    pub data: Data,
}

/// Makes the events of one service.
#[derive(Clone, Debug)]
pub struct EventSource {
    uri: Arc<str>,
    random: Arc<dyn Random>,
}

impl EventSource {
    /// Events of `service`.
    #[must_use]
    pub fn new(service: &Party, random: Arc<dyn Random>) -> Self {
        Self {
            uri: service.uri().into(),
            random,
        }
    }

    /// The outbox row of `fact`, under a new id.
    #[must_use]
    pub fn event(&self, fact: NewFact) -> NewEvent {
        let id = EventId::new(fact.at, self.random.as_ref());
        let kind = kind(&fact.data).to_owned();
        let event = event::Event {
            id: id.to_string(),
            source: self.uri.to_string(),
            subject: fact.subject,
            sequence: fact.sequence,
            time: Some(wire::timestamp(fact.at)),
            traceparent: fact.traceparent.unwrap_or_default(),
            data: Some(fact.data),
        };
        let payload = event.encode_to_vec();
        NewEvent {
            id,
            subject: event.subject,
            sequence: event.sequence,
            destination: fact.destination,
            kind,
            payload,
            traceparent: Some(event.traceparent).filter(|trace| !trace.is_empty()),
        }
    }
}
