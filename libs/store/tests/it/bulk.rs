//! Statements over many rows.

use liaison_store::{
    DbBackend, DbResult, add_all, any_of, insert_all, insert_all_ignoring_conflicts, update_all,
};
use liaison_testkit::both_backends;
use liaison_testkit::database::TestDatabase;
use liaison_types::{ErrorKind, Reason};
use sea_orm::{ActiveValue::Set, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, Statement};

use crate::thing::{ActiveModel, Column, Entity, Migrator, Model, id, thing};

both_backends! {
    async fn every_type_and_every_null_round_trips(database: TestDatabase) {
        let db = database.migrated::<Migrator>().await;
        let mut expected: Vec<Model> = Vec::new();
        for count in [1_i64, 2, 3, 300, 1_000] {
            let from = i64::try_from(expected.len()).unwrap();
            let rows: Vec<_> = (from..from + count).map(thing).collect();
            db.write_tx("test.insert", |tx| Box::pin(insert_all(tx, rows.clone())))
                .await
                .unwrap();
            expected.extend(rows);
        }
        let stored = Entity::find()
            .order_by_asc(Column::Id)
            .all(db.reader())
            .await
            .unwrap();
        assert_eq!(stored, expected);
    }
}

both_backends! {
    async fn nothing_is_no_statement(database: TestDatabase) {
        let db = database.migrated::<Migrator>().await;
        db.write_tx("test.nothing", |tx| {
            Box::pin(async move {
                insert_all::<ActiveModel, Model>(tx, []).await?;
                let new = insert_all_ignoring_conflicts::<ActiveModel, Model, _>(tx, []).await?;
                assert!(new.is_empty());
                update_all::<ActiveModel, Model>(tx, &[Column::Name], []).await
            })
        })
        .await
        .unwrap();
    }
}

both_backends! {
    async fn counters_are_inserted_or_added_to(database: TestDatabase) {
        let db = database.migrated::<Migrator>().await;
        let counted = |number: i64, by: i64| Model {
            number: by,
            ..thing(number)
        };
        let renamed = Model {
            name: "not written where the row is there".to_owned(),
            ..counted(4, 7)
        };
        let (first, second, none) = db
            .write_tx("test.count", |tx| {
                let renamed = renamed.clone();
                Box::pin(async move {
                    let first = (0..5).map(|number| counted(number, 100 * (number + 1)));
                    let second = [counted(9, 1), counted(3, -3), renamed];
                    Ok((
                        add_all(tx, Column::Number, first).await?,
                        add_all(tx, Column::Number, second).await?,
                        add_all::<ActiveModel, Model, _>(tx, Column::Number, []).await?,
                    ))
                })
            })
            .await
            .unwrap();
        let sorted = |mut sums: Vec<_>| {
            sums.sort_unstable();
            sums
        };
        assert_eq!(sorted(first), (0..5).map(|n| (id(n), 100 * (n + 1))).collect::<Vec<_>>());
        assert_eq!(sorted(second), [(id(3), 397), (id(4), 507), (id(9), 1)]);
        assert_eq!(none, []);
        let stored = Entity::find_by_id(id(4)).one(db.reader()).await.unwrap();
        assert_eq!(stored, Some(counted(4, 507)));
    }
}

both_backends! {
    async fn conflicts_are_passed_over(database: TestDatabase) {
        let db = database.migrated::<Migrator>().await;
        db.write_tx("test.conflicts", |tx| {
            Box::pin(async move {
                insert_all(tx, (0..10).map(thing)).await?;
                // Five known, ten new, one of them twice, one with another row's number.
                let mut rows: Vec<_> = (5..20).rev().map(thing).collect();
                rows.push(thing(19));
                rows.push(Model {
                    id: id(99),
                    ..thing(0)
                });
                let mut new = insert_all_ignoring_conflicts(tx, rows).await?;
                new.sort();
                assert_eq!(new, (10..20).map(id).collect::<Vec<_>>());
                // A passed-over conflict leaves the transaction usable on both.
                insert_all(tx, [thing(20)]).await
            })
        })
        .await
        .unwrap();
        let stored = Entity::find()
            .order_by_asc(Column::Id)
            .all(db.reader())
            .await
            .unwrap();
        assert_eq!(stored, (0..21).map(thing).collect::<Vec<_>>());
    }
}

both_backends! {
    async fn many_rows_are_updated_at_once(database: TestDatabase) {
        let db = database.migrated::<Migrator>().await;
        let changed = |number: i64| Model {
            name: "new".to_owned(),
            other_content: (number % 2 == 0).then(|| vec![1]),
            other_number: None,
            // Not among the columns.
            number: 77,
            ..thing(number)
        };
        db.write_tx("test.update", |tx| {
            Box::pin(async move {
                insert_all(tx, (0..300).map(thing)).await?;
                let columns = [Column::Name, Column::OtherContent, Column::OtherNumber];
                let rows = (100..300).map(changed);
                update_all(tx, &columns, rows.collect::<Vec<_>>()).await?;
                // Active models need only the key and what is set.
                let some = ActiveModel {
                    id: Set(id(0)),
                    name: Set("one".to_owned()),
                    ..Default::default()
                };
                update_all(tx, &[Column::Name], [some]).await
            })
        })
        .await
        .unwrap();
        let stored = Entity::find()
            .order_by_asc(Column::Id)
            .all(db.reader())
            .await
            .unwrap();
        for (number, row) in (0..).zip(stored) {
            let expected = match number {
                0 => Model {
                    name: "one".to_owned(),
                    ..thing(0)
                },
                1..100 => thing(number),
                _ => Model {
                    number: -number,
                    ..changed(number)
                },
            };
            assert_eq!(row, expected);
        }
    }
}

