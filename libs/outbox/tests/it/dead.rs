//! Dead letters: kept, listed, put back, given up.

use std::sync::atomic::Ordering;
use std::time::Duration;

use liaison_outbox::{DeadLetterQuery, dead_letters, discard, lock_dead_letters, requeue};
use liaison_types::Reason;

use crate::support::*;

liaison_testkit::both_backends! {
    async fn a_rejected_event_blocks_its_subject_until_it_is_put_back(database: TestDatabase) {
        let scene = Scene::new(database).await;
        scene.receiver.rejects.lock().unwrap().insert("bad".into());
        let mut bad = scene.event(&NORTH, "a", 1);
        bad.kind = "bad".into();
        let id = bad.id;
        scene.store(vec![bad, scene.event(&NORTH, "a", 2), scene.event(&NORTH, "b", 1)]).await;
        assert_eq!(scene.relay.tick().await.unwrap().dead, 1);
        assert_eq!(*scene.recorder.dead.lock().unwrap(), [id]);
        scene.environment.advance(Duration::from_secs(3_600));
        assert_eq!(scene.relay.tick().await.unwrap().claimed, 0);
        assert_eq!(left(&scene.db).await, (1, 1));

        let list = dead_letters(&scene.db, &DeadLetterQuery::default()).await.unwrap();
        let [letter] = list.as_slice() else { panic!("{list:?}") };
        assert_eq!((letter.id, letter.attempts), (id, 1));
        assert_eq!((letter.reason, letter.sequence), (Reason::InvalidArgument, 1));
        assert_eq!(letter.destination, NORTH);
        for other in [
            DeadLetterQuery { destination: Some(SOUTH), ..DeadLetterQuery::default() },
            DeadLetterQuery { after: Some(id), ..DeadLetterQuery::default() },
        ] {
            assert!(dead_letters(&scene.db, &other).await.unwrap().is_empty());
        }

        scene.receiver.rejects.lock().unwrap().clear();
        let now = scene.environment.now();
        let unknown = scene.environment.event_id();
        let ids = &[id, unknown];
        let locked = scene
            .db
            .write_tx("test.lock", |tx| Box::pin(lock_dead_letters(tx, ids)))
            .await
            .unwrap();
        assert_eq!(locked, list);
        let put_back = scene
            .db
            .write_tx("test.requeue", |tx| Box::pin(requeue(tx, now, ids)))
            .await
            .unwrap();
        assert_eq!(put_back, 1);
        assert_eq!(scene.relay.tick().await.unwrap().delivered, 1);
        assert_eq!(scene.relay.tick().await.unwrap().delivered, 1);
        assert_eq!(names(&scene.effects().await), ["b/1", "a/1", "a/2"]);
    }

    async fn attempts_are_bounded_and_a_discarded_letter_lets_others_pass(database: TestDatabase) {
        let scene = Scene::new(database).await;
        scene.receiver.down.store(true, Ordering::SeqCst);
        let first = scene.event(&NORTH, "a", 1);
        let id = first.id;
        scene.store(vec![first, scene.event(&NORTH, "a", 2)]).await;
        for _ in 0..4 {
            assert_eq!(scene.relay.tick().await.unwrap().retried, 1);
            scene.environment.advance(Duration::from_secs(10));
        }
        assert_eq!(scene.relay.tick().await.unwrap().dead, 1, "the fifth of five attempts");
        let list = dead_letters(&scene.db, &DeadLetterQuery::default()).await.unwrap();
        assert_eq!((list[0].attempts, list[0].reason), (5, Reason::Unavailable));

        scene.receiver.down.store(false, Ordering::SeqCst);
        let ids = &[id];
        let gone =
            scene.db.write_tx("test.discard", |tx| Box::pin(discard(tx, ids))).await.unwrap();
        assert_eq!(gone, 1);
        assert_eq!(scene.relay.tick().await.unwrap().delivered, 1);
        assert_eq!(names(&scene.effects().await), ["a/2"]);
        assert_eq!(left(&scene.db).await, (0, 0));
    }
}
