//! Tasks.

use liaison_proto::common::Outcome;
use liaison_proto::event::AssignmentStep as Step;
use liaison_proto::event::event::Data;
use liaison_proto::routing::{
    ClaimTaskRequest, CompleteTaskRequest, CreateTaskRequest, ListTasksRequest, Task, TaskState,
};
use liaison_testkit::both_backends;
use tonic::Code;
use uuid::Uuid;

use crate::world::{Held, World, reason, refused};

fn create(held: &Held, number: u128, title: &str) -> CreateTaskRequest {
    CreateTaskRequest {
        assignment: held.assignment.name.clone(),
        title: title.into(),
        due_at: None,
        request_id: Uuid::from_u128(number).to_string(),
    }
}

fn claim(task: &Task) -> ClaimTaskRequest {
    ClaimTaskRequest {
        name: task.name.clone(),
    }
}

fn complete(task: &Task) -> CompleteTaskRequest {
    CompleteTaskRequest {
        name: task.name.clone(),
        result: "found".into(),
    }
}

async fn new_task(world: &World, held: &Held, number: u128) -> Task {
    let created = world
        .unit("cyber")
        .create_task(create(held, number, "ask the provider"))
        .await;
    created.unwrap().into_inner().task.unwrap()
}

both_backends! {
    /// Created, claimed, finished; the assignment can be completed after that only.
    async fn the_life_of_a_task(database: TestDatabase) {
        let world = World::new(database).await;
        world.routed("cyber", &[]).await;
        let held = world.accepted("cyber").await;
        let task = new_task(&world, &held, 1).await;
        assert_eq!(task.state(), TaskState::Ready);
        assert_eq!(task.assignment, held.assignment.name);
        let second = new_task(&world, &held, 2).await;

        let mut unit = world.unit("cyber");
        let status = unit.complete_assignment(held.complete()).await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::FailedPrecondition, "ILLEGAL_STATE"));
        let nobody = unit.claim_task(claim(&task)).await.unwrap_err();
        assert_eq!((nobody.code(), reason(&nobody).as_str()), (Code::PermissionDenied, "OFFICER_REQUIRED"));
        let nobody = unit.complete_task(complete(&task)).await.unwrap_err();
        assert_eq!(reason(&nobody), "OFFICER_REQUIRED");

        let (mut one, mut two) = (world.officer("cyber", "one"), world.officer("cyber", "two"));
        assert_eq!(refused(one.complete_task(complete(&task)).await), "ILLEGAL_STATE");
        let claimed = one.claim_task(claim(&task)).await.unwrap().into_inner().task.unwrap();
        assert_eq!(claimed.state(), TaskState::Claimed);
        let by = claimed.claimed_by.clone().unwrap();
        assert_eq!((by.party.as_str(), by.officer.as_str()), ("unit/cyber", "one"));
        assert_ne!(claimed.etag, task.etag);
        assert_eq!(one.claim_task(claim(&task)).await.unwrap().into_inner().task.unwrap(), claimed);
        assert_eq!(refused(two.claim_task(claim(&task)).await), "ILLEGAL_STATE");
        let other = two.complete_task(complete(&task)).await.unwrap_err();
        assert_eq!(other.code(), Code::PermissionDenied);
        let done = one.complete_task(complete(&task)).await.unwrap().into_inner().task.unwrap();
        assert_eq!((done.state(), done.result.as_str()), (TaskState::Completed, "found"));
        assert!(done.completed_at.is_some());

        two.claim_task(claim(&second)).await.unwrap();
        two.complete_task(complete(&second)).await.unwrap();
        let listed = unit.list_tasks(ListTasksRequest { assignment: held.assignment.name.clone() });
        let listed = listed.await.unwrap().into_inner().tasks;
        assert_eq!(listed.len(), 2);
        assert!(listed.contains(&done));
        let completed = unit.complete_assignment(held.complete()).await.unwrap().into_inner();
        assert_eq!(completed.assignment.unwrap().outcome(), Outcome::InformationProvided);

        world.settle().await;
        let started = world.steps("intake").iter().filter(|(_, s)| *s == Step::WorkStarted).count();
        assert_eq!(started, 1, "work begins once");
        let states: Vec<_> = world
            .told("notification")
            .into_iter()
            .filter(|event| event.subject == task.name)
            .map(|event| match event.data {
                Some(Data::TaskChanged(changed)) => (event.sequence, changed.state),
                _ => panic!(),
            })
            .collect();
        let expected = [(1, "READY"), (2, "CLAIMED"), (3, "COMPLETED")];
        assert_eq!(states, expected.map(|(sequence, state)| (sequence, state.to_owned())));
    }

    /// The request id makes creating repeatable, and nothing else.
    async fn a_request_creates_one_task(database: TestDatabase) {
        let world = World::new(database).await;
        world.routed("cyber", &[]).await;
        let held = world.pull_one("cyber").await;
        let mut unit = world.unit("cyber");
        let early = unit.create_task(create(&held, 1, "too early")).await;
        assert_eq!(refused(early), "ILLEGAL_STATE");
        unit.accept_assignment(held.accept()).await.unwrap();
        let first = new_task(&world, &held, 1).await;
        assert_eq!(new_task(&world, &held, 1).await, first);
        let reused = unit.create_task(create(&held, 1, "something else")).await.unwrap_err();
        assert_eq!((reused.code(), reason(&reused).as_str()), (Code::AlreadyExists, "REQUEST_ID_REUSED"));
        let (mut one, mut two) = (world.unit("cyber"), world.unit("cyber"));
        let (one, two) = futures::future::join(
            one.create_task(create(&held, 2, "both")),
            two.create_task(create(&held, 2, "both")),
        )
        .await;
        assert_eq!(one.unwrap().into_inner(), two.unwrap().into_inner());
        new_task(&world, &held, 3).await;
        let full = unit.create_task(create(&held, 4, "one too many")).await;
        assert_eq!(refused(full), "ILLEGAL_STATE");
        for wrong in ["", "not a uuid"] {
            let request = CreateTaskRequest { request_id: wrong.into(), ..create(&held, 5, "x") };
            assert_eq!(refused(unit.create_task(request).await), "INVALID_ARGUMENT");
        }
        for title in ["", " ", "a\u{202e}b", &"x".repeat(201)] {
            assert_eq!(refused(unit.create_task(create(&held, 6, title)).await), "INVALID_ARGUMENT");
        }
    }
}
