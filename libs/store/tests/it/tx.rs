//! Write transactions.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use liaison_store::{Commit, Db, DbBackend, DbResult, TxCounts, ensure_affected, insert_all};
use liaison_testkit::both_backends;
use liaison_testkit::database::TestDatabase;
use liaison_types::{Error, ErrorKind, Reason, Result};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ConnectionTrait, EntityTrait, IntoActiveModel,
    PaginatorTrait, QuerySelect, Statement,
};
use tokio::sync::{Barrier, Notify};

use crate::support::{plain, run};
use crate::thing::{Entity, Migrator, id, thing};

async fn count(db: &Db) -> u64 {
    Entity::find().count(db.reader()).await.unwrap()
}

both_backends! {
    async fn commits_or_rolls_back(database: TestDatabase) {
        let db = database.migrated::<Migrator>().await;
        // Borrowed by the closure, not moved into it.
        let rows = vec![thing(1), thing(2)];
        let written = db
            .write_tx("test.good", |tx| {
                Box::pin(async {
                    insert_all(tx, rows.clone()).await?;
                    Ok(rows.len())
                })
            })
            .await
            .unwrap();
        assert_eq!((written, count(&db).await), (2, 2));

        let error = db
            .write_tx("test.bad", |tx| {
                Box::pin(async move {
                    insert_all(tx, [thing(3)]).await?;
                    Err::<(), _>(Error::illegal_state("test", "NEW"))
                })
            })
            .await
            .unwrap_err();
        assert_eq!(error.reason(), Reason::IllegalState);
        assert_eq!(count(&db).await, 2);

        let counts = db.counts();
        let good = TxCounts {
            committed: 1,
            ..TxCounts::default()
        };
        let bad = TxCounts {
            failed: 1,
            ..TxCounts::default()
        };
        assert_eq!((counts["test.good"], counts["test.bad"]), (good, bad));
        assert!(ensure_affected(2, 2).is_ok() && ensure_affected(1, 2).is_err());
    }
}

both_backends! {
    async fn read_then_write_loses_nothing(database: TestDatabase) {
        let db = database.migrated::<Migrator>().await;
        db.write_tx("test.setup", |tx| Box::pin(insert_all(tx, [thing(0)])))
            .await
            .unwrap();
        let work = (0..40).map(|_| {
            let db = db.clone();
            tokio::spawn(async move {
                db.write_tx("test.increment", |tx| {
                    Box::pin(async move {
                        let row = Entity::find_by_id(id(0))
                            .lock_exclusive()
                            .one(tx)
                            .await
                            .db()?;
                        let mut row = row.ok_or_else(Error::not_found)?.into_active_model();
                        let next = row.small.as_ref() + 1;
                        row.small = Set(next);
                        row.update(tx).await.db()?;
                        Ok(())
                    })
                })
                .await
            })
        });
        for outcome in futures::future::join_all(work).await {
            outcome.unwrap().unwrap();
        }
        let row = Entity::find_by_id(id(0))
            .one(db.reader())
            .await
            .unwrap()
            .unwrap();
        assert_eq!(row.small, 40);
        assert_eq!(db.counts()["test.increment"].committed, 40);
    }
}

both_backends! {
    async fn a_duplicate_is_looked_at_twice(database: TestDatabase) {
        let db = database.migrated::<Migrator>().await;
        let attempts = AtomicU32::new(0);
        let insert = |_| {
            db.write_tx("test.duplicate", |tx| {
                Box::pin(async {
                    attempts.fetch_add(1, Ordering::SeqCst);
                    insert_all(tx, [thing(1)]).await
                })
            })
        };
        insert(()).await.unwrap();
        let error = insert(()).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.reason()),
            (ErrorKind::Aborted, Reason::Conflict)
        );
        assert_eq!(attempts.load(Ordering::SeqCst), 3);
        assert_eq!(db.counts()["test.duplicate"].retries, 1);
    }
}

