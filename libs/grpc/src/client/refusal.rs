//! Why a server does not accept this side's certificate.
//!
//! With TLS 1.3 the client has finished its handshake before the server has looked at its certificate.
//! The refusal comes with the first bytes that are read, where hyper reads them: the call itself only
//! learns that its connection was closed. What was read is therefore remembered here.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use liaison_identity::tls_refusal;
use pin_project_lite::pin_project;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tonic::Status;

use crate::status;

/// The refusal of a channel's latest connection, where it was refused. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Refusal(Arc<Mutex<Option<String>>>);

impl Refusal {
    fn set(&self, cause: Option<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = cause;
    }

    /// The channel dials anew: what was refused before says nothing about a server that is away now.
    pub(crate) fn forget(&self) {
        self.set(None);
    }

    /// `stream`, a new connection of the channel.
    pub(crate) fn watch<IO>(&self, stream: IO) -> Watched<IO> {
        Watched {
            stream,
            refusal: self.clone(),
        }
    }

    /// What a failed transport means.
    pub(crate) fn status(&self, error: Box<dyn std::error::Error + Send + Sync>) -> Status {
        let status = status::from_transport(error);
        let cause = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        match cause {
            Some(cause) if status.code() == tonic::Code::Unavailable => {
                status::certificate_rejected(cause, status)
            }
            _ => status,
        }
    }
}

pin_project! {
    /// A connection whose refusal is remembered.
    pub struct Watched<IO> {
        #[pin]
        stream: IO,
        refusal: Refusal,
    }
}

impl<IO: AsyncRead> AsyncRead for Watched<IO> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.project();
        let read = ready!(this.stream.poll_read(cx, buffer));
        if let Err(error) = &read
            && let Some(cause) = tls_refusal(error)
        {
            this.refusal.set(Some(cause));
        }
        Poll::Ready(read)
    }
}

impl<IO: AsyncWrite> AsyncWrite for Watched<IO> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.project().stream.poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.project().stream.poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.project().stream.poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.project().stream.poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use liaison_types::Reason;

    use super::*;
    use crate::status::Failure;

    #[test]
    fn a_refusal_is_told_until_the_channel_dials_anew() {
        let refusal = Refusal::default();
        let reason = || {
            let gone = io::Error::from(io::ErrorKind::ConnectionRefused);
            Failure::read(&refusal.status(Box::new(gone))).reason()
        };
        assert_eq!(reason(), Some(Reason::Unavailable));
        refusal.set(Some("CertificateExpired".to_owned()));
        assert_eq!(reason(), Some(Reason::CertificateRejected));
        refusal.forget();
        assert_eq!(reason(), Some(Reason::Unavailable));
    }
}
