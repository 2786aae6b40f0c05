//! The short way: from the commit to the relay of the same process.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;
use liaison_outbox::{Deliver, Destination, Outbox, Outcome, Outgoing, RelaySettings};
use liaison_store::Db;
use liaison_testkit::eventually;
use liaison_types::{Error, Result};
use sea_orm::{ConnectionTrait as _, Statement};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::support::*;

const LONG: Duration = Duration::from_secs(20);

/// No scan within a test: what arrives was handed over or announced.
fn quiet() -> RelaySettings {
    RelaySettings {
        scan_interval: Duration::from_secs(3_600),
        ..settings()
    }
}

/// The scene's own relay, running on the scene's clock.
fn run(scene: &Scene) -> (CancellationToken, JoinHandle<()>) {
    let stop = CancellationToken::new();
    let (relay, stopping) = (scene.relay.clone(), stop.clone());
    (stop, tokio::spawn(async move { relay.run(stopping).await }))
}

async fn end(stop: CancellationToken, task: JoinHandle<()>) {
    stop.cancel();
    tokio::time::timeout(LONG, task)
        .await
        .expect("it stops")
        .unwrap();
}

fn claims(db: &Db) -> u64 {
    db.counts()
        .get("outbox.claim")
        .map_or(0, |counts| counts.committed)
}

/// Rows that somebody has a lease on.
async fn leased(db: &Db) -> i64 {
    let text = "SELECT count(*) FROM outbox WHERE lease_token IS NOT NULL";
    let statement = Statement::from_string(db.backend(), text);
    let row = db.reader().query_one_raw(statement).await.unwrap().unwrap();
    row.try_get_by_index(0).unwrap()
}

async fn drained(scene: &Scene) {
    eventually(LONG, || async { left(&scene.db).await == (0, 0) }).await;
}

/// The first event is delivered by then, so that the tasks run.
async fn running(scene: &Scene) {
    scene
        .store(DESTINATIONS.map(|to| scene.event(&to, "first", 1)).into())
        .await;
    drained(scene).await;
}

/// Holds every call until it is let through.
struct Gated {
    receiver: Arc<Receiver>,
    gate: Arc<Gate>,
}

struct Gate {
    permits: Semaphore,
    begun: AtomicUsize,
}

impl Gate {
    fn open(&self, calls: usize) {
        self.permits.add_permits(calls);
    }

    fn begun(&self) -> usize {
        self.begun.load(Ordering::SeqCst)
    }
}

impl Deliver for Gated {
    fn destinations(&self) -> Vec<Destination> {
        vec![NORTH]
    }

    fn deliver<'a>(
        &'a self,
        destination: &'a Destination,
        batch: Vec<Outgoing>,
    ) -> BoxFuture<'a, Result<Vec<Outcome>>> {
        Box::pin(async move {
            self.gate.begun.fetch_add(1, Ordering::SeqCst);
            self.gate.permits.acquire().await.unwrap().forget();
            self.receiver.deliver(destination, batch).await
        })
    }
}

/// The relay of a gated scene takes events over by now. One call was made.
async fn taking_over(scene: &Scene, gate: &Gate) {
    gate.open(1);
    scene.store(vec![scene.event(&NORTH, "first", 1)]).await;
    drained(scene).await;
}

/// A scene whose relay holds every call.
async fn gated(database: TestDatabase, settings: RelaySettings) -> (Scene, Arc<Gate>) {
    let mut scene = Scene::with(database, settings, |_| {}).await;
    let gate = Arc::new(Gate {
        permits: Semaphore::new(0),
        begun: AtomicUsize::new(0),
    });
    let deliver = Gated {
        receiver: scene.receiver.clone(),
        gate: gate.clone(),
    };
    scene.relay = relay(
        &scene.db,
        &scene.environment,
        Arc::new(deliver),
        settings,
        scene.recorder.clone(),
    );
    (scene, gate)
}

