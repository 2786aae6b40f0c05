//! Taking events.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use futures::future::BoxFuture;
use liaison_outbox::first_time;
use liaison_proto::event::event::Data;
use liaison_proto::event::event_inbox_service_server::EventInboxService;
use liaison_proto::event::{
    DeliverEventsRequest, DeliverEventsResponse, DeliveryResult, DeliveryStatus, Event,
};
use liaison_store::Db;
use liaison_store::Tx;
use liaison_telemetry::propagation;
use liaison_types::{
    Clock, Error, ErrorKind, EventId, Party, Reason, Result, Rule, Timestamp, Violation,
};
use sea_orm::DbErr;
use tonic::{Request, Response, Status};
use tracing::Span;

use super::{MAX_EVENTS, kind};
use crate::caller::Caller;
use crate::wire;

/// An event as its receiver handles it.
#[derive(Clone, Debug)]
pub struct ReceivedEvent {
    /// Its id; seen for the first time.
    pub id: EventId,
    /// The service that says so, proved by its certificate.
    pub source: Arc<Party>,
    /// What it is about.
    pub subject: String,
    /// Position within the subject.
    pub sequence: i64,
    /// When it happened, as the source says.
    pub at: Timestamp,
    /// The trace that events caused by this one belong to.
    pub traceparent: Option<String>,
    /// What happened.
    pub data: Data,
    /// Continues the event's trace and ends when the event has taken effect.
    span: Span,
}

impl ReceivedEvent {
    /// An event that came another way, for tests.
    #[must_use]
    pub fn new(
        id: EventId,
        source: Party,
        subject: String,
        sequence: i64,
        at: Timestamp,
        data: Data,
    ) -> Self {
        let source = Arc::new(source);
        Self {
            id,
            source,
            subject,
            sequence,
            at,
            traceparent: None,
            data,
            span: Span::none(),
        }
    }

    /// The span that continues the event's trace.
    #[must_use]
    pub fn span(&self) -> &Span {
        &self.span
    }
}

/// What a service does with events.
pub trait EventHandler: Send + Sync + 'static {
    /// Whether this service takes such a fact from this service. What it does not take is rejected.
    fn accepts(&self, source: &Party, data: &Data) -> bool;

    /// Lets `events`, none of which took effect before, take effect in `tx`, in their order. Several
    /// may have the same subject.
    ///
    /// # Errors
    /// Nothing of `tx` is kept then, and each event is tried in a transaction of its own. The error
    /// of a single event decides what its sender hears: RETRY where it
    /// [is retryable](Error::is_retryable), REJECTED otherwise. So a fact whose precondition is still
    /// on its way needs a retryable error, such as [`not_yet`](Self::not_yet).
    fn apply<'a>(
        &'a self,
        tx: &'a Tx<'a>,
        now: Timestamp,
        events: &'a [&'a ReceivedEvent],
    ) -> BoxFuture<'a, Result<()>>;

    /// Events took effect: the place to wake whoever waits for what they caused.
    fn committed(&self) {}

    /// The error for a fact that comes before what it builds on: not now.
    #[must_use]
    fn not_yet(what: &'static str) -> Error
    where
        Self: Sized,
    {
        Error::unavailable(format!("{what} is not known here yet"))
    }
}

/// Answers `DeliverEvents` for a service.
///
/// A batch is one transaction: which events are new, and their effects. Where that fails, each event
/// is tried by itself, so that a bad one fails none of its neighbours; of its own subject none of the
/// later ones is tried, so that order holds.
pub struct EventInbox<H> {
    db: Db,
    clock: Arc<dyn Clock>,
    transaction: &'static str,
    handler: Arc<H>,
}

impl<H> Clone for EventInbox<H> {
    fn clone(&self) -> Self {
        Self {
            db: self.db.clone(),
            clock: Arc::clone(&self.clock),
            transaction: self.transaction,
            handler: Arc::clone(&self.handler),
        }
    }
}

impl<H> fmt::Debug for EventInbox<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventInbox")
            .field("transaction", &self.transaction)
            .finish_non_exhaustive()
    }
}

impl<H: EventHandler> EventInbox<H> {
    /// An inbox over `db`, whose transactions are named `transaction` (`service.deliver_events`).
    #[must_use]
    pub fn new(db: Db, clock: Arc<dyn Clock>, transaction: &'static str, handler: H) -> Self {
        Self {
            db,
            clock,
            transaction,
            handler: Arc::new(handler),
        }
    }

    /// Takes a batch from `source`, which its certificate names. The results stand in the order of
    /// the events.
    ///
    /// # Errors
    /// INVALID_ARGUMENT where the batch is empty or too large; where the database does not answer,
    /// in which case nothing is known of any event.
    pub async fn receive(&self, source: &Party, events: Vec<Event>) -> Result<Vec<DeliveryResult>> {
        if events.is_empty() {
            return Err(Error::invalid(vec![Violation::new(
                "events",
                Rule::Required,
            )]));
        }
        if events.len() > MAX_EVENTS {
            return Err(Error::invalid(vec![Violation::new(
                "events",
                Rule::TooMany(MAX_EVENTS),
            )]));
        }
        let source = Arc::new(source.clone());
        let mut results: Vec<Option<DeliveryResult>> = Vec::with_capacity(events.len());
        let mut read: Vec<(usize, ReceivedEvent)> = Vec::with_capacity(events.len());
        let mut blocked = HashSet::new();
        for (place, event) in events.into_iter().enumerate() {
            let subject = event.subject.clone();
            match self.read(&source, event) {
                _ if blocked.contains(&subject) => results.push(Some(behind_another())),
                Ok(event) => {
                    results.push(None);
                    read.push((place, event));
                }
                Err(reason) => {
                    tracing::warn!(
                        source = %source,
                        reason = reason.as_str(),
                        "an event of {source} is rejected"
                    );
                    blocked.insert(subject);
                    results.push(Some(answer(DeliveryStatus::Rejected, reason.as_str())));
                }
            }
        }
        for ((place, _), result) in read.iter().zip(self.take(&read).await?) {
            results[*place] = Some(result);
        }
        Ok(results.into_iter().map(Option::unwrap_or_default).collect())
    }

