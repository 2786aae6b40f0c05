//! The audit.

use std::time::Duration;

use liaison_store::audit::{self, AuditEntry, AuditQuery, MAX_PAGE};
use liaison_store::{Db, DbResult};
use liaison_testkit::both_backends;
use liaison_types::{AuditId, ErrorKind, Party, SeededRandom, Timestamp};
use sea_orm::ConnectionTrait;

use crate::support::{is_postgres, plain, run};
use crate::thing::Whole;

fn entries(count: u32) -> Vec<AuditEntry> {
    let random = SeededRandom::new(7);
    let parties: [Party; 2] = [
        "bureau/NB-FR".parse().unwrap(),
        "unit/cyber".parse().unwrap(),
    ];
    (0..count)
        .map(|number| {
            let at = Timestamp::from_seconds(1_772_352_000) + Duration::from_secs(number.into());
            let party = parties[number as usize % 2].clone();
            let subject = format!("referrals/{}", number % 3);
            let mut entry = AuditEntry::new(
                AuditId::new(at, &random),
                at,
                party,
                "intake.open",
                subject,
                "PERMIT",
            );
            if number % 2 == 0 {
                entry.officer = Some("J. Doe ü".to_owned());
                entry.purpose = Some("investigation".to_owned());
                entry.rules = vec!["VIEW-1".to_owned(), "VIEW-2".to_owned()];
                entry.request_id = Some(String::new());
                entry.rule_set = Some("2026-03".to_owned());
                entry.facts = Some(vec![0xff; audit::MAX_FACTS]);
            }
            entry
        })
        .collect()
}

async fn record(db: &Db, entries: &[AuditEntry]) -> liaison_types::Result<()> {
    db.write_tx("test.record", |tx| {
        Box::pin(async { audit::record(tx, entries.to_vec()).await })
    })
    .await
}

both_backends! {
    async fn entries_are_kept_whole(database: TestDatabase) {
        let db = database.migrated::<Whole>().await;
        let written = entries(300);
        record(&db, &written).await.unwrap();
        let everything = AuditQuery {
            limit: MAX_PAGE,
            ..Default::default()
        };
        let list = async |query: &AuditQuery| audit::list(db.reader(), query).await.unwrap();

        let all = list(&everything).await;
        assert!(all.iter().all(audit::AuditRecord::is_intact));
        assert_eq!(
            all.iter().map(|r| r.entry.clone()).collect::<Vec<_>>(),
            written
        );

        let about = AuditQuery {
            subject: Some("referrals/1".to_owned()),
            ..everything.clone()
        };
        assert_eq!(list(&about).await.len(), 100);
        let by = AuditQuery {
            party: Some(written[0].party.clone()),
            ..everything.clone()
        };
        assert_eq!(list(&by).await.len(), 150);
        let between = AuditQuery {
            from: Some(written[10].at),
            until: Some(written[20].at),
            ..everything.clone()
        };
        assert_eq!(list(&between).await.len(), 10);
        // To the microsecond, which ids do not know.
        let instant = AuditQuery {
            from: Some(written[10].at + Duration::from_micros(1)),
            until: Some(written[11].at + Duration::from_micros(1)),
            ..everything.clone()
        };
        assert_eq!(list(&instant).await[0].entry, written[11]);
        assert_eq!(list(&instant).await.len(), 1);
        let by_between = AuditQuery {
            party: Some(written[0].party.clone()),
            after: Some(written[12].id),
            ..between
        };
        let found: Vec<_> = list(&by_between).await.into_iter().map(|r| r.entry).collect();
        assert_eq!(found, [14, 16, 18].map(|number| written[number].clone()));

        let (mut paged, mut page) = (
            Vec::new(),
            AuditQuery {
                limit: 70,
                ..Default::default()
            },
        );
        loop {
            let records = list(&page).await;
            let Some(last) = records.last() else { break };
            page.after = Some(last.entry.id);
            paged.extend(records);
        }
        assert_eq!(paged, all);
    }
}

both_backends! {
    async fn entries_of_before_the_decision_columns_stay(database: TestDatabase) {
        database.migrated::<crate::thing::Migrator>().await.close().await.unwrap();
        let owner = plain(&database).await;
        let id = if is_postgres(&database) {
            "'00000000-0000-0000-0000-000000000001'"
        } else {
            "x'00000000000000000000000000000001'"
        };
        let digest = if is_postgres(&database) { "sha256('')" } else { "zeroblob(32)" };
        let insert = format!(
            "INSERT INTO audit VALUES ({id}, 1, 'unit/cyber', NULL, 'a', 's', NULL, 'd', '', NULL, \
             {digest})"
        );
        run(&owner, &insert).await;
        let db = database.migrated::<Whole>().await;
        let query = AuditQuery { limit: 1, ..Default::default() };
        let all = audit::list(db.reader(), &query).await.unwrap();
        assert_eq!((&all[0].entry.facts, &all[0].entry.rule_set), (&None, &None));
    }

    async fn a_change_behind_our_back_shows(database: TestDatabase) {
        let db = database.migrated::<Whole>().await;
        record(&db, &entries(3)).await.unwrap();
        // What only the owner of the table can do.
        let owner = plain(&database).await;
        let disarm = if is_postgres(&database) {
            "ALTER TABLE audit DISABLE TRIGGER append_only"
        } else {
            "DROP TRIGGER audit_append_only_update"
        };
        run(&owner, disarm).await;
        run(
            &owner,
            "UPDATE audit SET decision = 'REFUSE' WHERE subject = 'referrals/1'",
        )
        .await;
        let query = AuditQuery {
            limit: 10,
            ..Default::default()
        };
        let intact: Vec<_> = audit::list(db.reader(), &query)
            .await
            .unwrap()
            .iter()
            .map(audit::AuditRecord::is_intact)
            .collect();
        assert_eq!(intact, [true, false, true]);
        // And a row that is no entry is named.
        run(
            &owner,
            "UPDATE audit SET party = 'nonsense' WHERE subject = 'referrals/2'",
        )
        .await;
        let error = audit::list(db.reader(), &query).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::DataLoss);
        assert!(error.chain().contains("table audit, column party, row "));
    }
}

both_backends! {
    async fn odd_entries_are_refused(database: TestDatabase) {
        let db = database.migrated::<Whole>().await;
        let changes: [fn(&mut AuditEntry); 4] = [
            |entry| entry.rules = vec!["TWO WORDS".to_owned()],
            |entry| entry.rules = vec![String::new()],
            |entry| entry.facts = Some(vec![0; audit::MAX_FACTS + 1]),
            |entry| entry.at = entry.at + Duration::from_millis(1),
        ];
        for change in changes {
            let mut entry = entries(1);
            change(&mut entry[0]);
            let error = record(&db, &entry).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Internal);
        }
        let tables = db
            .reader()
            .execute_unprepared("SELECT 1 FROM audit")
            .await
            .db();
        assert_eq!(tables.unwrap().rows_affected(), 0);
    }
}
