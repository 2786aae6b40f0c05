//! A call's answer as it travels.

use std::fmt;

use bytes::{BufMut as _, Bytes, BytesMut};
use e2e::Client;
use e2e::raw::{Method, frame};
use http::{HeaderMap, Request, header};
use http_body_util::{BodyExt as _, Full};
use liaison_grpc::Failure;
use tonic::body::Body;
use tonic::{Code, Status};
use tower::ServiceExt as _;

/// The one header that differs from answer to answer.
const DATE: &str = "date";

/// Everything that came back: status, headers, the bytes of all frames, trailers. Two answers are equal
/// where a caller cannot tell them apart by anything but the time; so they have one size, too.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    status: u16,
    headers: Vec<(String, Vec<u8>)>,
    /// The frames, with their five bytes before each message.
    pub(crate) body: Bytes,
    trailers: Option<Vec<(String, Vec<u8>)>>,
    /// The status as a client reads it. A stream that goes on counts as well.
    outcome: Result<(), (Code, String, Bytes)>,
    reason: String,
}

/// Calls `method` with this message and takes the whole answer; of a stream that goes on, how it begins.
pub(crate) async fn ask(client: &Client, method: &Method, message: &[u8]) -> Answer {
    let request = Request::post(format!("https://liaison{}", method.path))
        .header(header::CONTENT_TYPE, "application/grpc")
        .header(header::TE, "trailers")
        .body(Body::new(Full::new(frame(message))))
        .unwrap();
    let channel = client.channel(&method.service);
    let response = channel.oneshot(request).await.unwrap();
    let (head, mut rest) = response.into_parts();
    let ended = Status::from_header_map(&head.headers);
    let (mut body, mut trailers) = (BytesMut::new(), None);
    while ended.is_some() || !method.streams {
        let Some(frame) = rest.frame().await else {
            break;
        };
        match frame.unwrap().into_data() {
            Ok(data) => body.put(data),
            Err(frame) => trailers = frame.into_trailers().ok(),
        }
    }
    let status = trailers.as_ref().and_then(Status::from_header_map);
    let status = ended.or(status).unwrap_or_else(|| {
        assert!(method.streams, "{} ended without a status", method.path);
        Status::ok("it goes on")
    });
    let reason = Failure::read(&status)
        .reason()
        .map_or("", |reason| reason.as_str());
    Answer {
        status: head.status.as_u16(),
        headers: pairs(&head.headers),
        body: body.freeze(),
        trailers: trailers.as_ref().map(pairs),
        outcome: match status.code() {
            Code::Ok => Ok(()),
            code => {
                let details = Bytes::copy_from_slice(status.details());
                Err((code, status.message().to_owned(), details))
            }
        },
        reason: reason.to_owned(),
    }
}

fn pairs(headers: &HeaderMap) -> Vec<(String, Vec<u8>)> {
    let mut pairs: Vec<_> = headers
        .iter()
        .filter(|(name, _)| name.as_str() != DATE)
        .map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()))
        .collect();
    pairs.sort();
    pairs
}

impl Answer {
    /// What the call came to, in the words of the tables: `ok`, `hidden` where nothing is there, `denied`
    /// where the party may not call at all, else the reason.
    pub(crate) fn verdict(&self) -> &str {
        match (&self.outcome, self.reason.as_str()) {
            (Ok(()), _) => "ok",
            (Err((Code::NotFound, ..)), "NOT_FOUND") => "hidden",
            (Err((Code::PermissionDenied, ..)), "CALLER_NOT_ALLOWED") => "denied",
            (Err(_), reason) => reason,
        }
    }

    /// The message of an answer with one.
    pub(crate) fn message<T: prost::Message + Default>(&self) -> T {
        assert_eq!(self.verdict(), "ok", "{self:?}");
        T::decode(&self.body[5..]).unwrap()
    }

    /// Everything a refusal says, as text: the message and the details, which hold texts as they are.
    pub(crate) fn said(&self) -> String {
        match &self.outcome {
            Ok(()) => String::new(),
            Err((_, message, details)) => {
                format!("{message}\n{}", String::from_utf8_lossy(details))
            }
        }
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lossy = |pairs: &[(String, Vec<u8>)]| {
            let shown = pairs
                .iter()
                .map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value)));
            shown.collect::<Vec<_>>()
        };
        f.debug_struct("Answer")
            .field("status", &self.status)
            .field("headers", &lossy(&self.headers))
            .field("body", &self.body)
            .field("trailers", &self.trailers.as_deref().map(lossy))
            .field("said", &self.said())
            .finish_non_exhaustive()
    }
}
