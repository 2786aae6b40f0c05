//! Tells a connection over its party's limit why it is not served.
//!
//! Cutting it would look like a network that fails: clients would dial again at once, and for ever.
//! Instead it is served just long enough to be told. Its first calls are answered with the status that
//! any call over a limit gets (RESOURCE_EXHAUSTED, `QuotaFailure`, `RetryInfo`), then HTTP/2 GOAWAY
//! closes it in order. Such connections are few and short, so that a party that dials in a loop takes
//! nothing from anybody: what comes while too many are being told is closed without a word.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use liaison_types::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Notify, Semaphore};
use tonic::body::Body;
use tower::{Layer as _, Service as _};

use crate::caller::Peer;
use crate::layer::language;
use crate::layer::refusal::Refusal;
use crate::stack::Everywhere;

/// How many are told at a time.
const AT_ONCE: usize = 16;

/// How long one may take to make the call that is answered, and again to read the answer.
const PATIENCE: Duration = Duration::from_secs(1);

/// Its calls that are answered at a time. Others wait until it is closed.
const CALLS: u32 = 16;

/// Says farewell to connections. Clones share the places.
#[derive(Clone, Debug)]
pub(crate) struct Farewell {
    everywhere: Everywhere,
    places: Arc<Semaphore>,
}

impl Farewell {
    /// The calls are traced and measured by `everywhere`, as those that are served.
    pub(crate) fn new(everywhere: Everywhere) -> Self {
        Self {
            everywhere,
            places: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }

    /// Answers the calls that come on `io` with `error` and closes it, within two seconds.
    pub(crate) async fn say<IO>(self, io: IO, peer: Peer, error: Error)
    where
        IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let Ok(_place) = self.places.try_acquire() else {
            return;
        };
        let (error, told) = (Arc::new(error), Arc::new(Notify::new()));
        let service = {
            let told = Arc::clone(&told);
            self.everywhere
                .layer(tower::service_fn(move |request: Request<Incoming>| {
                    let refusal = Refusal::new(&error, language(request.headers()));
                    told.notify_one();
                    std::future::ready(Ok::<Response<Body>, Infallible>(refusal.into_response()))
                }))
        };
        let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(Peer::clone(&peer));
            let mut service = service.clone();
            async move { service.call(request).await }
        });
        let connection = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
            .max_concurrent_streams(CALLS)
            .serve_connection(TokioIo::new(io), service);
        let mut connection = std::pin::pin!(connection);
        tokio::select! {
            // The client went away or spoke no HTTP/2: there is nobody left to tell.
            _ = connection.as_mut() => return,
            () = told.notified() => {}
            () = tokio::time::sleep(PATIENCE) => {}
        }
        connection.as_mut().graceful_shutdown();
        // Whoever does not read what it is told is cut.
        let _ = tokio::time::timeout(PATIENCE, connection).await;
    }
}
