//! The content of a referral is purged: what units wrote about it goes too, and the rest stays.

use liaison_proto::event::event::Data;
use liaison_proto::event::{DeliveryStatus, Event, ReferralPurged};
use liaison_proto::routing::{
    ClaimTaskRequest, CompleteTaskRequest, CreateTaskRequest, ListTasksRequest, Task, TaskState,
};
use liaison_routing::store::entity::{assignment, purged_referral, task};
use liaison_store::audit::{self, AuditQuery};
use liaison_store::sealed::versions;
use liaison_testkit::both_backends;
use sea_orm::EntityTrait as _;
use uuid::Uuid;

use crate::world::{Held, World, refused};

const INTAKE: &str = "service/intake";

fn purged(world: &World, source: &str, referral: &str) -> Event {
    Event {
        id: world.env.event_id().to_string(),
        source: format!("liaison://{source}"),
        subject: referral.to_owned(),
        sequence: 9,
        time: Some(liaison_grpc::wire::timestamp(world.env.now())),
        traceparent: String::new(),
        data: Some(Data::ReferralPurged(ReferralPurged {
            referral: referral.to_owned(),
        })),
    }
}

async fn purge(world: &World, referral: &str) {
    let event = purged(world, INTAKE, referral);
    // Once more, as it may come again.
    for _ in 0..2 {
        let results = world.deliver_as(INTAKE, vec![event.clone()]).await;
        let (status, reason) = (results[0].status(), &results[0].reason);
        assert_eq!(status, DeliveryStatus::Accepted, "{reason}");
    }
}

fn create(held: &Held, number: u128) -> CreateTaskRequest {
    CreateTaskRequest {
        assignment: held.assignment.name.clone(),
        title: "ask the provider".to_owned(),
        due_at: None,
        request_id: Uuid::from_u128(number).to_string(),
    }
}

/// A task that was claimed.
async fn claimed(world: &World, held: &Held, number: u128) -> Task {
    let mut officer = world.officer(&held.assignment.unit, "one");
    let created = officer.create_task(create(held, number)).await.unwrap();
    let name = created.into_inner().task.unwrap().name;
    let claimed = officer.claim_task(ClaimTaskRequest { name }).await.unwrap();
    claimed.into_inner().task.unwrap()
}

async fn complete(world: &World, held: &Held, name: &str) -> Task {
    let request = CompleteTaskRequest {
        name: name.to_owned(),
        result: "found".to_owned(),
    };
    let mut officer = world.officer(&held.assignment.unit, "one");
    let done = officer.complete_task(request).await.unwrap();
    done.into_inner().task.unwrap()
}

async fn texts(world: &World, held: &Held) -> Vec<(String, String)> {
    let assignment = held.assignment.name.clone();
    let request = ListTasksRequest { assignment };
    let listed = world.unit(&held.assignment.unit).list_tasks(request).await;
    let tasks = listed.unwrap().into_inner().tasks.into_iter();
    tasks.map(|task| (task.title, task.result)).collect()
}

/// How many rows still hold anything sealed.
async fn sealed(world: &World) -> usize {
    let db = world.db.reader();
    let tasks = task::Entity::find().all(db).await.unwrap();
    let shares = assignment::Entity::find().all(db).await.unwrap();
    let held = |row: &&task::Model| row.title.is_some() || row.result.is_some();
    let noted = shares.iter().filter(|row| row.note.is_some()).count();
    tasks.iter().filter(held).count() + noted
}

async fn audited(world: &World) -> Vec<(String, String)> {
    let query = AuditQuery {
        limit: 100,
        ..AuditQuery::default()
    };
    let all = audit::list(world.db.reader(), &query).await.unwrap();
    let all = all.into_iter().map(|record| record.entry);
    let ours = all.filter(|entry| entry.action == "routing.purge");
    ours.map(|entry| (entry.party.to_string(), entry.subject))
        .collect()
}