both_backends! {
    async fn a_dropped_transaction_leaves_nothing(database: TestDatabase) {
        let db = database.migrated::<Migrator>().await;
        let (begun, never) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let task = tokio::spawn({
            let (db, begun) = (db.clone(), Arc::clone(&begun));
            async move {
                db.write_tx("test.dropped", |tx| {
                    Box::pin(async {
                        insert_all(tx, [thing(1)]).await?;
                        begun.notify_one();
                        never.notified().await;
                        Ok(())
                    })
                })
                .await
            }
        });
        begun.notified().await;
        task.abort();
        assert!(task.await.unwrap_err().is_cancelled());
        // The same row: had it stayed, or stayed locked, this would fail or hang.
        db.write_tx("test.next", |tx| Box::pin(insert_all(tx, [thing(1)])))
            .await
            .unwrap();
        assert_eq!(count(&db).await, 1);
    }
}

/// What the database itself says of how this transaction will commit.
async fn promised(tx: &impl ConnectionTrait) -> Result<String> {
    let backend = tx.get_database_backend();
    let sql = match backend {
        DbBackend::Postgres => "SHOW synchronous_commit",
        _ => {
            "SELECT CASE synchronous WHEN 1 THEN 'off' WHEN 2 THEN 'on' END FROM pragma_synchronous"
        }
    };
    let row = tx
        .query_one_raw(Statement::from_string(backend, sql))
        .await
        .db()?
        .ok_or_else(Error::not_found)?;
    row.try_get_by_index(0).db()
}

both_backends! {
    async fn each_transaction_commits_as_it_asked(database: TestDatabase) {
        let db = database.migrated::<Migrator>().await;
        let asked = [
            (Commit::Synchronous, "on"),
            (Commit::Asynchronous, "off"),
            (Commit::Asynchronous, "off"),
            (Commit::Synchronous, "on"),
        ];
        // As the server of the tests is set, which may be off for their speed.
        let usual = promised(db.reader()).await.unwrap();
        for (number, (commit, expected)) in asked.into_iter().enumerate() {
            let found = db
                .write_tx_with(commit, "test.commit", |tx| {
                    Box::pin(async move {
                        insert_all(tx, [thing(i64::try_from(number).map_err(Error::internal)?)])
                            .await?;
                        promised(tx).await
                    })
                })
                .await
                .unwrap();
            let expected = if expected == "on" { usual.as_str() } else { expected };
            assert_eq!(found, expected, "{number}");
        }
        assert_eq!(count(&db).await, 4);
    }
}

both_backends! {
    async fn dropping_one_leaves_the_next_synchronous(database: TestDatabase) {
        let db = database.migrated::<Migrator>().await;
        let usual = promised(db.reader()).await.unwrap();
        let (begun, never) = (Notify::new(), Notify::new());
        let dropped = db.write_tx_with(Commit::Asynchronous, "test.dropped", |tx| {
            Box::pin(async {
                insert_all(tx, [thing(1)]).await?;
                begun.notify_one();
                never.notified().await;
                Ok(())
            })
        });
        tokio::select! {
            _ = dropped => unreachable!("it never ends"),
            () = begun.notified() => {}
        }
        let found = db
            .write_tx("test.next", |tx| {
                Box::pin(async {
                    insert_all(tx, [thing(1)]).await?;
                    promised(tx).await
                })
            })
            .await
            .unwrap();
        assert_eq!((found, count(&db).await), (usual, 1));
    }
}

#[tokio::test]
async fn sqlite_waits_for_another_process() {
    let database = TestDatabase::sqlite();
    let db = database.migrated::<Migrator>().await;
    let other = plain(&database).await;
    other.execute_unprepared("BEGIN IMMEDIATE").await.unwrap();
    let task = tokio::spawn({
        let db = db.clone();
        async move {
            db.write_tx("test.wait", |tx| Box::pin(insert_all(tx, [thing(1)])))
                .await
        }
    });
    // Readers do not wait.
    assert_eq!(count(&db).await, 0);
    other.execute_unprepared("COMMIT").await.unwrap();
    task.await.unwrap().unwrap();
    assert_eq!(count(&db).await, 1);
}

