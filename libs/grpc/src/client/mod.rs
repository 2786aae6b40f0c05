//! Calling other services: the client's layers, and the connection below them.
//!
//! There are no retries here. Who repeats a call decides that for good reasons (the relay, a
//! person), once, and not each layer for itself.

mod deadline;
mod metadata;
mod observe;
mod refusal;
mod transport;

use std::task::{Context, Poll};

use http::{Request, Response, Uri};
use liaison_identity::TlsConnector;
use liaison_telemetry::Instruments;
use liaison_types::{Error, ErrorKind, Language, Reason};
use tonic::Status;
use tonic::body::Body;
use tonic::transport::Endpoint;
use tower::Service;

use crate::caller::valid_officer;
use crate::method::Methods;
use crate::settings::ClientSettings;
use deadline::Deadline;
use metadata::Metadata;
use observe::Observe;
use refusal::Refusal;
pub use transport::Transport;

/// The transport that generated clients use: `IntakeServiceClient::new(channel)`. Cheap to clone.
///
/// Generic over what is below it, so that a process may also call itself.
#[derive(Clone, Debug)]
pub struct Channel<T = Transport> {
    inner: Observe<Metadata<Deadline<T>>>,
}

/// A channel to the server at `uri` (`https://host:port`) that `connector` accepts.
///
/// It connects at its first call, and again whenever the connection is lost or the identity was
/// reloaded since. A call while the
/// server cannot be reached fails with UNAVAILABLE, and with reason `CERTIFICATE_REJECTED` where one
/// side does not accept the other's certificate. Must be made within a runtime.
///
/// # Errors
/// `INVALID_ARGUMENT` with reason `SETTING_INVALID` where `uri` is not of that form.
pub fn connect(
    uri: &str,
    connector: TlsConnector,
    settings: &ClientSettings,
    methods: &Methods,
    instruments: &Instruments,
) -> Result<Channel, Error> {
    let (host, port) = address(uri).ok_or_else(|| {
        Error::new(ErrorKind::InvalidArgument, Reason::SettingInvalid)
            .message("the address of a service has the form https://host:port")
            .metadata("uri", uri)
    })?;
    let authority = format!("{host}:{port}");
    let wrong = |error: tonic::transport::Error| Error::internal(error);
    // tonic refuses to pass https to a connector where any crate of the build switches its own TLS
    // on. The origin is what travels, and says https.
    let endpoint = Endpoint::from_shared(format!("http://{authority}"))
        .map_err(wrong)?
        .origin(Uri::try_from(format!("https://{authority}")).map_err(Error::internal)?)
        .connect_timeout(settings.connect_timeout)
        .http2_keep_alive_interval(settings.keepalive)
        .keep_alive_timeout(settings.keepalive_timeout)
        .keep_alive_while_idle(true)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW);
    let connector = connector
        .with_dial_timeout(settings.connect_timeout)
        .with_handshake_timeout(settings.connect_timeout);
    let refusal = Refusal::default();
    let transport = Transport::new(endpoint, connector, host, port, refusal.clone());
    let mut channel = Channel::over(transport, settings, methods, instruments);
    channel.inner.inner.inner.set_refusal(refusal);
    Ok(channel)
}

/// As on the server's side.
const STREAM_WINDOW: u32 = 1 << 20;
/// As on the server's side.
const CONNECTION_WINDOW: u32 = 4 << 20;

/// Host and port of `https://host:port`, with or without a final slash.
fn address(uri: &str) -> Option<(String, u16)> {
    let uri: Uri = uri.parse().ok()?;
    let plain = uri.scheme_str() == Some("https")
        && uri.path_and_query().is_none_or(|path| path.as_str() == "/");
    let authority = uri
        .authority()
        .filter(|a| plain && !a.as_str().contains('@'))?;
    Some((authority.host().to_owned(), authority.port_u16()?))
}

impl<T> Channel<T> {
    /// The client's layers around `transport`. This is the one place that decides their order.
    #[must_use]
    pub fn over(
        transport: T,
        settings: &ClientSettings,
        methods: &Methods,
        instruments: &Instruments,
    ) -> Self {
        // Innermost: gives every call a deadline, tells the server, and ends the call also where
        // the transport is still connecting.
        let inner = Deadline::new(transport, methods.clone(), settings);
        // Around it, for nothing it adds concerns the deadline: officer and language.
        let inner = Metadata::new(inner);
        // Outermost: the span that the server continues covers everything, and a call that ran out
        // of time is measured as such.
        let inner = Observe::new(inner, methods.clone(), instruments.clone());
        Self { inner }
    }

    /// The same channel, naming `officer` as the acting officer in every call.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` where it is not 1 to 64 letters, digits and `. _ - @ :`.
    pub fn with_officer(mut self, officer: &str) -> Result<Self, Error> {
        if !valid_officer(officer) {
            return Err(
                Error::new(ErrorKind::InvalidArgument, Reason::InvalidArgument)
                    .message("an officer is named with 1 to 64 letters, digits and . _ - @ :"),
            );
        }
        self.inner.inner.set_officer(officer);
        Ok(self)
    }

    /// The same channel, asking for texts in `language`.
    #[must_use]
    pub fn with_language(mut self, language: Language) -> Self {
        self.inner.inner.set_language(language);
        self
    }
}

impl<T, B> Service<Request<Body>> for Channel<T>
where
    T: Service<Request<Body>, Response = Response<B>>,
    T::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    B: http_body::Body,
{
    type Response = <Observe<Metadata<Deadline<T>>> as Service<Request<Body>>>::Response;
    type Error = Status;
    type Future = <Observe<Metadata<Deadline<T>>> as Service<Request<Body>>>::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Status>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        self.inner.call(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names of the services that `T` is nested of, outermost first.
    fn names_of<T>(_: &T) -> Vec<&'static str> {
        std::any::type_name::<T>()
            .trim_end_matches('>')
            .split('<')
            .map(|path| path.rsplit("::").next().unwrap_or(path))
            .collect()
    }

    #[test]
    fn the_order_is_what_the_reasons_say() {
        let channel = Channel::over(
            (),
            &ClientSettings::default(),
            &Methods::new([]),
            &Instruments::none(),
        );
        assert_eq!(
            names_of(&channel.inner),
            ["Observe", "Metadata", "Deadline", "()"]
        );
    }

    #[test]
    fn addresses_are_of_one_form() {
        assert_eq!(
            address("https://intake:7101"),
            Some(("intake".to_owned(), 7101))
        );
        assert_eq!(
            address("https://[::1]:7101/"),
            Some(("[::1]".to_owned(), 7101))
        );
        for wrong in [
            "",
            "intake:7101",
            "http://intake:7101",
            "https://intake",
            "https://intake:7101/x",
            "https://a@intake:7101",
            "https://intake:99999",
        ] {
            assert_eq!(address(wrong), None, "{wrong}");
        }
    }
}
