//! Takes so many calls at once and refuses the rest at once, with OVERLOADED and a time to retry.
//!
//! There is no queue: a call that cannot start now would, in an overload, only start after its
//! caller gave up. Long polls and streams have places of their own, because they hold them for long
//! and do little; otherwise a few hundred waiting units would lock every submission out.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Request, Response};
use http_body::Body;
use liaison_types::Error;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower::{Layer, Service};

use crate::layer::hold::{HoldBody, HoldFuture};
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
    type Response = Response<HoldBody<B, OwnedSemaphorePermit>>;
    type Error = S::Error;
    type Future = Refusable<HoldFuture<S::Future, OwnedSemaphorePermit>>;

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
            future: HoldFuture::new(self.inner.call(request), place, class),
        }
    }
}
