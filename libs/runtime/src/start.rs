//! From settings to a service that answers.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use liaison_grpc::{Health, Server};
use liaison_identity::{Identity, Reload};
use liaison_outbox::keep_inbox_short;
use liaison_policy::Policy;
use liaison_proto::audit::audit_service_server::AuditServiceServer;
use liaison_store::{DatabaseSettings, Db};
use liaison_types::{Clock, Error, ErrorKind, Random, Reason, Result};
use tokio::sync::watch;
use tracing::Instrument;

use crate::audit::{self, AuditApi, Sealer};
use crate::certificates;
use crate::keys::Keys;
use crate::lifecycle::{Lifecycle, Outcome};
use crate::listeners::Listeners;
use crate::readiness::Readiness;
use crate::service::{Ambient, App, Context, Service};
use crate::settings::Settings;
use crate::unprotected;

/// How long connections that are in use at the end may take to come back.
const CLOSE: Duration = Duration::from_secs(2);

/// A service that is ready. Dropping it stops the service.
#[derive(Debug)]
pub struct Running {
    name: &'static str,
    address: SocketAddr,
    health_address: SocketAddr,
    lifecycle: Lifecycle,
    identity: Identity,
    keys: Keys,
    ended: watch::Receiver<Option<Outcome>>,
}

/// Starts the service `S` on the current runtime and returns when it is ready. It listens to no
/// signals: whoever starts it stops it.
///
/// # Errors
/// The first thing that stands in the way: certificates that cannot be used, a database that does
/// not answer, pending migrations. What had been started is stopped again.
pub async fn start<S: Service>(
    settings: Settings<S::Settings>,
    listeners: Listeners,
    ambient: Ambient,
) -> Result<Running> {
    let lifecycle = Lifecycle::new(settings.shutdown);
    as_start(begin::<S>(lifecycle, settings, listeners, ambient)).await
}

/// Like [`start`], in a life that exists already and on the sockets that the settings name.
pub(crate) async fn bind_and_start<S: Service>(
    lifecycle: Lifecycle,
    settings: Settings<S::Settings>,
    ambient: Ambient,
) -> Result<Running> {
    as_start(async {
        let listeners = Listeners::bind(&settings.server)?;
        begin::<S>(lifecycle, settings, listeners, ambient).await
    })
    .await
}

/// In a span of its own: a start that fails is a trace that will be looked for.
async fn as_start(starting: impl Future<Output = Result<Running>>) -> Result<Running> {
    let span = tracing::info_span!("start", otel.status_code = tracing::field::Empty);
    let started = starting.instrument(span.clone()).await;
    if started.is_err() {
        span.record("otel.status_code", "ERROR");
    }
    started
}

async fn begin<S: Service>(
    lifecycle: Lifecycle,
    settings: Settings<S::Settings>,
    listeners: Listeners,
    ambient: Ambient,
) -> Result<Running> {
    unprotected::permitted()?;
    let killed_unless_ready = KillOnDrop(Some(lifecycle.clone()));
    let listeners = listeners.into_grpc()?;
    let (address, health_address) = (listeners.address(), listeners.health_address());
    let identity = load_identity(&settings, &ambient.clock).await?;
    let keys = load_keys(&settings, &ambient.random).await?;
    let policy = load_policy(&settings).await?;
    let db = open_database::<S>(&settings.database).await?;
    unprotected::not_among_sealed(&db).await?;
    let readiness = Readiness::new();
    let database = db.clone();
    let inbox = (db.clone(), Arc::clone(&ambient.clock), settings.relay);
    let (clock, certificate_instruments) =
        (Arc::clone(&ambient.clock), ambient.instruments.clone());
    let warn_before = settings.identity.warn_before.clone();
    let context = Context {
        settings: Arc::new(settings),
        db,
        identity: identity.clone(),
        keys: keys.clone(),
        policy,
        clock: ambient.clock,
        random: ambient.random,
        instruments: ambient.instruments,
        lifecycle: lifecycle.clone(),
        readiness: readiness.clone(),
    };
    let limits = context.settings.server.limits.clone();
    let audit = audit_of::<S>(&context).await?;
    let App { api } = S::build(context).await?;
    let (api, sealer) = match audit {
        Some((sealer, shown)) => {
            sealer.spawn(&lifecycle);
            (api.service(AuditServiceServer::new(shown)), Some(sealer))
        }
        None => (api, None),
    };

    let health = Health::new(S::GRPC_NAME).await;
    let server = Server {
        listeners,
        api,
        identity: identity.clone(),
        health: health.clone(),
        limits,
    };
    lifecycle.spawn_careful("server", server.serve(lifecycle.soft(), lifecycle.hard()));
    certificates::watch(
        &lifecycle,
        identity.clone(),
        warn_before,
        clock,
        certificate_instruments,
    );
    keys.watch(&lifecycle);
    lifecycle.spawn("inbox", {
        let soft = lifecycle.soft();
        async move {
            keep_inbox_short(inbox.0, inbox.1, inbox.2, soft).await;
            Ok(())
        }
    });

    let stopping = lifecycle.stopping();
    tokio::select! {
        () = readiness.ready() => {}
        () = stopping.cancelled() => return Err(never_ready()),
    }
    health.set_ready(true).await;
    tracing::info!(
        address = %address,
        health_address = %health_address,
        version = S::VERSION,
        "{} is ready on {address}",
        S::NAME
    );
    let (report, ended) = watch::channel(None);
    tokio::spawn({
        let lifecycle = lifecycle.clone();
        async move {
            let outcome = lifecycle.run(health.set_ready(false)).await;
            // Where something was cut off nobody wants to wait.
            if let Some(sealer) = sealer
                && outcome != Outcome::CutOff
            {
                sealer.finish().await;
            }
            close(&database).await;
            report.send_replace(Some(outcome))
        }
    });
    killed_unless_ready.disarm();
    Ok(Running {
        name: S::NAME,
        address,
        health_address,
        lifecycle,
        identity,
        keys,
        ended,
    })
}