    /// Tries all together, then one by one.
    async fn take(&self, events: &[(usize, ReceivedEvent)]) -> Result<Vec<DeliveryResult>> {
        if events.is_empty() {
            return Ok(Vec::new());
        }
        let events: Vec<&ReceivedEvent> = events.iter().map(|(_, event)| event).collect();
        let error = match self.apply(&events).await {
            Ok(()) => return Ok(vec![answer(DeliveryStatus::Accepted, ""); events.len()]),
            Err(error) if nobody_home(&error) => return Err(error),
            Err(error) => error,
        };
        if let [event] = events[..] {
            return Ok(vec![refusal(event, &error)]);
        }
        let mut blocked = HashSet::new();
        let mut results = Vec::with_capacity(events.len());
        for event in &events {
            if blocked.contains(event.subject.as_str()) {
                results.push(behind_another());
                continue;
            }
            results.push(match self.apply(&[*event]).await {
                Ok(()) => answer(DeliveryStatus::Accepted, ""),
                Err(error) => {
                    blocked.insert(event.subject.as_str());
                    refusal(event, &error)
                }
            });
        }
        Ok(results)
    }

    async fn apply(&self, events: &[&ReceivedEvent]) -> Result<()> {
        let ids: Vec<EventId> = events.iter().map(|event| event.id).collect();
        let ids = ids.as_slice();
        let new = self
            .db
            .write_tx(self.transaction, |tx| {
                Box::pin(async move {
                    let now = self.clock.now();
                    let mut first = first_time(tx, now, ids).await?;
                    let new: Vec<&ReceivedEvent> = events
                        .iter()
                        .filter(|event| first.remove(&event.id))
                        .copied()
                        .collect();
                    if !new.is_empty() {
                        self.handler.apply(tx, now, &new).await?;
                    }
                    Ok(new.len())
                })
            })
            .await?;
        if new > 0 {
            self.handler.committed();
        }
        Ok(())
    }

    fn read(&self, source: &Arc<Party>, event: Event) -> Result<ReceivedEvent, Reason> {
        let id: EventId = event.id.parse().map_err(|_| Reason::InvalidArgument)?;
        if event.source != source.uri() {
            return Err(Reason::CallerNotAllowed);
        }
        let at = event
            .time
            .as_ref()
            .and_then(wire::instant)
            .ok_or(Reason::InvalidArgument)?;
        let data = event.data.ok_or(Reason::InvalidArgument)?;
        if event.subject.is_empty() || event.sequence < 1 {
            return Err(Reason::InvalidArgument);
        }
        if !self.handler.accepts(source, &data) {
            return Err(Reason::InvalidArgument);
        }
        let span = tracing::info_span!(
            "event.receive",
            otel.name = %format_args!("receive {}", kind(&data)),
            otel.kind = "consumer",
            event.kind = kind(&data),
            event.subject = %event.subject,
            event.sequence = event.sequence,
        );
        let mut traceparent = Some(event.traceparent).filter(|trace| !trace.is_empty());
        if let Some(trace) = &traceparent
            && !span.is_disabled()
        {
            propagation::link(&Span::current(), trace);
            propagation::set_parent(&span, trace);
            traceparent = span
                .in_scope(propagation::current_traceparent)
                .or(traceparent);
        }
        Ok(ReceivedEvent {
            id,
            source: Arc::clone(source),
            subject: event.subject,
            sequence: event.sequence,
            at,
            traceparent,
            data,
            span,
        })
    }
}

/// The database does not answer: trying each event by itself would take long and help nobody. A fact
/// that is [not yet](EventHandler::not_yet) possible is UNAVAILABLE too, but without such a cause.
fn nobody_home(error: &Error) -> bool {
    let cause = std::error::Error::source(error);
    let database = cause
        .and_then(|cause| cause.downcast_ref::<DbErr>())
        .is_some();
    match error.kind() {
        ErrorKind::ResourceExhausted => true,
        ErrorKind::Unavailable => database,
        _ => false,
    }
}

fn refusal(event: &ReceivedEvent, error: &Error) -> DeliveryResult {
    let status = if error.is_retryable() {
        DeliveryStatus::Retry
    } else {
        DeliveryStatus::Rejected
    };
    tracing::warn!(
        event.id = %event.id,
        event.kind = kind(&event.data),
        reason = error.reason().as_str(),
        cause = %error.chain(),
        "event {} took no effect",
        event.id
    );
    answer(status, error.reason().as_str())
}

/// An earlier event of the same subject took no effect.
fn behind_another() -> DeliveryResult {
    answer(DeliveryStatus::Retry, Reason::Unavailable.as_str())
}

fn answer(status: DeliveryStatus, reason: &str) -> DeliveryResult {
    DeliveryResult {
        status: status.into(),
        reason: reason.to_owned(),
    }
}

#[tonic::async_trait]
impl<H: EventHandler> EventInboxService for EventInbox<H> {
    async fn deliver_events(
        &self,
        request: Request<DeliverEventsRequest>,
    ) -> Result<Response<DeliverEventsResponse>, Status> {
        let caller = Caller::of(&request)?.clone();
        let results = self
            .receive(caller.party(), request.into_inner().events)
            .await
            .map_err(|error| caller.status(&error))?;
        Ok(Response::new(DeliverEventsResponse { results }))
    }
}
