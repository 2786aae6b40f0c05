//! Gives each party so many places at a time for calls, long polls and streams, so that none takes
//! them all. What is over is refused at once with RATE_LIMITED, the quota and a time to retry.

use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use http_body::Body;
use tower::{Layer, Service};

use crate::caller::Caller;
use crate::layer::hold::{HoldBody, HoldFuture};
use crate::layer::refusal::Refusable;
use crate::method::{Class, Methods};
use crate::quota::{self, Place, Places, Quota};
use crate::settings::Limits;

/// See the [module](self).
#[derive(Clone, Debug)]
pub struct QuotaLayer {
    methods: Methods,
    limits: Arc<Limits>,
    calls: Places,
    long_polls: Places,
    streams: Places,
}

impl QuotaLayer {
    pub(crate) fn new(methods: Methods, limits: &Limits) -> Self {
        Self {
            methods,
            limits: Arc::new(limits.clone()),
            calls: Places::default(),
            long_polls: Places::default(),
            streams: Places::default(),
        }
    }

    const fn of(&self, class: Class) -> (Quota, &Places) {
        match class {
            Class::Call => (Quota::Calls, &self.calls),
            Class::LongPoll => (Quota::LongPolls, &self.long_polls),
            Class::Stream => (Quota::Streams, &self.streams),
        }
    }
}

impl<S> Layer<S> for QuotaLayer {
    type Service = Quotas<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Quotas {
            inner,
            layer: self.clone(),
        }
    }
}

/// See the [module](self).
#[derive(Clone, Debug)]
pub struct Quotas<S> {
    inner: S,
    layer: QuotaLayer,
}

impl<S, R, B> Service<Request<R>> for Quotas<S>
where
    S: Service<Request<R>, Response = Response<B>>,
    B: Body + Default,
{
    type Response = Response<HoldBody<B, Held>>;
    type Error = S::Error;
    type Future = Refusable<HoldFuture<S::Future, Held>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<R>) -> Self::Future {
        let class = self.layer.methods.class(request.uri().path());
        let mut place = Place::free();
        if let Some(caller) = request.extensions().get::<Caller>() {
            let (quota, places) = self.layer.of(class);
            let most = self.layer.limits.places_of(caller.party(), quota);
            match (places.take(caller.party(), most), most) {
                (Some(taken), _) => place = taken,
                (None, Some(most)) => {
                    let error = quota::exceeded(caller.party(), quota, most);
                    return Refusable::refused(&error, caller.language());
                }
                // Without a limit there is always a place.
                (None, None) => {}
            }
        }
        Refusable::Called {
            future: HoldFuture::new(self.inner.call(request), Held(place), class),
        }
    }
}

/// A party's place, held by a call.
#[derive(Debug)]
pub struct Held(#[expect(dead_code, reason = "it is there to be dropped")] Place);
