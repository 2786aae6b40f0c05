//! Group commit: concurrent calls of one kind share a transaction.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt;
use futures::future::BoxFuture;
use liaison_types::{Error, ErrorKind, Result};
use sea_orm::DbBackend;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tracing::{Instrument, Span};

use crate::connect::Db;
use crate::error::BUSY_RETRY_AFTER;

/// How a [`Batcher`] batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatcherSettings {
    /// Names the span of each batch.
    pub name: &'static str,
    /// At most this many requests in one batch; at least 1.
    pub max_batch: usize,
    /// At most this many batches at once; at least 1. One on SQLite, which has one writer.
    pub concurrency: usize,
    /// At most this many requests waiting for a batch; at least 1. More are refused.
    pub queue: usize,
}

impl BatcherSettings {
    /// Batches of up to 256, four at once on PostgreSQL and one on SQLite, 4096 waiting.
    #[must_use]
    pub fn new(name: &'static str, db: &Db) -> Self {
        Self {
            name,
            max_batch: 256,
            concurrency: match db.backend() {
                DbBackend::Sqlite => 1,
                _ => 4,
            },
            queue: 4096,
        }
    }
}

type Handler<Req, Res> =
    dyn Fn(Vec<Req>) -> BoxFuture<'static, Result<Vec<Result<Res>>>> + Send + Sync;

/// Collects concurrent calls and hands them to a handler in batches, which usually writes them all in
/// one [`Db::write_tx`].
///
/// * A batch is whatever was waiting when a place became free; nobody ever waits for a batch to fill.
/// * The handler answers each request of a batch by its position. Where it fails as a whole (one bad
///   row fails a statement, or it panics), the requests are tried again one by one, so that only the
///   bad one fails. Where the database is unavailable, that would help nobody, and all are told so.
/// * A caller that goes away cancels nothing: a request still waiting is dropped, one in a batch runs
///   to its end.
/// * Requests are cloned once for the second try: make `Req` cheap to clone (an `Arc`).
///
/// Clones share the queue. The last clone dropped, or [`Batcher::shutdown`], ends it once everything
/// waiting has been worked off.
pub struct Batcher<Req, Res> {
    shared: Arc<Shared<Req, Res>>,
}

struct Shared<Req, Res> {
    /// Taken at shutdown; without it nothing more is accepted.
    queue: Mutex<Option<mpsc::Sender<Call<Req, Res>>>>,
    /// Closed for good when the dispatcher has ended.
    ended: Arc<Semaphore>,
}

struct Call<Req, Res> {
    request: Req,
    answer: oneshot::Sender<Result<Res>>,
    span: Span,
}

impl<Req, Res> Clone for Batcher<Req, Res> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<Req, Res> fmt::Debug for Batcher<Req, Res> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Batcher")
    }
}

impl<Req, Res> Batcher<Req, Res>
where
    Req: Clone + Send + Sync + 'static,
    Res: Send + 'static,
{
    /// Starts a batcher on the current runtime.
    ///
    /// `handler` must answer as many results as it was given requests, in their order, or fail as a
    /// whole without effect.
    pub fn spawn<H>(settings: BatcherSettings, handler: H) -> Self
    where
        H: Fn(Vec<Req>) -> BoxFuture<'static, Result<Vec<Result<Res>>>> + Send + Sync + 'static,
    {
        let (sender, receiver) = mpsc::channel(settings.queue.max(1));
        let ended = Arc::new(Semaphore::new(0));
        let dispatcher = Dispatcher {
            settings,
            handler: Arc::new(handler),
            receiver,
        };
        let end = CloseOnDrop(Arc::clone(&ended));
        tokio::spawn(async move {
            let _end = end;
            dispatcher.run().await;
        });
        Self {
            shared: Arc::new(Shared {
                queue: Mutex::new(Some(sender)),
                ended,
            }),
        }
    }

    /// Hands in one request and waits for its answer.
    ///
    /// # Errors
    /// What the handler answered for this request; `RESOURCE_EXHAUSTED` with a time to wait where the
    /// queue is full; `UNAVAILABLE` after shutdown; `INTERNAL` where the handler panicked.
    pub async fn call(&self, request: Req) -> Result<Res> {
        let (answer, outcome) = oneshot::channel();
        let call = Call {
            request,
            answer,
            span: Span::current(),
        };
        let sender = self
            .shared
            .queue
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let Some(sender) = sender else {
            return Err(Error::unavailable("the batcher was shut down"));
        };
        sender.try_send(call).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => Error::overloaded(BUSY_RETRY_AFTER),
            mpsc::error::TrySendError::Closed(_) => Error::unavailable("the batcher has ended"),
        })?;
        // A waiting caller must not keep the queue open after shutdown.
        drop(sender);
        outcome
            .await
            .unwrap_or_else(|_| Err(Error::unavailable("the runtime ended before the batch")))
    }

    /// Accepts no more requests, and returns when all that were accepted have been answered.
    pub async fn shutdown(&self) {
        let sender = self
            .shared
            .queue
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        drop(sender);
        // Never granted, only closed.
        let _closed = self.shared.ended.acquire().await;
    }
}

