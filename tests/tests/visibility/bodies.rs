//! The bytes of every request about a given subject: one that is right in every way, and some that are not.

use e2e::{dossier, request_id};
use liaison_policy::rule_set::BUILT_IN;
use liaison_proto::audit::{ListAuditEntriesRequest, ListAuditSealsRequest, SimulatePolicyRequest};
use liaison_proto::classification::ClassifyTextRequest;
use liaison_proto::common::{DeclineReason, Outcome, RefusalGround};
use liaison_proto::event::event::Data;
use liaison_proto::event::{DeliverEventsRequest, Event, ReferralAdmitted, TaskChanged};
use liaison_proto::intake::{
    BatchGetClassificationInputsRequest, DecideReviewRequest, GetCustodyBundleRequest,
    GetDossierRequest, GetReferralHistoryRequest, GetReferralRequest, ListReferralsRequest,
    ReviewVerdict, SubmitReferralRequest,
};
use liaison_proto::intake::{
    ConsentVerdict, DecideConsentRequest, EndShareRequest, ExplainDecisionRequest, IntendedAction,
    IntendedUse, ListConsentRequestsRequest, ListSharesRequest, PolicyQuestion,
    PurgeReferralRequest, Purpose, ShareReferralRequest,
};
use liaison_proto::notification::{ListNotificationsRequest, StreamNotificationsRequest};
use liaison_proto::routing::{
    AcceptAssignmentRequest, ClaimTaskRequest, CompleteAssignmentRequest, CompleteTaskRequest,
    CreateTaskRequest, DeclareIndirectAccessRequest, DeclineAssignmentRequest, ExtendLeaseRequest,
    GetAssignmentRequest, ListAssignmentsRequest, ListTasksRequest, PullAssignmentsRequest,
    ReleaseAssignmentRequest,
};
use liaison_types::Party;
use prost::Message as _;

use crate::world::World;

/// What a task came to; repeated with the same words, the call changes nothing.
pub(crate) const RESULT: &str = "Two matches.";
/// Makes every creation of a task the same one.
const ONE_REQUEST: &str = "0198c0de-0000-4000-8000-000000000009";

/// Who asks about what, and where.
pub(crate) struct Asked<'a> {
    pub(crate) world: &'a World,
    pub(crate) party: &'a str,
    pub(crate) service: &'a str,
    /// The column: the name of a subject, or of what stands in its place.
    pub(crate) about: &'a str,
}

/// The right request first; then those that are not, about the same subject as far as they name one.
pub(crate) type Bodies = Vec<Vec<u8>>;

/// A right request, and wrong ones.
macro_rules! bodies {
    ($($message:expr),+ $(,)?) => { vec![$($message.encode_to_vec()),+] };
}

mod desk;

pub(crate) use desk::{
    correct_decision, decide_triage, get_drift_figures, get_triage_item, list_decisions,
    list_labels, list_triage_items, recompute_decision,
};

/// Longer than any text that a request may hold, but for a narrative.
fn long() -> String {
    "x".repeat(3_000)
}

pub(crate) fn deliver_events(asked: &Asked<'_>) -> Bodies {
    let (referral, task) = (
        asked.world.referral(asked.about),
        asked.world.task("absent"),
    );
    // What no service takes from anybody, so that nothing comes of it.
    let data = match asked.service {
        "notification" => Data::ReferralAdmitted(ReferralAdmitted::default()),
        _ => Data::TaskChanged(TaskChanged {
            task,
            ..TaskChanged::default()
        }),
    };
    let event = Event {
        id: "0198c0de-0000-7000-8000-00000000000e".to_owned(),
        source: asked.party.parse::<Party>().unwrap().uri(),
        subject: referral.clone(),
        sequence: 1,
        time: Some(prost_types::Timestamp::default()),
        traceparent: String::new(),
        data: Some(data),
    };
    let nothing = Event {
        subject: referral,
        ..Event::default()
    };
    bodies![
        DeliverEventsRequest {
            events: vec![event]
        },
        DeliverEventsRequest {
            events: vec![nothing]
        },
    ]
}

