//! The audit.

use std::time::Duration;

use liaison_store::audit::{self, AuditEntry, AuditQuery, MAX_PAGE};
use liaison_store::{Db, DbResult};
use liaison_testkit::both_backends;
use liaison_types::{AuditId, ErrorKind, Party, SeededRandom, Timestamp};
use sea_orm::ConnectionTrait;

use crate::support::{is_postgres, plain, run};
use crate::thing::Migrator;

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
        let db = database.migrated::<Migrator>().await;
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
    async fn a_change_behind_our_back_shows(database: TestDatabase) {
        let db = database.migrated::<Migrator>().await;
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
        let db = database.migrated::<Migrator>().await;
        let mut entry = entries(1);
        entry[0].rules = vec!["TWO WORDS".to_owned()];
        assert_eq!(
            record(&db, &entry).await.unwrap_err().kind(),
            ErrorKind::Internal
        );
        let tables = db
            .reader()
            .execute_unprepared("SELECT 1 FROM audit")
            .await
            .db();
        assert_eq!(tables.unwrap().rows_affected(), 0);
    }
}
