//! Accepts connections and hands over those whose handshake succeeded.
//!
//! Handshakes run beside each other, bounded in number and time, so that a slow or hostile client
//! delays nobody. Nothing that happens to one connection, and no lack of file descriptors, ends the
//! loop.

use std::fmt;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio_stream::wrappers::ReceiverStream;

use crate::connection::{Connection, Cut};
use crate::quota::Place;

/// Connections that are ready and that the server has not taken yet.
const READY: usize = 16;

/// The wait after an error that concerns the process and not one connection. Trying again at once
/// would only spin until somebody closes a file.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// The longest such wait.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Bounds of an accept loop.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) connections: usize,
    pub(crate) handshakes: usize,
    pub(crate) handshake_timeout: Duration,
}

/// What a handshake came to.
pub(crate) enum Met<IO, C> {
    /// A connection to serve: what is spoken over, what its requests shall know, its party's place.
    Served(IO, C, Place),
    /// One that is not served, and what is still to be done with it. It keeps its place among all
    /// connections until that is done.
    Refused(BoxFuture<'static, ()>),
}

/// Connections as they become ready. Dropping the stream closes the listener.
pub(crate) fn incoming<IO, C, E, F, Fut>(
    listener: TcpListener,
    bounds: Bounds,
    cut: Cut,
    handshake: F,
) -> ReceiverStream<io::Result<Connection<IO, C>>>
where
    IO: Send + 'static,
    C: Send + 'static,
    E: fmt::Display + Send,
    F: Fn(TcpStream) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = Result<Met<IO, C>, E>> + Send + 'static,
{
    let (ready, stream) = mpsc::channel(READY);
    tokio::spawn(async move {
        let server_gone = ready.clone();
        tokio::select! {
            () = server_gone.closed() => {}
            () = accept_all(listener, bounds, cut, handshake, ready) => {}
        }
    });
    ReceiverStream::new(stream)
}

async fn accept_all<IO, C, E, F, Fut>(
    listener: TcpListener,
    bounds: Bounds,
    cut: Cut,
    handshake: F,
    ready: mpsc::Sender<io::Result<Connection<IO, C>>>,
) where
    IO: Send + 'static,
    C: Send + 'static,
    E: fmt::Display + Send,
    F: Fn(TcpStream) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = Result<Met<IO, C>, E>> + Send + 'static,
{
    let places = Arc::new(Semaphore::new(bounds.connections));
    let handshakes = Arc::new(Semaphore::new(bounds.handshakes));
    let mut pause = FIRST_PAUSE;
    loop {
        // Places first: who finds none waits in the kernel's queue, where it costs nothing. Neither
        // semaphore is ever closed.
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        let Ok(turn) = Arc::clone(&handshakes).acquire_owned().await else {
            return;
        };
        let stream = match listener.accept().await {
            Ok((stream, _)) => {
                pause = FIRST_PAUSE;
                stream
            }
            Err(error) if concerns_one_connection(&error) => {
                tracing::debug!(%error, "a connection ended before it was accepted");
                continue;
            }
            Err(error) => {
                tracing::warn!(%error, ?pause, "no connection can be accepted; trying again");
                tokio::time::sleep(pause).await;
                pause = LONGEST_PAUSE.min(pause * 2);
                continue;
            }
        };
        // Messages are written whole; waiting to fill a packet only delays them. Where it cannot be
        // set the connection is gone, and the handshake will find out.
        let _ = stream.set_nodelay(true);
        let (handshake, ready, life) = (handshake.clone(), ready.clone(), cut.enroll());
        tokio::spawn(async move {
            let done = tokio::time::timeout(bounds.handshake_timeout, handshake(stream)).await;
            drop(turn);
            match done {
                Ok(Ok(Met::Served(io, info, of_party))) => {
                    let connection = Connection::new(io, info, life, place, of_party);
                    // Fails where the server stopped meanwhile; the connection is closed then.
                    let _ = ready.send(Ok(connection)).await;
                }
                Ok(Ok(Met::Refused(farewell))) => {
                    farewell.await;
                    drop((place, life));
                }
                // Whoever can reach the port can cause these: never louder than debug.
                Ok(Err(error)) => tracing::debug!(%error, "handshake failed"),
                Err(_) => tracing::debug!("handshake took too long"),
            }
        });
    }
}

/// Whether an accept error is about the connection that was to be accepted.
fn concerns_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
    )
}