pub(crate) fn submit_referral(asked: &Asked<'_>) -> Bodies {
    let taken = asked.about == "taken";
    let request_id = match taken {
        true => asked.world.taken.clone(),
        false => request_id(),
    };
    let request = SubmitReferralRequest {
        dossier: Some(dossier::flagged()),
        request_id,
        validate_only: false,
    };
    let incomplete = SubmitReferralRequest {
        dossier: None,
        ..request.clone()
    };
    bodies![request, incomplete]
}

pub(crate) fn get_referral(asked: &Asked<'_>) -> Bodies {
    let name = asked.world.referral(asked.about);
    bodies![GetReferralRequest { name }]
}

pub(crate) fn list_referrals(asked: &Asked<'_>) -> Bodies {
    let request = ListReferralsRequest {
        page_token: token(asked, "ListReferrals"),
        ..ListReferralsRequest::default()
    };
    let wrong = ListReferralsRequest {
        page_size: -1,
        states: vec![99],
        ..request.clone()
    };
    bodies![request, wrong]
}

pub(crate) fn get_referral_history(asked: &Asked<'_>) -> Bodies {
    let name = asked.world.referral(asked.about);
    bodies![GetReferralHistoryRequest { name }]
}

pub(crate) fn get_custody_bundle(asked: &Asked<'_>) -> Bodies {
    let name = asked.world.referral(asked.about);
    bodies![GetCustodyBundleRequest { name }]
}

/// To a partner, which the markings forbid: nothing may come of it here.
pub(crate) fn share_referral(asked: &Asked<'_>) -> Bodies {
    let request = ShareReferralRequest {
        name: asked.world.referral(asked.about),
        recipient: "partner/police".to_owned(),
        purpose: Purpose::InvestigationInformation.into(),
        action: IntendedAction::None.into(),
        r#use: IntendedUse::Police.into(),
        reason: "They may hold records.".to_owned(),
        request_id: request_id(),
    };
    let wrong = ShareReferralRequest {
        recipient: "auditor/court".to_owned(),
        reason: long(),
        ..request.clone()
    };
    bodies![request, wrong]
}

pub(crate) fn list_shares(asked: &Asked<'_>) -> Bodies {
    let request = ListSharesRequest {
        parent: asked.world.referral(asked.about),
        ..ListSharesRequest::default()
    };
    let wrong = ListSharesRequest {
        page_size: -1,
        ..request.clone()
    };
    bodies![request, wrong]
}

pub(crate) fn list_consent_requests(asked: &Asked<'_>) -> Bodies {
    let page_token = match asked.about {
        "first" => String::new(),
        _ => "AQ".to_owned(),
    };
    let request = ListConsentRequestsRequest {
        page_size: 0,
        page_token,
    };
    let wrong = ListConsentRequestsRequest {
        page_size: -1,
        ..request.clone()
    };
    bodies![request, wrong]
}

pub(crate) fn decide_consent(asked: &Asked<'_>) -> Bodies {
    let request = DecideConsentRequest {
        name: asked.world.passed(asked.about),
        verdict: ConsentVerdict::Give.into(),
        reason: "Agreed.".to_owned(),
    };
    let wrong = DecideConsentRequest {
        reason: long(),
        ..request.clone()
    };
    bodies![request, wrong]
}

pub(crate) fn end_share(asked: &Asked<'_>) -> Bodies {
    let name = asked.world.passed(asked.about);
    bodies![EndShareRequest { name }]
}

pub(crate) fn explain_decision(asked: &Asked<'_>) -> Bodies {
    let request = ExplainDecisionRequest {
        name: asked.world.referral(asked.about),
        question: PolicyQuestion::ViewDossier.into(),
        party: "unit/cyber".to_owned(),
        ..ExplainDecisionRequest::default()
    };
    let wrong = ExplainDecisionRequest {
        by: "unit/cyber".to_owned(),
        officer: long(),
        ..request.clone()
    };
    bodies![request, wrong]
}

/// As it never was: nothing may come of it here.
pub(crate) fn purge_referral(asked: &Asked<'_>) -> Bodies {
    let request = PurgeReferralRequest {
        name: asked.world.referral(asked.about),
        etag: "v0".to_owned(),
    };
    bodies![request]
}

