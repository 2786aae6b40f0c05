//! The identity of a running process.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use liaison_types::{Clock, Party, Timestamp};
use tokio::time::MissedTickBehavior;

use crate::acceptor::TlsAcceptor;
use crate::certificate::{Peer, Serial};
use crate::connector::TlsConnector;
use crate::error::{IdentityError, Refusal};
use crate::expiry::{Validity, ValidityKind};
use crate::loaded::Loaded;
use crate::settings::IdentitySettings;
use crate::verifier::ServerCheck;

/// What [`Identity::reload`] did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reload {
    /// The files are what they were.
    Unchanged,
    /// New handshakes use the new files. Open connections stay open.
    Swapped,
}

/// A certificate with its key, the authorities it trusts and their revocation lists, replaceable
/// while in use. Cloning is cheap and shares everything.
#[derive(Clone, Debug)]
pub struct Identity(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    settings: IdentitySettings,
    clock: Arc<dyn Clock>,
    current: ArcSwap<Loaded>,
    /// Held while reading, so that of two reloads the later reading wins.
    reloading: Mutex<()>,
}

impl Identity {
    /// Reads the files and checks the own certificate as every peer will: chain, validity, one
    /// party, key. Blocks on the file system.
    ///
    /// # Errors
    /// Names the first file that is missing, malformed or unusable.
    pub fn load(settings: &IdentitySettings, clock: Arc<dyn Clock>) -> Result<Self, IdentityError> {
        let loaded = Loaded::read(settings, &clock, None)?
            .expect("a first reading has nothing to be equal to");
        Ok(Self(Arc::new(Inner {
            settings: settings.clone(),
            clock,
            current: ArcSwap::from_pointee(loaded),
            reloading: Mutex::new(()),
        })))
    }

    /// Reads the files again and, where they changed, uses them for every handshake from now on.
    /// Acceptors and connectors that exist follow. Sessions of before are not resumed. Blocks on
    /// the file system.
    ///
    /// # Errors
    /// As [`Identity::load`]; the state of before stays in force then.
    pub fn reload(&self) -> Result<Reload, IdentityError> {
        let _guard = self
            .0
            .reloading
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let previous = self.0.current.load_full();
        match Loaded::read(&self.0.settings, &self.0.clock, Some(&previous))? {
            None => Ok(Reload::Unchanged),
            Some(next) => {
                self.0.current.store(Arc::new(next));
                Ok(Reload::Swapped)
            }
        }
    }

    /// Reloads every `every` and logs what came of it; a failure is logged once, until it changes
    /// or ends. Never returns: run it as a task and drop it.
    ///
    /// Polling, because it sees every way in which files get replaced (renames, symbolic links of
    /// mounted secrets, network file systems), and reading four small files costs nothing.
    pub async fn watch(self, every: Duration) {
        let mut ticks = tokio::time::interval(every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks.tick().await;
        let mut reported = None;
        loop {
            ticks.tick().await;
            let identity = self.clone();
            let reload = tokio::task::spawn_blocking(move || identity.reload());
            // It fails only where the runtime is shutting down.
            let Ok(outcome) = reload.await else { return };
            match outcome {
                Ok(Reload::Unchanged) => reported = None,
                Ok(Reload::Swapped) => {
                    reported = None;
                    tracing::info!(
                        party = %self.party(),
                        not_after = %self.not_after(),
                        "certificates were reloaded"
                    );
                }
                Err(error) => {
                    let text = liaison_types::Error::from(error).chain();
                    if reported.as_ref() != Some(&text) {
                        tracing::error!(
                            reason = %text,
                            "changed certificates cannot be loaded; the previous ones stay in use"
                        );
                        reported = Some(text);
                    }
                }
            }
        }
    }

    /// Who this process is.
    #[must_use]
    pub fn party(&self) -> Party {
        self.loaded().own.party.clone()
    }

    /// When the own certificate's validity ends. Warn well before.
    #[must_use]
    pub fn not_after(&self) -> Timestamp {
        self.loaded().own.not_after
    }

    /// How long the own certificate is still valid; zero once it has expired.
    #[must_use]
    pub fn remaining(&self) -> Duration {
        self.not_after().since(self.0.clock.now())
    }

    /// The own certificate's serial number.
    #[must_use]
    pub fn serial(&self) -> Serial {
        self.loaded().own.serial.clone()
    }

    /// Everything that ends: the own certificate first, intermediates, every trusted authority,
    /// every revocation list. [`ExpiryWatch`](crate::ExpiryWatch) says when to tell somebody.
    #[must_use]
    pub fn validities(&self) -> Vec<Validity> {
        self.loaded().validities.clone()
    }

    /// When the first of the revocation lists should have been replaced by a newer one; `None`
    /// without lists. Lists stay in force after that instant.
    #[must_use]
    pub fn revocations_due(&self) -> Option<Timestamp> {
        let loaded = self.loaded();
        let lists = loaded.validities.iter();
        lists
            .filter(|validity| validity.kind == ValidityKind::RevocationList)
            .map(|validity| validity.until)
            .min()
    }

    /// How often the files have been swapped since the start. Whoever keeps something that was made
    /// with the identity, a connection for example, sees here that it is outdated.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.0.current.load().generation
    }

    /// Whether the certificate of somebody who is connected is still good: neither expired nor, by
    /// the files as they were last loaded, revoked or of an authority that is no longer trusted. A
    /// handshake happens once, a connection may last for days; this is cheap enough to ask before
    /// every call, because signatures are only verified again after a reload.
    ///
    /// # Errors
    /// Why it would not get in any more.
    pub fn check(&self, peer: &Peer) -> Result<(), Refusal> {
        let now = self.0.clock.now();
        if now > peer.not_after {
            return Err(Refusal::Expired);
        }
        let loaded = self.0.current.load();
        peer.standing(loaded.generation, |shown| {
            loaded.chain.client(shown, now).map(drop)
        })
    }

    /// The server's side of connections.
    #[must_use]
    pub fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::new(self.clone())
    }

    /// The client's side of connections to the service `expected`, wherever it runs: the server
    /// must show that party's certificate. DNS names in the certificate are not compared, because
    /// the party is the stronger statement. It is signed by our authority and says *what* answers;
    /// a host name says where somebody thought it would be, differs between a laptop, compose and
    /// a cluster, and means what name resolution says it means. A wrong address or a forged DNS
    /// answer leads to a server that is refused, or to another replica of the right service.
    #[must_use]
    pub fn connector(&self, expected: Party) -> TlsConnector {
        TlsConnector::new(self.clone(), ServerCheck::Party(expected))
    }

    /// The client's side with the ordinary check: the server's certificate must be valid for the
    /// host that is dialled. For clients outside that know an address and no party.
    #[must_use]
    pub fn host_name_connector(&self) -> TlsConnector {
        TlsConnector::new(self.clone(), ServerCheck::HostName)
    }

    pub(crate) fn loaded(&self) -> Arc<Loaded> {
        self.0.current.load_full()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.0.clock.now()
    }
}