struct CloseOnDrop(Arc<Semaphore>);

impl Drop for CloseOnDrop {
    fn drop(&mut self) {
        self.0.close();
    }
}

struct Dispatcher<Req, Res> {
    settings: BatcherSettings,
    handler: Arc<Handler<Req, Res>>,
    receiver: mpsc::Receiver<Call<Req, Res>>,
}

impl<Req, Res> Dispatcher<Req, Res>
where
    Req: Clone + Send + Sync + 'static,
    Res: Send + 'static,
{
    async fn run(mut self) {
        let max_batch = self.settings.max_batch.max(1);
        let concurrency = u32::try_from(self.settings.concurrency.max(1)).unwrap_or(u32::MAX);
        let places = Arc::new(Semaphore::new(concurrency as usize));
        loop {
            // The place first: what arrives while all are taken joins the next batch.
            let Ok(place) = Arc::clone(&places).acquire_owned().await else {
                break;
            };
            let mut calls = Vec::new();
            let Some(first) = self.receiver.recv().await else {
                break;
            };
            calls.push(first);
            // Callers that became ready together with the first one get to hand in, too.
            tokio::task::yield_now().await;
            while calls.len() < max_batch
                && let Ok(call) = self.receiver.try_recv()
            {
                calls.push(call);
            }
            calls.retain(|call| !call.answer.is_closed());
            if calls.is_empty() {
                continue;
            }
            let handler = Arc::clone(&self.handler);
            let span = batch_span(self.settings.name, &calls);
            tokio::spawn(
                async move {
                    work(&*handler, calls).await;
                    drop(place);
                }
                .instrument(span),
            );
        }
        // Every place back means every batch has answered.
        let _all = places.acquire_many(concurrency).await;
    }
}

/// The span of a batch belongs to none of its callers; it links to each.
fn batch_span<Req, Res>(name: &'static str, calls: &[Call<Req, Res>]) -> Span {
    let span = tracing::info_span!(
        parent: None,
        "db.batch",
        otel.name = name,
        batch.size = calls.len(),
    );
    if !span.is_disabled() {
        for call in calls {
            span.follows_from(&call.span);
        }
    }
    span
}

async fn work<Req, Res>(handler: &Handler<Req, Res>, calls: Vec<Call<Req, Res>>)
where
    Req: Clone + Send + Sync,
    Res: Send,
{
    let requests = calls.iter().map(|call| call.request.clone()).collect();
    match attempt(handler, requests, calls.len()).await {
        Ok(results) => {
            for (call, result) in calls.into_iter().zip(results) {
                // A caller that went away needs no answer.
                let _gone = call.answer.send(result);
            }
        }
        Err(error) if calls.len() > 1 && !hits_all_alike(&error) => {
            tracing::debug!(
                batch.size = calls.len(),
                reason = error.reason().as_str(),
                "batch failed; its requests are tried one by one"
            );
            for call in calls {
                let result = match attempt(handler, vec![call.request], 1).await {
                    Ok(mut results) => results.pop().unwrap_or_else(|| Err(wrong_length(0, 1))),
                    Err(error) => Err(error),
                };
                let _gone = call.answer.send(result);
            }
        }
        Err(error) => {
            let error = Arc::new(error);
            for call in calls {
                let _gone = call.answer.send(Err(shared(&error)));
            }
        }
    }
}

/// Runs the handler; a panic becomes an error.
async fn attempt<Req, Res>(
    handler: &Handler<Req, Res>,
    requests: Vec<Req>,
    expected: usize,
) -> Result<Vec<Result<Res>>> {
    // The call itself may panic before it returns a future.
    let run = AssertUnwindSafe(async { handler(requests).await });
    let results = match run.catch_unwind().await {
        Ok(outcome) => outcome?,
        Err(_panic) => return Err(Error::internal("the handler of the batch panicked")),
    };
    if results.len() == expected {
        Ok(results)
    } else {
        Err(wrong_length(results.len(), expected))
    }
}

fn wrong_length(actual: usize, expected: usize) -> Error {
    Error::internal(format!(
        "the handler gave {actual} results for {expected} requests"
    ))
}

/// Whether the cause lies outside the requests, so that trying them singly would only multiply the
/// load.
fn hits_all_alike(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Unavailable | ErrorKind::ResourceExhausted | ErrorKind::DeadlineExceeded
    )
}

/// The same error for one of several callers, with the original as its cause.
fn shared(error: &Arc<Error>) -> Error {
    let mut copy = Error::new(error.kind(), error.reason())
        .violations(error.violation_list().to_vec())
        .source(BatchFailed(Arc::clone(error)));
    if let Some(message) = error.public_message() {
        copy = copy.message(message);
    }
    if let Some(after) = error.retry_delay() {
        copy = copy.retry_after(after);
    }
    for (key, value) in error.metadata_list() {
        copy = copy.metadata(key, value);
    }
    copy
}

#[derive(Debug)]
struct BatchFailed(Arc<Error>);

impl fmt::Display for BatchFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the batch failed")
    }
}

impl std::error::Error for BatchFailed {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.0)
    }
}
