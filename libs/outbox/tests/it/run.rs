//! The relay by itself: woken, scanning, stopping; a slow destination beside a fast one.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::future::BoxFuture;
use liaison_outbox::{Deliver, Destination, Outbox, Outcome, Outgoing, RelaySettings};
use liaison_testkit::eventually;
use liaison_types::{Result, SystemClock, SystemRandom};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::support::*;

const LONG: Duration = Duration::from_secs(20);

/// A relay on the real clock, running.
struct Running {
    scene: Scene,
    stop: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

impl Running {
    async fn start(
        database: TestDatabase,
        settings: RelaySettings,
        deliver: impl FnOnce(Arc<Receiver>) -> Arc<dyn Deliver>,
    ) -> Self {
        let mut scene = Scene::with(database, settings, |_| {}).await;
        let relay = liaison_outbox::Relay::new(
            scene.db.clone(),
            Arc::new(SystemClock),
            Arc::new(SystemRandom),
            deliver(scene.receiver.clone()),
            settings,
            scene.recorder.clone(),
        )
        .unwrap();
        scene.relay = relay.clone();
        let stop = CancellationToken::new();
        let task = tokio::spawn({
            let (relay, stop) = (relay.clone(), stop.clone());
            async move { relay.run(stop).await }
        });
        Self { scene, stop, task }
    }

    async fn stop(self) -> Scene {
        self.stop.cancel();
        tokio::time::timeout(LONG, self.task)
            .await
            .expect("it stops")
            .unwrap();
        self.scene
    }
}

/// Holds calls to the south until the gate opens.
struct SlowSouth {
    receiver: Arc<Receiver>,
    gate: Arc<Semaphore>,
}

impl Deliver for SlowSouth {
    fn destinations(&self) -> Vec<Destination> {
        self.receiver.destinations()
    }

    fn deliver<'a>(
        &'a self,
        destination: &'a Destination,
        batch: Vec<Outgoing>,
    ) -> BoxFuture<'a, Result<Vec<Outcome>>> {
        Box::pin(async move {
            if *destination == SOUTH {
                self.gate.acquire().await.unwrap().forget();
            }
            self.receiver.deliver(destination, batch).await
        })
    }
}

liaison_testkit::both_backends! {
    async fn a_backlog_drains_and_a_wake_up_saves_the_wait(database: TestDatabase) {
        // No scan within the test: only the first look and the wake-ups.
        let settings = RelaySettings { scan_interval: Duration::from_secs(3_600), ..settings() };
        let running = Running::start(database, settings, |receiver| receiver).await;
        let scene = &running.scene;
        for round in 1..=3 {
            let events = (0..40).map(|n| scene.event(&NORTH, &format!("s{}", n % 8), round * 100 + n));
            scene.store(events.collect()).await;
            eventually(LONG, || async { left(&scene.db).await == (0, 0) }).await;
        }
        let scene = running.stop().await;
        assert_eq!(scene.effects().await.len(), 120);
    }

    async fn the_scan_finds_what_nobody_announced(database: TestDatabase) {
        let running = Running::start(database, settings(), |receiver| receiver).await;
        let scene = &running.scene;
        let both = vec![scene.event(&NORTH, "a", 1), scene.event(&SOUTH, "a", 1)];
        store(&scene.db, &Outbox::new(), &scene.environment, both).await;
        eventually(LONG, || async { left(&scene.db).await == (0, 0) }).await;
        // A destination that was down is found again by itself.
        scene.receiver.down.store(true, Ordering::SeqCst);
        scene.store(vec![scene.event(&NORTH, "a", 2)]).await;
        eventually(LONG, || async { scene.receiver.batches.lock().unwrap().len() >= 4 }).await;
        scene.receiver.down.store(false, Ordering::SeqCst);
        eventually(LONG, || async { left(&scene.db).await == (0, 0) }).await;
        running.stop().await;
    }

    async fn a_slow_destination_delays_no_other(database: TestDatabase) {
        let gate = Arc::new(Semaphore::new(0));
        let held = gate.clone();
        let running = Running::start(database, settings(), |receiver| {
            Arc::new(SlowSouth { receiver, gate: held })
        })
        .await;
        let scene = &running.scene;
        let both = [&SOUTH, &NORTH].map(|to| scene.event(to, "a", 1));
        scene.store(both.into()).await;
        // The northern one goes, the southern one is held.
        eventually(LONG, || async { left(&scene.db).await == (1, 0) }).await;
        assert_eq!(scene.effects().await[0].destination, NORTH.as_str());
        // What is under way when the relay is told to stop is finished.
        running.stop.cancel();
        gate.add_permits(1);
        let scene = running.stop().await;
        assert_eq!(left(&scene.db).await, (0, 0));
        assert_eq!(scene.effects().await.len(), 2);
    }
}