both_backends! {
    async fn what_units_wrote_is_destroyed_and_nothing_else(database: TestDatabase) {
        let world = World::new(database).await;
        let mut shares = Vec::new();
        for unit in ["cyber", "terrorism"] {
            world.routed(unit, &[]).await;
            let held = world.accepted(unit).await;
            let task = claimed(&world, &held, 1).await;
            complete(&world, &held, &task.name).await;
            world.unit(unit).complete_assignment(held.complete()).await.unwrap();
            shares.push(held);
        }
        assert_eq!(sealed(&world).await, 4);
        let [purged, kept] = shares.try_into().unwrap();
        let before = world.seen_by("unit/cyber").await;
        purge(&world, &purged.assignment.referral).await;

        assert_eq!(texts(&world, &purged).await, [(String::new(), String::new())]);
        let found = ("ask the provider".to_owned(), "found".to_owned());
        assert_eq!(texts(&world, &kept).await, [found]);
        assert_eq!(sealed(&world).await, 2);
        assert_eq!(versions(world.db.reader()).await.unwrap()[&1], 1);
        assert_eq!(world.seen_by("unit/cyber").await, before, "who did what stays");
        // Another event that says the same: said twice, done once.
        purge(&world, &purged.assignment.referral).await;
        assert_eq!(audited(&world).await, [(INTAKE.to_owned(), purged.assignment.referral.clone())]);
    }

    /// What is open can be ended; what is written meanwhile is not kept.
    async fn nothing_is_written_about_what_was_purged(database: TestDatabase) {
        let world = World::new(database).await;
        world.routed("cyber", &["terrorism"]).await;
        let (held, other) = (world.accepted("cyber").await, world.pull_one("terrorism").await);
        let task = claimed(&world, &held, 1).await;
        purge(&world, &held.assignment.referral).await;

        let mut unit = world.unit("cyber");
        assert_eq!(refused(unit.create_task(create(&held, 2)).await), "ILLEGAL_STATE");
        let done = complete(&world, &held, &task.name).await;
        assert_eq!(done.state(), TaskState::Completed);
        unit.complete_assignment(held.complete()).await.unwrap();
        let decline = other.decline(liaison_proto::common::DeclineReason::NoCapacity);
        world.unit("terrorism").decline_assignment(decline).await.unwrap();
        assert_eq!(texts(&world, &held).await, [(String::new(), String::new())]);
        assert_eq!(sealed(&world).await, 0);
        assert!(versions(world.db.reader()).await.unwrap().is_empty(), "no key comes back");
    }

    /// The word of classification may come later than that of intake.
    async fn a_purge_may_come_before_the_case(database: TestDatabase) {
        let world = World::new(database).await;
        let fact = world.classified("cyber", &[]);
        purge(&world, &fact.envelope.as_ref().unwrap().referral).await;
        world.classify(vec![fact]).await;
        world.settle().await;
        let held = world.accepted("cyber").await;
        assert_eq!(refused(world.unit("cyber").create_task(create(&held, 1)).await), "ILLEGAL_STATE");
        world.unit("cyber").complete_assignment(held.complete()).await.unwrap();
        assert_eq!(sealed(&world).await, 0);
    }

    /// A purge meets the first text about its referral: whoever comes second finds what the first one left.
    async fn a_purge_and_a_first_text_at_once(database: TestDatabase) {
        let world = World::new(database).await;
        for _ in 0..10 {
            world.routed("cyber", &[]).await;
            let held = world.accepted("cyber").await;
            let mut unit = world.unit("cyber");
            let referral = held.assignment.referral.clone();
            futures::future::join(unit.create_task(create(&held, 1)), purge(&world, &referral)).await.0.ok();
            assert!(texts(&world, &held).await.iter().all(|(title, _)| title.is_empty()));
        }
        assert_eq!(sealed(&world).await, 0);
        assert!(versions(world.db.reader()).await.unwrap().is_empty());
    }

    /// Only intake purges, and it says what.
    async fn nobody_else_purges(database: TestDatabase) {
        let world = World::new(database).await;
        world.routed("cyber", &[]).await;
        let held = world.accepted("cyber").await;
        claimed(&world, &held, 1).await;
        let referral = &held.assignment.referral;
        for (source, referral, reason) in [
            ("service/classification", referral.as_str(), "INVALID_ARGUMENT"),
            (INTAKE, "referrals/", "INVALID_ARGUMENT"),
            (INTAKE, held.assignment.name.as_str(), "INVALID_ARGUMENT"),
        ] {
            let results = world.deliver_as(source, vec![purged(&world, source, referral)]).await;
            let answer = (results[0].status(), results[0].reason.as_str());
            assert_eq!(answer, (DeliveryStatus::Rejected, reason), "{source} {referral}");
        }
        let posing = purged(&world, INTAKE, referral);
        let results = world.deliver_as("service/classification", vec![posing]).await;
        assert_eq!(results[0].reason, "CALLER_NOT_ALLOWED");
        assert_eq!(texts(&world, &held).await[0].0, "ask the provider");
        let marks = purged_referral::Entity::find().all(world.db.reader()).await.unwrap();
        assert!(marks.is_empty());
    }
}
