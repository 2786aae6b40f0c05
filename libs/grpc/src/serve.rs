//! Answers calls over mutual TLS, and health checks on a second port without TLS.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use liaison_identity::{HandshakeError, Identity, ServerStream, TlsAcceptor};
use liaison_telemetry::Counter;
use liaison_types::{Error, ErrorKind, Reason};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use crate::caller::Peer;
use crate::connection::Cut;
use crate::farewell::Farewell;
use crate::health::Health;
use crate::incoming::{Bounds, Met, incoming};
use crate::quota::{self, Place, Places, Quota};
use crate::reflection;
use crate::settings::{Limits, ServerSettings};
use crate::stack::Api;

/// HTTP/2 flow control. The default of 64 KiB lets one message of a few hundred KiB wait for
/// several round trips.
const STREAM_WINDOW: u32 = 1 << 20;
/// The same for all streams of a connection together.
const CONNECTION_WINDOW: u32 = 4 << 20;

/// What the health port takes: a few probes.
const HEALTH_BOUNDS: Bounds = Bounds {
    connections: 64,
    handshakes: 64,
    handshake_timeout: Duration::from_secs(1),
};

/// How long connections have to notice that they were cut.
const CUT_TIME: Duration = Duration::from_secs(1);

/// The bound sockets of a server. Bound before anything starts, so that a port in use is an early
/// error and the addresses are known.
#[derive(Debug)]
pub struct Listeners {
    main: TcpListener,
    health: TcpListener,
    addresses: (SocketAddr, SocketAddr),
}

impl Listeners {
    /// Binds both addresses.
    ///
    /// # Errors
    /// UNAVAILABLE, naming the address, where one cannot be bound.
    pub async fn bind(settings: &ServerSettings) -> Result<Self, Error> {
        let (main, main_address) = bind(settings.listen).await?;
        let (health, health_address) = bind(settings.health_listen).await?;
        Ok(Self {
            main,
            health,
            addresses: (main_address, health_address),
        })
    }

    /// Takes sockets that were bound before the runtime was there.
    ///
    /// # Errors
    /// INTERNAL where the runtime does not take them.
    pub fn from_std(
        main: std::net::TcpListener,
        health: std::net::TcpListener,
    ) -> Result<Self, Error> {
        let take = |listener: std::net::TcpListener| {
            listener.set_nonblocking(true)?;
            let address = listener.local_addr()?;
            Ok((TcpListener::from_std(listener)?, address))
        };
        let failed = |error: std::io::Error| Error::internal(error);
        let (main, main_address) = take(main).map_err(failed)?;
        let (health, health_address) = take(health).map_err(failed)?;
        Ok(Self {
            main,
            health,
            addresses: (main_address, health_address),
        })
    }

    /// Where calls are answered.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.addresses.0
    }

    /// Where health checks are answered.
    #[must_use]
    pub fn health_address(&self) -> SocketAddr {
        self.addresses.1
    }
}

async fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), Error> {
    async {
        let listener = TcpListener::bind(address).await?;
        let bound = listener.local_addr()?;
        Ok((listener, bound))
    }
    .await
    .map_err(|error: std::io::Error| {
        Error::new(ErrorKind::Unavailable, Reason::Unavailable)
            .message(format!("cannot listen on {address}"))
            .source(error)
    })
}

/// A server that is ready to answer.
#[derive(Debug)]
pub struct Server {
    /// Where.
    pub listeners: Listeners,
    /// What.
    pub api: Api,
    /// As whom, and whom it lets in.
    pub identity: Identity,
    /// What it says about itself.
    pub health: Health,
    /// How much it takes.
    pub limits: Limits,
}

