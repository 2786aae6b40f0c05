//! Lists, their sizes, filters and page tokens: nothing in them moves with what the reader may not see.

use std::collections::BTreeMap;

use e2e::raw::{self, Method};
use e2e::{Suite, dossier, unit};
use liaison_grpc::paging::Query;
use liaison_proto::classification::{
    GetDriftFiguresRequest, ListDecisionsRequest, ListLabelsRequest, ListTriageItemsRequest,
};
use liaison_proto::common::{AssignmentState, ReferralState};
use liaison_proto::intake::{ListReferralsRequest, ListReferralsResponse};
use liaison_proto::notification::ListNotificationsRequest;
use liaison_proto::routing::{ListAssignmentsRequest, ListTasksRequest};
use prost::Message as _;

use crate::answer::{Answer, ask};
use crate::world::shared;

fn method(name: &str) -> Method {
    let all = raw::methods();
    all.into_iter()
        .find(|method| method.path.ends_with(name))
        .unwrap()
}

/// Every way to ask for a list: by page, by state, with and without training traffic.
fn questions(assignment: &str, referral: &str) -> BTreeMap<&'static str, Vec<Vec<u8>>> {
    let mut questions: BTreeMap<&str, Vec<Vec<u8>>> = BTreeMap::new();
    for (page_size, include_exercises) in
        [(0, false), (1, true), (2, false), (2, true), (500, true)]
    {
        let referrals = ListReferralsRequest {
            page_size,
            include_exercises,
            ..ListReferralsRequest::default()
        };
        let assignments = ListAssignmentsRequest {
            page_size,
            include_exercises,
            ..ListAssignmentsRequest::default()
        };
        let items = ListTriageItemsRequest {
            page_size,
            include_exercises,
            ..ListTriageItemsRequest::default()
        };
        let labels = ListLabelsRequest {
            page_size,
            include_exercises,
            ..ListLabelsRequest::default()
        };
        let notifications = ListNotificationsRequest {
            page_size,
            include_exercises,
            ..ListNotificationsRequest::default()
        };
        for (name, request) in [
            ("/ListReferrals", referrals.encode_to_vec()),
            ("/ListAssignments", assignments.encode_to_vec()),
            ("/ListTriageItems", items.encode_to_vec()),
            ("/ListLabels", labels.encode_to_vec()),
            ("/ListNotifications", notifications.encode_to_vec()),
        ] {
            questions.entry(name).or_default().push(request);
        }
    }
    for state in 1..=ReferralState::Purged as i32 {
        let request = ListReferralsRequest {
            page_size: 1,
            states: vec![state],
            ..ListReferralsRequest::default()
        };
        questions
            .entry("/ListReferrals")
            .or_default()
            .push(request.encode_to_vec());
    }
    for state in 1..=AssignmentState::DeadLettered as i32 {
        let request = ListAssignmentsRequest {
            page_size: 1,
            states: vec![state],
            ..ListAssignmentsRequest::default()
        };
        questions
            .entry("/ListAssignments")
            .or_default()
            .push(request.encode_to_vec());
    }
    let tasks = ListTasksRequest {
        assignment: assignment.to_owned(),
    };
    let decisions = ListDecisionsRequest {
        referral: referral.to_owned(),
    };
    questions.insert("/ListTasks", vec![tasks.encode_to_vec()]);
    let figures = GetDriftFiguresRequest::default();
    questions.insert("/ListDecisions", vec![decisions.encode_to_vec()]);
    questions.insert("/GetDriftFigures", vec![figures.encode_to_vec()]);
    questions
}

/// What each party reads in the lists that it may ask for.
const READERS: [(&str, &[&str]); 8] = [
    ("bureau/NB-FR", &["/ListReferrals", "/ListNotifications"]),
    (
        "bureau/NB-FR-LYON",
        &["/ListReferrals", "/ListNotifications"],
    ),
    ("partner/nb-fr", &["/ListReferrals", "/ListNotifications"]),
    (
        "unit/children-trafficking",
        &["/ListAssignments", "/ListTasks", "/ListNotifications"],
    ),
    (
        "unit/narcotics-organized-crime",
        &["/ListAssignments", "/ListNotifications"],
    ),
    // It sees all there is to see, which is nothing of what waits for a reviewer.
    (
        "desk/triage",
        &[
            "/ListAssignments",
            "/ListTriageItems",
            "/ListDecisions",
            "/ListLabels",
            "/GetDriftFigures",
            "/ListNotifications",
        ],
    ),
    ("desk/compliance", &["/ListNotifications"]),
    ("desk/other", &["/ListNotifications"]),
];

async fn read(
    suite: &Suite,
    party: &str,
    asked: &BTreeMap<&str, Vec<Vec<u8>>>,
) -> Vec<(String, Answer)> {
    let client = suite.client(party);
    let (_, lists) = READERS.iter().find(|(reader, _)| *reader == party).unwrap();
    let mut answers = Vec::new();
    for list in *lists {
        let method = method(list);
        for (number, body) in asked[list].iter().enumerate() {
            let answer = ask(&client, &method, body).await;
            assert_eq!(answer.verdict(), "ok", "{party} {list}: {answer:?}");
            answers.push((format!("{party} {list} {number}"), answer));
        }
    }
    answers
}

