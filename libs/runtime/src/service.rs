//! What a service brings, and what it is given.

use std::sync::Arc;

use clap::ArgMatches;
use liaison_grpc::client::connect;
use liaison_grpc::{Api, Channel, Methods, stack};
use liaison_identity::Identity;
use liaison_policy::Policy;
use liaison_store::Db;
use liaison_telemetry::Instruments;
use liaison_types::{
    Clock, Error, ErrorKind, Name, Party, Random, Reason, Result, SystemClock, SystemRandom,
};
use sea_orm_migration::MigratorTrait;

use crate::keys::Keys;
use crate::lifecycle::Lifecycle;
use crate::readiness::{Latch, Readiness};
use crate::settings::{Section, Settings};
use crate::start;

/// A service of Liaison, as its process sees it.
///
/// ```ignore
/// pub struct Intake;
///
/// impl Service for Intake {
///     const NAME: &'static str = "intake";
///     const VERSION: &'static str = env!("CARGO_PKG_VERSION");
///     const GRPC_NAME: &'static str = "liaison.intake.v1.IntakeService";
///     const ABOUT: &'static str = "Takes dossiers from national bureaus";
///     const DEFAULTS: &'static str = include_str!("../config.toml");
///     type Settings = IntakeSettings;
///     type Migrator = store::Migrator;
///
///     async fn build(context: Context<IntakeSettings>) -> Result<App> { app::build(context).await }
/// }
/// ```
pub trait Service: Send + Sync + 'static {
    /// The name of the service: `intake`. Its binary is `liaison-intake`, its telemetry carries
    /// this name, its own section of the settings usually does.
    const NAME: &'static str;
    /// Its version, shown by `--version` and on every trace.
    const VERSION: &'static str;
    /// The full name of its gRPC service, under which readiness is asked:
    /// `liaison.intake.v1.IntakeService`.
    const GRPC_NAME: &'static str;
    /// One line for `--help`.
    const ABOUT: &'static str;
    /// The service's `config.toml`: its defaults for shared sections, and its own section with
    /// every key documented.
    const DEFAULTS: &'static str;
    /// The service's own section.
    type Settings: Section;
    /// The schema of the service's database.
    type Migrator: MigratorTrait;

    /// Wires the service: the only place where its parts meet. Spawns its tasks on
    /// [`Context::lifecycle`] and returns what it answers.
    fn build(context: Context<Self::Settings>) -> impl Future<Output = Result<App>> + Send;

    /// Commands of its own binary, besides those that every service has, each under a name that none of
    /// those has. [`Service::command`] does them.
    #[must_use]
    fn commands() -> Vec<clap::Command> {
        Vec::new()
    }

    /// Does one of [`Service::commands`], that of this name, and answers the exit status: 0 where it was
    /// done, 1 where it was not. An error that its caller can do something about is printed for them, any
    /// other is logged; both are status 1.
    ///
    /// # Errors
    /// What keeps it from being done.
    fn command(
        task: Task<Self::Settings>,
        name: &str,
        asked: &ArgMatches,
    ) -> impl Future<Output = Result<u8>> {
        let _ = (task, asked);
        let name = name.to_owned();
        async move { Err(Error::internal(format!("there is no command {name}"))) }
    }
}

/// What a command of a service is given.
#[derive(Clone, Debug)]
pub struct Task<S> {
    /// The validated settings.
    pub settings: Settings<S>,
    /// Time and randomness.
    pub ambient: Ambient,
}

impl<S> Task<S> {
    /// Does `work` on the database of the service `T`, whose schema has to be up to date, and lets the
    /// database go.
    ///
    /// # Errors
    /// SETTING_INVALID where migrations are pending; what the database says; what `work` answers.
    pub async fn on_database<T: Service, R>(
        &self,
        work: impl AsyncFnOnce(&Db) -> Result<R>,
    ) -> Result<R> {
        let db = start::connect_database::<T>(&self.settings.database).await?;
        let done = work(&db).await;
        start::close(&db).await;
        done
    }
}

/// What a service is given to be built from.
#[derive(Clone, Debug)]
pub struct Context<S> {
    /// The validated settings.
    pub settings: Arc<Settings<S>>,
    /// The service's database, its schema up to date.
    pub db: Db,
    /// Who the service is.
    pub identity: Identity,
    /// What it signs with, and what it seals with.
    pub keys: Keys,
    /// What it decides by.
    pub policy: Policy,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// What is measured.
    pub instruments: Instruments,
    /// Where long tasks are spawned, and when they end.
    pub lifecycle: Lifecycle,
    pub(crate) readiness: Readiness,
}

impl<S> Context<S> {
    /// An API without services, inside the stack that every service has: add the generated server
    /// with [`Api::service`].
    #[must_use]
    pub fn api(&self) -> Api {
        let limits = &self.settings.server.limits;
        Api::new(stack(
            &Methods::liaison(),
            limits,
            Some(&self.identity),
            &self.instruments,
        ))
    }

    /// A channel to another service, at its address in `[peers]`: it connects at its first call and
    /// talks to nobody but that service.
    ///
    /// # Errors
    /// `SETTING_INVALID` where `[peers]` does not name it.
    pub fn peer(&self, name: &Name) -> Result<Channel> {
        let address = self.settings.peers.address(name.as_str()).ok_or_else(|| {
            Error::new(ErrorKind::FailedPrecondition, Reason::SettingInvalid).message(format!(
                "peers.{name} is missing; write https://HOST:PORT of the service {name}"
            ))
        })?;
        let connector = self.identity.connector(Party::Service(name.clone()));
        let client = &self.settings.client;
        connect(
            address,
            connector,
            client,
            &Methods::liaison(),
            &self.instruments,
        )
    }

    /// One more thing to wait for before the service says that it is ready. Drop the latch when it
    /// is there.
    #[must_use]
    pub fn latch(&self) -> Latch {
        self.readiness.latch()
    }
}

/// What a service answers.
#[derive(Clone, Debug)]
pub struct App {
    /// Its business services, each inside the stack; see [`Context::api`].
    pub api: Api,
}

/// What a service is started with besides its settings. The default is the machine's own.
#[derive(Clone, Debug)]
pub struct Ambient {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// What is measured.
    pub instruments: Instruments,
}

impl Default for Ambient {
    fn default() -> Self {
        Self {
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandom),
            instruments: Instruments::none(),
        }
    }
}
