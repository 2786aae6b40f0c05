//! Ends a call at its deadline with `DEADLINE_EXCEEDED`: the earlier of the caller's `grpc-timeout`
//! and the limit of the method's class.
//!
//! tonic watches `grpc-timeout` too, from outside, and would say CANCELLED. This layer answers a
//! moment earlier. Streams have no limit of their own; where the caller gave one, it holds to the
//! end of the stream.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::{HeaderMap, Request, Response};
use http_body::{Body, Frame, SizeHint};
use liaison_types::Language;
use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep_until};
use tower::{Layer, Service};

use crate::caller::Caller;
use crate::layer::arrival::Arrived;
use crate::layer::language;
use crate::method::{Class, Methods};
use crate::settings::Limits;
use crate::{status, timeout};

/// How much earlier than a caller's own timer this one fires: timers tick in milliseconds.
const AHEAD: Duration = Duration::from_millis(2);

/// See the [module](self).
#[derive(Clone, Debug)]
pub struct DeadlineLayer {
    methods: Methods,
    call: Duration,
    long_poll: Duration,
}

impl DeadlineLayer {
    pub(crate) fn new(methods: Methods, limits: &Limits) -> Self {
        Self {
            methods,
            call: limits.call_timeout,
            long_poll: limits.long_poll_timeout,
        }
    }

    /// How long a call may take; `None` where nothing limits it.
    fn allowed(&self, class: Class, asked: Option<Duration>) -> Option<Duration> {
        let asked = asked.map(|asked| asked - AHEAD.min(asked / 2));
        let own = match class {
            Class::Call => Some(self.call),
            Class::LongPoll => Some(self.long_poll),
            Class::Stream => None,
        };
        match (own, asked) {
            (Some(own), Some(asked)) => Some(own.min(asked)),
            (own, asked) => own.or(asked),
        }
    }
}

impl<S> Layer<S> for DeadlineLayer {
    type Service = Deadline<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Deadline {
            inner,
            limits: self.clone(),
        }
    }
}

/// See the [module](self).
#[derive(Clone, Debug)]
pub struct Deadline<S> {
    inner: S,
    limits: DeadlineLayer,
}

impl<S, R, B> Service<Request<R>> for Deadline<S>
where
    S: Service<Request<R>, Response = Response<B>>,
    B: Body + Default,
{
    type Response = Response<DeadlineBody<B>>;
    type Error = S::Error;
    type Future = DeadlineFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<R>) -> Self::Future {
        let class = self.limits.methods.class(request.uri().path());
        let allowed = self.limits.allowed(class, timeout::read(request.headers()));
        let arrived = request.extensions().get().map(|Arrived(at)| *at);
        let deadline = allowed.map(|allowed| arrived.unwrap_or_else(Instant::now) + allowed);
        let mut in_language = Language::En;
        if let Some(caller) = request.extensions_mut().get_mut::<Caller>() {
            in_language = caller.language();
            if let Some(deadline) = deadline {
                caller.set_deadline(deadline);
            }
        } else if deadline.is_some() {
            in_language = language(request.headers());
        }
        DeadlineFuture {
            inner: self.inner.call(request),
            sleep: deadline.map(sleep_until),
            to_the_end: class == Class::Stream,
            language: in_language,
        }
    }
}

pin_project! {
    /// The future of [`Deadline`].
    pub struct DeadlineFuture<F> {
        #[pin]
        inner: F,
        // Registered with the timer at its first poll, which is when the handler first waits.
        #[pin]
        sleep: Option<Sleep>,
        to_the_end: bool,
        language: Language,
    }
}

impl<F, B, E> Future for DeadlineFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Body + Default,
{
    type Output = Result<Response<DeadlineBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Poll::Ready(response) = this.inner.poll(cx) {
            let left = this
                .sleep
                .as_ref()
                .as_pin_ref()
                .filter(|_| *this.to_the_end);
            let sleep = left.map(|sleep| Box::pin(sleep_until(sleep.deadline())));
            let language = *this.language;
            return Poll::Ready(response.map(|response| {
                response.map(|inner| DeadlineBody {
                    inner,
                    sleep,
                    language,
                    over: false,
                })
            }));
        }
        if let Some(sleep) = this.sleep.as_pin_mut() {
            ready!(sleep.poll(cx));
            return Poll::Ready(Ok(status::deadline_exceeded(*this.language).into_http()));
        }
        Poll::Pending
    }
}

pin_project! {
    /// A body that ends at the caller's deadline.
    #[derive(Debug)]
    pub struct DeadlineBody<B> {
        #[pin]
        inner: B,
        // Boxed: only streams whose caller gave a timeout have one.
        sleep: Option<Pin<Box<Sleep>>>,
        language: Language,
        over: bool,
    }
}

impl<B: Default> Default for DeadlineBody<B> {
    fn default() -> Self {
        Self {
            inner: B::default(),
            sleep: None,
            language: Language::En,
            over: false,
        }
    }
}

impl<B: Body> Body for DeadlineBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let this = self.project();
        if *this.over {
            return Poll::Ready(None);
        }
        if let Poll::Ready(frame) = this.inner.poll_frame(cx) {
            return Poll::Ready(frame);
        }
        let Some(sleep) = this.sleep else {
            return Poll::Pending;
        };
        ready!(sleep.as_mut().poll(cx));
        *this.over = true;
        let mut trailers = HeaderMap::new();
        // Only texts that are no header values fail, and these are of our own making.
        let _ = status::deadline_exceeded(*this.language).add_header(&mut trailers);
        Poll::Ready(Some(Ok(Frame::trailers(trailers))))
    }

    fn is_end_stream(&self) -> bool {
        self.over || self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earlier_limit_holds_and_streams_have_none_of_their_own() {
        let limits = Limits {
            call_timeout: Duration::from_secs(30),
            long_poll_timeout: Duration::from_secs(90),
            ..Limits::default()
        };
        let layer = DeadlineLayer::new(Methods::new([]), &limits);
        let seconds = Duration::from_secs;
        assert_eq!(layer.allowed(Class::Call, None), Some(seconds(30)));
        assert_eq!(
            layer.allowed(Class::Call, Some(seconds(60))),
            Some(seconds(30))
        );
        assert_eq!(
            layer.allowed(Class::Call, Some(seconds(5))),
            Some(seconds(5) - AHEAD)
        );
        assert_eq!(layer.allowed(Class::LongPoll, None), Some(seconds(90)));
        assert_eq!(layer.allowed(Class::Stream, None), None);
        assert_eq!(
            layer.allowed(Class::Stream, Some(seconds(7))),
            Some(seconds(7) - AHEAD)
        );
        assert_eq!(
            layer.allowed(Class::Call, Some(Duration::ZERO)),
            Some(Duration::ZERO)
        );
    }
}
