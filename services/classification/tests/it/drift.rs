//! How the machine's decisions change from week to week.

use std::time::Duration;

use liaison_classification::convert::week;
use liaison_classification::desk::Week;
use liaison_classification::{Migrator, store};
use liaison_proto::classification::WeekFigures;
use liaison_proto::event::TriageCause;
use liaison_store::DbBackend;
use liaison_testkit::both_backends;
use liaison_testkit::environment::Environment;
use liaison_types::{DecisionId, ReferralId};
use sea_orm::ConnectionTrait as _;
use sea_orm_migration::MigratorTrait as _;

use crate::kit::{World, coded, vague};

const WEEK: Duration = Duration::from_hours(7 * 24);

async fn figures(world: &World, weeks: u32) -> Vec<WeekFigures> {
    let figures = world.ops.get_drift_figures(weeks).await.unwrap();
    figures.iter().map(week).collect()
}

async fn decided(world: &World, iccs: &str) -> ReferralId {
    let referral = world.admit(coded(iccs)).await;
    world.work().await;
    referral
}

fn leads(of: &WeekFigures) -> Vec<(&str, i64)> {
    of.leads
        .iter()
        .map(|one| (one.lead.as_str(), one.decisions))
        .collect()
}

fn near(one: f64, other: f64) -> bool {
    (one - other).abs() < 1e-9
}

both_backends! {
    async fn each_week_is_counted_by_itself(database: TestDatabase) {
        let world = World::new(database).await;
        assert_eq!(figures(&world, 12).await, []);
        let this = Week::of(world.environment.now());
        for iccs in ["0903", "0903", "0906"] {
            decided(&world, iccs).await;
        }
        world.environment.advance(WEEK);
        decided(&world, "0601").await;
        // People look at these; and training traffic is not counted.
        world.admit(vague()).await;
        world.admit_as(coded("0903"), |sent| sent.exercise = true).await;
        world.work().await;

        let found = figures(&world, 12).await;
        let [later, earlier] = &found[..] else {
            panic!("two weeks: {found:?}");
        };
        assert_eq!(earlier.week, this.to_string());
        assert_eq!(later.week, Week::of(world.environment.now()).to_string());
        assert_eq!((earlier.decisions, earlier.reviews, earlier.changed), (3, 0, 0));
        assert_eq!(leads(earlier), [("cyber", 2), ("terrorism", 1)]);
        assert_eq!((later.decisions, later.reviews), (2, 1));
        assert!(near(later.review_share, 0.5), "{later:?}");
        assert!(leads(later).contains(&("narcotics-organized-crime", 1)), "{later:?}");
        let confidence = later.mean_confidence.unwrap();
        assert!((0.0..=1.0).contains(&confidence), "{confidence}");
        assert!(!later.rule_set.is_empty());
        assert_eq!(later.since.unwrap().seconds % (24 * 60 * 60), 0);
        assert_eq!(figures(&world, 1).await, found[..1]);
    }

    /// Decisions of before confidence and offences were kept are counted, and read.
    async fn decisions_of_before_are_counted(database: TestDatabase) {
        let steps = Migrator::migrations();
        let step = steps.iter().position(|step| step.name() == "m20261122_000004_corrections");
        // Makes the file where there is none.
        drop(database.connect().await);
        let connection = sea_orm::Database::connect(database.settings().url.as_str()).await.unwrap();
        Migrator::up(&connection, Some(u32::try_from(step.unwrap()).unwrap())).await.unwrap();
        let id = match connection.get_database_backend() {
            DbBackend::Postgres => "'00000000-0000-0000-0000-000000000001'".to_owned(),
            _ => format!("X'{:032x}'", 1),
        };
        let at = Environment::seeded(7).now().as_micros();
        let old = format!(
            "INSERT INTO decision (id, referral_id, revision, outcome, lead, supporting, probabilities, grounds,              rule_set, decided_at) VALUES ({id}, {id}, 1, 'REVIEW', NULL, '[]', '[]', '[]', '1', {at})"
        );
        connection.execute_unprepared(&old).await.unwrap();
        let world = World::new(database).await;
        let found = figures(&world, 1).await;
        assert_eq!((found[0].decisions, found[0].reviews, found[0].mean_confidence), (1, 1, None));
        assert_eq!(leads(&found[0]), [("none", 1)]);
        let id = DecisionId::from_uuid(uuid::Uuid::from_u128(1));
        let read = store::by_ids(world.db.reader(), &[id]).await.unwrap();
        assert_eq!((&read[&id].suggestions, read[&id].exercise), (&Vec::new(), false));
    }

    /// The mean is that of the decisions' own answers.
    async fn the_mean_confidence_is_that_of_the_decisions(database: TestDatabase) {
        let world = World::new(database).await;
        let mut sum = 0.0;
        for iccs in ["0903", "0906", "0601"] {
            let referral = decided(&world, iccs).await;
            sum += world.latest(referral).await.confidence().unwrap();
        }
        let mean = figures(&world, 1).await[0].mean_confidence.unwrap();
        assert!(near(mean, sum / 3.0), "{mean}");
    }

    /// What people changed counts in the week of the decision, once, and only where they have another lead.
    async fn what_people_changed_counts_in_the_week_of_the_decision(database: TestDatabase) {
        let world = World::new(database).await;
        let mut cases = Vec::new();
        for _ in 0..6 {
            cases.push(decided(&world, "0903").await);
        }
        world.environment.advance(WEEK);
        let changed = async || -> Vec<i64> {
            figures(&world, 12).await.iter().map(|week| week.changed).collect()
        };
        let correct = async |referral, lead: &str, supporting: &[&str]| {
            let decision = world.latest(referral).await.id;
            world.correct(decision, lead, supporting).await.unwrap();
        };
        let back = async |referral, revision, cause| {
            let event = world.came_back(referral, revision, cause, &["cyber"]);
            world.deliver("routing", vec![event]).await;
        };
        // Corrected twice.
        correct(cases[0], "terrorism", &[]).await;
        correct(cases[0], "children-trafficking", &[]).await;
        assert_eq!(changed().await, [1]);
        // Corrected, and back to what the machine said.
        correct(cases[1], "terrorism", &[]).await;
        assert_eq!(changed().await, [2]);
        correct(cases[1], "cyber", &[]).await;
        assert_eq!(changed().await, [1]);
        // The same lead with another at its side.
        correct(cases[2], "cyber", &["terrorism"]).await;
        assert_eq!(changed().await, [1]);
        // A unit says that it is the wrong one, before anybody has ruled.
        back(cases[3], 1, TriageCause::WrongUnit).await;
        assert_eq!(changed().await, [2]);
        world.rule(cases[3], "terrorism", &[]).await.unwrap();
        assert_eq!(changed().await, [2]);
        // One without room.
        back(cases[4], 1, TriageCause::Declined).await;
        world.rule(cases[4], "terrorism", &[]).await.unwrap();
        assert_eq!(changed().await, [2]);
        let found = figures(&world, 12).await;
        assert_eq!(found[0].decisions, 6);
        assert!(near(found[0].changed_share, 2.0 / 6.0), "{found:?}");
    }
}
