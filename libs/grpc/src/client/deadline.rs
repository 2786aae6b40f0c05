//! Gives every call a deadline, tells it to the server and keeps it.
//!
//! tonic's channel keeps `grpc-timeout` as well, but only once it has a connection, and says
//! CANCELLED. This timer covers the wait for the connection and says `DEADLINE_EXCEEDED`.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::Request;
use liaison_types::Language;
use pin_project_lite::pin_project;
use tokio::time::{Sleep, sleep};
use tonic::Status;
use tower::Service;

use super::refusal::Refusal;
use crate::method::{Class, Methods};
use crate::settings::ClientSettings;
use crate::{status, timeout};

/// See the [module](self).
#[derive(Clone, Debug)]
pub struct Deadline<T> {
    inner: T,
    methods: Methods,
    call: Duration,
    long_poll: Duration,
    refusal: Refusal,
}

impl<T> Deadline<T> {
    pub(crate) fn new(inner: T, methods: Methods, settings: &ClientSettings) -> Self {
        let (call, long_poll) = (settings.call_timeout, settings.long_poll_timeout);
        Self {
            inner,
            methods,
            call,
            long_poll,
            refusal: Refusal::default(),
        }
    }

    /// Knows why the connections below were refused.
    pub(crate) fn set_refusal(&mut self, refusal: Refusal) {
        self.refusal = refusal;
    }

    fn default_of(&self, path: &str) -> Option<Duration> {
        match self.methods.class(path) {
            Class::Call => Some(self.call),
            Class::LongPoll => Some(self.long_poll),
            Class::Stream => None,
        }
    }
}

impl<T, R> Service<Request<R>> for Deadline<T>
where
    T: Service<Request<R>>,
    T::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Response = T::Response;
    type Error = Status;
    type Future = DeadlineFuture<T::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Status>> {
        let ready = ready!(self.inner.poll_ready(cx));
        Poll::Ready(ready.map_err(|error| self.refusal.status(error.into())))
    }

    fn call(&mut self, mut request: Request<R>) -> Self::Future {
        let given = timeout::read(request.headers());
        let limit = given.or_else(|| self.default_of(request.uri().path()));
        if let (None, Some(limit)) = (given, limit) {
            request
                .headers_mut()
                .insert(timeout::HEADER, timeout::value(limit));
        }
        DeadlineFuture {
            inner: self.inner.call(request),
            sleep: limit.map(sleep),
            refusal: self.refusal.clone(),
        }
    }
}

pin_project! {
    /// The future of [`Deadline`].
    pub struct DeadlineFuture<F> {
        #[pin]
        inner: F,
        #[pin]
        sleep: Option<Sleep>,
        refusal: Refusal,
    }
}

impl<F, T, E> Future for DeadlineFuture<F>
where
    F: Future<Output = Result<T, E>>,
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Output = Result<T, Status>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Poll::Ready(answer) = this.inner.poll(cx) {
            return Poll::Ready(answer.map_err(|error| this.refusal.status(error.into())));
        }
        let Some(sleep) = this.sleep.as_pin_mut() else {
            return Poll::Pending;
        };
        ready!(sleep.poll(cx));
        Poll::Ready(Err(status::deadline_exceeded(Language::En)))
    }
}
