//! What people write stands in no table as they wrote it.

use liaison_proto::common::{DeclineReason, HandlingCode, Markings};
use liaison_proto::routing::{
    ClaimTaskRequest, CompleteTaskRequest, CreateTaskRequest, ListTasksRequest, Task,
};
use liaison_routing::store::Migrator;
use liaison_routing::store::entity::{assignment, task};
use liaison_store::sealed::Cell;
use liaison_store::{DbResult as _, migrate};
use liaison_testkit::both_backends;
use liaison_types::ReferralId;
use sea_orm::{ConnectionTrait as _, EntityTrait as _, Statement};
use sea_orm_migration::MigratorTrait as _;
use uuid::Uuid;

use crate::world::{Held, World};

const TITLE: &str = "Frage den Anbieter nach Ottilie Zaunkönig";
const RESULT: &str = "Das Konto gehört ihr, seit März";
const NOTE: &str = "Siehe Schreiben an die Familie Zaunkönig";

/// Everything that is text or bytes in a table.
async fn contents(world: &World, table: &str) -> Vec<u8> {
    let statement = Statement::from_string(world.db.backend(), format!("SELECT * FROM {table}"));
    let rows = world.db.reader().query_all_raw(statement).await.unwrap();
    let mut all = Vec::new();
    for row in &rows {
        for column in row.column_names() {
            if let Ok(text) = row.try_get::<String>("", &column) {
                all.extend(text.into_bytes());
            } else if let Ok(bytes) = row.try_get::<Vec<u8>>("", &column) {
                all.extend(bytes);
            }
        }
    }
    all
}

fn create(held: &Held, number: u128, title: &str) -> CreateTaskRequest {
    CreateTaskRequest {
        assignment: held.assignment.name.clone(),
        title: title.to_owned(),
        due_at: None,
        request_id: Uuid::from_u128(number).to_string(),
    }
}

/// A task that `unit` creates, and an officer of it claims and finishes.
async fn worked(world: &World, unit: &str, held: &Held) -> Task {
    let mut officer = world.officer(unit, "one");
    let created = officer.create_task(create(held, 1, TITLE)).await.unwrap();
    let name = created.into_inner().task.unwrap().name;
    let claim = ClaimTaskRequest { name: name.clone() };
    let claimed = officer.claim_task(claim).await.unwrap().into_inner();
    assert_eq!(claimed.task.unwrap().title, TITLE);
    let result = RESULT.to_owned();
    let complete = CompleteTaskRequest { name, result };
    let done = officer.complete_task(complete).await.unwrap().into_inner();
    done.task.unwrap()
}

async fn listed(world: &World, unit: &str, held: &Held) -> Vec<Task> {
    let assignment = held.assignment.name.clone();
    let request = ListTasksRequest { assignment };
    let listed = world.unit(unit).list_tasks(request).await.unwrap();
    listed.into_inner().tasks
}

