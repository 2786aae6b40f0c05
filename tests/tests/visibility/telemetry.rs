//! What the processes write about their work: logs, traces and measurements hold nothing of what people
//! wrote, and the labels of measurements name nobody.

use e2e::refusal::invalid;
use e2e::{Client, Layout, PATIENCE, Suite, eventually, request_id, unit};
use liaison_proto::classification::ClassifyTextRequest;
use liaison_proto::common::{DeclineReason, Outcome, ReferralState};
use liaison_proto::intake::{
    DecideReviewRequest, Dossier, GetDossierRequest, GetReferralRequest, Referral, ReviewVerdict,
};
use liaison_proto::routing::{
    ClaimTaskRequest, CompleteAssignmentRequest, CompleteTaskRequest, CreateTaskRequest,
    DeclineAssignmentRequest,
};
use opentelemetry_proto::tonic::common::v1::KeyValue;
use tonic::{Code, Request};

use crate::canaries::{CANARY, planted, said, sent};
use crate::collector::{Collector, Received};
use crate::world::ruling;

/// Who acts; no label may name them.
const OFFICERS: [&str; 3] = ["k.quast", "l.quast", "t.quast"];

/// A bureau's side: what is taken, what is checked only, and what is not taken.
async fn submit(bureau: &Client) -> [Referral; 2] {
    let admitted = bureau.submit(sent()).await.unwrap();
    let flagged = bureau
        .submit(Dossier {
            offences: e2e::dossier::flagged().offences,
            ..sent()
        })
        .await
        .unwrap();
    assert_eq!(flagged.state(), ReferralState::UnderReview);
    let mut wrong = sent();
    wrong.identifiers[1].value = said("not an address");
    wrong.persons[0].date_of_birth = said("not a date");
    wrong.offences[0].iccs = said("not a code");
    invalid(bureau.submit(wrong).await);
    let id = request_id();
    bureau.submit_as(id.clone(), sent()).await.unwrap();
    let reused = Dossier {
        title: said("another title"),
        ..sent()
    };
    bureau.submit_as(id, reused).await.unwrap_err();
    let name = said("is no name");
    let get = GetReferralRequest { name };
    bureau.intake().get_referral(get).await.unwrap_err();
    let open = GetDossierRequest {
        name: admitted.name.clone(),
        purpose: said("purpose"),
    };
    bureau.intake().get_dossier(open).await.unwrap();
    let text = ClassifyTextRequest {
        offences: sent().offences,
        title: said("title"),
        text: said("text"),
        language: 0,
    };
    bureau.classification().classify_text(text).await.unwrap();
    [admitted, flagged]
}

/// A unit's side: everything that can be written about a share.
async fn work(unit: &Client, assignment: &str) {
    let mut routing = unit.routing();
    let create = CreateTaskRequest {
        assignment: assignment.to_owned(),
        title: said("task"),
        due_at: None,
        request_id: request_id(),
    };
    let task = routing.create_task(create).await.unwrap().into_inner();
    let name = task.task.unwrap().name;
    let claim = ClaimTaskRequest { name: name.clone() };
    routing.claim_task(claim).await.unwrap();
    let result = said("result");
    routing
        .complete_task(CompleteTaskRequest { name, result })
        .await
        .unwrap();
    let complete = CompleteAssignmentRequest {
        name: assignment.to_owned(),
        outcome: Outcome::InformationProvided.into(),
        note: said("note"),
    };
    routing.complete_assignment(complete).await.unwrap();
}

