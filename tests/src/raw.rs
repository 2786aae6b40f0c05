//! Calls below any generated client: bytes as they are, to any path.

use bytes::{BufMut as _, Bytes, BytesMut};
use http::{Request, header};
use http_body_util::{BodyExt as _, Full};
use liaison_grpc::Channel;
use liaison_proto::FILE_DESCRIPTOR_SET;
use prost::Message as _;
use prost_types::FileDescriptorSet;
use tonic::Status;
use tonic::body::Body;
use tower::ServiceExt as _;

/// A gRPC frame around `message`: not compressed, its length, and the bytes.
///
/// # Panics
/// Where the message has more than 4 GiB.
#[must_use]
pub fn frame(message: &[u8]) -> Bytes {
    let mut frame = BytesMut::with_capacity(5 + message.len());
    frame.put_u8(0);
    frame.put_u32(u32::try_from(message.len()).expect("a message this long has no frame"));
    frame.put_slice(message);
    frame.freeze()
}

/// Sends `body` to `path` and waits for the whole answer. `Ok` holds the bytes of its frames.
///
/// # Errors
/// The status the call ended with.
pub async fn call(channel: Channel, path: &str, body: Bytes) -> Result<Bytes, Status> {
    let request = Request::post(format!("https://liaison{path}"))
        .header(header::CONTENT_TYPE, "application/grpc")
        .header(header::TE, "trailers")
        .body(Body::new(Full::new(body)))
        .expect("the path is one");
    let response = channel.oneshot(request).await?;
    if let Some(status) = Status::from_header_map(response.headers()) {
        return ended(status, Bytes::new());
    }
    let mut data = BytesMut::new();
    let mut body = std::pin::pin!(response.into_body());
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Status::from_error(error.into()))?;
        match frame.into_data() {
            Ok(more) => data.put(more),
            Err(frame) => {
                let trailers = frame.into_trailers().unwrap_or_default();
                let status = Status::from_header_map(&trailers);
                return ended(status.unwrap_or_else(without_status), data.freeze());
            }
        }
    }
    Err(without_status())
}

fn without_status() -> Status {
    Status::unknown("the answer ended without a status")
}

fn ended(status: Status, data: Bytes) -> Result<Bytes, Status> {
    if status.code() == tonic::Code::Ok {
        Ok(data)
    } else {
        Err(status)
    }
}

/// A method of the API.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Method {
    /// The service that answers, for example `intake`; one of several for `DeliverEvents` and the audit.
    pub service: String,
    /// `/package.Service/Method`.
    pub path: String,
    /// It answers with a stream.
    pub streams: bool,
}

/// Every method of the schema; inbox and audit once, at intake.
///
/// # Panics
/// Where the schema of this build cannot be read.
#[must_use]
pub fn methods() -> Vec<Method> {
    let set = FileDescriptorSet::decode(FILE_DESCRIPTOR_SET).expect("the schema of this build");
    let mut methods = Vec::new();
    for file in &set.file {
        let package = file.package();
        for service in &file.service {
            for method in &service.method {
                let of = package
                    .trim_start_matches("liaison.")
                    .trim_end_matches(".v1");
                methods.push(Method {
                    service: match of {
                        "event" | "audit" => "intake".to_owned(),
                        own => own.to_owned(),
                    },
                    path: format!("/{package}.{}/{}", service.name(), method.name()),
                    streams: method.server_streaming(),
                });
            }
        }
    }
    methods
}
