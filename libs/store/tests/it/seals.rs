//! Sealing the audit.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures::future::join_all;
use liaison_store::audit::{
    self, AuditEntry, AuditRecord, Batch, Checkpoint, Found, MAX_PAGE, Sealed, Signature,
};
use liaison_store::{Db, DbResult};
use liaison_testkit::database::TestDatabase;
use liaison_testkit::{both_backends, changes_in_place};
use liaison_types::{AuditId, ErrorKind, Reason, Result, SystemRandom, Timestamp};
use sea_orm::ConnectionTrait;

use crate::support::{is_postgres, plain, run};
use crate::thing::Whole;

const START: Timestamp = Timestamp::from_seconds(1_772_352_000);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);

fn after(seconds: u64) -> Timestamp {
    START + Duration::from_secs(seconds)
}

fn entry(at: Timestamp) -> AuditEntry {
    AuditEntry::new(
        AuditId::new(at, &SystemRandom),
        at,
        "bureau/NB-FR".parse().unwrap(),
        "intake.open",
        "referrals/1",
        "PERMIT",
    )
}

async fn record(db: &Db, entries: Vec<AuditEntry>) {
    db.write_tx("test.record", |tx| {
        Box::pin(audit::record(tx, entries.clone()))
    })
    .await
    .unwrap();
}

/// One entry a millisecond from `at` on.
async fn record_many(db: &Db, at: Timestamp, count: u64) {
    let one = |number| entry(at + Duration::from_millis(number));
    record(db, (0..count).map(one).collect()).await;
}

/// Stands for the chain, which is made elsewhere: every bit of the seal before and of the entry counts.
fn chained(before: Option<&[u8; 32]>, record: &AuditRecord) -> [u8; 32] {
    let mut digest = record.digest;
    for (byte, last) in digest.iter_mut().zip(before.unwrap_or(&[0; 32])) {
        *byte = byte.wrapping_mul(3).wrapping_add(last.rotate_left(3));
    }
    digest
}

fn chain(batch: &Batch) -> Vec<[u8; 32]> {
    let mut last = batch.digest().copied();
    let digests = batch.entries().iter().map(|record| {
        let digest = chained(last.as_ref(), record);
        last = Some(digest);
        digest
    });
    digests.collect()
}

/// Seals at most `limit` entries; `None` where somebody else does.
async fn try_seal(db: &Db, now: Timestamp, limit: u64) -> Result<Option<usize>> {
    db.write_tx("test.seal", |tx| {
        Box::pin(async move {
            let Some(batch) = audit::next_to_seal(tx, now, limit).await? else {
                return Ok(None);
            };
            let count = batch.entries().len();
            let digests = chain(&batch);
            audit::append_seals(tx, batch, digests, None).await?;
            Ok(Some(count))
        })
    })
    .await
}

async fn seal(db: &Db, now: Timestamp) -> usize {
    try_seal(db, now, audit::MAX_BATCH)
        .await
        .unwrap()
        .expect("nobody else seals")
}

/// The whole chain, after checking that it is one: no gap, nothing twice, each after the one before.
async fn checked(db: &Db) -> Vec<Sealed> {
    let mut all: Vec<Sealed> = Vec::new();
    loop {
        let last = all.last().map_or(0, |seal| seal.position);
        let page = audit::sealed(db.reader(), last, MAX_PAGE).await.unwrap();
        if page.is_empty() {
            break;
        }
        all.extend(page);
    }
    let mut before = None;
    for (position, seal) in (1..).zip(&all) {
        let Found::Entry(record) = &seal.record else {
            panic!("the entry is not there");
        };
        assert_eq!((seal.position, seal.audit_id), (position, record.entry.id));
        assert_eq!(
            seal.digest,
            chained(before.as_ref(), record),
            "position {position}"
        );
        before = Some(seal.digest);
    }
    let mut ids: Vec<_> = all.iter().map(|seal| seal.audit_id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all.len());
    all
}

