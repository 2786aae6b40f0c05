//! A lease is what a unit holds until it answers; only the latest token proves it.

use e2e::refusal::{invalid, refused};
use e2e::{Client, Suite, dossier, unit};
use liaison_proto::common::{AssignmentState, DeclineReason, Outcome};
use liaison_proto::routing::{
    ClaimTaskRequest, CompleteTaskRequest, CreateTaskRequest, DeclineAssignmentRequest,
    ExtendLeaseRequest, PullAssignmentsRequest, ReleaseAssignmentRequest, Task, TaskState,
};
use liaison_types::Reason;
use tonic::Code;

fn seconds(seconds: i64) -> Option<prost_types::Duration> {
    Some(prost_types::Duration { seconds, nanos: 0 })
}

async fn task(unit: &Client, assignment: &str, request_id: &str) -> Result<Task, tonic::Status> {
    let request = CreateTaskRequest {
        assignment: assignment.to_owned(),
        title: "Look it up".to_owned(),
        due_at: None,
        request_id: request_id.to_owned(),
    };
    Ok(unit
        .routing()
        .create_task(request)
        .await?
        .into_inner()
        .task
        .unwrap())
}

e2e::both_backends! {
    async fn a_stale_token_is_worth_nothing(backend: Backend) {
        let suite = Suite::up(backend).await;
        let bureau = suite.client("bureau/NB-FR");
        let cyber = suite.client("unit/cyber");
        bureau.submit(dossier::plain()).await.unwrap();
        let (first, old) = unit::pull_one(&cyber).await;
        let request = ReleaseAssignmentRequest {
            name: first.name.clone(),
            lease_token: old.clone(),
        };
        cyber.routing().release_assignment(request).await.unwrap();
        let (second, new) = unit::pull_one(&cyber).await;
        assert_eq!((&second.name, second.delivery_attempt), (&first.name, 2));
        assert_ne!(new, old);
        for token in [old.as_str(), "no token of ours", &new[1..]] {
            let extend = ExtendLeaseRequest {
                name: first.name.clone(),
                lease_token: token.to_owned(),
                lease: seconds(60),
            };
            let release = ReleaseAssignmentRequest {
                name: first.name.clone(),
                lease_token: token.to_owned(),
            };
            let answers = [
                unit::accept(&cyber, &first.name, token).await.map(drop),
                unit::decline(&cyber, &first.name, token, DeclineReason::NoCapacity)
                    .await
                    .map(drop),
                cyber.routing().extend_lease(extend).await.map(drop),
                cyber.routing().release_assignment(release).await.map(drop),
            ];
            for answer in answers {
                refused(answer, Code::FailedPrecondition, Reason::StaleLease);
            }
        }
        let extend = ExtendLeaseRequest {
            name: first.name.clone(),
            lease_token: new.clone(),
            lease: seconds(7_200),
        };
        let extended = cyber
            .routing()
            .extend_lease(extend)
            .await
            .unwrap()
            .into_inner()
            .assignment
            .unwrap();
        assert!(extended.lease_until.unwrap().seconds > second.lease_until.unwrap().seconds);
        let accepted = unit::accept(&cyber, &first.name, &new).await.unwrap();
        assert_eq!(accepted.state(), AssignmentState::Accepted);
        assert!(accepted.lease_until.is_none());
    }

    async fn an_assignment_comes_to_one_of_many_pullers(backend: Backend) {
        let suite = Suite::up(backend).await;
        let bureau = suite.client("bureau/NB-FR");
        const REFERRALS: usize = 12;
        // They wait before there is anything to pull.
        let pullers: Vec<_> = (0..6)
            .map(|_| {
                let unit = suite.client("unit/cyber");
                tokio::spawn(async move {
                    let mut names = Vec::new();
                    loop {
                        let pulled = unit::pull(&unit, 2, 3).await.unwrap();
                        if pulled.is_empty() {
                            return names;
                        }
                        for (assignment, token) in pulled {
                            unit::accept(&unit, &assignment.name, &token).await.unwrap();
                            names.push(assignment.referral);
                        }
                    }
                })
            })
            .collect();
        let mut sent = Vec::new();
        for _ in 0..REFERRALS {
            sent.push(bureau.submit(dossier::plain()).await.unwrap().name);
        }
        let mut pulled = Vec::new();
        for puller in pullers {
            pulled.extend(puller.await.unwrap());
        }
        pulled.sort();
        sent.sort();
        assert_eq!(pulled, sent, "each once");
    }

    async fn work_ends_when_its_tasks_do(backend: Backend) {
        let suite = Suite::up(backend).await;
        suite
            .client("bureau/NB-FR")
            .submit(dossier::plain())
            .await
            .unwrap();
        let cyber = suite.client("unit/cyber");
        let (assignment, token) = unit::pull_one(&cyber).await;
        let early = task(&cyber, &assignment.name, &e2e::request_id()).await;
        refused(early, Code::FailedPrecondition, Reason::IllegalState);
        let early = unit::complete(&cyber, &assignment.name, Outcome::NoTrace).await;
        refused(early, Code::FailedPrecondition, Reason::IllegalState);
        unit::accept(&cyber, &assignment.name, &token)
            .await
            .unwrap();
        let id = e2e::request_id();
        let created = task(&cyber, &assignment.name, &id).await.unwrap();
        assert_eq!(created.state(), TaskState::Ready);
        assert_eq!(
            task(&cyber, &assignment.name, &id).await.unwrap().name,
            created.name,
            "repeatable"
        );
        let open = unit::complete(&cyber, &assignment.name, Outcome::NoTrace).await;
        refused(open, Code::FailedPrecondition, Reason::IllegalState);
        let claim = ClaimTaskRequest {
            name: created.name.clone(),
        };
        refused(
            cyber.nobody().routing().claim_task(claim.clone()).await,
            Code::PermissionDenied,
            Reason::OfficerRequired,
        );
        cyber.routing().claim_task(claim.clone()).await.unwrap();
        let taken = cyber.officer("b.second").routing().claim_task(claim).await;
        refused(taken, Code::FailedPrecondition, Reason::IllegalState);
        let finish = CompleteTaskRequest {
            name: created.name.clone(),
            result: "Found.".to_owned(),
        };
        let other = cyber
            .officer("b.second")
            .routing()
            .complete_task(finish.clone())
            .await;
        assert_eq!(other.unwrap_err().code(), Code::PermissionDenied);
        let done = cyber
            .routing()
            .complete_task(finish)
            .await
            .unwrap()
            .into_inner()
            .task
            .unwrap();
        assert_eq!(
            (done.state(), done.result.as_str()),
            (TaskState::Completed, "Found.")
        );
        for outcome in [0, 99] {
            let request = liaison_proto::routing::CompleteAssignmentRequest {
                name: assignment.name.clone(),
                outcome,
                note: String::new(),
            };
            invalid(cyber.routing().complete_assignment(request).await);
        }
        unit::complete(&cyber, &assignment.name, Outcome::NoTrace)
            .await
            .unwrap();
    }

    async fn what_nobody_knows_is_refused(backend: Backend) {
        let suite = Suite::up(backend).await;
        let stranger = suite.client("unit/pastry");
        let pulled = unit::pull(&stranger, 1, 0).await;
        refused(pulled, Code::PermissionDenied, Reason::UnknownUnit);
        let bureau = suite.client("bureau/NB-FR");
        bureau.submit(dossier::plain()).await.unwrap();
        let cyber = suite.client("unit/cyber");
        let (assignment, token) = unit::pull_one(&cyber).await;
        for reason in [0, 99] {
            let request = DeclineAssignmentRequest {
                name: assignment.name.clone(),
                lease_token: token.clone(),
                reason,
                note: "Not ours.".to_owned(),
            };
            invalid(cyber.routing().decline_assignment(request).await);
        }
        unit::accept(&cyber, &assignment.name, &token).await.unwrap();
    }

    async fn asking_for_too_much_is_refused(backend: Backend) {
        let suite = Suite::up(backend).await;
        let cyber = suite.client("unit/cyber");
        let ask = PullAssignmentsRequest::default;
        for wrong in [
            PullAssignmentsRequest {
                max_assignments: -1,
                ..ask()
            },
            PullAssignmentsRequest {
                max_assignments: 101,
                ..ask()
            },
            PullAssignmentsRequest {
                wait: seconds(61),
                ..ask()
            },
            PullAssignmentsRequest {
                wait: seconds(-1),
                ..ask()
            },
            PullAssignmentsRequest {
                lease: seconds(9),
                ..ask()
            },
            PullAssignmentsRequest {
                lease: seconds(8 * 3_600 + 1),
                ..ask()
            },
            PullAssignmentsRequest {
                desk: "Not A Desk".to_owned(),
                ..ask()
            },
        ] {
            invalid(cyber.routing().pull_assignments(wrong).await);
        }
        assert!(unit::pull(&cyber, 0, 0).await.unwrap().is_empty());
    }
}
