//! Takes so many calls at once and refuses the rest at once, with OVERLOADED and a time to retry.
//!
//! There is no queue: a call that cannot start now would, in an overload, only start after its
//! caller gave up. Long polls and streams have places of their own, because they hold them for long
//! and do little; otherwise a few hundred waiting units would lock every submission out.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use liaison_types::Error;
use pin_project_lite::pin_project;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower::{Layer, Service};

use crate::layer::language;
use crate::layer::refusal::Refusable;
use crate::method::{Class, Methods};
use crate::settings::Limits;

/// When a refused caller should come again.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// See the [module](self).
#[derive(Clone, Debug)]
pub struct AdmitLayer {
    methods: Methods,
    calls: Arc<Semaphore>,
    long_polls: Arc<Semaphore>,
    streams: Arc<Semaphore>,
}

impl AdmitLayer {
    pub(crate) fn new(methods: Methods, limits: &Limits) -> Self {
        Self {
            methods,
            calls: Arc::new(Semaphore::new(limits.calls)),
            long_polls: Arc::new(Semaphore::new(limits.long_polls)),
            streams: Arc::new(Semaphore::new(limits.streams)),
        }
    }

    const fn places(&self, class: Class) -> &Arc<Semaphore> {
        match class {
            Class::Call => &self.calls,
            Class::LongPoll => &self.long_polls,
            Class::Stream => &self.streams,
        }
    }
}

impl<S> Layer<S> for AdmitLayer {
    type Service = Admit<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Admit {
            inner,
            limits: self.clone(),
        }
    }
}

/// See the [module](self).
#[derive(Clone, Debug)]
pub struct Admit<S> {
    inner: S,
    limits: AdmitLayer,
}

impl<S, R, B> Service<Request<R>> for Admit<S>
where
    S: Service<Request<R>, Response = Response<B>>,
    B: Body + Default,
{
    type Response = Response<PlaceBody<B>>;
    type Error = S::Error;
    type Future = Refusable<AdmitFuture<S::Future>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<R>) -> Self::Future {
        let class = self.limits.methods.class(request.uri().path());
        let Ok(place) = Arc::clone(self.limits.places(class)).try_acquire_owned() else {
            let error = Error::overloaded(RETRY_AFTER);
            return Refusable::refused(&error, language(request.headers()));
        };
        Refusable::Called {
            future: AdmitFuture {
                inner: self.inner.call(request),
                place: Some(place),
                keep: class == Class::Stream,
            },
        }
    }
}

pin_project! {
    /// The future of [`Admit`].
    pub struct AdmitFuture<F> {
        #[pin]
        inner: F,
        place: Option<OwnedSemaphorePermit>,
        // A stream has only begun when its future completes.
        keep: bool,
    }
}

impl<F, B, E> Future for AdmitFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<PlaceBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let response = ready!(this.inner.poll(cx))?;
        let place = if *this.keep { this.place.take() } else { None };
        Poll::Ready(Ok(response.map(|inner| PlaceBody {
            inner,
            _place: place,
        })))
    }
}

pin_project! {
    /// A body that holds its stream's place until it ends.
    #[derive(Debug)]
    pub struct PlaceBody<B> {
        #[pin]
        inner: B,
        _place: Option<OwnedSemaphorePermit>,
    }
}

impl<B: Default> Default for PlaceBody<B> {
    fn default() -> Self {
        Self {
            inner: B::default(),
            _place: None,
        }
    }
}

impl<B: Body> Body for PlaceBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        self.project().inner.poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
