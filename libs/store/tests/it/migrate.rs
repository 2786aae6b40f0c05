//! Bringing schemas up to date.

use liaison_store::{Db, DbResult, audit, insert_all, migrate, migration, pending};
use liaison_testkit::both_backends;
use liaison_testkit::database::TestDatabase;
use liaison_types::{ErrorKind, Reason, Result};
use sea_orm::{ConnectionTrait, DatabaseConnection, DbErr, EntityTrait};
use sea_orm_migration::{MigrationTrait, MigratorTrait, SchemaManager};

use crate::support::{is_postgres, plain, run};
use crate::thing::{Entity, Migrator, Whole, first, thing};

/// Adds a table, then fails where `FAIL`.
fn second<const FAIL: bool>() -> Box<dyn MigrationTrait> {
    migration::step("m0002_second", |manager| {
        Box::pin(async move {
            let table = migration::table("second")
                .col(migration::id("id"))
                .to_owned();
            manager.create_table(table).await?;
            if FAIL {
                return Err(DbErr::Custom("this failure belongs to the test".to_owned()));
            }
            Ok(())
        })
    })
}

struct Extended<const FAIL: bool>;

impl<const FAIL: bool> MigratorTrait for Extended<FAIL> {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![first(), second::<FAIL>()]
    }
}

/// Knows the second migration only.
struct Diverged;

impl MigratorTrait for Diverged {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![second::<false>()]
    }
}

both_backends! {
    async fn migrates_once(database: TestDatabase) {
        let db = database.connect().await;
        assert_eq!(pending::<Migrator>(&db).await.unwrap(), ["m0001_first"]);
        assert_eq!(
            migrate::<Migrator>(database.settings()).await.unwrap(),
            ["m0001_first"]
        );
        assert!(pending::<Migrator>(&db).await.unwrap().is_empty());
        assert!(
            migrate::<Migrator>(database.settings())
                .await
                .unwrap()
                .is_empty()
        );
        assert_eq!(
            pending::<Extended<false>>(&db).await.unwrap(),
            ["m0002_second"]
        );
    }
}

both_backends! {
    async fn many_at_once_take_turns(database: TestDatabase) {
        let settings = database.settings();
        let all = (0..5).map(|_| migrate::<Extended<false>>(settings));
        let outcomes: Vec<_> = futures::future::join_all(all).await;
        let applied: usize = outcomes.into_iter().map(|names| names.unwrap().len()).sum();
        assert_eq!(applied, 2);
    }
}

async fn has_table(connection: &DatabaseConnection, table: &str) -> bool {
    SchemaManager::new(connection)
        .has_table(table)
        .await
        .unwrap()
}

both_backends! {
    async fn a_failed_migration_leaves_nothing(database: TestDatabase) {
        let error = migrate::<Extended<true>>(database.settings())
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Internal);
        let db = database.connect().await;
        assert!(!has_table(db.reader(), "second").await);
        assert!(
            pending::<Extended<true>>(&db)
                .await
                .unwrap()
                .contains(&"m0002_second".to_owned())
        );
        // Mended, it goes through.
        migrate::<Extended<false>>(database.settings())
            .await
            .unwrap();
        assert!(has_table(db.reader(), "second").await);
    }
}

both_backends! {
    async fn newer_schemas_are_served_and_not_migrated(database: TestDatabase) {
        migrate::<Extended<false>>(database.settings())
            .await
            .unwrap();
        let db = database.connect().await;
        assert!(pending::<Migrator>(&db).await.unwrap().is_empty());
        assert!(
            migrate::<Migrator>(database.settings())
                .await
                .unwrap()
                .is_empty()
        );

        let other = TestDatabase::new(database.backend()).await;
        migrate::<Migrator>(other.settings()).await.unwrap();
        let error = migrate::<Diverged>(other.settings()).await.unwrap_err();
        assert_eq!(error.reason(), Reason::IllegalState);
    }
}

async fn attempt(db: &Db, sql: &'static str) -> Result<()> {
    db.write_tx("test.attempt", |tx| {
        Box::pin(async move { tx.execute_unprepared(sql).await.db().map(drop) })
    })
    .await
}