impl Server {
    /// Answers until `soft` is cancelled; then takes no new connections and no new calls, and waits
    /// for the calls in progress. Where `hard` is cancelled before they are done, all connections
    /// are cut. Returns when no connection is left, and at the latest a second after `hard`.
    ///
    /// Streams of business services have to end by themselves after `soft`. The health port answers
    /// to the end.
    ///
    /// # Errors
    /// INTERNAL where the server ends without having been told to.
    pub async fn serve(
        self,
        soft: CancellationToken,
        hard: CancellationToken,
    ) -> Result<(), Error> {
        let Self {
            listeners,
            api,
            identity,
            health,
            limits,
        } = self;
        let (done, probes, cut) = (CancellationToken::new(), Cut::default(), Cut::default());
        // Whichever way this ends, also where the future is dropped.
        let _guards = (done.clone().drop_guard(), probes.on_drop(), cut.on_drop());
        tokio::spawn(serve_health(
            listeners.health,
            &health,
            &limits,
            probes,
            done.clone(),
        ));

        let door = Door {
            acceptor: identity
                .acceptor()
                .with_handshake_timeout(limits.handshake_timeout),
            limits: Arc::new(limits.clone()),
            places: Places::default(),
            farewell: Farewell::new(api.stack.everywhere.clone()),
            refused: api.stack.instruments.counter(
                "liaison.tls.refused",
                "Connections that did not come about, by reason",
            ),
        };
        let bounds = Bounds {
            connections: limits.connections,
            handshakes: limits.handshakes,
            handshake_timeout: limits.handshake_timeout,
        };
        let connections = incoming(
            listeners.main,
            bounds,
            cut.clone(),
            move |stream: TcpStream| {
                let door = door.clone();
                async move { door.meet(stream).await }
            },
        );
        let (everywhere, routes) =
            reflection::add(api.infrastructure(health.inside())).into_parts();
        let stopped = {
            let (soft, health) = (soft.clone(), health.clone());
            async move {
                soft.cancelled().await;
                health.end_watches().await;
            }
        };
        let main = builder(&limits)
            .layer(everywhere)
            .add_routes(routes)
            .serve_with_incoming_shutdown(connections, stopped);
        let mut main = std::pin::pin!(main);

        let ended = tokio::select! {
            ended = &mut main => ended,
            () = hard.cancelled() => {
                tracing::warn!(connections = cut.open(), "connections are cut");
                cut.all();
                soft.cancel();
                tokio::time::timeout(CUT_TIME, main).await.unwrap_or(Ok(()))
            }
        };
        match ended {
            Ok(()) if soft.is_cancelled() => Ok(()),
            Ok(()) => Err(Error::internal("the server ended by itself")),
            Err(error) => Err(Error::internal(error)),
        }
    }
}

/// Lets connections in, one by one.
#[derive(Clone)]
struct Door {
    acceptor: TlsAcceptor,
    limits: Arc<Limits>,
    places: Places,
    farewell: Farewell,
    refused: Counter,
}

impl Door {
    /// Finds out who is at the other end of `stream`, and whether that party may have one more.
    ///
    /// # Errors
    /// Why nobody came in, with its causes, for the log.
    async fn meet(self, stream: TcpStream) -> Result<Met<ServerStream<TcpStream>, Peer>, String> {
        let (stream, peer) = self.acceptor.accept(stream).await.map_err(|error| {
            self.refused.add(1, &[("reason", error.as_str())]);
            match error {
                HandshakeError::Refused(refusal) => format!("{error}: {refusal}"),
                other => other.to_string(),
            }
        })?;
        let most = self.limits.places_of(&peer.party, Quota::Connections);
        match (self.places.take(&peer.party, most), most) {
            (None, Some(most)) => {
                let error = quota::exceeded(&peer.party, Quota::Connections, most);
                tracing::debug!(party = %peer.party, most, "a party has too many connections");
                self.refused.add(1, &[("reason", "party_connections")]);
                let farewell = self.farewell.say(stream, Peer::new(peer), error);
                Ok(Met::Refused(Box::pin(farewell)))
            }
            (place, _) => {
                let place = place.unwrap_or_else(Place::free);
                Ok(Met::Served(stream, Peer::new(peer), place))
            }
        }
    }
}

/// The health port.
fn serve_health(
    listener: TcpListener,
    health: &Health,
    limits: &Limits,
    cut: Cut,
    done: CancellationToken,
) -> impl Future<Output = ()> + Send + use<> {
    let probes = incoming(listener, HEALTH_BOUNDS, cut, |stream: TcpStream| async {
        Ok::<_, Infallible>(Met::Served(stream, (), Place::free()))
    });
    let server = builder(limits)
        .add_service(health.outside())
        .serve_with_incoming_shutdown(probes, done.cancelled_owned());
    async move {
        if let Err(error) = server.await {
            tracing::error!(%error, "the health port ended");
        }
    }
}

/// What both ports have in common.
fn builder(limits: &Limits) -> tonic::transport::Server {
    let builder = tonic::transport::Server::builder()
        .http2_keepalive_interval(Some(limits.keepalive))
        .http2_keepalive_timeout(Some(limits.keepalive_timeout))
        .max_concurrent_streams(limits.streams_per_connection)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW);
    if limits.connection_age.is_zero() {
        return builder;
    }
    // Without a grace: with one, tonic skips the announcement and cuts the connection.
    builder.max_connection_age(limits.connection_age)
}
