//! Opening databases.

use std::time::Duration;

use liaison_store::{DatabaseSettings, Db, DbBackend, DbResult};
use liaison_testkit::both_backends;
use liaison_testkit::database::TestDatabase;
use liaison_types::{ErrorKind, Reason};
use sea_orm::{ConnectionTrait, Statement};

use crate::thing::Migrator;

both_backends! {
    async fn answers_and_closes(database: TestDatabase) {
        let db = database.migrated::<Migrator>().await;
        db.ping().await.unwrap();
        db.close().await.unwrap();
        assert_eq!(db.ping().await.unwrap_err().kind(), ErrorKind::Unavailable);
    }
}

async fn text(db: &impl ConnectionTrait, sql: &str) -> String {
    let statement = Statement::from_string(db.get_database_backend(), sql);
    let row = db.query_one_raw(statement).await.unwrap().unwrap();
    row.try_get_by_index::<String>(0)
        .or_else(|_| {
            row.try_get_by_index::<i64>(0)
                .map(|number| number.to_string())
        })
        .unwrap()
}

#[tokio::test]
async fn sqlite_is_durable_private_and_has_one_writer() {
    use std::os::unix::fs::PermissionsExt;
    let database = TestDatabase::sqlite();
    let db = database.connect().await;
    let reader = db.reader();
    assert_eq!(text(reader, "PRAGMA journal_mode").await, "wal");
    assert_eq!(text(reader, "PRAGMA foreign_keys").await, "1");
    let synchronous = db
        .write_tx("test.pragma", |tx| {
            Box::pin(async move {
                tx.execute_unprepared("CREATE TABLE t (x)").await.db()?;
                Ok(text(tx, "PRAGMA synchronous").await)
            })
        })
        .await
        .unwrap();
    assert_eq!(synchronous, "2", "FULL");
    let error = reader.execute_unprepared("INSERT INTO t VALUES (1)").await;
    assert_eq!(error.db().unwrap_err().kind(), ErrorKind::Internal);

    let path = database.settings().url.strip_prefix("sqlite://").unwrap();
    for suffix in ["", "-wal", "-shm"] {
        let metadata = std::fs::metadata(format!("{path}{suffix}")).unwrap();
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600, "{suffix}");
    }
    db.close().await.unwrap();
    assert!(
        !std::fs::exists(format!("{path}-wal")).unwrap(),
        "the log is folded in"
    );
}

#[tokio::test]
async fn postgresql_sees_who_is_connected() {
    let database = TestDatabase::postgres().await;
    let mut settings = database.settings().clone();
    settings.application_name = "liaison-test".to_owned();
    let db = Db::connect(&settings).await.unwrap();
    assert_eq!(db.backend(), DbBackend::Postgres);
    assert_eq!(
        text(db.reader(), "SHOW application_name").await,
        "liaison-test"
    );
}

#[tokio::test]
async fn what_cannot_be_opened_says_so() {
    for url in [
        "sqlite::memory:",
        "mysql://x/y",
        "",
        "sqlite:///no/such/folder/x.db",
    ] {
        let error = Db::connect(&DatabaseSettings::new(url)).await.unwrap_err();
        assert_eq!(error.reason(), Reason::SettingInvalid, "{url}");
    }
    let mut settings = DatabaseSettings::new("postgres://nobody:hunter2@127.0.0.1:9/none");
    settings.acquire_timeout_ms = 300;
    let started = std::time::Instant::now();
    let error = Db::connect(&settings).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(!error.chain().contains("hunter2"));
    assert!(started.elapsed() < Duration::from_secs(10));
}
