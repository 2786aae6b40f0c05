//! Observes every call: a span that continues the caller's trace, measurements, one log line.
//!
//! The call ends with its answer's last byte, not with the handler's return. Where the future or
//! the body is dropped before that (the caller went away, tonic's own timer fired), it is counted
//! as cancelled.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use http::{HeaderMap, Request, Response};
use http_body::{Body, Frame, SizeHint};
use liaison_telemetry::{InFlight, Instruments, Side, propagation};
use pin_project_lite::pin_project;
use tonic::{Code, Status};
use tower::{Layer, Service};
use tracing::Span;

use crate::caller::Peer;
use crate::layer::refusal::Refused;
use crate::method::Methods;

/// See the [module](self).
#[derive(Clone, Debug)]
pub struct ObserveLayer {
    methods: Methods,
    instruments: Instruments,
}

impl ObserveLayer {
    pub(crate) fn new(methods: Methods, instruments: Instruments) -> Self {
        Self {
            methods,
            instruments,
        }
    }
}

impl<S> Layer<S> for ObserveLayer {
    type Service = Observe<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Observe {
            inner,
            methods: self.methods.clone(),
            instruments: self.instruments.clone(),
        }
    }
}

/// See the [module](self).
#[derive(Clone, Debug)]
pub struct Observe<S> {
    inner: S,
    methods: Methods,
    instruments: Instruments,
}

impl<S, R, B> Service<Request<R>> for Observe<S>
where
    S: Service<Request<R>, Response = Response<B>>,
    B: Body,
{
    type Response = Response<ObservedBody<B>>;
    type Error = S::Error;
    type Future = ObserveFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<R>) -> Self::Future {
        let method = self.methods.name(request.uri().path());
        // The macro evaluates its fields only where somebody listens.
        let span = tracing::info_span!(
            "rpc",
            otel.name = method,
            otel.kind = "server",
            otel.status_code = tracing::field::Empty,
            rpc.system.name = "grpc",
            rpc.method = method,
            rpc.response.status_code = tracing::field::Empty,
            liaison.caller.kind = request
                .extensions()
                .get::<Peer>()
                .map(|p| p.party.kind().as_str()),
        );
        if let Some(parent) = propagation::extract(request.headers()) {
            parent.adopt(&span);
        }
        let call = Observed::begin(Side::Server, method, span, &self.instruments);
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

/// One call under observation, on either side. Recorded when dropped.
#[derive(Debug)]
pub(crate) struct Observed {
    side: Side,
    method: &'static str,
    started: Instant,
    pub(crate) span: Span,
    instruments: Instruments,
    _in_flight: Option<InFlight>,
    code: Option<Code>,
}

impl Observed {
    pub(crate) fn begin(
        side: Side,
        method: &'static str,
        span: Span,
        instruments: &Instruments,
    ) -> Self {
        Self {
            side,
            method,
            started: Instant::now(),
            span,
            instruments: instruments.clone(),
            _in_flight: instruments
                .is_recording()
                .then(|| instruments.in_flight(side, method)),
            code: None,
        }
    }

    /// The call ended with `code`. Dropping without this means that it was cancelled.
    pub(crate) fn end(mut self, code: Code) {
        self.code = Some(code);
    }
}

impl Drop for Observed {
    fn drop(&mut self) {
        let took = self.started.elapsed();
        let code = self.code.unwrap_or(Code::Cancelled);
        let name = code_name(code);
        self.instruments.rpc(self.side, self.method, name, took);
        let _entered = self.span.enter();
        if !self.span.is_disabled() {
            self.span.record("rpc.response.status_code", name);
            if is_error(self.side, code) {
                self.span.record("otel.status_code", "ERROR");
            }
        }
        // Of faults of ours the cause was logged, as an error, where the status was made. What the
        // caller did wrong is never louder than debug: callers must not be able to fill the log.
        if self.side == Side::Server && is_fault(code) {
            tracing::warn!(method = self.method, code = name, ?took, "call failed");
        } else {
            tracing::debug!(method = self.method, code = name, ?took, side = ?self.side, "call");
        }
    }
}

/// Whether somebody of ours must look.
const fn is_fault(code: Code) -> bool {
    matches!(code, Code::Unknown | Code::Internal | Code::DataLoss)
}

/// Whether the span counts as failed, by the conventions for RPC spans.
const fn is_error(side: Side, code: Code) -> bool {
    match side {
        Side::Client => !matches!(code, Code::Ok),
        Side::Server => matches!(
            code,
            Code::Unknown
                | Code::DeadlineExceeded
                | Code::Unimplemented
                | Code::Internal
                | Code::Unavailable
                | Code::DataLoss
        ),
    }
}

/// The name of a code as the specification spells it.
pub(crate) const fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

/// The status in headers or trailers, where there is one.
pub(crate) fn code_in(headers: &HeaderMap) -> Option<Code> {
    headers
        .get(Status::GRPC_STATUS)
        .map(|value| Code::from_bytes(value.as_bytes()))
}

pin_project! {
    /// The future of [`Observe`].
    pub struct ObserveFuture<F> {
        #[pin]
        inner: F,
        call: Option<Observed>,
    }
}

impl<F, B, E> Future for ObserveFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Body,
{
    type Output = Result<Response<ObservedBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let polled = {
            let _entered = this.call.as_ref().map(|call| call.span.enter());
            this.inner.poll(cx)
        };
        let response = match ready!(polled) {
            Ok(response) => response,
            Err(error) => {
                if let Some(call) = this.call.take() {
                    call.end(Code::Unknown);
                }
                return Poll::Ready(Err(error));
            }
        };
        let call = this.call.take();
        if let (Some(Refused(reason)), Some(call)) = (response.extensions().get(), &call) {
            call.instruments.refused(call.method, reason);
        }
        Poll::Ready(Ok(observe_body(response, call)))
    }
}

/// Lets the observation go on to the end of the body, or ends it with a status in the headers.
pub(crate) fn observe_body<B: Body>(
    response: Response<B>,
    mut call: Option<Observed>,
) -> Response<ObservedBody<B>> {
    if let Some(code) = code_in(response.headers())
        && let Some(call) = call.take()
    {
        call.end(code);
    }
    response.map(|inner| ObservedBody { inner, call })
}

pin_project! {
    /// A body that ends its call's observation.
    #[derive(Debug)]
    pub struct ObservedBody<B> {
        #[pin]
        inner: B,
        call: Option<Observed>,
    }
}

impl<B: Default> Default for ObservedBody<B> {
    fn default() -> Self {
        Self {
            inner: B::default(),
            call: None,
        }
    }
}

impl<B: Body> Body for ObservedBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let this = self.project();
        let polled = {
            let _entered = this.call.as_ref().map(|call| call.span.enter());
            this.inner.poll_frame(cx)
        };
        let frame = ready!(polled);
        let code = match &frame {
            Some(Ok(frame)) => frame
                .trailers_ref()
                .map(|trailers| code_in(trailers).unwrap_or(Code::Unknown)),
            Some(Err(_)) | None => Some(Code::Unknown),
        };
        if let Some(code) = code
            && let Some(call) = this.call.take()
        {
            call.end(code);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
