//! Order per subject and destination, with and without runs.

use std::collections::HashSet;

use liaison_outbox::{RelaySettings, Tick};

use crate::support::*;

liaison_testkit::both_backends! {
    async fn one_of_a_subject_at_a_time_and_subjects_side_by_side(database: TestDatabase) {
        let scene = Scene::new(database).await;
        // Stored in no particular order; the id decides where the sequence is the same.
        let twin = [scene.event(&NORTH, "b", 7), scene.event(&NORTH, "b", 7)];
        let mut events = vec![
            scene.event(&NORTH, "a", 3),
            scene.event(&NORTH, "a", 1),
            scene.event(&NORTH, "a", 2),
        ];
        events.extend(twin.into_iter().rev());
        scene.store(events).await;
        for expected in [2, 2, 1, 0] {
            assert_eq!(scene.relay.tick().await.unwrap().delivered, expected);
        }
        let effects = scene.effects().await;
        let a: Vec<_> = effects.iter().filter(|e| e.subject == "a").map(|e| e.sequence).collect();
        assert_eq!(a, [1, 2, 3]);
        assert_eq!(*scene.receiver.batches.lock().unwrap(), [2, 2, 1]);
    }

    async fn destinations_do_not_wait_for_each_other(database: TestDatabase) {
        let scene = Scene::new(database).await;
        let mut rejected = scene.event(&NORTH, "a", 1);
        rejected.kind = "bad".into();
        scene.receiver.rejects.lock().unwrap().insert("bad".into());
        scene.store(vec![rejected, scene.event(&SOUTH, "a", 2)]).await;
        let tick = scene.relay.tick().await.unwrap();
        assert_eq!((tick.delivered, tick.dead), (1, 1));
        assert_eq!(names(&scene.effects().await), ["a/2"]);
    }

    async fn a_run_of_one_subject_goes_in_one_batch_in_order(database: TestDatabase) {
        let scene = Scene::with(database, RelaySettings { run: 3, ..settings() }, |receiver| {
            receiver.keeps_order = true;
        })
        .await;
        let events = [5, 1, 4, 2, 3].map(|sequence| scene.event(&NORTH, "a", sequence));
        scene.store(events.into()).await;
        scene.store(vec![scene.event(&NORTH, "b", 1)]).await;
        assert_eq!(scene.relay.tick().await.unwrap().delivered, 4);
        assert_eq!(scene.relay.tick().await.unwrap().delivered, 2);
        let effects = scene.effects().await;
        let a: Vec<_> = effects.iter().filter(|e| e.subject == "a").map(|e| e.sequence).collect();
        assert_eq!(a, [1, 2, 3, 4, 5]);
    }

    async fn a_run_stops_at_its_first_failure(database: TestDatabase) {
        let scene = Scene::with(database, settings(), |receiver| receiver.keeps_order = true).await;
        let mut bad = scene.event(&NORTH, "a", 2);
        bad.kind = "bad".into();
        scene.receiver.rejects.lock().unwrap().insert("bad".into());
        let rest = [1, 3, 4].map(|sequence| scene.event(&NORTH, "a", sequence));
        scene.store(rest.into_iter().chain([bad]).collect()).await;
        let tick = scene.relay.tick().await.unwrap();
        assert_eq!(tick, Tick { claimed: 4, delivered: 1, retried: 2, dead: 1, lost: 0 });
        assert_eq!(scene.relay.tick().await.unwrap().claimed, 0, "behind the dead letter");
        assert_eq!(names(&scene.effects().await), ["a/1"]);
    }

    async fn a_batch_is_bounded_in_rows_and_bytes(database: TestDatabase) {
        let scene = Scene::with(
            database,
            RelaySettings { batch: 4, batch_bytes: 15, ..settings() },
            |_| {},
        )
        .await;
        let subjects = ["s1", "s2", "s3", "s4", "s5", "s6", "s7"];
        scene.store(subjects.map(|subject| scene.event(&NORTH, subject, 1)).into()).await;
        // Five bytes each.
        for expected in [3, 3, 1] {
            assert_eq!(scene.relay.tick().await.unwrap().delivered, expected);
        }
        let arrived: HashSet<_> = names(&scene.effects().await).into_iter().collect();
        assert_eq!(arrived.len(), 7);
    }
}