both_backends! {
    async fn append_only_tables_refuse_changes(database: TestDatabase) {
        let db = database.migrated::<Migrator>().await;
        let insert = "INSERT INTO audit VALUES ('1', 1, 'p', NULL, 'a', 's', NULL, 'd', '', NULL, 'x')";
        // PostgreSQL wants a UUID, SQLite takes any value.
        let insert = if is_postgres(&database) {
            "INSERT INTO audit VALUES ('00000000-0000-0000-0000-000000000001', 1, 'p', NULL, 'a', 's', \
             NULL, 'd', '', NULL, 'x')"
        } else {
            insert
        };
        attempt(&db, insert).await.unwrap();
        let mut forbidden = vec![
            "UPDATE audit SET party = 'q'",
            "DELETE FROM audit",
            "DELETE FROM audit WHERE party = 'p'",
        ];
        if is_postgres(&database) {
            forbidden.extend([
                "TRUNCATE audit",
                "UPDATE audit SET party = 'q' WHERE false",
                "SET LOCAL session_replication_role = replica; DELETE FROM audit",
                "INSERT INTO audit VALUES ('00000000-0000-0000-0000-000000000001', 1, 'p', NULL, 'a', \
                 's', NULL, 'd', '', NULL, 'x') ON CONFLICT (id) DO UPDATE SET party = 'q'",
            ]);
        } else {
            forbidden.extend([
                "REPLACE INTO audit VALUES ('1', 1, 'q', NULL, 'a', 's', NULL, 'd', '', NULL, 'x')",
                "INSERT INTO audit VALUES ('1', 1, 'p', NULL, 'a', 's', NULL, 'd', '', NULL, 'x') \
                 ON CONFLICT (id) DO UPDATE SET party = 'q'",
            ]);
        }
        for sql in forbidden {
            let error = attempt(&db, sql).await.expect_err(sql);
            assert!(
                error.chain().contains("append-only"),
                "{sql}: {}",
                error.chain()
            );
        }
    }
}

#[tokio::test]
async fn postgresql_grants_the_serving_role_what_serving_needs() {
    let database = TestDatabase::postgres().await;
    let role = format!("serve{}", std::process::id());
    let owner = plain(&database).await;
    run(&owner, &format!("CREATE ROLE {role} LOGIN")).await;

    let mut settings = database.settings().clone();
    let place = settings
        .url
        .rsplit_once('@')
        .expect("the URL names a user")
        .1;
    let serving_url = format!("postgres://{role}@{place}");
    settings.migration_url = Some(std::mem::replace(&mut settings.url, serving_url));
    settings.serving_role = Some(role.clone());
    migrate::<Whole>(&settings).await.unwrap();
    let db = Db::connect(&settings).await.unwrap();

    assert!(pending::<Whole>(&db).await.unwrap().is_empty());
    db.write_tx("test.serve", |tx| {
        Box::pin(async move {
            insert_all(tx, [thing(1)]).await?;
            tx.execute_unprepared("UPDATE thing SET name = 'x'")
                .await
                .db()?;
            Entity::delete_many().exec(tx).await.db()?;
            for sql in [
                "INSERT INTO data_key VALUES (gen_random_uuid(), 1, 'x')",
                "UPDATE data_key SET wrapped = 'y'",
                "DELETE FROM data_key",
                "UPDATE audit_sealer SET swept_at = 1",
                "INSERT INTO audit_seal VALUES (1, gen_random_uuid(), 'x')",
                "INSERT INTO audit_checkpoint VALUES (1, 1, 'x', 'k', 'y')",
                "INSERT INTO audit_sealer VALUES (1, 0, NULL, NULL, NULL, NULL, 0) ON CONFLICT DO NOTHING",
                "SELECT 1 FROM audit_seal, audit_checkpoint, audit_sealer, data_key",
            ] {
                tx.execute_unprepared(sql).await.db()?;
            }
            Ok(())
        })
    })
    .await
    .unwrap();
    let query = audit::AuditQuery {
        limit: 1,
        ..Default::default()
    };
    assert!(audit::list(db.reader(), &query).await.unwrap().is_empty());
    for sql in [
        "UPDATE audit SET party = 'q'",
        "DELETE FROM audit",
        "UPDATE audit_seal SET position = 2",
        "DELETE FROM audit_checkpoint",
        "DELETE FROM audit_sealer",
        "TRUNCATE audit_sealer",
        "TRUNCATE thing",
        "CREATE TABLE mine (id integer)",
        "ALTER TABLE audit DISABLE TRIGGER append_only",
        "INSERT INTO seaql_migrations VALUES ('m0002_second', 1)",
    ] {
        let error = attempt(&db, sql).await.expect_err(sql);
        let chain = error.chain();
        assert!(
            chain.contains("permission denied") || chain.contains("must be owner"),
            "{chain}"
        );
    }
    db.close().await.unwrap();

    settings.serving_role = Some("nobody; DROP TABLE thing".to_owned());
    let error = migrate::<Whole>(&settings).await.unwrap_err();
    assert_eq!(error.reason(), Reason::SettingInvalid);
    run(&owner, &format!("DROP OWNED BY {role}; DROP ROLE {role}")).await;
}
