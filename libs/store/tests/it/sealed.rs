//! Data keys.

use std::collections::BTreeMap;
use std::time::Instant;

use liaison_store::Db;
use liaison_store::sealed::{
    self, Cell, DataKey, DataKeys, KeyAbsent, KeyRing, NewDataKey, Rewrapped,
};
use liaison_testkit::database::TestDatabase;
use liaison_testkit::{both_backends, changes_in_place};
use liaison_types::{ErrorKind, Random as _, Reason, Result, SystemRandom};
use sea_orm::{ConnectionTrait as _, Statement};
use uuid::Uuid;

use crate::support::{is_postgres, plain, run};
use crate::thing::{Whole, id};

const OLD: (u32, [u8; 32]) = (1, [1; 32]);
const NEW: (u32, [u8; 32]) = (2, [2; 32]);
const CELL: Cell = Cell::new("thing", "content", Uuid::from_u128(77));

fn old_ring() -> KeyRing {
    KeyRing::from_keys([OLD]).unwrap()
}

fn both_rings() -> KeyRing {
    KeyRing::from_keys([OLD, NEW]).unwrap()
}

/// Keys for the subjects 1 to `count`, and what each of them sealed.
async fn given(db: &Db, ring: &KeyRing, count: i64) -> Vec<(Uuid, Vec<u8>)> {
    let (mut sealed, mut keys) = (Vec::new(), Vec::new());
    for number in 1..=count {
        let key = DataKey::generate(&SystemRandom);
        sealed.push((
            id(number),
            key.seal_text(CELL, &number.to_string(), &SystemRandom),
        ));
        keys.push(ring.wrap(id(number), &key, &SystemRandom));
    }
    insert(db, keys).await.unwrap();
    sealed
}

async fn insert(db: &Db, keys: Vec<NewDataKey>) -> Result<()> {
    db.write_tx("test.keys", |tx| {
        Box::pin(sealed::insert_all(tx, keys.clone()))
    })
    .await
}

async fn find(db: &Db, ring: &KeyRing, sealed: &[(Uuid, Vec<u8>)]) -> DataKeys {
    let subjects: Vec<_> = sealed.iter().map(|(subject, _)| *subject).collect();
    sealed::find(db.reader(), ring, &subjects).await.unwrap()
}

async fn opens(db: &Db, ring: &KeyRing, sealed: &[(Uuid, Vec<u8>)]) {
    let keys = find(db, ring, sealed).await;
    for (number, (subject, value)) in (1..).zip(sealed) {
        let content = keys.get(*subject).unwrap().open_text(CELL, value).unwrap();
        assert_eq!(content, format!("{number}"));
    }
}

async fn versions(db: &Db) -> Vec<(u32, u64)> {
    sealed::versions(db.reader())
        .await
        .unwrap()
        .into_iter()
        .collect()
}

async fn destroy(db: &Db, subject: Uuid) -> bool {
    db.write_tx("test.destroy", |tx| {
        Box::pin(sealed::destroy(tx, subject, &SystemRandom))
    })
    .await
    .unwrap()
}