liaison_testkit::both_backends! {
    async fn what_is_new_needs_no_claim(database: TestDatabase) {
        let scene = Scene::with(database, quiet(), |receiver| receiver.keeps_order = true).await;
        let (stop, task) = run(&scene);
        running(&scene).await;
        let before = claims(&scene.db);
        let events = (0..15).flat_map(|n| {
            let subject = format!("s{n}");
            [2, 1].map(|sequence| scene.event(&NORTH, &subject, sequence))
        });
        scene.store(events.collect()).await;
        drained(&scene).await;
        // Nothing is left of this one, which is looked up.
        scene.store(vec![scene.event(&NORTH, "s7", 3)]).await;
        drained(&scene).await;
        end(stop, task).await;
        assert_eq!(claims(&scene.db), before);
        let effects = scene.effects().await;
        assert_eq!(effects.len(), 33);
        for n in 0..15 {
            let subject = format!("s{n}");
            let of_subject: Vec<_> = effects
                .iter()
                .filter(|effect| effect.subject == subject)
                .map(|effect| effect.sequence)
                .collect();
            let expected: &[i64] = if n == 7 { &[1, 2, 3] } else { &[1, 2] };
            assert_eq!(of_subject, expected, "{subject}");
        }
        assert_eq!(effects_of_hook(&scene).await, 33);
    }

    async fn what_is_rolled_back_goes_nowhere(database: TestDatabase) {
        let scene = Scene::with(database, quiet(), |_| {}).await;
        let (stop, task) = run(&scene);
        running(&scene).await;
        let before = claims(&scene.db);
        let outbox = scene.relay.outbox();
        // More than there is room for at once: it is given back each time.
        for round in 0..10 {
            let events: Vec<_> = (0..10)
                .map(|n| scene.event(&NORTH, &format!("never {round} {n}"), 1))
                .collect();
            let (now, events) = (scene.environment.now(), &events);
            let outbox = &outbox;
            scene.db
                .write_tx("test.rolled_back", |tx| {
                    Box::pin(async move {
                        outbox.enqueue(tx, now, events.clone()).await?;
                        Err::<(), _>(Error::not_found())
                    })
                })
                .await
                .unwrap_err();
        }
        scene.store((0..20).map(|n| scene.event(&NORTH, &format!("s{n}"), 1)).collect()).await;
        drained(&scene).await;
        end(stop, task).await;
        assert_eq!(claims(&scene.db), before);
        let names = names(&scene.effects().await);
        assert!(names.iter().all(|name| !name.starts_with("never")), "{names:?}");
        assert_eq!(names.len(), 22);
    }

    async fn one_subject_keeps_its_order_however_fast_it_grows(database: TestDatabase) {
        let scene = Scene::with(database, quiet(), |_| {}).await;
        let (stop, task) = run(&scene);
        for sequence in 1..=40 {
            scene.store(vec![scene.event(&NORTH, "a", sequence)]).await;
        }
        drained(&scene).await;
        end(stop, task).await;
        let sequences: Vec<_> = scene.effects().await.iter().map(|effect| effect.sequence).collect();
        assert_eq!(sequences, (1..=40).collect::<Vec<_>>());
    }

    async fn what_follows_waits_in_memory_for_what_is_under_way(database: TestDatabase) {
        let (scene, gate) = gated(database, quiet()).await;
        scene.recorder.deaf.store(true, Ordering::SeqCst);
        let (stop, task) = run(&scene);
        taking_over(&scene, &gate).await;
        let before = claims(&scene.db);
        scene.store(vec![scene.event(&NORTH, "a", 1)]).await;
        eventually(LONG, || async { gate.begun() == 2 }).await;
        for sequence in 2..=4 {
            scene.store(vec![scene.event(&NORTH, "a", sequence), scene.event(&NORTH, "b", sequence - 1)]).await;
        }
        // The other subject goes past, and its second event waits for its first.
        eventually(LONG, || async { gate.begun() == 3 }).await;
        assert_eq!(leased(&scene.db).await, 7);
        gate.open(20);
        drained(&scene).await;
        end(stop, task).await;
        assert_eq!(claims(&scene.db), before);
        for (subject, last) in [("a", 4), ("b", 3)] {
            assert_eq!(sequences(&scene, subject).await, (1..=last).collect::<Vec<_>>());
        }
    }

    async fn what_follows_a_failure_goes_back_behind_it(database: TestDatabase) {
        let (scene, gate) = gated(database, settings()).await;
        let (stop, task) = run(&scene);
        taking_over(&scene, &gate).await;
        scene.store(vec![scene.event(&NORTH, "a", 1)]).await;
        eventually(LONG, || async { gate.begun() == 2 }).await;
        scene.store(vec![scene.event(&NORTH, "a", 2)]).await;
        scene.store(vec![scene.event(&NORTH, "a", 3)]).await;
        scene.receiver.down.store(true, Ordering::SeqCst);
        gate.open(1);
        eventually(LONG, || async { leased(&scene.db).await == 0 }).await;
        scene.receiver.down.store(false, Ordering::SeqCst);
        gate.open(20);
        eventually(LONG, || async {
            scene.environment.advance(Duration::from_secs(1));
            left(&scene.db).await == (0, 0)
        })
        .await;
        end(stop, task).await;
        assert_eq!(sequences(&scene, "a").await, [1, 2, 3]);
    }

    async fn what_another_process_wrote_in_between_comes_first(database: TestDatabase) {
        let scene = Scene::with(database, quiet(), |_| {}).await;
        let (stop, task) = run(&scene);
        running(&scene).await;
        let theirs = Outbox::new();
        for round in 0..3 {
            let at = 3 * round;
            // Theirs is found in the table and goes first.
            scene.store(vec![scene.event(&NORTH, "a", at + 1), scene.event(&SOUTH, "b", at + 1)]).await;
            let their_event = vec![scene.event(&NORTH, "a", at + 2)];
            store(&scene.db, &theirs, &scene.environment, their_event).await;
            scene.store(vec![scene.event(&NORTH, "a", at + 3)]).await;
            drained(&scene).await;
        }
        end(stop, task).await;
        assert_eq!(sequences(&scene, "a").await, (1..=9).collect::<Vec<_>>());
    }

    async fn what_nobody_hears_of_is_removed_at_a_stop_at_the_latest(database: TestDatabase) {
        let (scene, gate) = gated(database, quiet()).await;
        scene.recorder.deaf.store(true, Ordering::SeqCst);
        let (stop, task) = run(&scene);
        scene.store(vec![scene.event(&NORTH, "a", 1)]).await;
        eventually(LONG, || async { gate.begun() == 1 }).await;
        stop.cancel();
        gate.open(1);
        end(stop, task).await;
        assert_eq!(left(&scene.db).await, (0, 0));
        assert_eq!((scene.effects().await.len(), effects_of_hook(&scene).await), (1, 0));
    }

    async fn what_nobody_waits_for_goes_together(database: TestDatabase) {
        let second = Duration::from_secs(1);
        let settings = RelaySettings { linger: second, batch: 64, ..quiet() };
        let scene = Scene::with(database, settings, |receiver| {
            receiver.keeps_order = true;
            receiver.may_linger = true;
        })
        .await;
        let (stop, task) = run(&scene);
        running(&scene).await;
        let before = claims(&scene.db);
        scene.receiver.batches.lock().unwrap().clear();
        for sequence in 1..=20 {
            scene.store(vec![scene.event(&NORTH, "a", sequence)]).await;
        }
        drained(&scene).await;
        end(stop, task).await;
        let batches = scene.receiver.batches.lock().unwrap().clone();
        // Without it the first goes alone, and what follows two by two at most.
        assert!(batches.len() <= 4, "{batches:?}");
        assert!(batches.iter().all(|events| *events <= usize::from(settings.run)), "{batches:?}");
        assert_eq!(claims(&scene.db), before);
        assert_eq!(sequences(&scene, "a").await, (1..=20).collect::<Vec<_>>());
    }

    async fn more_than_there_is_room_for_waits_in_the_table(database: TestDatabase) {
        let scene = Scene::with(database, quiet(), |_| {}).await;
        let (stop, task) = run(&scene);
        scene.store((0..300).map(|n| scene.event(&NORTH, &format!("s{n}"), 1)).collect()).await;
        drained(&scene).await;
        end(stop, task).await;
        assert!(claims(&scene.db) > 0);
        assert_eq!(scene.effects().await.len(), 300);
    }

    async fn a_destination_that_is_down_gets_everything_later(database: TestDatabase) {
        let scene = Scene::with(database, settings(), |_| {}).await;
        let (stop, task) = run(&scene);
        running(&scene).await;
        scene.receiver.down.store(true, Ordering::SeqCst);
        let calls = || scene.receiver.batches.lock().unwrap().len();
        let before = calls();
        scene.store(vec![scene.event(&NORTH, "a", 1)]).await;
        eventually(LONG, || async { calls() > before }).await;
        scene.store(vec![scene.event(&NORTH, "a", 2), scene.event(&NORTH, "b", 1)]).await;
        scene.receiver.down.store(false, Ordering::SeqCst);
        eventually(LONG, || async {
            // Its backoff is a matter of the scene's clock.
            scene.environment.advance(Duration::from_secs(1));
            left(&scene.db).await == (0, 0)
        })
        .await;
        end(stop, task).await;
        let mut names = names(&scene.effects().await);
        names.sort();
        assert_eq!(names, ["a/1", "a/2", "b/1", "first/1", "first/1"]);
    }

    async fn stopping_gives_back_what_was_not_begun(database: TestDatabase) {
        let one_by_one = RelaySettings { batch: 1, ..quiet() };
        let (scene, gate) = gated(database, one_by_one).await;
        let (stop, task) = run(&scene);
        let arrived = |count: i64| {
            let scene = &scene;
            eventually(LONG, move || async move { leased(&scene.db).await == count })
        };
        for n in 0..2 {
            scene.store(vec![scene.event(&NORTH, &format!("under way {n}"), 1)]).await;
            eventually(LONG, || async { gate.begun() == n + 1 }).await;
        }
        for n in 0..2 {
            scene.store(vec![scene.event(&NORTH, &format!("waits {n}"), 1)]).await;
        }
        arrived(4).await;
        stop.cancel();
        arrived(2).await;
        gate.open(2);
        end(stop, task).await;
        assert_eq!((left(&scene.db).await, leased(&scene.db).await), ((2, 0), 0));
        // They are the next relay's at once.
        gate.open(2);
        for _ in 0..2 {
            assert_eq!(scene.relay.tick().await.unwrap().delivered, 1);
        }
        assert_eq!(scene.effects().await.len(), 4);
    }

    async fn what_a_crash_leaves_behind_is_claimed_after_its_lease(database: TestDatabase) {
        let (scene, gate) = gated(database, quiet()).await;
        let (_stop, task) = run(&scene);
        for n in 0..6 {
            scene.store(vec![scene.event(&NORTH, &format!("s{n}"), 1)]).await;
            eventually(LONG, || async { leased(&scene.db).await == n + 1 }).await;
        }
        task.abort();
        assert!(task.await.unwrap_err().is_cancelled());
        gate.open(10);
        assert_eq!(scene.relay.tick().await.unwrap().claimed, 0, "the leases hold");
        scene.environment.advance(quiet().lease);
        assert_eq!(scene.relay.tick().await.unwrap().delivered, 6);
        assert_eq!(scene.effects().await.len(), 6);
    }
}

/// What arrived of a subject, in the order of arrival.
async fn sequences(scene: &Scene, subject: &str) -> Vec<i64> {
    let effects = scene.effects().await;
    let of_subject = effects.iter().filter(|effect| effect.subject == subject);
    of_subject.map(|effect| effect.sequence).collect()
}

async fn effects_of_hook(scene: &Scene) -> usize {
    effects(&scene.db, 1).await.len()
}
