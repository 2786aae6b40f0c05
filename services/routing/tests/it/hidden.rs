//! What is hidden does not exist, byte for byte.

use std::time::Duration;

use liaison_proto::common;
use liaison_proto::event::AssignmentStep;
use liaison_proto::routing::{
    AcceptAssignmentRequest, ClaimTaskRequest, CompleteAssignmentRequest, CompleteTaskRequest,
    CreateTaskRequest, DeclareIndirectAccessRequest, DeclineAssignmentRequest, ExtendLeaseRequest,
    GetAssignmentRequest, ListAssignmentsRequest, ListTasksRequest, ReleaseAssignmentRequest,
};
use liaison_testkit::both_backends;
use tonic::{Code, Status};
use uuid::Uuid;

use crate::world::{Routing, World};

/// Every call about an assignment and a task, valid and not.
async fn calls(
    mut routing: Routing,
    assignment: &str,
    task: &str,
    token: &str,
) -> Vec<Result<(), Status>> {
    let (name, lease_token) = (assignment.to_owned(), token.to_owned());
    let n = || name.clone();
    let mut answers = Vec::new();
    for valid in [true, false] {
        let t = || {
            if valid {
                lease_token.clone()
            } else {
                String::new()
            }
        };
        let lease = valid.then(|| liaison_grpc::wire::duration(Duration::from_secs(60)));
        let note = if valid {
            "note".to_owned()
        } else {
            "x".repeat(3_000)
        };
        let request_id = if valid {
            Uuid::from_u128(5).to_string()
        } else {
            String::new()
        };
        let reason = if valid {
            common::DeclineReason::NoCapacity as i32
        } else {
            99
        };
        let outcome = if valid {
            common::Outcome::NoTrace as i32
        } else {
            99
        };
        let accept = AcceptAssignmentRequest {
            name: n(),
            lease_token: t(),
        };
        answers.push(routing.accept_assignment(accept).await.map(drop));
        let decline = DeclineAssignmentRequest {
            name: n(),
            lease_token: t(),
            reason,
            note: note.clone(),
        };
        answers.push(routing.decline_assignment(decline).await.map(drop));
        let extend = ExtendLeaseRequest {
            name: n(),
            lease_token: t(),
            lease,
        };
        answers.push(routing.extend_lease(extend).await.map(drop));
        let release = ReleaseAssignmentRequest {
            name: n(),
            lease_token: t(),
        };
        answers.push(routing.release_assignment(release).await.map(drop));
        let complete = CompleteAssignmentRequest {
            name: n(),
            outcome,
            note: note.clone(),
        };
        answers.push(routing.complete_assignment(complete).await.map(drop));
        let create = CreateTaskRequest {
            assignment: n(),
            title: note.clone(),
            due_at: None,
            request_id,
        };
        answers.push(routing.create_task(create).await.map(drop));
        let finish = CompleteTaskRequest {
            name: task.to_owned(),
            result: note,
        };
        answers.push(routing.complete_task(finish).await.map(drop));
    }
    let declare = DeclareIndirectAccessRequest { name: n() };
    answers.push(routing.declare_indirect_access(declare).await.map(drop));
    let get = GetAssignmentRequest { name: n() };
    answers.push(routing.get_assignment(get).await.map(drop));
    answers.push(
        routing
            .list_tasks(ListTasksRequest { assignment: n() })
            .await
            .map(drop),
    );
    let claim = ClaimTaskRequest {
        name: task.to_owned(),
    };
    answers.push(routing.claim_task(claim).await.map(drop));
    answers
}