#[tokio::test]
async fn sqlite_holds_the_write_lock_from_the_beginning() {
    let database = TestDatabase::sqlite();
    let db = database.migrated::<Migrator>().await;
    let other = plain(&database).await;
    run(&other, "PRAGMA busy_timeout = 0").await;
    let refused = db
        .write_tx("test.read-first", |tx| {
            Box::pin(async {
                let before = Entity::find().count(tx).await.db()?;
                // Could anybody write now, what was read would be out of date before it is built upon.
                let refused = other.execute_unprepared("BEGIN IMMEDIATE").await.db();
                let refused = refused.expect_err("the transaction holds the lock");
                insert_all(tx, [thing(i64::try_from(before).map_err(Error::internal)?)]).await?;
                Ok(refused.kind())
            })
        })
        .await
        .unwrap();
    // Which is what busy means.
    assert_eq!(refused, ErrorKind::ResourceExhausted);
    let once = TxCounts {
        committed: 1,
        ..TxCounts::default()
    };
    assert_eq!(
        (db.counts()["test.read-first"], count(&db).await),
        (once, 1)
    );
    run(&other, "BEGIN IMMEDIATE").await;
}

#[tokio::test]
async fn postgresql_deadlocks_are_repeated() {
    let database = TestDatabase::postgres().await;
    let db = database.migrated::<Migrator>().await;
    db.write_tx("test.setup", |tx| {
        Box::pin(insert_all(tx, [thing(1), thing(2)]))
    })
    .await
    .unwrap();
    let both_hold_one = Arc::new(Barrier::new(2));
    let cross = |first: i64, second: i64| {
        let (db, barrier) = (db.clone(), Arc::clone(&both_hold_one));
        tokio::spawn(async move {
            let attempt = AtomicU32::new(0);
            db.write_tx("test.cross", |tx| {
                Box::pin(async {
                    touch(tx, first).await?;
                    if attempt.fetch_add(1, Ordering::SeqCst) == 0 {
                        barrier.wait().await;
                    }
                    touch(tx, second).await
                })
            })
            .await
        })
    };
    let (a, b) = tokio::join!(cross(1, 2), cross(2, 1));
    a.unwrap().unwrap();
    b.unwrap().unwrap();
    let counts = db.counts()["test.cross"];
    assert_eq!((counts.committed, counts.failed), (2, 0));
    assert!(counts.retries >= 1);
}

async fn touch(tx: &impl ConnectionTrait, number: i64) -> Result<()> {
    let sql = "UPDATE thing SET small = small + 1 WHERE id = $1";
    let statement =
        Statement::from_sql_and_values(tx.get_database_backend(), sql, [id(number).into()]);
    ensure_affected(tx.execute_raw(statement).await.db()?.rows_affected(), 1)
}

#[tokio::test]
async fn postgresql_connections_lost_before_the_commit_are_replaced() {
    let database = TestDatabase::postgres().await;
    let db = database.migrated::<Migrator>().await;
    let other = plain(&database).await;
    let attempts = AtomicU32::new(0);
    db.write_tx("test.lost", |tx| {
        Box::pin(async {
            if attempts.fetch_add(1, Ordering::SeqCst) == 0 {
                let statement =
                    Statement::from_string(tx.get_database_backend(), "SELECT pg_backend_pid()");
                let row = tx
                    .query_one_raw(statement)
                    .await
                    .db()?
                    .ok_or_else(Error::not_found)?;
                let pid: i32 = row.try_get_by_index(0).db()?;
                let sql = format!("SELECT pg_terminate_backend({pid}, 5000)");
                other.execute_unprepared(&sql).await.db()?;
            }
            insert_all(tx, [thing(1)]).await
        })
    })
    .await
    .unwrap();
    assert_eq!(attempts.load(Ordering::SeqCst), 2);
    assert_eq!(count(&db).await, 1);
}
