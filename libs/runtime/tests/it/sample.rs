//! The smallest service there is. It answers one method, as slowly as it is told to.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::task::{Context as Cx, Poll};

use futures::future::BoxFuture;
use http::{Request, Response};
use liaison_runtime::commands::say;
use liaison_runtime::{App, Context, Problems, Secret, Section, Service, Task};
use liaison_store::Db;
use liaison_store::audit::{self, AuditEntry};
use liaison_store::sealed::{self, Vault};
use liaison_types::{AuditId, Clock, Error, Random, Result, SystemRandom, Timestamp};
use sea_orm_migration::prelude::*;
use serde::Deserialize;
use tokio::sync::Semaphore;
use tonic::Status;
use tonic::body::Body;
use tonic::server::NamedService;
use tonic_prost::ProstCodec;
use uuid::Uuid;

pub(crate) const DEFAULTS: &str = r#"
[server]
listen = "127.0.0.1:0"
health_listen = "127.0.0.1:0"

[sample]
# How calls are answered: at once, never, after two panics, by sealing and opening, or by the gate of
# that name. The gate "held" keeps the service from being ready as well, and one whose name begins with
# "noted" lets calls write to the audit.
answer = "at once"
# A secret.
token = "default-token"
# A list.
colours = ["red"]
"#;

/// Borrows a method of the schema, because only those may be called.
pub(crate) const GRPC_NAME: &str = "liaison.intake.v1.IntakeService";
pub(crate) const METHOD: &str = "/liaison.intake.v1.IntakeService/GetReferral";

/// The answer of a service that is not ready before the gate of this name opens.
pub(crate) const HELD: &str = "held";

/// How the answer of a service begins whose calls write to the audit once the gate of that name is open.
pub(crate) const NOTED: &str = "noted";

pub(crate) struct Sample;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SampleSettings {
    pub(crate) answer: String,
    pub(crate) token: Secret<String>,
    pub(crate) colours: Vec<String>,
}

impl Section for SampleSettings {
    const NAME: &'static str = "sample";
    const SECRETS: &'static [&'static str] = &["token"];
    const LISTS: &'static [&'static str] = &["colours"];

    fn check(&self, problems: &mut Problems) {
        if self.answer == "panic of the settings" {
            quote();
        }
        problems.check(
            !self.colours.is_empty() && self.colours.iter().all(|colour| !colour.is_empty()),
            "sample.colours",
            "names no colour",
            "write at least one",
        );
    }
}

impl Service for Sample {
    const NAME: &'static str = "sample";
    const VERSION: &'static str = "1.2.3";
    const GRPC_NAME: &'static str = GRPC_NAME;
    const ABOUT: &'static str = "Answers one method";
    const DEFAULTS: &'static str = DEFAULTS;
    type Settings = SampleSettings;
    type Migrator = Migrator;

    async fn build(context: Context<SampleSettings>) -> Result<App> {
        let answer = context.settings.own.answer.clone();
        if answer == "not built" {
            return Err(liaison_types::Error::internal("on purpose"));
        }
        if answer == "crash" {
            let gate = Gate::of(&answer);
            context.lifecycle.spawn("fragile", async move {
                gate.wait().await;
                panic!("on purpose");
            });
        }
        if answer == HELD {
            let (gate, latch) = (Gate::of(&answer), context.latch());
            let soft = context.lifecycle.soft();
            context.lifecycle.spawn("held", async move {
                gate.wait().await;
                drop(latch);
                // A task that ends before the service does brings it down.
                soft.cancelled().await;
                Ok(())
            });
        }
        Ok(App {
            api: context.api().service(Slow(Arc::new(Work {
                answer,
                db: context.db.clone(),
                vault: context.keys.vault(),
                clock: Arc::clone(&context.clock),
                random: Arc::clone(&context.random),
            }))),
        })
    }

    fn commands() -> Vec<clap::Command> {
        let column = clap::Arg::new("column").value_name("COLUMN").required(true);
        vec![
            clap::Command::new("look-up")
                .about("Shows one of the settings")
                .arg(column),
        ]
    }

    async fn command(
        task: Task<SampleSettings>,
        name: &str,
        asked: &clap::ArgMatches,
    ) -> Result<u8> {
        assert_eq!(name, "look-up");
        let column = asked.get_one::<String>("column").map(String::as_str);
        match column {
            Some("colours") => say(&task.settings.own.colours.join(" ")),
            Some("audit") => {
                let kept = task
                    .on_database::<Self, _>(async |db| {
                        audit::list(db.reader(), &audit::AuditQuery::default()).await
                    })
                    .await?;
                say(&kept.len().to_string());
            }
            Some("fault") => return Err(Error::internal("on purpose")),
            _ => return Err(Error::not_found().message("there is no such column")),
        }
        Ok(0)
    }
}

/// The same service over a database without an audit.
pub(crate) struct Unaudited;

impl Service for Unaudited {
    const NAME: &'static str = Sample::NAME;
    const VERSION: &'static str = Sample::VERSION;
    const GRPC_NAME: &'static str = GRPC_NAME;
    const ABOUT: &'static str = "Keeps no audit";
    const DEFAULTS: &'static str = DEFAULTS;
    type Settings = SampleSettings;
    type Migrator = OutboxOnly;

    async fn build(context: Context<SampleSettings>) -> Result<App> {
        Sample::build(context).await
    }
}