both_backends! {
    /// A unit cannot tell another's assignment or task from one that does not exist.
    async fn what_is_anothers_does_not_exist(database: TestDatabase) {
        let world = World::new(database).await;
        world.routed("cyber", &[]).await;
        let held = world.accepted("cyber").await;
        let create = CreateTaskRequest {
            assignment: held.assignment.name.clone(),
            title: "ask the provider".into(),
            due_at: None,
            request_id: Uuid::from_u128(1).to_string(),
        };
        let task = world.unit("cyber").create_task(create).await.unwrap().into_inner();
        let task = task.task.unwrap().name;
        let before = world.seen_by("unit/cyber").await;
        let nothing = Uuid::from_u128(77).hyphenated().to_string();
        let (no_assignment, no_task) = (format!("assignments/{nothing}"), format!("tasks/{nothing}"));
        for unit in ["terrorism", "dragons"] {
            let theirs = calls(
                world.officer(unit, "spy"),
                &held.assignment.name,
                &task,
                &held.token,
            )
            .await;
            let nobodys =
                calls(world.officer(unit, "spy"), &no_assignment, &no_task, &held.token).await;
            assert_eq!(theirs.len(), nobodys.len());
            for (number, (theirs, nobodys)) in theirs.into_iter().zip(nobodys).enumerate() {
                let (theirs, nobodys) = (theirs.unwrap_err(), nobodys.unwrap_err());
                assert_eq!(theirs.code(), Code::NotFound, "call {number}: {theirs:?}");
                assert_eq!(nobodys.code(), Code::NotFound, "call {number}: {nobodys:?}");
                assert_eq!(theirs.message(), nobodys.message());
                assert_eq!(theirs.details(), nobodys.details());
            }
            assert!(world.seen_by(&format!("unit/{unit}")).await.is_empty());
        }
        assert_eq!(world.seen_by("unit/cyber").await, before, "nothing was changed");
    }

    /// Until intake has acknowledged the grant, the unit learns nothing of what it may be given.
    async fn what_is_not_granted_does_not_exist(database: TestDatabase) {
        let world = World::new(database).await;
        world.classify(vec![world.classified("cyber", &[])]).await;
        let desk = world.seen_by("desk/triage").await;
        assert_eq!(desk.len(), 1, "the duty desk sees it");
        assert!(world.seen_by("unit/cyber").await.is_empty());
        let nothing = format!("assignments/{}", Uuid::from_u128(77).hyphenated());
        let no_task = format!("tasks/{}", Uuid::from_u128(77).hyphenated());
        let cyber = || world.officer("cyber", "early");
        let waiting = calls(cyber(), &desk[0].name, &no_task, "token").await;
        let nobodys = calls(cyber(), &nothing, &no_task, "token").await;
        for (number, (waiting, nobodys)) in waiting.into_iter().zip(nobodys).enumerate() {
            let (waiting, nobodys) = (waiting.unwrap_err(), nobodys.unwrap_err());
            assert_eq!(waiting.code(), Code::NotFound, "call {number}: {waiting:?}");
            assert_eq!(waiting.message(), nobodys.message());
            assert_eq!(waiting.details(), nobodys.details());
        }
        world.settle().await;
        assert_eq!(world.seen_by("unit/cyber").await.len(), 1);
    }

    /// What was taken back before its grant was there was never the unit's.
    async fn what_was_never_granted_is_never_told(database: TestDatabase) {
        let world = World::new(database).await;
        let first = world.classified("cyber", &["terrorism"]);
        let second = world.again(&first, "terrorism", &[]);
        world.classify(vec![first]).await;
        world.classify(vec![second]).await;
        world.settle().await;
        assert!(world.seen_by("unit/cyber").await.is_empty());
        let told = world.steps("notification");
        assert!(told.iter().all(|(unit, _)| unit == "terrorism"), "{told:?}");
        let intake = world.steps("intake");
        for expected in [("cyber", AssignmentStep::Revoked), ("terrorism", AssignmentStep::Promoted)] {
            assert!(intake.iter().any(|(unit, step)| (unit.as_str(), *step) == expected), "{intake:?}");
        }
        assert_eq!(told, [("terrorism".to_owned(), AssignmentStep::Queued)]);
    }

    /// Who declined does not see what the next unit does, not even by the clock.
    async fn who_declined_learns_nothing_more(database: TestDatabase) {
        let world = World::new(database).await;
        let mut urgent = world.classified("cyber", &["terrorism"]);
        let envelope = urgent.envelope.as_mut().unwrap();
        envelope.urgency = common::Urgency::Urgent.into();
        let now = world.env.now();
        envelope.completion = Some(liaison_grpc::wire::clock(
            now,
            now + Duration::from_hours(8),
            "completion.urgent.direct",
        ));
        world.classify(vec![urgent]).await;
        world.settle().await;
        let held = world.pull_one("cyber").await;
        assert!(held.assignment.completion.is_some());
        let declined = held.decline(common::DeclineReason::NoCapacity);
        let declined = world.unit("cyber").decline_assignment(declined).await.unwrap();
        let before = world.seen_by("unit/cyber").await;
        assert_eq!(declined.into_inner().assignment, before.first().cloned());
        assert!(before[0].completion.is_none(), "no reply is due from it any more");
        world.settle().await;
        let next = world.accepted("terrorism").await;
        let declare = DeclareIndirectAccessRequest { name: next.assignment.name };
        world.unit("terrorism").declare_indirect_access(declare).await.unwrap();
        assert_eq!(world.seen_by("unit/cyber").await, before);
    }

    /// The duty desk sees every assignment; other desks may not even ask.
    async fn the_duty_desk_sees_all_and_others_nothing(database: TestDatabase) {
        let world = World::new(database).await;
        world.routed("cyber", &["terrorism"]).await;
        let all = world.seen_by("desk/triage").await;
        assert_eq!(all.len(), 2);
        let get = GetAssignmentRequest { name: all[0].name.clone() };
        let got = world.as_party("desk/triage").get_assignment(get.clone()).await.unwrap();
        assert_eq!(got.into_inner().assignment.as_ref(), Some(&all[0]));
        let mut compliance = world.as_party("desk/compliance");
        let got = compliance.get_assignment(get).await.unwrap_err();
        assert_eq!(got.code(), Code::PermissionDenied);
        let listed = compliance.list_assignments(ListAssignmentsRequest::default()).await.unwrap_err();
        assert_eq!(listed.code(), Code::PermissionDenied);
    }

    /// Names that name nothing are told what is wrong with them.
    async fn malformed_names_are_violations(database: TestDatabase) {
        let world = World::new(database).await;
        for name in ["", "assignments/1", "tasks/01890a5d-ac96-774b-bcce-b302099a8057"] {
            let get = GetAssignmentRequest { name: name.into() };
            let status = world.unit("cyber").get_assignment(get).await.unwrap_err();
            assert_eq!(status.code(), Code::InvalidArgument, "{name}");
        }
    }
}
