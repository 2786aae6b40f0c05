//! One event after the other: stored, handed on, taking effect once.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use liaison_outbox::{Outbox, Tick, depths, first_time, prune_inbox};
use liaison_testkit::fault::{Faults, Faulty};

use crate::support::*;

liaison_testkit::both_backends! {
    async fn what_is_stored_is_delivered_once_and_removed(database: TestDatabase) {
        let scene = Scene::new(database).await;
        scene.store(vec![]).await;
        let mut first = scene.event(&NORTH, "a", 1);
        first.traceparent = Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".into());
        let trace = first.traceparent.clone();
        scene.store(vec![first, scene.event(&SOUTH, "a", 1), scene.event(&NORTH, "b", 1)]).await;

        let depth = depths(&scene.db).await.unwrap();
        assert_eq!(depth[0].destination, NORTH);
        assert_eq!((depth[0].waiting, depth[0].dead), (2, 0));
        assert_eq!(depth[0].oldest, Some(scene.environment.now()));

        let tick = scene.relay.tick().await.unwrap();
        assert_eq!(tick, Tick { claimed: 3, delivered: 3, ..Tick::default() });
        assert_eq!(scene.effects().await.len(), 3);
        assert_eq!(scene.receiver.traces.lock().unwrap().first(), trace.as_ref());
        assert_eq!(effects(&scene.db, 1).await.len(), 3, "the hook ran with the removal");
        assert!(scene.recorder.committed.load(Ordering::SeqCst));
        assert_eq!(left(&scene.db).await, (0, 0));
        assert_eq!(scene.relay.tick().await.unwrap(), Tick::default());
        assert!(depths(&scene.db).await.unwrap().is_empty());
    }

    async fn wrong_settings_make_no_relay(database: TestDatabase) {
        let scene = Scene::new(database).await;
        let wrong = liaison_outbox::RelaySettings { batch: 0, ..settings() };
        let (environment, hook) = (&scene.environment, scene.recorder.clone());
        let made = liaison_outbox::Relay::new(
            scene.db.clone(),
            environment.clock(),
            environment.random(),
            scene.receiver.clone(),
            wrong,
            hook,
        );
        let error = made.unwrap_err();
        assert_eq!(error.reason(), liaison_types::Reason::SettingInvalid);
        assert_eq!(error.violation_list()[0].field, "relay.batch");
    }

    async fn a_rollback_takes_the_event_with_it(database: TestDatabase) {
        let scene = Scene::new(database).await;
        let now = scene.environment.now();
        let event = &scene.event(&NORTH, "a", 1);
        let outcome: liaison_types::Result<()> = scene
            .db
            .write_tx("test.fails", |tx| {
                Box::pin(async move {
                    Outbox::new().enqueue(tx, now, vec![event.clone()]).await?;
                    Err(liaison_types::Error::not_found())
                })
            })
            .await;
        assert!(outcome.is_err());
        assert_eq!(left(&scene.db).await, (0, 0));
    }

    async fn a_failed_call_is_tried_again_after_its_backoff(database: TestDatabase) {
        let scene = Scene::new(database).await;
        scene.store(vec![scene.event(&NORTH, "a", 1), scene.event(&NORTH, "a", 2)]).await;
        scene.receiver.down.store(true, Ordering::SeqCst);
        assert_eq!(scene.relay.tick().await.unwrap().retried, 1);
        assert_eq!(scene.relay.tick().await.unwrap().claimed, 0, "not yet, nor its successor");

        scene.receiver.down.store(false, Ordering::SeqCst);
        scene.environment.advance(Duration::from_millis(100));
        assert_eq!(scene.relay.tick().await.unwrap().delivered, 1);
        assert_eq!(scene.relay.tick().await.unwrap().delivered, 1);
        assert_eq!(names(&scene.effects().await), ["a/1", "a/2"]);
    }

    async fn the_receiver_knows_an_event_again(database: TestDatabase) {
        let scene = Scene::new(database).await;
        let (one, two) = (scene.environment.event_id(), scene.environment.event_id());
        let now = scene.environment.now();
        let ask = async |ids: &[liaison_types::EventId]| {
            scene
                .db
                .write_tx("test.ask", |tx| Box::pin(first_time(tx, now, ids)))
                .await
                .unwrap()
        };
        assert!(ask(&[]).await.is_empty());
        assert_eq!(ask(&[one, one]).await, [one].into());
        assert_eq!(ask(&[two, one]).await, [two].into());
        assert!(ask(&[one, two]).await.is_empty());

        let later = now + Duration::from_secs(60);
        let prune = async |before| {
            scene
                .db
                .write_tx("test.prune", |tx| Box::pin(prune_inbox(tx, before, 1)))
                .await
                .unwrap()
        };
        assert_eq!(prune(now).await, 0, "not older than that");
        assert_eq!([prune(later).await, prune(later).await, prune(later).await], [1, 1, 0]);
    }

    async fn after_a_crash_the_lease_runs_out_and_another_relay_goes_on(database: TestDatabase) {
        let scene = Scene::new(database).await;
        let crash = Faults { dies_after: 1.0, ..Faults::default() };
        let path = Arc::new(Faulty::new(
            Receiver::new(scene.db.clone(), &scene.environment),
            scene.environment.random(),
            crash,
        ));
        let crashing = relay(
            &scene.db,
            &scene.environment,
            path.clone(),
            settings(),
            scene.recorder.clone(),
        );
        scene.store(vec![scene.event(&NORTH, "a", 1), scene.event(&NORTH, "a", 2)]).await;
        tokio::select! {
            _ = crashing.tick() => panic!("it dies"),
            () = path.died() => {}
        }
        assert_eq!(names(&scene.effects().await), ["a/1"], "it took effect, nobody heard");
        assert_eq!(scene.relay.tick().await.unwrap().claimed, 0, "leased");

        scene.environment.advance(settings().lease);
        assert_eq!(scene.relay.tick().await.unwrap().delivered, 1);
        assert_eq!(scene.relay.tick().await.unwrap().delivered, 1);
        assert_eq!(names(&scene.effects().await), ["a/1", "a/2"]);
    }

    async fn who_comes_too_late_can_neither_remove_nor_reschedule(database: TestDatabase) {
        let scene = Scene::new(database).await;
        // The slow relay's call waits until the other one has claimed the event again.
        let gate = Arc::new(tokio::sync::Semaphore::new(0));
        for outcome in [true, false] {
            let slow = Arc::new(Gated {
                gate: gate.clone(),
                answers: outcome,
                entered: tokio::sync::Notify::new(),
            });
            let slow_relay = relay(
                &scene.db,
                &scene.environment,
                slow.clone(),
                settings(),
                scene.recorder.clone(),
            );
            scene.receiver.down.store(true, Ordering::SeqCst);
            scene.store(vec![scene.event(&NORTH, "a", 1)]).await;
            let late = tokio::spawn(async move { slow_relay.tick().await.unwrap() });
            slow.entered.notified().await;
            scene.environment.advance(settings().lease);
            assert_eq!(scene.relay.tick().await.unwrap().retried, 1, "claimed by the other one");
            scene.environment.advance(Duration::from_secs(1));
            let held = scene.relay_that_dies().await;
            gate.add_permits(1);
            let tick = late.await.unwrap();
            assert_eq!(tick, Tick { claimed: 1, lost: 1, ..Tick::default() }, "{held}");
            assert_eq!(left(&scene.db).await, (1, 0), "the row is still there");

            scene.receiver.down.store(false, Ordering::SeqCst);
            assert_eq!(scene.relay.tick().await.unwrap().claimed, 0, "and still leased");
            scene.environment.advance(settings().lease);
            assert_eq!(scene.relay.tick().await.unwrap().delivered, 1);
        }
    }

    async fn a_failing_hook_holds_up_its_own_event_only(database: TestDatabase) {
        let scene = Scene::new(database).await;
        *scene.recorder.fails_on.lock().unwrap() = Some("b".to_owned());
        let subjects = ["a", "b", "c"];
        scene.store(subjects.map(|subject| scene.event(&NORTH, subject, 1)).into()).await;
        let tick = scene.relay.tick().await.unwrap();
        assert_eq!((tick.delivered, tick.retried), (2, 1));
        assert_eq!(names(&effects(&scene.db, 1).await), ["a/1", "c/1"]);

        *scene.recorder.fails_on.lock().unwrap() = None;
        scene.environment.advance(Duration::from_secs(1));
        assert_eq!(scene.relay.tick().await.unwrap().delivered, 1);
        assert_eq!(names(&effects(&scene.db, 1).await), ["a/1", "c/1", "b/1"]);
        assert_eq!(scene.effects().await.len(), 3, "the receiver applied each once");
    }
}

