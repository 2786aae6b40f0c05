//! A sender and a receiver over one database: the receiver's effects stand in a table of their own.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use liaison_outbox::{
    Deliver, Destination, Hook, NewEvent, Outbox, Outcome, Outgoing, Relay, RelaySettings, depths,
    first_time,
};
use liaison_store::Tx;
use liaison_store::{Db, DbResult as _};
pub use liaison_testkit::database::TestDatabase;
use liaison_testkit::environment::Environment;
use liaison_types::{EventId, Reason, Result};
use sea_orm::{ConnectionTrait as _, Statement};
use sea_orm_migration::prelude::*;

pub const NORTH: Destination = Destination::new("north");
pub const SOUTH: Destination = Destination::new("south");
pub const DESTINATIONS: [Destination; 2] = [NORTH, SOUTH];

pub struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        let mut all = liaison_outbox::migration::migrations();
        all.push(Box::new(Effects));
        all
    }
}

struct Effects;

impl MigrationName for Effects {
    fn name(&self) -> &'static str {
        "test_effects"
    }
}

#[expect(
    elided_lifetimes_in_paths,
    reason = "the trait's own signature, which must be matched"
)]
#[async_trait::async_trait]
impl MigrationTrait for Effects {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // `position` is the order of arrival: effects of one subject are serialised by its row.
        let key = match manager.get_database_backend() {
            sea_orm::DbBackend::Postgres => "bigserial",
            _ => "integer",
        };
        let connection = manager.get_connection();
        let effects = format!(
            "CREATE TABLE effect (position {key} PRIMARY KEY, destination text NOT NULL, \
             subject text NOT NULL, sequence bigint NOT NULL, hook bigint NOT NULL)"
        );
        connection.execute_unprepared(&effects).await?;
        Ok(())
    }
}

/// One line of the table `effect`.
#[derive(Clone, PartialEq, Eq, Debug, Hash, PartialOrd, Ord)]
pub struct Effect {
    pub destination: String,
    pub subject: String,
    pub sequence: i64,
}

/// Applies what it gets as a service does: inbox and effects in one transaction.
#[derive(Debug)]
pub struct Receiver {
    pub db: Db,
    pub environment: Environment,
    pub keeps_order: bool,
    pub may_linger: bool,
    /// Events of these kinds are rejected.
    pub rejects: Mutex<HashSet<String>>,
    /// Whole calls fail.
    pub down: AtomicBool,
    /// Traces of the events that arrived.
    pub traces: Mutex<Vec<String>>,
    /// Sizes of the batches that arrived.
    pub batches: Mutex<Vec<usize>>,
}

impl Receiver {
    pub fn new(db: Db, environment: &Environment) -> Self {
        Self {
            db,
            environment: environment.clone(),
            keeps_order: false,
            may_linger: false,
            rejects: Mutex::default(),
            down: AtomicBool::new(false),
            traces: Mutex::default(),
            batches: Mutex::default(),
        }
    }

    async fn apply(&self, to: &Destination, batch: Vec<Outgoing>) -> Result<Vec<Outcome>> {
        self.batches.lock().unwrap().push(batch.len());
        if self.down.load(Ordering::SeqCst) {
            return Err(liaison_types::Error::unavailable("down"));
        }
        let rejects = self.rejects.lock().unwrap().clone();
        let mut stopped = HashSet::new();
        let mut outcomes = Vec::new();
        let mut applied = Vec::new();
        for event in batch {
            assert_eq!(
                event.payload,
                payload(&event.subject, event.sequence),
                "payload arrives"
            );
            self.traces
                .lock()
                .unwrap()
                .extend(event.traceparent.clone());
            let outcome = if stopped.contains(&event.subject) {
                Outcome::Retry {
                    reason: Reason::Conflict,
                    after: None,
                }
            } else if rejects.contains(&event.kind) {
                stopped.insert(event.subject.clone());
                Outcome::Rejected {
                    reason: Reason::InvalidArgument,
                }
            } else {
                applied.push(event);
                Outcome::Delivered
            };
            outcomes.push(outcome);
        }
        let (to, applied, now) = (to, &applied, self.environment.now());
        self.db
            .write_tx("test.receive", |tx| {
                Box::pin(async move {
                    let ids: Vec<EventId> = applied.iter().map(|event| event.id).collect();
                    let mut new = first_time(tx, now, &ids).await?;
                    for event in applied {
                        if new.remove(&event.id) {
                            effect(tx, to, &event.subject, event.sequence, 0).await?;
                        }
                    }
                    Ok(())
                })
            })
            .await?;
        Ok(outcomes)
    }
}