both_backends! {
    async fn what_is_written_is_there_for_whoever_reads_next(database: TestDatabase) {
        let db = database.migrated::<Migrator>().await;
        db.write_tx("test.read", |tx| {
            Box::pin(async move {
                insert_all(tx, [thing(1)]).await?;
                insert_all(tx, [thing(2)]).await?;
                let named = |number: i64| Model {
                    name: "renamed".to_owned(),
                    ..thing(number)
                };
                update_all(tx, &[Column::Name], [named(2)]).await?;
                let stored = Entity::find().order_by_asc(Column::Id).all(tx).await.db()?;
                assert_eq!(stored, [thing(1), named(2)]);
                // The last ones go with the commit.
                update_all(tx, &[Column::Name], [named(1)]).await?;
                insert_all(tx, [thing(3)]).await
            })
        })
        .await
        .unwrap();
        let stored = Entity::find().order_by_asc(Column::Id).all(db.reader()).await.unwrap();
        let names: Vec<_> = stored.iter().map(|thing| thing.name.as_str()).collect();
        assert_eq!(names, ["renamed", "renamed", thing(3).name.as_str()]);
    }

    async fn what_fails_with_the_commit_leaves_nothing(database: TestDatabase) {
        let db = database.migrated::<Migrator>().await;
        let missing = db
            .write_tx("test.missing", |tx| {
                Box::pin(async move {
                    insert_all(tx, [thing(1)]).await?;
                    update_all(tx, &[Column::Name], [thing(1), thing(2)]).await
                })
            })
            .await
            .unwrap_err();
        assert_eq!(missing.kind(), ErrorKind::Internal);
        assert!(missing.chain().contains("rows affected instead of"), "{}", missing.chain());
        let twice = db
            .write_tx("test.twice", |tx| {
                Box::pin(async move {
                    insert_all(tx, [thing(1)]).await?;
                    insert_all(tx, [thing(1)]).await
                })
            })
            .await
            .unwrap_err();
        assert_eq!(twice.reason(), Reason::Conflict);
        assert_eq!(Entity::find().all(db.reader()).await.unwrap(), []);
    }
}

both_backends! {
    async fn mistakes_are_named(database: TestDatabase) {
        let db = database.migrated::<Migrator>().await;
        let incomplete = ActiveModel {
            id: Set(id(1)),
            ..Default::default()
        };
        let error = db
            .write_tx("test.incomplete", |tx| {
                Box::pin(insert_all(tx, [incomplete.clone()]))
            })
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Internal);
        assert!(error.chain().contains("column thing.name is not set"));
        for columns in [vec![], vec![Column::Id]] {
            let error = db
                .write_tx("test.columns", |tx| {
                    Box::pin(async { update_all(tx, &columns, [thing(1)]).await })
                })
                .await
                .unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Internal);
        }
    }
}

both_backends! {
    async fn many_rows_are_found_by_key(database: TestDatabase) {
        let db = database.migrated::<Migrator>().await;
        db.write_tx("test.setup", |tx| Box::pin(insert_all(tx, (0..400).map(thing))))
            .await
            .unwrap();
        for count in [0, 1, 3, 4, 300] {
            let found = Entity::find()
                .filter(any_of(db.backend(), Column::Id, (0..count).map(id).collect()))
                .filter(any_of(db.backend(), Column::Number, (-1_000..1_000).collect()))
                .order_by_asc(Column::Id)
                .all(db.reader())
                .await
                .unwrap();
            assert_eq!(found, (0..count).map(thing).collect::<Vec<_>>());
        }
    }
}

#[tokio::test]
async fn postgresql_prepares_one_statement_for_every_number_of_rows() {
    let database = TestDatabase::postgres().await;
    let db = database.migrated::<Migrator>().await;
    let prepared = db
        .write_tx("test.prepared", |tx| {
            Box::pin(async move {
                for range in [0..1, 1..6, 6..100] {
                    insert_all(tx, range.clone().map(thing)).await?;
                    insert_all_ignoring_conflicts(tx, range.clone().map(thing).collect::<Vec<_>>())
                        .await?;
                    update_all(tx, &[Column::Name], range.map(thing).collect::<Vec<_>>()).await?;
                }
                for count in 0..5 {
                    let numbers = (0..count).collect::<Vec<i64>>();
                    Entity::delete_many()
                        .filter(any_of(DbBackend::Postgres, Column::Number, numbers))
                        .exec(tx)
                        .await
                        .db()?;
                }
                let statement = Statement::from_string(
                    tx.get_database_backend(),
                    "SELECT count(*) FROM pg_prepared_statements \
                     WHERE statement LIKE '%\"thing\"%' AND statement NOT LIKE '%pg_prepared%'",
                );
                let row = tx.query_one_raw(statement).await.db()?.expect("a count");
                row.try_get_by_index::<i64>(0).db()
            })
        })
        .await
        .unwrap();
    assert_eq!(prepared, 4);
}
