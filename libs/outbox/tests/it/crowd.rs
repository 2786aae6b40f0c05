//! Many writers in two processes, with rollbacks and failures: every order holds.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::Duration;

use liaison_outbox::{Destination, Outbox, RelaySettings};
use liaison_store::{Db, DbBackend, DbResult as _, Tx};
use liaison_testkit::environment::Environment;
use liaison_testkit::eventually;
use liaison_types::{Error, Random as _, Result, SeededRandom};
use sea_orm::{ConnectionTrait as _, Statement};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::support::*;

const WRITERS: u64 = 8;
const TRANSACTIONS: u32 = 40;
const SUBJECTS: [&str; 4] = ["a", "b", "c", "d"];

/// The next sequences of `subject`, drawn under its lock as a service does.
async fn draw(tx: &Tx<'_>, subject: &str, count: i64) -> Result<i64> {
    let backend = tx.get_database_backend();
    if backend == DbBackend::Postgres {
        let lock = "SELECT 1 FROM (SELECT pg_advisory_xact_lock(hashtext($1))) AS locked";
        let lock = Statement::from_sql_and_values(backend, lock, [subject.into()]);
        tx.query_one_raw(lock).await.db()?;
    }
    let last = "SELECT coalesce(max(sequence), 0) FROM effect WHERE subject = $1 AND hook = 9";
    let last = Statement::from_sql_and_values(backend, last, [subject.into()]);
    let row = tx.query_one_raw(last).await.db()?;
    let row = row.ok_or_else(Error::not_found)?;
    let last: i64 = row.try_get_by_index(0).db()?;
    effect(tx, &NORTH, subject, last + count, 9).await?;
    Ok(last)
}

/// One transaction: up to three events of one or two subjects, to one or both destinations; sometimes
/// it is rolled back in the end.
async fn write(db: &Db, outbox: &Outbox, environment: &Environment, random: &SeededRandom) {
    let pick = |most: usize| {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a small number"
        )]
        let picked = (random.next_f64() * most as f64) as usize;
        picked
    };
    let first = pick(SUBJECTS.len());
    // In one order, so that nobody waits in a circle.
    let subjects = &SUBJECTS[first..(first + 1 + pick(2)).min(SUBJECTS.len())];
    let plan: Vec<(&str, Vec<Vec<Destination>>)> = subjects
        .iter()
        .map(|subject| {
            let events = (0..=pick(3)).map(|_| match pick(3) {
                0 => vec![NORTH],
                1 => vec![SOUTH],
                _ => vec![NORTH, SOUTH],
            });
            (*subject, events.collect())
        })
        .collect();
    let fails = pick(8) == 0;
    let now = environment.now();
    let plan = &plan;
    let outcome = db
        .write_tx("test.crowd", |tx| {
            Box::pin(async move {
                let mut events = Vec::new();
                for (subject, of_subject) in plan {
                    let count = i64::try_from(of_subject.len()).map_err(Error::internal)?;
                    let mut sequence = draw(tx, subject, count).await?;
                    for destinations in of_subject {
                        sequence += 1;
                        for to in destinations {
                            events.push(event(environment, to, subject, sequence, "fact"));
                        }
                    }
                }
                outbox.enqueue(tx, now, events).await?;
                if fails {
                    return Err(Error::not_found());
                }
                Ok(())
            })
        })
        .await;
    assert_eq!(outcome.is_err(), fails);
}

async fn crowd(database: TestDatabase, settings: RelaySettings, keeps_order: bool) {
    let scene = Scene::with(database, settings, |receiver| {
        receiver.keeps_order = keeps_order;
        receiver.may_linger = keeps_order;
    })
    .await;
    scene.recorder.deaf.store(keeps_order, Ordering::SeqCst);
    // The second process: a relay and an outbox of its own on the same database.
    let other = relay(
        &scene.db,
        &scene.environment,
        scene.receiver.clone(),
        settings,
        scene.recorder.clone(),
    );
    let stop = CancellationToken::new();
    let mut relays = JoinSet::new();
    for relay in [scene.relay.clone(), other.clone()] {
        let stop = stop.clone();
        relays.spawn(async move { relay.run(stop).await });
    }
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        // Most of them in one process, so that most orders are kept in memory.
        let outbox = if writer == 0 { &other } else { &scene.relay }.outbox();
        let (db, environment) = (scene.db.clone(), scene.environment.clone());
        writers.spawn(async move {
            let random = SeededRandom::new(writer);
            for _ in 0..TRANSACTIONS {
                write(&db, &outbox, &environment, &random).await;
            }
        });
    }
    // The receiver goes away now and then meanwhile.
    let mut calls = 0;
    while !writers.is_empty() {
        let done = writers.join_next().await;
        done.unwrap().unwrap();
        calls += 1;
        scene.receiver.down.store(calls % 2 == 1, Ordering::SeqCst);
    }
    scene.receiver.down.store(false, Ordering::SeqCst);
    eventually(Duration::from_secs(60), || async {
        // Backoffs are a matter of the scene's clock.
        scene.environment.advance(Duration::from_millis(200));
        left(&scene.db).await == (0, 0)
    })
    .await;
    stop.cancel();
    while let Some(ended) = relays.join_next().await {
        ended.unwrap();
    }
    let mut arrived: BTreeMap<(String, String), Vec<i64>> = BTreeMap::new();
    for effect in scene.effects().await {
        let way = (effect.destination, effect.subject);
        arrived.entry(way).or_default().push(effect.sequence);
    }
    assert_eq!(arrived.len(), DESTINATIONS.len() * SUBJECTS.len());
    for (way, sequences) in arrived {
        assert!(
            sequences.is_sorted_by(|one, next| one < next),
            "{way:?}: {sequences:?}"
        );
    }
}

liaison_testkit::both_backends! {
    async fn every_order_holds_one_event_at_a_time(database: TestDatabase) {
        crowd(database, settings(), false).await;
    }

    async fn every_order_holds_in_runs_that_linger(database: TestDatabase) {
        let settings = RelaySettings { linger: Duration::from_millis(3), ..settings() };
        crowd(database, settings, true).await;
    }
}