impl Deliver for Receiver {
    fn destinations(&self) -> Vec<Destination> {
        DESTINATIONS.to_vec()
    }

    fn may_linger(&self, _destination: &Destination) -> bool {
        self.may_linger
    }

    fn keeps_order(&self) -> bool {
        self.keeps_order
    }

    fn deliver<'a>(
        &'a self,
        destination: &'a Destination,
        batch: Vec<Outgoing>,
    ) -> BoxFuture<'a, Result<Vec<Outcome>>> {
        self.apply(destination, batch).boxed()
    }
}

pub async fn effect(
    tx: &Tx<'_>,
    to: &Destination,
    subject: &str,
    sequence: i64,
    hook: i64,
) -> Result<()> {
    let values = [
        to.as_str().into(),
        subject.into(),
        sequence.into(),
        hook.into(),
    ];
    let text = "INSERT INTO effect (destination, subject, sequence, hook) VALUES ($1, $2, $3, $4)";
    let backend = tx.get_database_backend();
    tx.execute_raw(Statement::from_sql_and_values(backend, text, values))
        .await
        .db()?;
    Ok(())
}

/// What took effect, in the order of arrival: at the receiver (`hook` 0) or by the hook (1).
pub async fn effects(db: &Db, hook: i64) -> Vec<Effect> {
    let text =
        "SELECT destination, subject, sequence FROM effect WHERE hook = $1 ORDER BY position";
    let statement = Statement::from_sql_and_values(db.backend(), text, [hook.into()]);
    let rows = db.reader().query_all_raw(statement).await.unwrap();
    rows.iter()
        .map(|row| Effect {
            destination: row.try_get_by_index(0).unwrap(),
            subject: row.try_get_by_index(1).unwrap(),
            sequence: row.try_get_by_index(2).unwrap(),
        })
        .collect()
}

/// Records each delivered event as an effect of its own.
#[derive(Debug, Default)]
pub struct Recorder {
    /// Events of this subject make the hook fail.
    pub fails_on: Mutex<Option<String>>,
    pub dead: Mutex<Vec<EventId>>,
    /// Wants to hear of nothing.
    pub deaf: AtomicBool,
    pub committed: Arc<AtomicBool>,
}

impl Hook for Recorder {
    fn hears(&self, _destination: &Destination) -> bool {
        !self.deaf.load(Ordering::SeqCst)
    }

    fn delivered<'a>(
        &'a self,
        tx: &'a Tx<'a>,
        events: &'a [liaison_outbox::Delivered],
    ) -> BoxFuture<'a, Result<()>> {
        async move {
            let committed = Arc::clone(&self.committed);
            tx.after_commit(move || committed.store(true, Ordering::SeqCst));
            let fails_on = self.fails_on.lock().unwrap().clone();
            for event in events {
                if Some(&event.subject) == fails_on.as_ref() {
                    return Err(liaison_types::Error::internal("the hook fails"));
                }
                effect(tx, &event.destination, &event.subject, event.sequence, 1).await?;
            }
            Ok(())
        }
        .boxed()
    }

    fn dead<'a>(
        &'a self,
        _tx: &'a Tx<'a>,
        events: &'a [liaison_outbox::Dead],
    ) -> BoxFuture<'a, Result<()>> {
        self.dead
            .lock()
            .unwrap()
            .extend(events.iter().map(|event| event.id));
        async { Ok(()) }.boxed()
    }
}

