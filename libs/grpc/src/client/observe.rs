//! Observes every call from the caller's side, and tells the server which trace it belongs to.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use http_body::Body;
use liaison_telemetry::{Instruments, Side, propagation};
use pin_project_lite::pin_project;
use tonic::Status;
use tower::Service;

use crate::layer::observe::{Observed, ObservedBody, observe_body};
use crate::method::Methods;

/// See the [module](self).
#[derive(Clone, Debug)]
pub struct Observe<T> {
    pub(crate) inner: T,
    methods: Methods,
    instruments: Instruments,
}

impl<T> Observe<T> {
    pub(crate) fn new(inner: T, methods: Methods, instruments: Instruments) -> Self {
        Self {
            inner,
            methods,
            instruments,
        }
    }
}

impl<T, R, B> Service<Request<R>> for Observe<T>
where
    T: Service<Request<R>, Response = Response<B>, Error = Status>,
    B: Body,
{
    type Response = Response<ObservedBody<B>>;
    type Error = Status;
    type Future = ObserveFuture<T::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Status>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<R>) -> Self::Future {
        let method = self.methods.name(request.uri().path());
        let span = tracing::info_span!(
            "call",
            otel.name = method,
            otel.kind = "client",
            otel.status_code = tracing::field::Empty,
            rpc.system.name = "grpc",
            rpc.method = method,
            rpc.response.status_code = tracing::field::Empty,
        );
        if span.is_disabled() {
            propagation::inject(request.headers_mut());
        } else {
            propagation::inject_span(&span, request.headers_mut());
        }
        let call = Observed::begin(Side::Client, method, span, &self.instruments);
        let inner = {
            let _entered = call.span.enter();
            self.inner.call(request)
        };
        ObserveFuture {
            inner,
            call: Some(call),
        }
    }
}

pin_project! {
    /// The future of [`Observe`].
    pub struct ObserveFuture<F> {
        #[pin]
        inner: F,
        call: Option<Observed>,
    }
}

impl<F, B> Future for ObserveFuture<F>
where
    F: Future<Output = Result<Response<B>, Status>>,
    B: Body,
{
    type Output = Result<Response<ObservedBody<B>>, Status>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let polled = {
            let _entered = this.call.as_ref().map(|call| call.span.enter());
            this.inner.poll(cx)
        };
        let answer = ready!(polled);
        let call = this.call.take();
        Poll::Ready(match answer {
            Ok(response) => Ok(observe_body(response, call)),
            Err(status) => {
                if let Some(call) = call {
                    call.end(status.code());
                }
                Err(status)
            }
        })
    }
}