async fn read_all(
    suite: &Suite,
    readers: &[&str],
    asked: &BTreeMap<&str, Vec<Vec<u8>>>,
) -> Vec<(String, Answer)> {
    let mut answers = Vec::new();
    for party in readers {
        answers.extend(read(suite, party, asked).await);
    }
    answers
}

#[track_caller]
fn unchanged(before: &[(String, Answer)], after: &[(String, Answer)]) {
    assert_eq!(before.len(), after.len());
    for ((question, before), (_, after)) in before.iter().zip(after) {
        assert_eq!(before, after, "{question}");
    }
}

e2e::both_backends! {
    async fn hidden_traffic_changes_no_list(backend: Backend) {
        let suite = Suite::up(backend).await;
        let bureau = suite.client("bureau/NB-FR");
        let lead = suite.client("unit/children-trafficking");
        let mut names = Vec::new();
        for sent in [shared(), shared(), shared(), dossier::flagged(), dossier::unclear()] {
            names.push(bureau.submit(sent).await.unwrap().name);
        }
        let mut exercise = shared();
        exercise.exercise = true;
        bureau.submit(exercise).await.unwrap();
        let (share, token) = unit::pull_one(&lead).await;
        unit::accept(&lead, &share.name, &token).await.unwrap();
        unit::work(&lead, &share.name).await.unwrap();
        suite.drained().await;

        let asked = questions(&share.name, &names[0]);
        let readers = READERS.map(|(party, _)| party);
        let before = read_all(&suite, &readers, &asked).await;
        // What only its owner and the reviewers see is hidden from everybody else.
        let other = suite.client("bureau/NB-DE");
        for _ in 0..3 {
            other.submit(dossier::flagged()).await.unwrap();
        }
        suite.drained().await;
        let but_the_reviewers: Vec<&str> =
            readers.into_iter().filter(|party| *party != "desk/compliance").collect();
        let kept = |answers: Vec<(String, Answer)>| -> Vec<(String, Answer)> {
            answers.into_iter().filter(|(question, _)| !question.starts_with("desk/compliance")).collect()
        };
        let before = kept(before);
        unchanged(&before, &read_all(&suite, &but_the_reviewers, &asked).await);

        // What goes to other units, or to people, the duty desk sees as well.
        let mut exercise = dossier::plain();
        exercise.exercise = true;
        for sent in [dossier::plain(), dossier::coded("09062", &[]), dossier::unclear(), exercise] {
            other.submit(dossier::urgent(sent)).await.unwrap();
        }
        let (cyber, terrorism) = (suite.client("unit/cyber"), suite.client("unit/terrorism"));
        let (theirs, token) = unit::pull_one(&terrorism).await;
        unit::accept(&terrorism, &theirs.name, &token).await.unwrap();
        unit::work(&terrorism, &theirs.name).await.unwrap();
        unit::pull_one(&cyber).await;
        suite.drained().await;
        let but_the_desks: Vec<&str> = but_the_reviewers
            .into_iter()
            .filter(|party| *party != "desk/triage")
            .collect();
        let before: Vec<(String, Answer)> = before
            .into_iter()
            .filter(|(question, _)| !question.starts_with("desk/triage"))
            .collect();
        unchanged(&before, &read_all(&suite, &but_the_desks, &asked).await);
    }

    /// A token is no secret: who knows how it is made may put any position into it, and reads no more than
    /// their own.
    async fn an_invented_token_opens_nothing(backend: Backend) {
        let suite = Suite::up(backend).await;
        let bureau = suite.client("bureau/NB-FR");
        let other = suite.client("bureau/NB-DE");
        let mut own = vec![bureau.submit(dossier::flagged()).await.unwrap().name];
        let hidden = other.submit(dossier::flagged()).await.unwrap().name;
        own.insert(0, bureau.submit(dossier::flagged()).await.unwrap().name);
        let uuid = |name: &str| name.trim_start_matches("referrals/").parse::<uuid::Uuid>().unwrap();
        let list = async |position: uuid::Uuid| {
            let query = Query::new("ListReferrals", bureau.party()).with("").with("");
            let request = ListReferralsRequest {
                page_token: query.token(&position),
                ..ListReferralsRequest::default()
            };
            let answer = ask(&bureau, &method("/ListReferrals"), &request.encode_to_vec()).await;
            let page: ListReferralsResponse = answer.message();
            page.referrals.into_iter().map(|referral| referral.name).collect::<Vec<_>>()
        };
        assert_eq!(list(uuid::Uuid::max()).await, own);
        assert_eq!(list(uuid(&own[0])).await, own[1..]);
        // At the place of a hidden one, and right beside it, the same begins.
        let beside = uuid::Uuid::from_u128(uuid(&hidden).as_u128() + 1);
        assert_eq!(list(uuid(&hidden)).await, own[1..]);
        assert_eq!(list(beside).await, own[1..]);
        assert!(list(uuid::Uuid::nil()).await.is_empty());
    }
}
