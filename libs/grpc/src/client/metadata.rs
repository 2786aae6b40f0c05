//! Adds what a channel says in every call: the acting officer and the language of texts.

use std::task::{Context, Poll};

use http::header::ACCEPT_LANGUAGE;
use http::{HeaderName, HeaderValue, Request};
use liaison_types::Language;
use tower::Service;

use crate::caller::OFFICER;

/// See the [module](self).
#[derive(Clone, Debug)]
pub struct Metadata<T> {
    pub(crate) inner: T,
    officer: Option<HeaderValue>,
    language: Option<HeaderValue>,
}

impl<T> Metadata<T> {
    pub(crate) fn new(inner: T) -> Self {
        Self {
            inner,
            officer: None,
            language: None,
        }
    }

    /// `officer` has been found valid, so it is visible ASCII.
    pub(crate) fn set_officer(&mut self, officer: &str) {
        self.officer = HeaderValue::from_str(officer).ok();
    }

    pub(crate) fn set_language(&mut self, language: Language) {
        self.language = Some(HeaderValue::from_static(language.tag()));
    }
}

impl<T, R> Service<Request<R>> for Metadata<T>
where
    T: Service<Request<R>>,
{
    type Response = T::Response;
    type Error = T::Error;
    type Future = T::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<R>) -> Self::Future {
        let headers = request.headers_mut();
        for (name, value) in [
            (HeaderName::from_static(OFFICER), &self.officer),
            (ACCEPT_LANGUAGE, &self.language),
        ] {
            // What the single call says, holds.
            if let Some(value) = value {
                headers.entry(name).or_insert_with(|| value.clone());
            }
        }
        self.inner.call(request)
    }
}
