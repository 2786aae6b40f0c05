//! Holds a place for as long as a call goes on: to its answer, or to the end of its stream.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::Response;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use crate::method::Class;

pin_project! {
    /// A call that holds the place `P`, which is given back when it is dropped.
    pub struct HoldFuture<F, P> {
        #[pin]
        inner: F,
        place: Option<P>,
        // A stream has only begun when its future completes.
        keep: bool,
    }
}

impl<F, P> HoldFuture<F, P> {
    pub(crate) fn new(inner: F, place: P, class: Class) -> Self {
        Self {
            inner,
            place: Some(place),
            keep: class == Class::Stream,
        }
    }
}

impl<F, P, B, E> Future for HoldFuture<F, P>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<HoldBody<B, P>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let response = ready!(this.inner.poll(cx))?;
        let place = if *this.keep { this.place.take() } else { None };
        Poll::Ready(Ok(response.map(|inner| HoldBody {
            inner,
            _place: place,
        })))
    }
}

pin_project! {
    /// A body that holds its stream's place until it ends.
    #[derive(Debug)]
    pub struct HoldBody<B, P> {
        #[pin]
        inner: B,
        _place: Option<P>,
    }
}

impl<B: Default, P> Default for HoldBody<B, P> {
    fn default() -> Self {
        Self {
            inner: B::default(),
            _place: None,
        }
    }
}

impl<B: Body, P> Body for HoldBody<B, P> {
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
