//! Turns a panic of a handler, or of the stream that it answers with, into INTERNAL.
//!
//! tower-http has such a layer, but it boxes every body once more and does not watch the body: a
//! stream that panics half-way would reach the caller as a protocol error.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{HeaderMap, Request, Response};
use http_body::{Body, Frame, SizeHint};
use liaison_types::{Error, Language};
use pin_project_lite::pin_project;
use tonic::Status;
use tower::{Layer, Service};

use crate::layer::language;
use crate::status;

/// See the [module](self).
#[derive(Clone, Copy, Debug)]
pub struct CatchPanicLayer;

impl<S> Layer<S> for CatchPanicLayer {
    type Service = CatchPanic<S>;

    fn layer(&self, inner: S) -> Self::Service {
        CatchPanic { inner }
    }
}

/// See the [module](self).
#[derive(Clone, Debug)]
pub struct CatchPanic<S> {
    inner: S,
}

impl<S, R, B> Service<Request<R>> for CatchPanic<S>
where
    S: Service<Request<R>, Response = Response<B>>,
    B: Body + Default,
{
    type Response = Response<CatchPanicBody<B>>;
    type Error = S::Error;
    type Future = CatchPanicFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<R>) -> Self::Future {
        let language = language(request.headers());
        // Unwind safety: what the panicking call could have left half done belongs to that call
        // alone; state that handlers share is in the database.
        let inner = catch_unwind(AssertUnwindSafe(|| self.inner.call(request)))
            .map_err(|_panic| failed(language))
            .map_or_else(
                |status| Inner::Panicked {
                    status: Some(status),
                },
                |future| Inner::Running { future },
            );
        CatchPanicFuture { inner, language }
    }
}

/// The status of a panic. The process's panic hook has told where; what the panic says may quote the
/// call, so it is neither told nor logged here.
fn failed(language: Language) -> Status {
    status::to_status(&Error::internal("a handler panicked"), language)
}

pin_project! {
    /// The future of [`CatchPanic`].
    pub struct CatchPanicFuture<F> {
        #[pin]
        inner: Inner<F>,
        language: Language,
    }
}

pin_project! {
    #[project = InnerProjection]
    enum Inner<F> {
        Running { #[pin] future: F },
        Panicked { status: Option<Status> },
    }
}

impl<F, B, E> Future for CatchPanicFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Body + Default,
{
    type Output = Result<Response<CatchPanicBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let language = *this.language;
        let status = match this.inner.project() {
            InnerProjection::Running { future } => {
                match catch_unwind(AssertUnwindSafe(|| future.poll(cx))) {
                    Ok(polled) => {
                        let response = ready!(polled)?;
                        return Poll::Ready(Ok(response.map(|inner| CatchPanicBody {
                            inner,
                            language,
                            panicked: false,
                        })));
                    }
                    Err(_panic) => failed(language),
                }
            }
            InnerProjection::Panicked { status } => status
                .take()
                .expect("a future is not polled after it completed"),
        };
        Poll::Ready(Ok(status.into_http()))
    }
}

pin_project! {
    /// A body that ends with INTERNAL where it panics.
    #[derive(Debug)]
    pub struct CatchPanicBody<B> {
        #[pin]
        inner: B,
        language: Language,
        panicked: bool,
    }
}

impl<B: Default> Default for CatchPanicBody<B> {
    fn default() -> Self {
        Self {
            inner: B::default(),
            language: Language::En,
            panicked: false,
        }
    }
}

impl<B: Body> Body for CatchPanicBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let this = self.project();
        if *this.panicked {
            return Poll::Ready(None);
        }
        catch_unwind(AssertUnwindSafe(|| this.inner.poll_frame(cx))).unwrap_or_else(|_panic| {
            *this.panicked = true;
            let mut trailers = HeaderMap::new();
            // Only texts that are no header values fail, and these are of our own making.
            let _ = failed(*this.language).add_header(&mut trailers);
            Poll::Ready(Some(Ok(Frame::trailers(trailers))))
        })
    }

    fn is_end_stream(&self) -> bool {
        self.panicked || self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
