//! How many events a second go from `enqueue` to delivered, over a receiver that only answers.
//!
//! ```text
//! cargo run --release -p liaison-outbox --example throughput [SECONDS]
//! ```
//!
//! On SQLite, and on PostgreSQL where `LIAISON_TEST_POSTGRES_URL` names a server. First the relay
//! drains a backlog by itself; then four senders enqueue 64 events a transaction while it runs.

use std::env;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures::future::{BoxFuture, join_all};
use liaison_outbox::{
    Deliver, Destination, NewEvent, Outbox, Outcome, Outgoing, Relay, RelaySettings, depths,
    migration,
};
use liaison_store::{Db, DbBackend};
use liaison_testkit::database::{POSTGRES_URL, TestDatabase};
use liaison_types::{Clock as _, EventId, Result, SystemClock, SystemRandom};
use sea_orm_migration::{MigrationTrait, MigratorTrait};
use tokio_util::sync::CancellationToken;

const TO: Destination = Destination::new("there");
const SENDERS: u64 = 4;
const ROWS: u64 = 64;
const BACKLOG: u64 = 20_000;
const PAYLOAD: usize = 600;

struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        migration::migrations()
    }
}

#[derive(Default)]
struct Sink {
    events: AtomicU64,
    calls: AtomicU64,
}

impl Deliver for Sink {
    fn destinations(&self) -> Vec<Destination> {
        vec![TO]
    }

    fn deliver<'a>(
        &'a self,
        _destination: &'a Destination,
        batch: Vec<Outgoing>,
    ) -> BoxFuture<'a, Result<Vec<Outcome>>> {
        self.events.fetch_add(batch.len() as u64, Ordering::Relaxed);
        self.calls.fetch_add(1, Ordering::Relaxed);
        Box::pin(std::future::ready(Ok(vec![
            Outcome::Delivered;
            batch.len()
        ])))
    }
}

fn events(sender: u64, from: u64, rows: u64) -> Vec<NewEvent> {
    let now = SystemClock.now();
    (from..from + rows)
        .map(|row| NewEvent {
            id: EventId::new(now, &SystemRandom),
            subject: format!("referrals/{sender}-{row}"),
            sequence: 1,
            destination: TO,
            kind: "referral.admitted".to_owned(),
            payload: vec![7; PAYLOAD],
            traceparent: None,
        })
        .collect()
}

async fn store(db: &Db, outbox: &Outbox, events: Vec<NewEvent>) {
    let (now, events) = (SystemClock.now(), &events);
    db.write_tx("send", |tx| {
        Box::pin(outbox.enqueue(tx, now, events.clone()))
    })
    .await
    .expect("the database takes events");
}

async fn send(db: Db, sender: u64, relay: Relay, until: Instant) -> u64 {
    let mut sent = 0;
    let outbox = relay.outbox();
    while Instant::now() < until {
        store(&db, &outbox, events(sender, sent, ROWS)).await;
        sent += ROWS;
    }
    sent
}

async fn drained(db: &Db) {
    while depths(db)
        .await
        .expect("the database answers")
        .iter()
        .any(|depth| depth.waiting > 0)
    {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn measure(backend: DbBackend, length: Duration) {
    let database = TestDatabase::new(backend).await;
    let db = database.migrated::<Migrator>().await;
    for from in (0..BACKLOG).step_by(1_000) {
        store(&db, &Outbox::new(), events(SENDERS, from, 1_000)).await;
    }
    let sink = Arc::new(Sink::default());
    let relay = Relay::new(
        db.clone(),
        Arc::new(SystemClock),
        Arc::new(SystemRandom),
        sink.clone(),
        RelaySettings::default(),
        Arc::new(()),
    )
    .expect("the defaults are right");
    let stop = CancellationToken::new();
    let started = Instant::now();
    let running = tokio::spawn({
        let (relay, stop) = (relay.clone(), stop.clone());
        async move { relay.run(stop).await }
    });
    drained(&db).await;
    println!(
        "{backend:?}: backlog of {BACKLOG} drained at {:.0}/s",
        rate(BACKLOG, started)
    );

    let started = Instant::now();
    let before = sink.calls.load(Ordering::Relaxed);
    let senders =
        (0..SENDERS).map(|sender| send(db.clone(), sender, relay.clone(), started + length));
    let sent: u64 = join_all(senders).await.into_iter().sum();
    let enqueued = rate(sent, started);
    let behind = BACKLOG + sent - sink.events.load(Ordering::Relaxed);
    drained(&db).await;
    let calls = sink.calls.load(Ordering::Relaxed) - before;
    println!(
        "{backend:?}: {sent} events enqueued at {enqueued:.0}/s and delivered at {:.0}/s, {behind} \
         behind at the end of sending; {} events a call",
        rate(sent, started),
        sent / calls.max(1),
    );
    stop.cancel();
    let _ = running.await;
}

fn rate(events: u64, since: Instant) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "counts of one run are small")]
    let events = events as f64;
    events / since.elapsed().as_secs_f64()
}

#[tokio::main]
async fn main() {
    let seconds = env::args()
        .nth(1)
        .and_then(|text| text.parse().ok())
        .unwrap_or(5);
    let length = Duration::from_secs(seconds);
    measure(DbBackend::Sqlite, length).await;
    if env::var(POSTGRES_URL).is_ok() {
        measure(DbBackend::Postgres, length).await;
    }
}
