//! Notes when a call with a `grpc-timeout` arrived, for the deadline layer.
//!
//! tonic starts a timer of its own once the layers around the routes were called. What is inside
//! the routes is only called when the call is first polled, which on a busy machine is milliseconds
//! later: a deadline counted from there would come after tonic's.

use std::task::{Context, Poll};

use http::Request;
use tokio::time::Instant;
use tower::{Layer, Service};

use crate::timeout;

/// Extension of a request: when it arrived.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrived(pub(crate) Instant);

/// See the [module](self).
#[derive(Clone, Copy, Debug)]
pub struct ArrivalLayer;

impl<S> Layer<S> for ArrivalLayer {
    type Service = Arrival<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Arrival { inner }
    }
}

/// See the [module](self).
#[derive(Clone, Debug)]
pub struct Arrival<S> {
    inner: S,
}

impl<S, R> Service<Request<R>> for Arrival<S>
where
    S: Service<Request<R>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<R>) -> Self::Future {
        if request.headers().contains_key(timeout::HEADER) {
            request.extensions_mut().insert(Arrived(Instant::now()));
        }
        self.inner.call(request)
    }
}