pub(crate) struct OutboxOnly;

impl MigratorTrait for OutboxOnly {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        liaison_outbox::migration::migrations()
    }
}

/// What a message of a panic must not bring to light.
pub(crate) const CANARY: &str = "Jane-Canary-Doe";

/// Panics as cutting a text at the wrong place does, with a message that quotes the text.
fn quote() {
    let text = std::hint::black_box(format!("é {CANARY}"));
    std::hint::black_box(&text[..1]);
}

/// The message of a panic that is the same whatever was worked on.
pub(crate) const LITERAL: &str = "panicked without a word about the call";

/// Panics with a message that quotes, then with one that does not, then no more.
fn panic_twice() {
    static CALLS: AtomicUsize = AtomicUsize::new(0);
    match CALLS.fetch_add(1, Ordering::SeqCst) {
        0 => quote(),
        1 => std::panic::panic_any(LITERAL),
        _ => {}
    }
}

/// Holds calls back until they are let through.
#[derive(Debug)]
pub(crate) struct Gate {
    arrived: Semaphore,
    let_through: Semaphore,
}

static GATES: LazyLock<Mutex<HashMap<String, Arc<Gate>>>> = LazyLock::new(Mutex::default);

impl Gate {
    pub(crate) fn of(name: &str) -> Arc<Self> {
        let mut gates = GATES.lock().unwrap();
        let gate = gates.entry(name.to_owned()).or_insert_with(|| {
            Arc::new(Self {
                arrived: Semaphore::new(0),
                let_through: Semaphore::new(0),
            })
        });
        Arc::clone(gate)
    }

    async fn wait(&self) {
        self.arrived.add_permits(1);
        self.let_through.acquire().await.unwrap().forget();
    }

    /// Returns when a call has arrived that had not been noticed before.
    pub(crate) async fn arrived(&self) {
        self.arrived.acquire().await.unwrap().forget();
    }

    pub(crate) fn open(&self) {
        self.let_through.add_permits(1);
    }
}

/// The subjects of data keys that the answer "opens" expects.
pub(crate) const SUBJECTS: u128 = 2_500;

/// What calls are answered with.
struct Work {
    answer: String,
    db: Db,
    vault: Vault,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

impl Work {
    async fn answer(&self) -> Result<()> {
        match self.answer.as_str() {
            "at once" => {}
            "never" => std::future::pending().await,
            "after two panics" => panic_twice(),
            "opens" => self.open().await?,
            noted if noted.starts_with(NOTED) => {
                Gate::of(noted).wait().await;
                let entry = entry("bureau/NB-FR", "referrals/late", self.clock.now());
                record(&self.db, vec![entry]).await?;
            }
            gate => Gate::of(gate).wait().await,
        }
        Ok(())
    }

    /// Opens what is there of a share of the subjects, and seals for one more.
    async fn open(&self) -> Result<()> {
        let subjects: Vec<_> = (1..=SUBJECTS).step_by(25).map(Uuid::from_u128).collect();
        let keys = self.vault.keys(self.db.reader(), &subjects).await?;
        for subject in subjects {
            keys.get(subject)?;
        }
        let another = AuditId::new(self.clock.now(), self.random.as_ref()).uuid();
        let (_, wrapped) = self.vault.new_key(another);
        self.db
            .write_tx("sample.seal", |tx| {
                Box::pin(sealed::insert_all(tx, vec![wrapped.clone()]))
            })
            .await
    }
}

/// An entry of the audit.
pub(crate) fn entry(party: &str, subject: &str, at: Timestamp) -> AuditEntry {
    let id = AuditId::new(at, &SystemRandom);
    let party = party.parse().unwrap();
    AuditEntry::new(id, at, party, "sample.act", subject, "PERMIT")
}

/// Writes to the audit, as operations do.
pub(crate) async fn record(db: &Db, entries: Vec<AuditEntry>) -> Result<()> {
    db.write_tx("sample.record", |tx| {
        Box::pin(audit::record(tx, entries.clone()))
    })
    .await
}

#[derive(Clone)]
struct Slow(Arc<Work>);

impl NamedService for Slow {
    const NAME: &'static str = GRPC_NAME;
}

impl tower::Service<Request<Body>> for Slow {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Cx<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let work = Arc::clone(&self.0);
        Box::pin(async move {
            let handler = tower::service_fn(move |_: tonic::Request<()>| {
                let work = Arc::clone(&work);
                async move {
                    let told = |error: Error| Status::unavailable(error.chain());
                    work.answer().await.map_err(told)?;
                    Ok(tonic::Response::new(()))
                }
            });
            let codec = ProstCodec::<(), ()>::default();
            Ok(tonic::server::Grpc::new(codec)
                .unary(handler, request)
                .await)
        })
    }
}

pub(crate) struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        let mut all = liaison_outbox::migration::migrations();
        all.push(Box::new(First));
        all
    }
}

struct First;

impl MigrationName for First {
    fn name(&self) -> &'static str {
        "m0001_first"
    }
}

#[expect(
    elided_lifetimes_in_paths,
    reason = "the trait's own signature, which must be matched"
)]
#[async_trait::async_trait]
impl MigrationTrait for First {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        liaison_store::audit::create_table(manager).await?;
        liaison_store::audit::add_decision_columns(manager).await?;
        liaison_store::audit::create_seal_tables(manager).await?;
        sealed::create_table(manager).await
    }
}