/// What the head's row says.
async fn head(db: &Db) -> String {
    use sea_orm::Statement;
    let sql = if db.backend() == sea_orm::DbBackend::Postgres {
        "SELECT h::text FROM audit_sealer AS h"
    } else {
        "SELECT concat_ws(',', id, position, hex(digest), hex(recent), hex(horizon), hex(swept), swept_at) \
         FROM audit_sealer"
    };
    let statement = Statement::from_string(db.backend(), sql);
    let row = db.reader().query_one_raw(statement).await.unwrap();
    row.expect("one row").try_get_by_index(0).unwrap()
}

both_backends! {
    async fn everything_is_sealed_once_and_in_order(database: TestDatabase) {
        let db = database.migrated::<Whole>().await;
        assert_eq!(seal(&db, START).await, 0);
        // A backlog, in batches of three thousand; the newest second is still growing.
        record_many(&db, START, 10_000).await;
        let now = after(10);
        let mut batches = Vec::new();
        while let Some(count @ 1..) = try_seal(&db, now, 3_000).await.unwrap() {
            batches.push(count);
        }
        assert_eq!(batches, [3_000, 3_000, 3_000, 1_000]);
        let all = checked(&db).await;
        assert_eq!(all.len(), 10_000);
        assert!(all.is_sorted_by_key(|seal| seal.audit_id));
        // Then a bit each second.
        for second in 10..90 {
            record_many(&db, after(second), 5).await;
            assert_eq!(seal(&db, after(second + 1)).await, 5);
        }
        assert_eq!(checked(&db).await.len(), 10_400);
        assert!(audit::unsealed(db.reader(), after(100), 10).await.unwrap().is_empty());
    }

    async fn what_waits_is_counted(database: TestDatabase) {
        let db = database.migrated::<Whole>().await;
        let waiting = async || audit::waiting(db.reader()).await.unwrap();
        assert_eq!(waiting().await, 0);
        record_many(&db, START, 30).await;
        assert_eq!(waiting().await, 30);
        assert_eq!(try_seal(&db, after(1), 10).await.unwrap(), Some(10));
        assert_eq!(waiting().await, 20);
        assert_eq!(seal(&db, after(1)).await, 20);
        assert_eq!(waiting().await, 0);
        // No more is counted than is sealed at once.
        record_many(&db, after(5), audit::MAX_BATCH + 5).await;
        assert_eq!(waiting().await, audit::MAX_BATCH);
        while seal(&db, after(100)).await > 0 {}
        assert_eq!(waiting().await, 0);
    }

    async fn an_old_backlog_is_taken_in_parts(database: TestDatabase) {
        let db = database.migrated::<Whole>().await;
        record_many(&db, START, 2_500).await;
        record_many(&db, START + HOUR, 500).await;
        let now = START + HOUR + Duration::from_secs(1);
        let mut batches = Vec::new();
        while let Some(count @ 1..) = try_seal(&db, now, 1_000).await.unwrap() {
            batches.push(count);
        }
        assert_eq!(batches, [1_000, 1_000, 1_000]);
        assert!(checked(&db).await.is_sorted_by_key(|seal| seal.audit_id));
    }

    async fn what_commits_late_is_sealed_at_a_minute_of_age(database: TestDatabase) {
        let db = database.migrated::<Whole>().await;
        let quick = entry(after(100));
        record(&db, vec![quick.clone()]).await;
        assert_eq!(seal(&db, after(101)).await, 1);
        // Within the seconds that are looked at each time.
        let late = entry(after(99));
        record(&db, vec![late.clone()]).await;
        assert_eq!(seal(&db, after(101)).await, 1);
        // Behind them.
        let later = entry(after(80));
        record(&db, vec![later.clone()]).await;
        assert_eq!(seal(&db, after(101)).await, 0);
        assert_eq!(seal(&db, after(139)).await, 0);
        let missing = audit::unsealed(db.reader(), after(101), 10).await.unwrap();
        assert_eq!(missing.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [later.id]);
        assert!(audit::unsealed(db.reader(), after(79), 10).await.unwrap().is_empty());
        assert_eq!(seal(&db, after(140)).await, 1);
        let order: Vec<_> = checked(&db).await.iter().map(|seal| seal.audit_id).collect();
        assert_eq!(order, [quick.id, late.id, later.id]);
    }

    async fn what_commits_hours_late_is_found_by_the_sweep(database: TestDatabase) {
        let db = database.migrated::<Whole>().await;
        record_many(&db, after(0), 10_000).await;
        let mut now = after(1_000);
        assert_eq!(seal(&db, now).await, 10_000);
        assert_eq!(seal(&db, now).await, 0);
        // Between all the others, long after they were sealed.
        let strays: Vec<_> = [1, 3, 9].map(|s| entry(after(s) + Duration::from_micros(500))).into();
        record(&db, strays.clone()).await;
        for _ in 0..10 {
            now = now + MINUTE;
            assert_eq!(seal(&db, now).await, 0);
        }
        now = now + HOUR;
        let mut found = Vec::new();
        for _ in 0..10 {
            now = now + Duration::from_secs(1);
            found.push(seal(&db, now).await);
        }
        // Two thousand are compared each time.
        assert_eq!(found, [1, 1, 0, 0, 1, 0, 0, 0, 0, 0]);
        assert_eq!(checked(&db).await.len(), 10_003);
        assert!(audit::unsealed(db.reader(), now, 10).await.unwrap().is_empty());
        // The sweep is over, and nothing is written until the next one.
        let rest = head(&db).await;
        seal(&db, now + MINUTE).await;
        assert_eq!(head(&db).await, rest);
    }

    async fn a_sweep_goes_on_where_its_batch_was_full(database: TestDatabase) {
        let db = database.migrated::<Whole>().await;
        record_many(&db, after(5), 1).await;
        assert_eq!(seal(&db, after(100)).await, 1);
        record_many(&db, after(0), 1_000).await;
        let now = after(100) + HOUR + MINUTE;
        let mut batches = Vec::new();
        while let Some(count @ 1..) = try_seal(&db, now, 300).await.unwrap() {
            batches.push(count);
        }
        assert_eq!(batches, [300, 300, 300, 100]);
        assert_eq!(checked(&db).await.len(), 1_001);
    }

    async fn where_nothing_happens_nothing_is_written(database: TestDatabase) {
        let db = database.migrated::<Whole>().await;
        seal(&db, START).await;
        let empty = head(&db).await;
        seal(&db, after(1_000)).await;
        assert_eq!(head(&db).await, empty);
        record_many(&db, after(1_000), 3).await;
        assert_eq!(seal(&db, after(1_001)).await, 3);
        seal(&db, after(1_062)).await;
        let settled = head(&db).await;
        for second in [1_063, 1_100, 3_000] {
            assert_eq!(seal(&db, after(second)).await, 0);
            assert_eq!(head(&db).await, settled);
        }
    }

    async fn the_sealer_may_have_been_away(database: TestDatabase) {
        let db = database.migrated::<Whole>().await;
        record_many(&db, after(0), 10).await;
        assert_eq!(seal(&db, after(1)).await, 10);
        // Older than what is looked at each time, younger than a minute.
        record_many(&db, after(10), 10).await;
        record_many(&db, after(29), 10).await;
        assert_eq!(seal(&db, after(30)).await, 20);
        checked(&db).await;
    }

    async fn clocks_may_disagree(database: TestDatabase) {
        let db = database.migrated::<Whole>().await;
        // The sealer's is half a minute ahead, or behind.
        for (number, now) in [after(130), after(71), after(132), after(73)].into_iter().enumerate() {
            record_many(&db, after(100 + number as u64), 10).await;
            assert_eq!(seal(&db, now).await, 10);
        }
        // A replica's is an hour ahead of all.
        record_many(&db, after(104) + HOUR, 10).await;
        record_many(&db, after(104), 10).await;
        assert_eq!(seal(&db, after(105)).await, 20);
        record_many(&db, after(105), 10).await;
        assert_eq!(seal(&db, after(106)).await, 10);
        assert_eq!(checked(&db).await.len(), 70);
    }

    async fn many_sealers_seal_each_entry_once(database: TestDatabase) {
        let db = database.migrated::<Whole>().await;
        let others = [database.connect().await, database.connect().await];
        let done = AtomicBool::new(false);
        let writers = async {
            join_all((0..4_u64).map(|writer| {
                let db = &db;
                async move {
                    for number in 0..50 {
                        // Out of order by up to two seconds, also where one has not begun when another ends.
                        let at = after(100) + Duration::from_millis(number * 20) - Duration::from_millis(writer * 300);
                        record_many(db, at, 10).await;
                    }
                }
            }))
            .await;
            done.store(true, Ordering::SeqCst);
        };
        let sealers = others.iter().map(|db| {
            let done = &done;
            async move {
                let (mut total, mut rounds) = (0, 0);
                loop {
                    let last = done.load(Ordering::SeqCst);
                    if let Some(count) = try_seal(db, after(102), 100).await.unwrap() {
                        total += count;
                        rounds += 1;
                        if last && count == 0 {
                            return (total, rounds);
                        }
                    }
                }
            }
        });
        let ((), totals) = futures::join!(writers, join_all(sealers));
        let sum: usize = totals.iter().map(|(total, _)| total).sum();
        assert_eq!(sum, 2_000, "{totals:?}");
        assert_eq!(checked(&db).await.len(), 2_000);
    }

    async fn a_rolled_back_batch_is_sealed_by_the_next(database: TestDatabase) {
        let db = database.migrated::<Whole>().await;
        record_many(&db, START, 10).await;
        let failed = db.write_tx("test.fail", |tx| {
            Box::pin(async move {
                let batch = audit::next_to_seal(tx, after(1), 100).await?.expect("a batch");
                let digests = chain(&batch);
                audit::append_seals(tx, batch, digests, None).await?;
                Err::<(), _>(liaison_types::Error::internal("this failure belongs to the test"))
            })
        });
        failed.await.unwrap_err();
        assert_eq!(seal(&db, after(1)).await, 10);
        // Nor does forgetting the batch lose anything.
        record_many(&db, after(5), 10).await;
        db.write_tx("test.forget", |tx| {
            Box::pin(async move { audit::next_to_seal(tx, after(6), 100).await.map(drop) })
        })
        .await
        .unwrap();
        assert_eq!(seal(&db, after(6)).await, 10);
        checked(&db).await;
    }

    async fn checkpoints_sign_the_head(database: TestDatabase) {
        let db = database.migrated::<Whole>().await;
        let signature = |second| Signature {
            at: after(second),
            key_id: "hub-2026".to_owned(),
            bytes: vec![7; 64],
        };
        let sign = async |second: u64| {
            let signature = signature(second);
            db.write_tx("test.sign", |tx| {
                let signature = signature.clone();
                Box::pin(async move {
                    let batch = audit::next_to_seal(tx, signature.at, 100).await?.expect("a batch");
                    let last = batch.last_position();
                    let digests = chain(&batch);
                    audit::append_seals(tx, batch, digests, Some(signature)).await?;
                    Ok(last)
                })
            })
            .await
        };
        // There is nothing to sign yet.
        assert_eq!(sign(1).await.unwrap_err().kind(), ErrorKind::Internal);
        assert_eq!(audit::last_checkpoint(db.reader()).await.unwrap(), None);
        record_many(&db, after(2), 3).await;
        assert_eq!(sign(3).await.unwrap(), 3);
        // One head, one checkpoint.
        assert_eq!(sign(4).await.unwrap_err().reason(), Reason::Conflict);
        record_many(&db, after(5), 3).await;
        assert_eq!(seal(&db, after(6)).await, 3);
        // Also without new entries.
        assert_eq!(sign(7).await.unwrap(), 6);
        let all = checked(&db).await;
        let expected = [(3, 3), (6, 7)].map(|(position, second)| Checkpoint {
            position,
            digest: all[usize::try_from(position).unwrap() - 1].digest,
            signature: signature(second),
        });
        assert_eq!(audit::checkpoints(db.reader(), 0, 10).await.unwrap(), expected);
        assert_eq!(audit::checkpoints(db.reader(), 3, 10).await.unwrap(), expected[1..]);
        assert_eq!(audit::last_checkpoint(db.reader()).await.unwrap().as_ref(), expected.last());
    }

    async fn a_batch_needs_its_digests(database: TestDatabase) {
        let db = database.migrated::<Whole>().await;
        record_many(&db, START, 2).await;
        let error = db.write_tx("test.short", |tx| {
            Box::pin(async move {
                let batch = audit::next_to_seal(tx, after(1), 100).await?.expect("a batch");
                assert_eq!((batch.position(), batch.last_position(), batch.digest()), (0, 2, None));
                audit::append_seals(tx, batch, vec![[1; 32]], None).await
            })
        });
        assert_eq!(error.await.unwrap_err().kind(), ErrorKind::Internal);
        assert!(checked(&db).await.is_empty());
    }

    async fn an_entry_that_is_gone_shows(database: TestDatabase) {
        let db = database.migrated::<Whole>().await;
        record_many(&db, START, 3).await;
        seal(&db, after(1)).await;
        let owner = plain(&database).await;
        let disarm = if is_postgres(&database) {
            "ALTER TABLE audit DISABLE TRIGGER append_only"
        } else {
            "DROP TRIGGER audit_append_only_delete"
        };
        run(&owner, disarm).await;
        run(&owner, "DELETE FROM audit WHERE id = (SELECT audit_id FROM audit_seal WHERE position = 2)").await;
        let seals = audit::sealed(db.reader(), 0, 10).await.unwrap();
        let there: Vec<_> = seals.iter().map(|seal| seal.record != Found::Gone).collect();
        assert_eq!(there, [true, false, true]);
        assert_eq!(audit::sealed(db.reader(), 1, 1).await.unwrap(), seals[1..2]);
    }

    async fn what_makes_no_sense_is_shown_in_its_place(database: TestDatabase) {
        let db = database.migrated::<Whole>().await;
        record_many(&db, START, 3).await;
        seal(&db, after(1)).await;
        record_many(&db, after(2), 1).await;
        let owner = plain(&database).await;
        for (table, change) in [
            ("audit", "UPDATE audit SET party = 'nobody at all'"),
            ("audit_seal", "UPDATE audit_seal SET digest = 'short' WHERE position = 2"),
        ] {
            let disarm = if is_postgres(&database) {
                format!("ALTER TABLE {table} DISABLE TRIGGER append_only")
            } else {
                format!("DROP TRIGGER {table}_append_only_update")
            };
            run(&owner, &disarm).await;
            run(&owner, change).await;
        }
        run(&owner, "INSERT INTO audit_checkpoint VALUES (3, 1, 'x', 'k', 'y')").await;
        let seals = audit::sealed(db.reader(), 0, 10).await.unwrap();
        assert!(seals.iter().all(|seal| seal.record == Found::Unreadable), "{seals:?}");
        let none: Vec<_> = seals.iter().map(|seal| seal.digest == [0; 32]).collect();
        assert_eq!(none, [false, true, false]);
        let unsealed = audit::unsealed(db.reader(), after(9), 10).await.unwrap();
        let [(id, Found::Unreadable)] = unsealed[..] else {
            panic!("{unsealed:?}");
        };
        assert_eq!(audit::when(id), after(2));
        let checkpoints = audit::checkpoints(db.reader(), 0, 10).await.unwrap();
        assert_eq!(checkpoints[0].digest, [0; 32]);
    }

    async fn seals_and_checkpoints_refuse_changes(database: TestDatabase) {
        let db = database.migrated::<Whole>().await;
        record_many(&db, START, 3).await;
        seal(&db, after(1)).await;
        let mut forbidden = vec![
            ("UPDATE audit_seal SET position = 9", "is append-only"),
            ("DELETE FROM audit_seal", "is append-only"),
            ("DELETE FROM audit_sealer", "keeps its rows"),
        ];
        let checkpoint = "INSERT INTO audit_checkpoint VALUES (3, 1, 'x', 'k', 'y')";
        run(&plain(&database).await, checkpoint).await;
        forbidden.extend([
            ("UPDATE audit_checkpoint SET at = 2", "is append-only"),
            ("DELETE FROM audit_checkpoint WHERE position = 3", "is append-only"),
        ]);
        if is_postgres(&database) {
            forbidden.extend([
                ("TRUNCATE audit_seal", "is append-only"),
                ("TRUNCATE audit_checkpoint", "is append-only"),
                ("TRUNCATE audit_sealer", "keeps its rows"),
                ("DELETE FROM audit", "is append-only"),
            ]);
        } else {
            forbidden.push((
                "REPLACE INTO audit_sealer VALUES (1, 0, NULL, NULL, NULL, NULL, 0)",
                "keeps its rows",
            ));
        }
        for (sql, why) in forbidden {
            let attempt = db.write_tx("test.attempt", |tx| {
                Box::pin(async move { tx.execute_unprepared(sql).await.db().map(drop) })
            });
            let error = attempt.await.expect_err(sql);
            assert!(error.chain().contains(why), "{sql}: {}", error.chain());
        }
        // Another head cannot be put beside the first.
        let second = "INSERT INTO audit_sealer VALUES (2, 0, NULL, NULL, NULL, NULL, 0)";
        db.write_tx("test.second", |tx| {
            Box::pin(async move { tx.execute_unprepared(second).await.db() })
        })
        .await
        .unwrap_err();
    }

    async fn the_head_moves_in_its_place(database: TestDatabase) {
        let db = database.migrated::<Whole>().await;
        record_many(&db, START, 3).await;
        changes_in_place(&db, "audit_sealer", async {
            seal(&db, after(100)).await;
        })
        .await;
    }
}

