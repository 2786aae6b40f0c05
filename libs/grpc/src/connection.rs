//! An accepted connection, as tonic serves it: it knows its peer, holds its place among the open
//! connections, of all and of its party, and can be cut from outside.

use std::collections::HashMap;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use futures::task::AtomicWaker;
use pin_project_lite::pin_project;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::OwnedSemaphorePermit;
use tonic::transport::server::Connected;

use crate::quota::Place;

pin_project! {
    /// See the [module](self). `C` becomes an extension of every request.
    #[derive(Debug)]
    pub(crate) struct Connection<IO, C> {
        #[pin]
        io: IO,
        info: C,
        life: Life,
        place: OwnedSemaphorePermit,
        of_party: Place,
    }
}

impl<IO, C> Connection<IO, C> {
    pub(crate) fn new(
        io: IO,
        info: C,
        life: Life,
        place: OwnedSemaphorePermit,
        of_party: Place,
    ) -> Self {
        Self {
            io,
            info,
            life,
            place,
            of_party,
        }
    }
}

impl<IO, C: Clone + Send + Sync + 'static> Connected for Connection<IO, C> {
    type ConnectInfo = C;

    fn connect_info(&self) -> C {
        self.info.clone()
    }
}

impl<IO: AsyncRead, C> AsyncRead for Connection<IO, C> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.project();
        if this.life.is_cut() {
            return Poll::Ready(Err(cut()));
        }
        let polled = this.io.poll_read(cx, buffer);
        if polled.is_pending() {
            this.life.waker.register(cx.waker());
            // It may have been cut between the check above and the registration.
            if this.life.is_cut() {
                return Poll::Ready(Err(cut()));
            }
        }
        polled
    }
}

impl<IO: AsyncWrite, C> AsyncWrite for Connection<IO, C> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.project();
        if this.life.is_cut() {
            return Poll::Ready(Err(cut()));
        }
        this.io.poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.project();
        if this.life.is_cut() {
            return Poll::Ready(Err(cut()));
        }
        this.io.poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.project();
        if this.life.is_cut() {
            return Poll::Ready(Ok(()));
        }
        this.io.poll_shutdown(cx)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.project();
        if this.life.is_cut() {
            return Poll::Ready(Err(cut()));
        }
        this.io.poll_write_vectored(cx, buffers)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}

fn cut() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, "the server stopped")
}

/// Cuts all connections at once. tonic serves each connection in a task of its own and gives no
/// handle to it: ending the connection's I/O is what ends the task.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cut(Arc<Connections>);

#[derive(Debug, Default)]
struct Connections {
    cut: AtomicBool,
    next: AtomicU64,
    open: Mutex<HashMap<u64, Arc<AtomicWaker>>>,
}

impl Connections {
    fn open(&self) -> std::sync::MutexGuard<'_, HashMap<u64, Arc<AtomicWaker>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Cut {
    /// Counts a new connection among those that [`Cut::all`] cuts.
    pub(crate) fn enroll(&self) -> Life {
        let id = self.0.next.fetch_add(1, Ordering::Relaxed);
        let waker = Arc::new(AtomicWaker::new());
        self.0.open().insert(id, Arc::clone(&waker));
        Life {
            id,
            waker,
            of: Arc::clone(&self.0),
        }
    }

    /// Cuts every connection, present and future.
    pub(crate) fn all(&self) {
        self.0.cut.store(true, Ordering::SeqCst);
        for waker in self.0.open().values() {
            waker.wake();
        }
    }

    /// Cuts every connection when the guard is dropped.
    pub(crate) fn on_drop(&self) -> CutOnDrop {
        CutOnDrop(self.clone())
    }

    /// How many connections are open.
    pub(crate) fn open(&self) -> usize {
        self.0.open().len()
    }
}

/// See [`Cut::on_drop`].
#[derive(Debug)]
pub(crate) struct CutOnDrop(Cut);

impl Drop for CutOnDrop {
    fn drop(&mut self) {
        self.0.all();
    }
}

/// A connection's membership in a [`Cut`]; ends when dropped.
#[derive(Debug)]
pub(crate) struct Life {
    id: u64,
    waker: Arc<AtomicWaker>,
    of: Arc<Connections>,
}

impl Life {
    fn is_cut(&self) -> bool {
        self.of.cut.load(Ordering::SeqCst)
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        self.of.open().remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::sync::Semaphore;

    use super::*;

    #[tokio::test]
    async fn a_cut_wakes_a_waiting_reader_and_frees_the_place() {
        let (ours, mut theirs) = tokio::io::duplex(64);
        let places = Arc::new(Semaphore::new(1));
        let place = Arc::clone(&places).try_acquire_owned().unwrap();
        let cut = Cut::default();
        let mut connection = Connection::new(ours, (), cut.enroll(), place, Place::free());
        assert_eq!(cut.open(), 1);

        theirs.write_all(b"x").await.unwrap();
        assert_eq!(connection.read_u8().await.unwrap(), b'x');

        let reader = tokio::spawn(async move {
            let ended = connection.read_u8().await;
            let wrote = connection.write_all(b"y").await;
            (ended.unwrap_err().kind(), wrote.unwrap_err().kind())
        });
        tokio::task::yield_now().await;
        cut.all();
        let aborted = io::ErrorKind::ConnectionAborted;
        assert_eq!(reader.await.unwrap(), (aborted, aborted));
        assert_eq!((cut.open(), places.available_permits()), (0, 1));
    }
}
