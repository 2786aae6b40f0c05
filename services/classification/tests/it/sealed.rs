//! What people write at the triage desk stands in no table as they wrote it.

use liaison_classification::Migrator;
use liaison_classification::desk::{Finding, Ruling};
use liaison_proto::common::HandlingCode;
use liaison_proto::event::Envelope;
use liaison_proto::event::event::Data;
use liaison_store::migrate;
use liaison_testkit::both_backends;
use sea_orm::ConnectionTrait as _;
use sea_orm_migration::MigratorTrait as _;

use crate::kit::{World, coded, contents, duty_officer, vague};

const NOTE: &str = "Telefonat mit Ottilie Zaunkönig: es geht um Terror";

fn ruling(referral: liaison_types::ReferralId) -> Ruling {
    Ruling {
        referral,
        finding: Finding::Units {
            lead: "terrorism".parse().unwrap(),
            supporting: Vec::new(),
        },
        reason: NOTE.to_owned(),
    }
}

both_backends! {
    async fn the_reasoning_is_opened_for_the_desk_and_stands_in_no_table(database: TestDatabase) {
        let world = World::new(database).await;
        let (one, other) = (world.admit(vague()).await, world.admit(vague()).await);
        world.work().await;
        assert_eq!(world.count("data_key").await, 0, "the machine writes nothing to be sealed");
        for referral in [one, other] {
            let decided = world.ops.decide_triage(&duty_officer(), &ruling(referral)).await.unwrap();
            assert_eq!(decided.note.as_deref(), Some(NOTE));
            let decisions = world.ops.list_decisions(referral).await.unwrap();
            assert_eq!(decisions[0], decided);
            assert_eq!(decisions[1].note, None);
        }
        assert_eq!(world.count("data_key").await, 2);
        let mut dump = String::new();
        for table in
            ["referral_case", "decision", "correction", "triage_item", "audit", "outbox", "inbox", "data_key"]
        {
            dump.push_str(&contents(&world, table).await);
        }
        assert!(dump.contains("terrorism") && dump.contains("2026-fr-000123"), "something is there");
        for word in ["telefonat", "ottilie", "zaunk"] {
            assert!(!dump.contains(word), "{word}");
        }
    }

    /// Intake leaves it out; whoever does not, finds it left out here. Nothing is wrong with H3 alone.
    async fn a_restriction_in_words_is_not_kept(database: TestDatabase) {
        let world = World::new(database).await;
        for text in ["", "Ottilie Zaunkönig entscheidet"] {
            let mark = |envelope: &mut Envelope| {
                let markings = envelope.markings.get_or_insert_default();
                markings.handling = vec![HandlingCode::H3.into()];
                markings.handling_text = text.to_owned();
            };
            world.admit_as(coded("0903"), mark).await;
        }
        world.work().await;
        let told = world.outbox().await;
        assert_eq!(told.len(), 4);
        for (_, event) in told {
            let Some(Data::CaseClassified(classified)) = event.data else { panic!("another kind") };
            let markings = classified.envelope.unwrap().markings.unwrap();
            assert_eq!(markings.handling, [i32::from(HandlingCode::H3)]);
            assert_eq!(markings.handling_text, "");
        }
        assert!(!contents(&world, "referral_case").await.contains("ottilie"));
        assert!(!contents(&world, "outbox").await.contains("ottilie"));
    }

    /// Without the data key a note is not there, which is no error.
    async fn a_note_without_its_key_is_empty(database: TestDatabase) {
        let world = World::new(database).await;
        let referral = world.admit(vague()).await;
        world.work().await;
        world.ops.decide_triage(&duty_officer(), &ruling(referral)).await.unwrap();
        world.execute("DELETE FROM data_key").await;
        let decisions = world.ops.list_decisions(referral).await.unwrap();
        assert_eq!((decisions.len(), &decisions[0].note), (2, &None));
    }

    /// What was kept in the clear is not carried on as if it were sealed.
    async fn plain_texts_of_before_are_refused(database: TestDatabase) {
        let steps = Migrator::migrations();
        let sealing = steps.iter().position(|step| step.name() == "m20261122_000003_sealed_notes");
        let steps = u32::try_from(sealing.unwrap()).unwrap();
        // Makes the file where there is none.
        drop(database.connect().await);
        let connection = sea_orm::Database::connect(database.settings().url.as_str()).await.unwrap();
        Migrator::up(&connection, Some(steps)).await.unwrap();
        let case = "INSERT INTO referral_case VALUES ('00000000-0000-0000-0000-000000000001', 'PENDING', 0, 0, \
            'ROUTINE', 1, '[]', '', 0, 1, NULL, 1, 1)";
        connection.execute_unprepared(case).await.unwrap();
        let refused = migrate::<Migrator>(database.settings()).await.unwrap_err();
        assert!(refused.chain().contains("begin with an empty database"), "{}", refused.chain());
        connection.execute_unprepared("DELETE FROM referral_case").await.unwrap();
        migrate::<Migrator>(database.settings()).await.unwrap();
    }
}