both_backends! {
    async fn texts_are_opened_for_their_unit_and_stand_in_no_table(database: TestDatabase) {
        let world = World::new(database).await;
        world.routed("cyber", &["terrorism"]).await;
        let held = world.accepted("cyber").await;
        let other = world.pull_one("terrorism").await;
        let task = worked(&world, "cyber", &held).await;
        assert_eq!((task.title.as_str(), task.result.as_str()), (TITLE, RESULT));
        assert_eq!(listed(&world, "cyber", &held).await, [task]);
        let mut complete = held.complete();
        complete.note = NOTE.to_owned();
        world.unit("cyber").complete_assignment(complete).await.unwrap();
        let mut decline = other.decline(DeclineReason::NoCapacity);
        decline.note = NOTE.to_owned();
        world.unit("terrorism").decline_assignment(decline).await.unwrap();

        let mut dump = Vec::new();
        for table in ["routed_case", "assignment", "task", "audit", "outbox", "inbox", "data_key"] {
            dump.extend(contents(&world, table).await);
        }
        let holds = |word: &str| dump.windows(word.len()).any(|bytes| bytes == word.as_bytes());
        assert!(holds("NO_CAPACITY") && holds("2026-FR-"), "something is there");
        for word in ["Zaunkönig", "Anbieter", "Konto", "Schreiben"] {
            assert!(!holds(word), "{word}");
        }
        // One key a referral, and both notes open with it in their own place only.
        let db = world.db.reader();
        let referral = other.assignment.referral.parse::<String>().unwrap();
        let referral: ReferralId = referral.trim_start_matches("referrals/").parse().unwrap();
        let key = world.vault.key(db, referral.uuid()).await.unwrap();
        let notes = assignment::Entity::find().all(db).await.unwrap();
        assert_eq!(notes.len(), 2);
        for row in &notes {
            let sealed = row.note.as_deref().unwrap();
            let place = Cell::new("assignment", "note", row.id);
            assert_eq!(key.open_text(place, sealed).unwrap(), NOTE);
            let elsewhere = Cell::new("assignment", "note", Uuid::nil());
            assert!(key.open_text(elsewhere, sealed).is_err());
        }
        assert_eq!(liaison_store::sealed::versions(db).await.unwrap()[&1], 1);
    }

    /// Classification leaves it out; whoever does not, finds it left out here. Nothing is wrong with H3 alone.
    async fn a_restriction_in_words_is_not_kept(database: TestDatabase) {
        let world = World::new(database).await;
        for text in ["", "Ottilie Zaunkönig entscheidet"] {
            let mut fact = world.classified("cyber", &[]);
            let envelope = fact.envelope.get_or_insert_default();
            envelope.markings = Some(Markings {
                handling: vec![HandlingCode::H3.into()],
                handling_text: text.to_owned(),
                ..Markings::default()
            });
            world.classify(vec![fact]).await;
        }
        world.settle().await;
        for pulled in world.pull("cyber", 2).await {
            let markings = pulled.assignment.unwrap().markings.unwrap();
            assert_eq!(markings.handling, [i32::from(HandlingCode::H3)]);
            assert_eq!(markings.handling_text, "");
        }
        let kept = contents(&world, "routed_case").await;
        assert!(!kept.windows(7).any(|bytes| bytes == b"Ottilie"));
    }

    /// The first texts about one referral, from both of its units at the same moment: one key for both.
    async fn units_that_write_at_once_share_the_key(database: TestDatabase) {
        let world = World::new(database).await;
        for _ in 0..5 {
            world.routed("cyber", &["terrorism"]).await;
            let (one, other) = (world.accepted("cyber").await, world.accepted("terrorism").await);
            let (mut cyber, mut terrorism) = (world.unit("cyber"), world.unit("terrorism"));
            let (first, second) = futures::future::join(
                cyber.create_task(create(&one, 1, TITLE)),
                terrorism.create_task(create(&other, 1, TITLE)),
            )
            .await;
            first.unwrap();
            second.unwrap();
            assert_eq!(listed(&world, "cyber", &one).await[0].title, TITLE);
            assert_eq!(listed(&world, "terrorism", &other).await[0].title, TITLE);
        }
        assert_eq!(liaison_store::sealed::versions(world.db.reader()).await.unwrap()[&1], 5);
    }

    /// Without the data key a text is not there, which is no error.
    async fn a_text_without_its_key_is_empty(database: TestDatabase) {
        let world = World::new(database).await;
        world.routed("cyber", &[]).await;
        let held = world.accepted("cyber").await;
        worked(&world, "cyber", &held).await;
        let rows = task::Entity::find().all(world.db.reader()).await.unwrap();
        assert!(rows[0].title.is_some() && rows[0].result.is_some());
        world
            .db
            .write_tx("test.forget", |tx| {
                Box::pin(async move { tx.execute_unprepared("DELETE FROM data_key").await.db().map(drop) })
            })
            .await
            .unwrap();
        let tasks = listed(&world, "cyber", &held).await;
        assert_eq!((tasks[0].title.as_str(), tasks[0].result.as_str()), ("", ""));
    }

    /// What was kept in the clear is not carried on as if it were sealed.
    async fn plain_texts_of_before_are_refused(database: TestDatabase) {
        let steps = u32::try_from(Migrator::migrations().len()).unwrap();
        // Makes the file where there is none.
        drop(database.connect().await);
        let connection = sea_orm::Database::connect(database.settings().url.as_str()).await.unwrap();
        Migrator::up(&connection, Some(steps - 1)).await.unwrap();
        let case = "INSERT INTO routed_case VALUES ('00000000-0000-0000-0000-000000000001', '2026-FR-000001', \
            'NB-FR', 'ALERT', 'ROUTINE', '{}', 1, NULL, NULL, NULL, false, \
            '00000000-0000-0000-0000-000000000002', 1, 'cyber', NULL, '[]', '[]', false, NULL, 1, 1)";
        connection.execute_unprepared(case).await.unwrap();
        let refused = migrate::<Migrator>(database.settings()).await.unwrap_err();
        assert!(refused.chain().contains("begin with an empty database"), "{}", refused.chain());
        connection.execute_unprepared("DELETE FROM routed_case").await.unwrap();
        migrate::<Migrator>(database.settings()).await.unwrap();
    }
}