#[tokio::test]
async fn postgresql_lets_one_seal_and_the_other_go() {
    let database = TestDatabase::postgres().await;
    let (db, other) = (database.migrated::<Whole>().await, database.connect().await);
    record_many(&db, START, 3).await;
    db.write_tx("test.hold", |tx| {
        let other = &other;
        Box::pin(async move {
            let batch = audit::next_to_seal(tx, after(1), 100)
                .await?
                .expect("a batch");
            assert_eq!(batch.entries().len(), 3);
            assert_eq!(try_seal(other, after(1), 100).await?, None);
            let digests = chain(&batch);
            audit::append_seals(tx, batch, digests, None).await
        })
    })
    .await
    .unwrap();
    assert_eq!(try_seal(&other, after(1), 100).await.unwrap(), Some(0));
    checked(&db).await;
}

/// Run it alone: `tests/run -- cargo nextest run -p liaison-store --run-ignored only --no-capture looking`.
#[tokio::test]
#[ignore = "a measurement"]
async fn what_looking_costs_on_sqlite() {
    what_looking_costs(TestDatabase::sqlite()).await;
}

/// As the one before.
#[tokio::test]
#[ignore = "a measurement"]
async fn what_looking_costs_on_postgresql() {
    what_looking_costs(TestDatabase::postgres().await).await;
}

