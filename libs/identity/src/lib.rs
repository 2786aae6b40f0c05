//! Who is at the other end of a connection.
//!
//! Every connection of Liaison is mutual TLS. Both ends show a certificate of the same authority,
//! and the one URI among the certificate's subject alternative names says which
//! [`Party`](liaison_types::Party) it is: `liaison://bureau/NB-FR`, `liaison://service/intake`. What
//! this crate promises:
//!
//! * TLS 1.3 only, HTTP/2 only, the ring provider always passed by hand and never taken from a
//!   process-wide default. No connection without a client certificate.
//! * A certificate with no URI, with two, or with one that is not exactly a party's is refused
//!   during the handshake, whoever signed it. There are no wildcards.
//! * Certificates, authority and revocation list are read anew while the process runs
//!   ([`Identity::reload`], [`Identity::watch`]). A change that cannot be loaded leaves the old
//!   state in force and is reported.
//! * Resumed sessions are checked like new ones, see [`TlsAcceptor`]. Connections that are already
//!   open when a certificate expires, is revoked or loses its authority are found with
//!   [`Identity::check`].
//! * Several authorities may be trusted at once, each with its own revocation list, so that one can
//!   be replaced while everybody goes on calling ([`CertificateAuthority::begin_rotation`]).
//! * [`Identity::validities`] says when the own certificate, each authority and each list ends, and
//!   [`ExpiryWatch`] when that is worth a warning.
//! * Time comes from a [`Clock`](liaison_types::Clock), serial numbers from a
//!   [`Random`](liaison_types::Random). Keys always come from the operating system.
//!
//! [`CertificateAuthority`] makes certificates for development, tests and the first start of the
//! whole suite on one machine. A production authority only has to issue the same shape of
//! certificate.

mod acceptor;
mod authority;
mod certificate;
mod chain;
mod connector;
mod error;
mod expiry;
mod files;
mod host;
mod identity;
mod inventory;
mod issued;
mod loaded;
mod revocations;
mod rotation;
mod settings;
mod verifier;

pub use acceptor::{ServerStream, TlsAcceptor};
pub use authority::CertificateAuthority;
pub use certificate::{ParseSerialError, Peer, Serial};
pub use connector::{ClientStream, TlsConnector};
pub use error::{HandshakeError, IdentityError, Refusal, tls_refusal};
pub use expiry::{
    ExpiryWarning, ExpiryWatch, ParseWarnBeforeError, Validity, ValidityKind, WarnBefore,
};
pub use files::Existing;
pub use host::{Host, ParseHostError};
pub use identity::{Identity, Reload};
pub use inventory::{
    CertificateSummary, Held, HeldAuthority, HeldList, Inventory, Standing, Unusable,
};
pub use issued::Issued;
pub use rotation::RotationStage;
pub use settings::IdentitySettings;