both_backends! {
    async fn keys_are_kept_wrapped(database: TestDatabase) {
        let db = database.migrated::<Whole>().await;
        let ring = old_ring();
        assert_eq!(versions(&db).await, []);
        let sealed = given(&db, &ring, 300).await;
        opens(&db, &ring, &sealed).await;
        assert_eq!(versions(&db).await, [(1, 300)]);
        // The value of one subject does not open under the key of another.
        let keys = find(&db, &ring, &sealed).await;
        let error = keys.get(id(2)).unwrap().open(CELL, &sealed[0].1).unwrap_err();
        assert_eq!(error.reason(), Reason::InconsistentData);
        // One subject, one key.
        let again = ring.wrap(id(1), &DataKey::generate(&SystemRandom), &SystemRandom);
        assert_eq!(insert(&db, vec![again]).await.unwrap_err().reason(), Reason::Conflict);
        insert(&db, Vec::new()).await.unwrap();
        let nobody = sealed::find(db.reader(), &ring, &[]).await.unwrap();
        assert_eq!(nobody.get(id(1)).unwrap_err(), KeyAbsent { subject: id(1) });
    }

    async fn a_key_of_another_subject_does_not_open(database: TestDatabase) {
        let db = database.migrated::<Whole>().await;
        let ring = both_rings();
        given(&db, &old_ring(), 2).await;
        let owner = plain(&database).await;
        let (one, two) = if is_postgres(&database) {
            (format!("'{}'", id(1)), format!("'{}'", id(2)))
        } else {
            (format!("x'{}'", id(1).simple()), format!("x'{}'", id(2).simple()))
        };
        let moved = format!(
            "UPDATE data_key SET wrapped = (SELECT wrapped FROM data_key WHERE subject_id = {two}) \
             WHERE subject_id = {one}"
        );
        run(&owner, &moved).await;
        let error = sealed::find(db.reader(), &ring, &[id(1)]).await.unwrap_err();
        assert_eq!(error.reason(), Reason::InconsistentData);
        let place = format!("table data_key, column wrapped, row {}", id(1));
        assert!(error.chain().contains(&place), "{}", error.chain());
        // It is left and counted; the others move on.
        let done = sealed::rewrap(&db, &ring, &SystemRandom, 10, |_| true).await.unwrap();
        let expected = Rewrapped { seen: 2, rewrapped: 1, unreadable: 1, passed_over: 0, finished: true };
        assert_eq!(done, expected);
        assert_eq!(versions(&db).await, [(1, 1), (2, 1)]);
    }

    async fn an_unknown_version_may_come_later(database: TestDatabase) {
        let db = database.migrated::<Whole>().await;
        let folder = std::env::temp_dir().join(format!("liaison-keys-{}", SystemRandom.next_u64()));
        KeyRing::generate(&folder, &SystemRandom).unwrap();
        let here = KeyRing::read(&folder).unwrap();
        KeyRing::generate(&folder, &SystemRandom).unwrap();
        let sealed = given(&db, &KeyRing::read(&folder).unwrap(), 3).await;
        // The key was mounted after this replica had started.
        opens(&db, &here, &sealed).await;
        assert_eq!(here.versions(), [1, 2]);
        std::fs::remove_file(folder.join("2.key")).unwrap();
        let late = KeyRing::read(&folder).unwrap();
        let error = sealed::find(db.reader(), &late, &[id(1)]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        std::fs::remove_dir_all(folder).unwrap();
    }

    async fn a_destroyed_key_is_gone(database: TestDatabase) {
        let db = database.migrated::<Whole>().await;
        let ring = old_ring();
        let sealed = given(&db, &ring, 30).await;
        let wrapped = wrapped(&db, id(7)).await;
        assert!(destroy(&db, id(7)).await);
        assert!(!destroy(&db, id(7)).await);
        let mut keys = find(&db, &ring, &sealed).await;
        let absent = keys.get(id(7)).unwrap_err();
        assert_eq!(absent, KeyAbsent { subject: id(7) });
        assert_eq!(liaison_types::Error::from(absent).kind(), ErrorKind::NotFound);
        assert_eq!(keys.take(id(8)).unwrap().open_text(CELL, &sealed[7].1).unwrap(), "8");
        assert!(keys.take(id(8)).is_err());
        assert_eq!(versions(&db).await, [(1, 29)]);
        db.close().await.unwrap();
        if let Some(path) = database.settings().url.strip_prefix("sqlite://") {
            // Nor is it in the free parts of the file.
            let file = std::fs::read(path).unwrap();
            assert!(!file.windows(wrapped.len()).any(|bytes| bytes == wrapped));
        }
    }

    async fn all_keys_move_while_others_read_and_write(database: TestDatabase) {
        let db = database.migrated::<Whole>().await;
        let ring = both_rings();
        let sealed = given(&db, &old_ring(), 500).await;
        let (mut readings, mut done) = (0, Vec::new());
        {
            let rewraps = futures::future::join_all((0..2).map(|_| {
                sealed::rewrap(&db, &ring, &SystemRandom, 20, |_| true)
            }));
            let mut rewraps = std::pin::pin!(rewraps);
            while done.is_empty() {
                tokio::select! {
                    finished = &mut rewraps => done = finished,
                    () = opens(&db, &ring, &sealed) => readings += 1,
                }
            }
        }
        assert!(readings > 0);
        let done: Vec<Rewrapped> = done.into_iter().map(Result::unwrap).collect();
        assert!(done.iter().all(|run| run.finished && run.unreadable == 0 && run.seen == 500));
        // What one had in its hands the other passed over: together they did all, and none twice.
        assert_eq!(done.iter().map(|run| run.rewrapped).sum::<u64>(), 500);
        assert_eq!(versions(&db).await, [(2, 500)]);
        // The old key is not needed any more.
        opens(&db, &KeyRing::from_keys([NEW]).unwrap(), &sealed).await;
        // Nor does a replica that still seals with it take anything back.
        let back = sealed::rewrap(&db, &old_ring(), &SystemRandom, 1_000, |_| true).await.unwrap();
        assert_eq!((back.rewrapped, back.unreadable), (0, 0));
    }

    async fn what_stopped_goes_on(database: TestDatabase) {
        let db = database.migrated::<Whole>().await;
        let ring = both_rings();
        let sealed = given(&db, &old_ring(), 100).await;
        // Ended on purpose, after three steps of ten.
        let stopped = sealed::rewrap(&db, &ring, &SystemRandom, 10, |run| run.rewrapped < 30)
            .await
            .unwrap();
        assert_eq!(stopped, Rewrapped { seen: 30, rewrapped: 30, ..Default::default() });
        assert_eq!(versions(&db).await, [(1, 70), (2, 30)]);
        opens(&db, &ring, &sealed).await;
        // Ended from outside, wherever it stood.
        tokio::select! {
            biased;
            _ = sealed::rewrap(&db, &ring, &SystemRandom, 1, |_| true) => panic!("too fast"),
            () = opens(&db, &ring, &sealed[..1]) => {}
        }
        opens(&db, &ring, &sealed).await;
        let left = sealed::versions(db.reader()).await.unwrap()[&1];
        let finished = sealed::rewrap(&db, &ring, &SystemRandom, 10, |_| true).await.unwrap();
        let expected = Rewrapped { seen: 100, rewrapped: left, finished: true, ..Default::default() };
        assert_eq!(finished, expected);
        assert_eq!(versions(&db).await, [(2, 100)]);
        opens(&db, &ring, &sealed).await;
    }

    async fn a_failed_step_changes_nothing_and_is_done_again(database: TestDatabase) {
        let db = database.migrated::<Whole>().await;
        let ring = both_rings();
        let sealed = given(&db, &old_ring(), 40).await;
        let owner = plain(&database).await;
        // The database refuses the fourth step of ten.
        let (refuse, allow) = if is_postgres(&database) {
            (
                format!(
                    "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ \
                     BEGIN RAISE EXCEPTION 'refused'; END $$; \
                     CREATE TRIGGER refuse BEFORE UPDATE ON data_key FOR EACH ROW \
                     WHEN (OLD.subject_id = '{}') EXECUTE FUNCTION refuse()", id(35)
                ),
                "DROP TRIGGER refuse ON data_key",
            )
        } else {
            (
                format!(
                    "CREATE TRIGGER refuse BEFORE UPDATE ON data_key WHEN OLD.subject_id = x'{}' \
                     BEGIN SELECT RAISE(ABORT, 'refused'); END", id(35).simple()
                ),
                "DROP TRIGGER refuse",
            )
        };
        run(&owner, &refuse).await;
        let error = sealed::rewrap(&db, &ring, &SystemRandom, 10, |_| true).await.unwrap_err();
        assert!(error.chain().contains("refused"), "{}", error.chain());
        assert_eq!(versions(&db).await, [(1, 10), (2, 30)]);
        opens(&db, &ring, &sealed).await;
        run(&owner, allow).await;
        let rest = sealed::rewrap(&db, &ring, &SystemRandom, 10, |_| true).await.unwrap();
        assert_eq!((rest.rewrapped, rest.finished), (10, true));
        opens(&db, &ring, &sealed).await;
    }

    async fn a_key_is_moved_without_its_index(database: TestDatabase) {
        let db = database.migrated::<Whole>().await;
        given(&db, &old_ring(), 10).await;
        changes_in_place(&db, "data_key", async {
            sealed::rewrap(&db, &both_rings(), &SystemRandom, 10, |_| true).await.unwrap();
        })
        .await;
    }
}

#[tokio::test]
async fn postgresql_passes_over_what_others_hold() {
    let database = TestDatabase::postgres().await;
    let db = database.migrated::<Whole>().await;
    let ring = both_rings();
    given(&db, &old_ring(), 10).await;
    let held = db.write_tx("test.hold", |tx| {
        Box::pin(async {
            sealed::destroy(tx, id(3), &SystemRandom).await?;
            sealed::rewrap(&db, &ring, &SystemRandom, 4, |_| true).await
        })
    });
    let held = held.await.unwrap();
    let expected = Rewrapped {
        seen: 10,
        rewrapped: 9,
        passed_over: 1,
        unreadable: 0,
        finished: true,
    };
    assert_eq!(held, expected);
    assert_eq!(versions(&db).await, [(2, 9)]);
}

async fn wrapped(db: &Db, subject: Uuid) -> Vec<u8> {
    let statement = Statement::from_sql_and_values(
        db.backend(),
        "SELECT wrapped FROM data_key WHERE subject_id = $1",
        [subject.into()],
    );
    let row = db.reader().query_one_raw(statement).await.unwrap();
    row.expect("is there").try_get_by_index(0).unwrap()
}

/// Run it alone: `cargo nextest run -p liaison-store --run-ignored only --no-capture what_sealing_costs`.
#[test]
#[ignore = "a measurement"]
fn what_sealing_costs() {
    const TIMES: u32 = 20_000;
    let ring = both_rings();
    let key = DataKey::generate(&SystemRandom);
    let content = vec![b'x'; 4_096];
    let sealed = key.seal(CELL, &content, &SystemRandom);
    let small = key.seal(CELL, &[7; 32], &SystemRandom);
    let rounds: BTreeMap<&str, Box<dyn Fn()>> = BTreeMap::from([
        (
            "seal 4 KiB",
            Box::new(|| drop(key.seal(CELL, &content, &SystemRandom))) as Box<dyn Fn()>,
        ),
        (
            "open 4 KiB",
            Box::new(|| drop(key.open(CELL, &sealed).unwrap())),
        ),
        (
            "wrap",
            Box::new(|| drop(ring.wrap(id(1), &key, &SystemRandom))),
        ),
        // As long as opening a wrapped key.
        (
            "open 32 bytes",
            Box::new(|| drop(key.open(CELL, &small).unwrap())),
        ),
        (
            "generate",
            Box::new(|| drop(DataKey::generate(&SystemRandom))),
        ),
    ]);
    for (name, round) in rounds {
        let began = Instant::now();
        (0..TIMES).for_each(|_| round());
        println!(
            "{name}: {:.2} µs",
            began.elapsed().as_secs_f64() * 1e6 / f64::from(TIMES)
        );
    }
}