/// Answers only when the gate opens, without doing anything.
#[derive(Debug)]
struct Gated {
    gate: Arc<tokio::sync::Semaphore>,
    answers: bool,
    entered: tokio::sync::Notify,
}

impl liaison_outbox::Deliver for Gated {
    fn destinations(&self) -> Vec<liaison_outbox::Destination> {
        vec![NORTH]
    }

    fn deliver<'a>(
        &'a self,
        _destination: &'a liaison_outbox::Destination,
        batch: Vec<liaison_outbox::Outgoing>,
    ) -> futures::future::BoxFuture<'a, liaison_types::Result<Vec<liaison_outbox::Outcome>>> {
        Box::pin(async move {
            self.entered.notify_one();
            self.gate.acquire().await.unwrap().forget();
            if self.answers {
                Ok(vec![liaison_outbox::Outcome::Delivered; batch.len()])
            } else {
                Err(liaison_types::Error::unavailable("too late"))
            }
        })
    }
}

impl Scene {
    /// Claims what is there and dies without a trace.
    async fn relay_that_dies(&self) -> &'static str {
        let path = Arc::new(Faulty::new(
            Receiver::new(self.db.clone(), &self.environment),
            self.environment.random(),
            Faults {
                dies_before: 1.0,
                ..Faults::default()
            },
        ));
        let dying = relay(
            &self.db,
            &self.environment,
            path.clone(),
            settings(),
            self.recorder.clone(),
        );
        tokio::select! {
            _ = dying.tick() => panic!("it dies"),
            () = path.died() => "held by a dead relay",
        }
    }
}
