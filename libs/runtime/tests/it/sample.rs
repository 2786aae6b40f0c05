//! The smallest service there is. It answers one method, as slowly as it is told to.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::task::{Context as Cx, Poll};

use futures::future::BoxFuture;
use http::{Request, Response};
use liaison_runtime::{App, Context, Problems, Secret, Section, Service};
use liaison_types::Result;
use sea_orm_migration::prelude::*;
use serde::Deserialize;
use tokio::sync::Semaphore;
use tonic::Status;
use tonic::body::Body;
use tonic::server::NamedService;
use tonic_prost::ProstCodec;

pub(crate) const DEFAULTS: &str = r#"
[server]
listen = "127.0.0.1:0"
health_listen = "127.0.0.1:0"

[sample]
# How calls are answered: at once, never, after two panics, or by the gate of that name. The gate
# "held" keeps the service from being ready as well.
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
            api: context.api().service(Slow(answer)),
        })
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

#[derive(Clone)]
struct Slow(String);

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
        let answer = self.0.clone();
        Box::pin(async move {
            let handler = tower::service_fn(move |_: tonic::Request<()>| {
                let answer = answer.clone();
                async move {
                    match answer.as_str() {
                        "at once" => {}
                        "never" => std::future::pending().await,
                        "after two panics" => panic_twice(),
                        gate => Gate::of(gate).wait().await,
                    }
                    Ok::<_, Status>(tonic::Response::new(()))
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
        liaison_store::audit::create_seal_tables(manager).await
    }
}