pub fn settings() -> RelaySettings {
    RelaySettings {
        batch: 16,
        lease: Duration::from_secs(30),
        deliver_timeout: Duration::from_secs(15),
        scan_interval: Duration::from_millis(50),
        backoff_base: Duration::from_millis(100),
        backoff_max: Duration::from_secs(10),
        max_attempts: 5,
        ..RelaySettings::default()
    }
}

pub fn payload(subject: &str, sequence: i64) -> Vec<u8> {
    format!("{subject}#{sequence}\0").into_bytes()
}

pub fn event(
    environment: &Environment,
    to: &Destination,
    subject: &str,
    sequence: i64,
    kind: &str,
) -> NewEvent {
    NewEvent {
        id: environment.event_id(),
        subject: subject.to_owned(),
        sequence,
        destination: to.clone(),
        kind: kind.to_owned(),
        payload: payload(subject, sequence),
        traceparent: None,
    }
}

pub async fn store(db: &Db, outbox: &Outbox, environment: &Environment, events: Vec<NewEvent>) {
    let now = environment.now();
    let events = &events;
    db.write_tx("test.enqueue", |tx| {
        Box::pin(outbox.enqueue(tx, now, events.clone()))
    })
    .await
    .unwrap();
}

/// Events that wait and dead letters, over all destinations.
pub async fn left(db: &Db) -> (u64, u64) {
    let all = depths(db).await.unwrap();
    (
        all.iter().map(|depth| depth.waiting).sum(),
        all.iter().map(|depth| depth.dead).sum(),
    )
}

/// A database, an environment, a receiver and a relay between them.
pub struct Scene {
    pub environment: Environment,
    pub db: Db,
    pub receiver: Arc<Receiver>,
    pub recorder: Arc<Recorder>,
    pub relay: Relay,
    _database: TestDatabase,
}

impl Scene {
    pub async fn new(database: TestDatabase) -> Self {
        Self::with(database, settings(), |_| {}).await
    }

    pub async fn with(
        database: TestDatabase,
        settings: RelaySettings,
        change: impl FnOnce(&mut Receiver),
    ) -> Self {
        let environment = Environment::seeded(1);
        let db = database.migrated::<Migrator>().await;
        let mut receiver = Receiver::new(db.clone(), &environment);
        change(&mut receiver);
        let (receiver, recorder) = (Arc::new(receiver), Arc::new(Recorder::default()));
        let relay = relay(
            &db,
            &environment,
            receiver.clone(),
            settings,
            recorder.clone(),
        );
        Self {
            environment,
            db,
            receiver,
            recorder,
            relay,
            _database: database,
        }
    }

    pub async fn store(&self, events: Vec<NewEvent>) {
        store(&self.db, &self.relay.outbox(), &self.environment, events).await;
    }

    pub fn event(&self, to: &Destination, subject: &str, sequence: i64) -> NewEvent {
        event(&self.environment, to, subject, sequence, "fact")
    }

    pub async fn effects(&self) -> Vec<Effect> {
        effects(&self.db, 0).await
    }
}

pub fn relay(
    db: &Db,
    environment: &Environment,
    deliver: Arc<dyn Deliver>,
    settings: RelaySettings,
    hook: Arc<dyn Hook>,
) -> Relay {
    Relay::new(
        db.clone(),
        environment.clock(),
        environment.random(),
        deliver,
        settings,
        hook,
    )
    .unwrap()
}

/// `subject/sequence` of each, for short comparisons.
pub fn names(effects: &[Effect]) -> Vec<String> {
    effects
        .iter()
        .map(|effect| format!("{}/{}", effect.subject, effect.sequence))
        .collect()
}
