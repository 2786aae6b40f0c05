//! The sockets of a service.

use std::io;
use std::net::{SocketAddr, TcpListener};

use liaison_grpc::ServerSettings;
use liaison_types::{Error, ErrorKind, Reason, Result};
use socket2::{Domain, Socket, Type};

/// Connections that wait to be accepted. The standard library's 128 overflow when hundreds of
/// callers come back at once, and each of those left out waits a second.
const BACKLOG: i32 = 1024;

/// The two sockets of a service, bound before anything else: the address is known and a port in
/// use is reported at once. Connections that arrive before the service answers wait in the kernel.
#[derive(Debug)]
pub struct Listeners {
    main: TcpListener,
    health: TcpListener,
}

impl Listeners {
    /// Binds both. Port 0 lets the system choose.
    ///
    /// # Errors
    /// Where an address is in use or not of this machine.
    pub fn bind(settings: &ServerSettings) -> Result<Self> {
        Ok(Self {
            main: bind("server.listen", settings.listen)?,
            health: bind("server.health_listen", settings.health_listen)?,
        })
    }

    /// Where the service answers over mutual TLS.
    ///
    /// # Errors
    /// Where the operating system does not say.
    pub fn address(&self) -> Result<SocketAddr> {
        self.main.local_addr().map_err(Error::internal)
    }

    /// Where health is answered in plaintext.
    ///
    /// # Errors
    /// Where the operating system does not say.
    pub fn health_address(&self) -> Result<SocketAddr> {
        self.health.local_addr().map_err(Error::internal)
    }

    /// Hands the sockets to the runtime this is called on.
    pub(crate) fn into_grpc(self) -> Result<liaison_grpc::Listeners> {
        liaison_grpc::Listeners::from_std(self.main, self.health)
    }
}

fn bind(key: &str, address: SocketAddr) -> Result<TcpListener> {
    listen(address).map_err(|error| {
        Error::new(ErrorKind::FailedPrecondition, Reason::SettingInvalid)
            .message(format!(
                "{key}: cannot listen on {address}: {}",
                error.kind()
            ))
            .source(error)
    })
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    // A restarted service takes its port back although old connections linger.
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}
