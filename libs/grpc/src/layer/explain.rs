//! Gives a status without details the details that every status of ours has.
//!
//! tonic refuses some calls itself: a path that nobody serves, bytes that are no message, a message
//! too large, a compression it does not know. It says so with a bare code, in part with one that
//! blames the server. This layer puts the code right and adds reason and localized text, in headers
//! and in the trailers of streams.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{HeaderMap, Request, Response};
use http_body::{Body, Frame, SizeHint};
use liaison_types::{Error, ErrorKind, Language, Reason};
use pin_project_lite::pin_project;
use tonic::{Code, Status};
use tower::{Layer, Service};

use crate::layer::language;
use crate::layer::observe::code_in;
use crate::status::{from_status, to_status};

/// See the [module](self).
#[derive(Clone, Copy, Debug)]
pub struct ExplainLayer;

impl<S> Layer<S> for ExplainLayer {
    type Service = Explain<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Explain { inner }
    }
}

/// See the [module](self).
#[derive(Clone, Debug)]
pub struct Explain<S> {
    inner: S,
}

impl<S, R, B> Service<Request<R>> for Explain<S>
where
    S: Service<Request<R>, Response = Response<B>>,
    B: Body,
{
    type Response = Response<ExplainedBody<B>>;
    type Error = S::Error;
    type Future = ExplainFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<R>) -> Self::Future {
        let language = language(request.headers());
        ExplainFuture {
            inner: self.inner.call(request),
            language,
        }
    }
}

/// Completes the status in `headers`, where there is one, it is no success and it has no details.
fn explain(headers: &mut HeaderMap, language: Language) {
    let Some(code) = code_in(headers) else { return };
    if code == Code::Ok || headers.contains_key(Status::GRPC_STATUS_DETAILS) {
        return;
    }
    let Some(bare) = Status::from_header_map(headers) else {
        return;
    };
    headers.remove(Status::GRPC_MESSAGE);
    // Only texts that are no header values fail, and these come percent-encoded.
    let _ = to_status(&meaning(&bare), language).add_header(headers);
}

/// The beginnings of what tonic and prost say about a message that cannot be read.
const MALFORMED: [&str; 5] = [
    "failed to decode Protobuf message",
    "Missing request message.",
    "Unexpected EOF decoding stream.",
    "protocol error: received message with",
    "Error decompressing",
];

/// The same about one that is too large, or becomes so when it is unpacked.
const TOO_LARGE: [&str; 2] = [
    "Error, decoded message length too large",
    "Error decompressing: size limit",
];

/// What a bare status of tonic means in our terms.
fn meaning(bare: &Status) -> Error {
    let text = bare.message();
    let starts = |beginnings: &[&str]| beginnings.iter().any(|b| text.starts_with(b));
    let error = |kind, reason| Error::new(kind, reason);
    match bare.code() {
        _ if starts(&TOO_LARGE) => {
            error(ErrorKind::ResourceExhausted, Reason::MessageTooLarge).message(text)
        }
        Code::Internal if starts(&MALFORMED) => {
            error(ErrorKind::InvalidArgument, Reason::MalformedMessage).message(text)
        }
        Code::Unimplemented if text.starts_with("Content is compressed with") => {
            error(ErrorKind::Unimplemented, Reason::MalformedMessage).message(text)
        }
        Code::Unimplemented => error(ErrorKind::Unimplemented, Reason::MethodNotFound),
        Code::OutOfRange | Code::Unknown | Code::Internal => {
            // Left: an answer that could not be encoded, and whatever else is our own fault.
            error(ErrorKind::Internal, Reason::Internal).source(text)
        }
        _ => from_status(bare.clone()),
    }
}

pin_project! {
    /// The future of [`Explain`].
    pub struct ExplainFuture<F> {
        #[pin]
        inner: F,
        language: Language,
    }
}

impl<F, B, E> Future for ExplainFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Body,
{
    type Output = Result<Response<ExplainedBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let language = *this.language;
        let mut response = ready!(this.inner.poll(cx))?;
        explain(response.headers_mut(), language);
        Poll::Ready(Ok(response.map(|inner| ExplainedBody { inner, language })))
    }
}

pin_project! {
    /// A body whose trailers are completed.
    #[derive(Debug)]
    pub struct ExplainedBody<B> {
        #[pin]
        inner: B,
        language: Language,
    }
}

impl<B: Default> Default for ExplainedBody<B> {
    fn default() -> Self {
        Self {
            inner: B::default(),
            language: Language::En,
        }
    }
}

impl<B: Body> Body for ExplainedBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let this = self.project();
        let mut frame = ready!(this.inner.poll_frame(cx));
        if let Some(Ok(frame)) = &mut frame
            && let Some(trailers) = frame.trailers_mut()
        {
            explain(trailers, *this.language);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::Failure;

    fn explained(bare: &Status, language: Language) -> (Status, Failure) {
        let mut headers = HeaderMap::new();
        bare.add_header(&mut headers).unwrap();
        explain(&mut headers, language);
        let status = Status::from_header_map(&headers).unwrap();
        let failure = Failure::read(&status);
        (status, failure)
    }

    #[test]
    fn bare_statuses_gain_a_reason_and_the_right_code() {
        for (bare, code, reason) in [
            (
                Status::unimplemented(""),
                Code::Unimplemented,
                Reason::MethodNotFound,
            ),
            (
                Status::internal("failed to decode Protobuf message: invalid tag value: 0"),
                Code::InvalidArgument,
                Reason::MalformedMessage,
            ),
            (
                Status::out_of_range("Error, decoded message length too large: found 9 bytes, .."),
                Code::ResourceExhausted,
                Reason::MessageTooLarge,
            ),
            (
                Status::unimplemented("Content is compressed with `gzip` which isn't supported"),
                Code::Unimplemented,
                Reason::MalformedMessage,
            ),
            (
                Status::internal("secret detail"),
                Code::Internal,
                Reason::Internal,
            ),
            (
                Status::not_found("service not registered"),
                Code::NotFound,
                Reason::NotFound,
            ),
        ] {
            let (status, failure) = explained(&bare, Language::Es);
            assert_eq!(status.code(), code, "{bare:?}");
            assert_eq!(failure.reason(), Some(reason), "{bare:?}");
            assert_eq!(
                failure.localized.as_deref(),
                Some(reason.text(Language::Es))
            );
            assert!(!status.message().contains("secret"));
        }
    }

    #[test]
    fn what_has_details_is_left_alone() {
        let own = to_status(&Error::not_found(), Language::Ar);
        let mut headers = HeaderMap::new();
        own.add_header(&mut headers).unwrap();
        let before = headers.clone();
        explain(&mut headers, Language::En);
        assert_eq!(headers, before);

        let mut success = HeaderMap::new();
        success.insert(Status::GRPC_STATUS, http::HeaderValue::from_static("0"));
        explain(&mut success, Language::En);
        assert_eq!(success.len(), 1);
    }
}
