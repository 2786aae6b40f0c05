//! The connection of a channel, dialled anew when the identity it was made with is replaced.
//!
//! A connection keeps the certificate that it began with. Once a new one is in force, or another
//! authority, the server may refuse what the old one says: calls that begin after a reload therefore go
//! over a connection that was made after it. Calls in progress end on the old one.

use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use http::{Request, Response};
use hyper_util::rt::TokioIo;
use liaison_identity::{HandshakeError, TlsConnector};
use tonic::body::Body;
use tonic::transport::{Channel, Endpoint, Error};
use tower::Service;

use super::refusal::Refusal;

/// See the [module](self). Clones share the connection.
#[derive(Clone, Debug)]
pub struct Transport {
    current: Made,
    shared: Arc<Shared>,
}

/// A connection, and the generation of the identity that it was made with.
#[derive(Clone, Debug)]
struct Made {
    generation: u64,
    channel: Channel,
}

#[derive(Debug)]
struct Shared {
    dialler: Dialler,
    current: Mutex<Made>,
}

/// What it takes to connect.
#[derive(Clone, Debug)]
struct Dialler {
    endpoint: Endpoint,
    connector: TlsConnector,
    host: String,
    port: u16,
    refusal: Refusal,
}

impl Transport {
    /// Connects when it is first used.
    pub(crate) fn new(
        endpoint: Endpoint,
        connector: TlsConnector,
        host: String,
        port: u16,
        refusal: Refusal,
    ) -> Self {
        let dialler = Dialler {
            endpoint,
            connector,
            host,
            port,
            refusal,
        };
        let current = dialler.dial();
        Self {
            shared: Arc::new(Shared {
                dialler,
                current: Mutex::new(current.clone()),
            }),
            current,
        }
    }
}

impl Dialler {
    fn dial(&self) -> Made {
        let generation = self.connector.generation();
        let dialler = self.clone();
        let connector = tower::service_fn(move |_: http::Uri| {
            let dialler = dialler.clone();
            async move {
                dialler.refusal.forget();
                let stream = dialler
                    .connector
                    .connect(&dialler.host, dialler.port)
                    .await?;
                Ok::<_, HandshakeError>(TokioIo::new(dialler.refusal.watch(stream)))
            }
        });
        Made {
            generation,
            channel: self.endpoint.connect_with_connector_lazy(connector),
        }
    }
}

impl Shared {
    /// The connection of the identity's present generation.
    fn current(&self) -> Made {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.generation != self.dialler.connector.generation() {
            *current = self.dialler.dial();
        }
        current.clone()
    }
}

impl Service<Request<Body>> for Transport {
    type Response = Response<Body>;
    type Error = Error;
    type Future = <Channel as Service<Request<Body>>>::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if self.current.generation != self.shared.dialler.connector.generation() {
            self.current = self.shared.current();
        }
        self.current.channel.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        self.current.channel.call(request)
    }
}