impl Running {
    /// The service's name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Where it answers over mutual TLS.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where its health is answered in plaintext.
    #[must_use]
    pub const fn health_address(&self) -> SocketAddr {
        self.health_address
    }

    /// Its life: stop it, kill it.
    #[must_use]
    pub fn lifecycle(&self) -> Lifecycle {
        self.lifecycle.clone()
    }

    /// Reads certificates and keys again now, and logs what came of it. Where they cannot be used, the
    /// previous ones stay in use.
    pub async fn reload(&self) {
        self.keys.reload_and_tell().await;
        let identity = self.identity.clone();
        match tokio::task::spawn_blocking(move || identity.reload()).await {
            Ok(Ok(Reload::Swapped)) => tracing::info!("certificates were reloaded"),
            Ok(Ok(Reload::Unchanged)) => tracing::info!("certificates are what they were"),
            Ok(Err(error)) => tracing::error!(
                error = Error::from(error).chain(),
                "certificates cannot be reloaded; the previous ones stay in use"
            ),
            // The runtime is going away.
            Err(_) => {}
        }
    }

    /// Waits until the service has ended.
    pub async fn ended(&self) -> Outcome {
        let mut ended = self.ended.clone();
        let outcome = ended
            .wait_for(Option::is_some)
            .await
            .ok()
            .and_then(|outcome| *outcome);
        // The sender goes away unused only where the task that holds it panicked.
        outcome.unwrap_or(Outcome::Crashed("lifecycle"))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.lifecycle.stop();
    }
}

/// Ends what was started where the start does not come to its end.
struct KillOnDrop(Option<Lifecycle>);

impl KillOnDrop {
    fn disarm(mut self) {
        self.0 = None;
    }
}

impl Drop for KillOnDrop {
    fn drop(&mut self) {
        if let Some(lifecycle) = &self.0 {
            lifecycle.kill();
        }
    }
}

async fn load_identity<S>(settings: &Settings<S>, clock: &Arc<dyn Clock>) -> Result<Identity> {
    let (settings, clock) = (settings.identity.clone(), Arc::clone(clock));
    let loaded = tokio::task::spawn_blocking(move || Identity::load(&settings, clock));
    // The text of the task's own error would quote the panic.
    Ok(loaded
        .await
        .map_err(|_| Error::internal("loading the certificates did not end"))??)
}

/// What seals the service's audit and what shows it, where it keeps one.
async fn audit_of<S: Service>(
    context: &Context<S::Settings>,
) -> Result<Option<(Sealer, AuditApi)>> {
    if !audit::is_kept(&context.db).await? {
        return Ok(None);
    }
    let sealer = Sealer::new(
        S::NAME,
        context.db.clone(),
        Arc::clone(&context.clock),
        context.keys.signer(),
        context.instruments.clone(),
    );
    let shown = AuditApi::new(
        S::NAME,
        context.db.clone(),
        Arc::clone(&context.clock),
        Arc::clone(&context.random),
    );
    Ok(Some((sealer, shown)))
}

async fn load_keys<S>(settings: &Settings<S>, random: &Arc<dyn Random>) -> Result<Keys> {
    let (settings, random) = (settings.keys.clone(), Arc::clone(random));
    tokio::task::spawn_blocking(move || Keys::read(&settings, random))
        .await
        .map_err(|_| Error::internal("loading the keys did not end"))?
}

async fn load_policy<S>(settings: &Settings<S>) -> Result<Policy> {
    let settings = settings.policy.clone();
    let policy = tokio::task::spawn_blocking(move || settings.load())
        .await
        .map_err(|_| Error::internal("loading the rule set did not end"))?
        .map_err(|problems| {
            Error::new(ErrorKind::FailedPrecondition, Reason::SettingInvalid)
                .message(problems.to_string())
        })?;
    tracing::info!(
        rule_set = policy.rules().version(),
        "decides by {}",
        policy.rules().version()
    );
    Ok(policy)
}

/// Brings the schema up to date where that was asked for, and connects.
async fn open_database<S: Service>(settings: &DatabaseSettings) -> Result<Db> {
    if settings.migrate_on_start {
        for name in liaison_store::migrate::<S::Migrator>(settings).await? {
            tracing::info!(migration = name, "applied migration {name}");
        }
    }
    connect_database::<S>(settings).await
}

/// Connects, and makes sure that the schema is the one this version was written for.
pub(crate) async fn connect_database<S: Service>(settings: &DatabaseSettings) -> Result<Db> {
    let db = Db::connect(settings).await?;
    let pending = liaison_store::pending::<S::Migrator>(&db).await?;
    if pending.is_empty() {
        return Ok(db);
    }
    Err(Error::new(ErrorKind::FailedPrecondition, Reason::SettingInvalid).message(format!(
        "{} migrations are pending; run `liaison-{} migrate` first, or set database.migrate_on_start",
        pending.len(),
        S::NAME
    )))
}

/// Lets the database go, so that SQLite folds its log into the file. What was cut off may still hold
/// a connection; nothing committed depends on it.
pub(crate) async fn close(db: &Db) {
    match tokio::time::timeout(CLOSE, db.close()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            tracing::warn!(error = error.chain(), "the database could not be closed");
        }
        Err(_elapsed) => tracing::warn!("the database is still in use and is left as it is"),
    }
}

fn never_ready() -> Error {
    Error::new(ErrorKind::Unavailable, Reason::Unavailable)
        .message("the service stopped before it was ready")
}