pub(crate) fn list_audit_entries(asked: &Asked<'_>) -> Bodies {
    let page_token = match asked.about {
        "first" => String::new(),
        _ => "AQ".to_owned(),
    };
    let request = ListAuditEntriesRequest {
        page_token,
        ..ListAuditEntriesRequest::default()
    };
    let wrong = ListAuditEntriesRequest {
        page_size: -1,
        subject: long(),
        ..request.clone()
    };
    bodies![request, wrong]
}

pub(crate) fn list_audit_seals(_: &Asked<'_>) -> Bodies {
    let wrong = ListAuditSealsRequest {
        after: -1,
        page_size: -1,
    };
    bodies![ListAuditSealsRequest::default(), wrong]
}

/// The rules of this build, which decide as they did.
pub(crate) fn simulate_policy(asked: &Asked<'_>) -> Bodies {
    let page_token = match asked.about {
        "first" => String::new(),
        _ => "AQ".to_owned(),
    };
    let request = SimulatePolicyRequest {
        rule_set: BUILT_IN.to_owned(),
        page_token,
        ..SimulatePolicyRequest::default()
    };
    let wrong = SimulatePolicyRequest {
        rule_set: long(),
        page_size: -1,
        ..request.clone()
    };
    bodies![request, wrong]
}

pub(crate) fn get_dossier(asked: &Asked<'_>) -> Bodies {
    let request = GetDossierRequest {
        name: asked.world.referral(asked.about),
        purpose: "case work".to_owned(),
    };
    let wrong = GetDossierRequest {
        purpose: long(),
        ..request.clone()
    };
    bodies![request, wrong]
}

pub(crate) fn decide_review(asked: &Asked<'_>) -> Bodies {
    let request = DecideReviewRequest {
        name: asked.world.referral(asked.about),
        verdict: ReviewVerdict::NonCompliant.into(),
        ground: RefusalGround::RequestNotCompliant.into(),
        reason: "The form is not complete.".to_owned(),
        etag: String::new(),
    };
    let wrong = DecideReviewRequest {
        verdict: 99,
        reason: String::new(),
        ..request.clone()
    };
    let guessed = DecideReviewRequest {
        etag: "1".to_owned(),
        ..request.clone()
    };
    bodies![request, wrong, guessed]
}

pub(crate) fn batch_get_classification_inputs(asked: &Asked<'_>) -> Bodies {
    let names = vec![asked.world.referral(asked.about)];
    let many = vec![names[0].clone(); 300];
    bodies![
        BatchGetClassificationInputsRequest { names },
        BatchGetClassificationInputsRequest { names: many },
    ]
}

pub(crate) fn classify_text(_: &Asked<'_>) -> Bodies {
    let request = ClassifyTextRequest {
        text: "Cocaine was found in a container.".to_owned(),
        ..ClassifyTextRequest::default()
    };
    bodies![request, ClassifyTextRequest::default()]
}

pub(crate) fn pull_assignments(_: &Asked<'_>) -> Bodies {
    let request = PullAssignmentsRequest {
        max_assignments: 100,
        ..PullAssignmentsRequest::default()
    };
    let wrong = PullAssignmentsRequest {
        max_assignments: -1,
        ..PullAssignmentsRequest::default()
    };
    bodies![request, wrong]
}

pub(crate) fn get_assignment(asked: &Asked<'_>) -> Bodies {
    let (name, _) = asked.world.share(asked.about);
    bodies![GetAssignmentRequest { name }]
}

pub(crate) fn list_assignments(asked: &Asked<'_>) -> Bodies {
    let request = ListAssignmentsRequest {
        page_token: token(asked, "ListAssignments"),
        ..ListAssignmentsRequest::default()
    };
    let wrong = ListAssignmentsRequest {
        page_size: -1,
        states: vec![99],
        ..request.clone()
    };
    bodies![request, wrong]
}

pub(crate) fn accept_assignment(asked: &Asked<'_>) -> Bodies {
    let (name, lease_token) = asked.world.share(asked.about);
    let request = AcceptAssignmentRequest { name, lease_token };
    let wrong = AcceptAssignmentRequest {
        lease_token: String::new(),
        ..request.clone()
    };
    bodies![request, wrong]
}

