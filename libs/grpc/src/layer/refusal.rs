//! What a layer answers with: its own refusal, or what the service inside it answers.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::Response;
use liaison_types::{Error, Language};
use pin_project_lite::pin_project;
use tonic::Status;

use crate::status;

/// Extension of a refusing response: the reason, for the measurements of the observing layer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Refused(pub(crate) &'static str);

/// A refusal on its way out.
#[derive(Debug)]
pub struct Refusal {
    status: Status,
    reason: &'static str,
}

impl Refusal {
    pub(crate) fn new(error: &Error, language: Language) -> Self {
        Self {
            status: status::to_status(error, language),
            reason: error.reason().as_str(),
        }
    }

    pub(crate) fn into_response<B: Default>(self) -> Response<B> {
        let mut response = self.status.into_http();
        response.extensions_mut().insert(Refused(self.reason));
        response
    }
}

pin_project! {
    /// The future of a layer that may refuse.
    #[project = RefusableProjection]
    pub enum Refusable<F> {
        Refused { refusal: Option<Refusal> },
        Called { #[pin] future: F },
    }
}

impl<F> Refusable<F> {
    pub(crate) fn refused(error: &Error, language: Language) -> Self {
        Self::Refused {
            refusal: Some(Refusal::new(error, language)),
        }
    }
}

impl<F, B, E> Future for Refusable<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Default,
{
    type Output = Result<Response<B>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project() {
            RefusableProjection::Called { future } => future.poll(cx),
            RefusableProjection::Refused { refusal } => {
                let refusal = refusal
                    .take()
                    .expect("a future is not polled after it completed");
                Poll::Ready(Ok(refusal.into_response()))
            }
        }
    }
}