async fn everything(suite: &Suite) {
    let [bureau_officer, unit_officer, desk_officer] = OFFICERS;
    let bureau = suite.client("bureau/NB-FR").officer(bureau_officer);
    let cyber = suite.client("unit/cyber").officer(unit_officer);
    let [admitted, flagged] = submit(&bureau).await;
    // Before the other is admitted, which may overtake it.
    let (share, token) = unit::pull_one(&cyber).await;
    assert_eq!(share.referral, admitted.name);
    let review = DecideReviewRequest {
        name: flagged.name.clone(),
        verdict: ReviewVerdict::Compliant.into(),
        ground: 0,
        reason: said("review"),
        etag: String::new(),
    };
    let compliance = suite.client("desk/compliance").officer(desk_officer);
    compliance.intake().decide_review(review).await.unwrap();
    let open = GetDossierRequest {
        name: admitted.name,
        purpose: said("purpose"),
    };
    cyber.intake().get_dossier(open).await.unwrap();
    unit::accept(&cyber, &share.name, &token).await.unwrap();
    work(&cyber, &share.name).await;
    // The second goes back to the duty desk, which gives it to another.
    let (share, token) = unit::pull_one(&cyber).await;
    let decline = DeclineAssignmentRequest {
        name: share.name,
        lease_token: token,
        reason: DeclineReason::WrongUnit.into(),
        note: said("decline"),
    };
    cyber.routing().decline_assignment(decline).await.unwrap();
    let desk = suite.client("desk/triage").officer(desk_officer);
    let mut triage = ruling(
        share.referral.replace("referrals/", "triageItems/"),
        "terrorism",
    );
    triage.reason = said("ruling");
    eventually(PATIENCE, || async {
        let ruled = desk.classification().decide_triage(triage.clone()).await;
        match ruled {
            Ok(_) => Some(()),
            // It is on its way back.
            Err(status) => {
                let early = [Code::NotFound, Code::FailedPrecondition];
                assert!(early.contains(&status.code()), "{status:?}");
                None
            }
        }
    })
    .await;
    let mut unread = Request::new(GetReferralRequest { name: flagged.name });
    unread
        .metadata_mut()
        .insert("x-note", said("header").parse().unwrap());
    suite
        .client("bureau/NB-DE")
        .intake()
        .get_referral(unread)
        .await
        .unwrap_err();
    suite.drained().await;
}

#[track_caller]
fn says_nothing(what: &str, text: &str) {
    let text = text.to_lowercase();
    for planted in planted() {
        if let Some(at) = text.find(&planted) {
            let around = text[at.saturating_sub(300)..]
                .chars()
                .take(600)
                .collect::<String>();
            panic!("{what} holds {planted}: … {around} …");
        }
    }
}

/// Whether a label's value is somebody's name or the name of something. Words count as a whole: a method may
/// be called `DecideTriage`.
fn names(value: &str) -> bool {
    let within = |c: char| c.is_alphanumeric() || ['-', '.', '@', '_'].contains(&c);
    let value = value.to_lowercase();
    let parties = ["triage", "compliance"];
    value.split(|c| !within(c)).any(|word| {
        let digits = |part: &str| part.len() >= 8 && part.bytes().all(|b| b.is_ascii_hexdigit());
        let mut known = parties.iter().chain(&unit::UNITS).chain(&OFFICERS);
        word.split('-').any(digits)
            || word.starts_with("nb-")
            || word.starts_with("2026-")
            || known.any(|name| *name == word)
    })
}

fn labels_name_nobody(received: &Received) {
    let labels = received.labels();
    assert!(labels.len() > 100, "{} labels", labels.len());
    for (metric, KeyValue { key, value, .. }) in labels {
        // Whose certificate ends: the service's own, or which authority's.
        if metric == "liaison.certificate.remaining" {
            continue;
        }
        let value = format!("{:?}", value.and_then(|value| value.value));
        assert!(!names(&value) && !names(&key), "{metric}: {key} is {value}");
    }
}

e2e::both_backends! {
    async fn what_people_wrote_is_in_no_log_trace_or_measurement(backend: Backend) {
        let (collector, address) = Collector::listen().await;
        let endpoint = format!("http://{address}");
        let settings = [
            ("TELEMETRY__ENDPOINT", endpoint.as_str()),
            // Everything that `info` says, and more.
            ("TELEMETRY__LOG", "debug"),
            ("TELEMETRY__TRACES", "debug"),
        ];
        let mut suite = Suite::start(backend, Layout::Together, &settings).await;
        everything(&suite).await;
        let logs: Vec<String> = {
            let written = suite.processes().iter().map(e2e::Process::whole_log);
            written.collect()
        };
        suite.stop();
        let log = logs.concat();
        assert!(log.contains("DEBUG") && log.contains("IntakeService/SubmitReferral"), "{log}");
        says_nothing("the log", &log);
        let received = collector.received();
        assert!(received.spans() > 50, "{} spans", received.spans());
        says_nothing("a trace", &format!("{:?}", received.traces));
        says_nothing("a measurement", &format!("{:?}", received.metrics));
        labels_name_nobody(&received);
    }
}

#[test]
fn a_canary_that_is_there_is_found() {
    let found =
        std::panic::catch_unwind(|| says_nothing("it", &format!("… {} …", CANARY.to_uppercase())));
    assert!(found.is_err());
    assert!(
        names("unit/cyber") && names("0198c0de-0000-7000-8000-000000000001") && names("k.quast")
    );
    assert!(names("\"2026-FR-000001\"") && names("liaison://bureau/NB-FR"));
    assert!(!names(
        "liaison.classification.v1.ClassificationService/DecideTriage"
    ));
    assert!(!names("liaison.intake.v1.IntakeService/SubmitReferral") && !names("classification"));
}