pub(crate) fn decline_assignment(asked: &Asked<'_>) -> Bodies {
    let (name, lease_token) = asked.world.share(asked.about);
    let request = DeclineAssignmentRequest {
        name,
        lease_token,
        reason: DeclineReason::NoCapacity.into(),
        note: "Not now.".to_owned(),
    };
    let wrong = DeclineAssignmentRequest {
        reason: 99,
        note: long(),
        ..request.clone()
    };
    bodies![request, wrong]
}

pub(crate) fn extend_lease(asked: &Asked<'_>) -> Bodies {
    let (name, lease_token) = asked.world.share(asked.about);
    let lease = |seconds| Some(prost_types::Duration { seconds, nanos: 0 });
    let request = ExtendLeaseRequest {
        name,
        lease_token,
        lease: lease(3_600),
    };
    let wrong = ExtendLeaseRequest {
        lease: lease(1),
        ..request.clone()
    };
    bodies![request, wrong]
}

pub(crate) fn release_assignment(asked: &Asked<'_>) -> Bodies {
    let (name, lease_token) = asked.world.share(asked.about);
    let request = ReleaseAssignmentRequest { name, lease_token };
    let wrong = ReleaseAssignmentRequest {
        lease_token: String::new(),
        ..request.clone()
    };
    bodies![request, wrong]
}

pub(crate) fn complete_assignment(asked: &Asked<'_>) -> Bodies {
    let request = CompleteAssignmentRequest {
        name: asked.world.share(asked.about).0,
        outcome: Outcome::NoTrace.into(),
        note: String::new(),
    };
    let wrong = CompleteAssignmentRequest {
        outcome: 99,
        note: long(),
        ..request.clone()
    };
    bodies![request, wrong]
}

pub(crate) fn declare_indirect_access(asked: &Asked<'_>) -> Bodies {
    let (name, _) = asked.world.share(asked.about);
    bodies![DeclareIndirectAccessRequest { name }]
}

pub(crate) fn create_task(asked: &Asked<'_>) -> Bodies {
    let request = CreateTaskRequest {
        assignment: asked.world.share(asked.about).0,
        title: "Ask once more".to_owned(),
        due_at: None,
        request_id: ONE_REQUEST.to_owned(),
    };
    let wrong = CreateTaskRequest {
        title: long(),
        request_id: "1".to_owned(),
        ..request.clone()
    };
    bodies![request, wrong]
}

pub(crate) fn list_tasks(asked: &Asked<'_>) -> Bodies {
    let (assignment, _) = asked.world.share(asked.about);
    bodies![ListTasksRequest { assignment }]
}

pub(crate) fn claim_task(asked: &Asked<'_>) -> Bodies {
    let name = asked.world.task(asked.about);
    bodies![ClaimTaskRequest { name }]
}

pub(crate) fn complete_task(asked: &Asked<'_>) -> Bodies {
    let request = CompleteTaskRequest {
        name: asked.world.task(asked.about),
        result: RESULT.to_owned(),
    };
    let wrong = CompleteTaskRequest {
        result: long(),
        ..request.clone()
    };
    bodies![request, wrong]
}

pub(crate) fn stream_notifications(asked: &Asked<'_>) -> Bodies {
    bodies![StreamNotificationsRequest {
        cursor: token(asked, "Notifications"),
        include_exercises: false,
    }]
}

pub(crate) fn list_notifications(asked: &Asked<'_>) -> Bodies {
    let request = ListNotificationsRequest {
        cursor: token(asked, "Notifications"),
        ..ListNotificationsRequest::default()
    };
    let wrong = ListNotificationsRequest {
        page_size: -1,
        ..request.clone()
    };
    bodies![request, wrong]
}

/// None for the beginning, one that some party was given, or one that nobody was.
fn token(asked: &Asked<'_>, method: &str) -> String {
    let given = || asked.world.token(method);
    match asked.about {
        "first" => String::new(),
        "token" => given(),
        // Of the same length.
        _ => given().chars().rev().collect(),
    }
}