/// A busy service: a hundred seconds of 3,000 entries a second, sealed as they come; and then an idle one.
async fn what_looking_costs(database: TestDatabase) {
    let db = database.migrated::<Whole>().await;
    let (mut sealing, mut slowest) = (Duration::ZERO, Duration::ZERO);
    for second in 0..100 {
        let at = after(second);
        let one = |number: u64| entry(at + Duration::from_micros(number * 333));
        record(&db, (0..3_000).map(one).collect()).await;
        let began = Instant::now();
        assert_eq!(seal(&db, at + Duration::from_secs(1)).await, 3_000);
        sealing += began.elapsed();
        slowest = slowest.max(began.elapsed());
    }
    let timed = async |now: Timestamp| {
        let began = Instant::now();
        assert_eq!(seal(&db, now).await, 0);
        began.elapsed()
    };
    let looking = timed(after(100)).await;
    let settling = timed(after(200)).await;
    let idle = timed(after(201)).await;
    let began = Instant::now();
    for _ in 0..100 {
        seal(&db, after(200) + HOUR).await;
    }
    let sweeping = began.elapsed() / 100;
    println!(
        "{:?}: sealing 3,000 takes {:?}, at most {slowest:?}; looking again {looking:?}; settling a minute \
         at once {settling:?}; idle {idle:?}; a step of a sweep {sweeping:?}",
        db.backend(),
        sealing / 100
    );
}
