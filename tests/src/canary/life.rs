//! Referrals full of planted words, worked from their submission to their end.

use std::fmt::Debug;

use liaison_proto::classification::{
    ClassifyTextRequest, CorrectDecisionRequest, DecideTriageRequest, GetDriftFiguresRequest,
    GetTriageItemRequest, ListDecisionsRequest, ListLabelsRequest, ListTriageItemsRequest,
    RecomputeDecisionRequest,
};
use liaison_proto::common::{DeclineReason, Outcome, ReferralState, RefusalGround};
use liaison_proto::intake::{
    ConsentVerdict, DecideConsentRequest, DecideReviewRequest, Dossier, GetCustodyBundleRequest,
    GetDossierRequest, GetReferralHistoryRequest, GetReferralRequest, IntendedAction, IntendedUse,
    ListReferralsRequest, ListSharesRequest, PurgeReferralRequest, Purpose, ReviewVerdict,
    ShareReferralRequest, ShareState, SubmitReferralRequest,
};
use liaison_proto::notification::ListNotificationsRequest;
use liaison_proto::routing::{
    Assignment, ClaimTaskRequest, CompleteAssignmentRequest, CompleteTaskRequest,
    CreateTaskRequest, DeclineAssignmentRequest, ListTasksRequest,
};
use prost::Message;
use tonic::{Code, Request, Response, Status};

use super::words::{OFFICERS, Words};
use crate::{Client, PATIENCE, Suite, eventually, request_id, unit};

/// What was answered that may hold nothing of what people wrote.
#[derive(Debug, Default)]
pub struct Told {
    /// Refusals, whatever they were for.
    pub refusals: Vec<Status>,
    /// Envelopes, histories and notifications, encoded, by what was asked for.
    pub answers: Vec<(String, Vec<u8>)>,
}

impl Told {
    fn refused<T: Debug>(&mut self, answer: Result<T, Status>) {
        self.refusals.push(answer.expect_err("this is refused"));
    }

    fn answered<T: Message>(&mut self, what: &str, answer: Result<Response<T>, Status>) -> T {
        let answer = answer.unwrap_or_else(|status| panic!("{what}: {status:?}"));
        let answer = answer.into_inner();
        self.answers.push((what.to_owned(), answer.encode_to_vec()));
        answer
    }
}

struct Life<'a> {
    words: &'a Words,
    bureau: Client,
    compliance: Client,
    triage: Client,
    cyber: Client,
    terrorism: Client,
    told: Told,
}

/// Works referrals whose every text holds one of `words`: taken, checked only, not taken; refused and
/// admitted by people; classified by code, by text and by people; pulled, opened, declined, accepted, worked
/// and completed. Whoever may write something writes it, and everything is asked for that holds no content.
///
/// # Panics
/// Where a step is answered otherwise than it should be.
pub async fn lived(suite: &Suite, words: &Words) -> Told {
    let [bureau, unit, desk] = OFFICERS;
    let client = |party: &str, officer| suite.client(party).officer(officer);
    let client = |party: &str, officer| client(party, officer).language(words.language);
    let mut life = Life {
        words,
        bureau: client("bureau/NB-FR", bureau),
        compliance: client("desk/compliance", desk),
        triage: client("desk/triage", desk),
        cyber: client("unit/cyber", unit),
        terrorism: client("unit/terrorism", unit),
        told: Told::default(),
    };
    let coded = life.submitted(words.dossier()).await;
    life.refused().await;
    life.declined(&coded).await;
    let flagged = life.submitted(words.dossier_with("0803")).await;
    life.reviewed(&flagged).await;
    life.placed(&flagged).await;
    life.worked(&flagged).await;
    let read = life.submitted(words.dossier_by_text()).await;
    life.placed(&read).await;
    life.worked(&read).await;
    life.shared(&read).await;
    suite.drained().await;
    life.seen(&[coded.clone(), flagged, read]).await;
    life.purged(&coded).await;
    suite.drained().await;
    let unsaid = words.unsaid();
    assert!(unsaid.is_empty(), "nobody wrote {unsaid:?}");
    life.told
}

impl Life<'_> {
    async fn submitted(&mut self, dossier: Dossier) -> String {
        let checked = SubmitReferralRequest {
            dossier: Some(dossier.clone()),
            request_id: String::new(),
            validate_only: true,
        };
        let checked = self.bureau.intake().submit_referral(checked).await;
        self.told.answered("a check", checked);
        let request = SubmitReferralRequest {
            dossier: Some(dossier),
            request_id: request_id(),
            validate_only: false,
        };
        let submitted = self.bureau.intake().submit_referral(request.clone()).await;
        let submitted = self.told.answered("a submission", submitted);
        let mut another = request;
        another.dossier.get_or_insert_default().title = self.words.wrong();
        let reused = self.bureau.intake().submit_referral(another).await;
        self.told.refused(reused);
        let name = submitted.referral.expect("it was taken").name;
        self.open(&self.bureau.clone(), &name).await;
        name
    }

    /// What a bureau does wrong, and what it asks without leaving anything.
    async fn refused(&mut self) {
        let words = self.words;
        let mut wrong = words.dossier();
        wrong.identifiers[1].value = words.wrong();
        wrong.persons[0].date_of_birth = words.wrong();
        wrong.persons[0].nationalities = vec![words.wrong()];
        wrong.offences[0].iccs = words.wrong();
        wrong.narrative.push('\u{202e}');
        wrong.title = words.wrong().repeat(40);
        if let Some(markings) = &mut wrong.markings {
            markings.excluded_units = vec![words.wrong()];
            markings.excluded_countries = vec![words.wrong()];
        }
        let answer = self.bureau.submit(wrong).await;
        self.told.refused(answer);
        let name = words.wrong();
        let mut request = Request::new(GetReferralRequest { name });
        if let Ok(note) = words.wrong().parse() {
            request.metadata_mut().insert("x-note", note);
        }
        let answer = self.bureau.intake().get_referral(request).await;
        self.told.refused(answer);
        let text = ClassifyTextRequest {
            offences: words.dossier().offences,
            title: words.said("ClassifyTextRequest.title"),
            text: words.said("ClassifyTextRequest.text"),
            language: 0,
        };
        let decided = self.bureau.classification().classify_text(text).await;
        self.told.answered("a classification of a text", decided);
    }

    async fn open(&mut self, client: &Client, referral: &str) {
        let request = GetDossierRequest {
            name: referral.to_owned(),
            purpose: self.words.said("GetDossierRequest.purpose"),
        };
        let opened = client.intake().get_dossier(request).await;
        let opened = opened.expect("it may be opened").into_inner();
        let markings = opened.dossier.and_then(|dossier| dossier.markings);
        let text = markings.expect("it is marked").handling_text;
        let canary = self.words.canary();
        assert!(
            text.starts_with(canary),
            "the dossier is served with {text:?}"
        );
    }

    /// One is refused for good, and `flagged` admitted.
    async fn reviewed(&mut self, flagged: &str) {
        let other = self.submitted(self.words.dossier_with("0803")).await;
        let reason = self.words.said("DecideReviewRequest.reason");
        let review = |name: &str, verdict: ReviewVerdict, ground: RefusalGround| {
            let (name, reason) = (name.to_owned(), reason.clone());
            DecideReviewRequest {
                name,
                verdict: verdict.into(),
                ground: ground.into(),
                reason,
                etag: String::new(),
            }
        };
        let mut intake = self.compliance.intake();
        let admit = review(
            flagged,
            ReviewVerdict::Compliant,
            RefusalGround::Unspecified,
        );
        let stale = DecideReviewRequest {
            etag: self.words.wrong(),
            ..admit.clone()
        };
        self.told.refused(intake.decide_review(stale).await);
        let admitted = intake.decide_review(admit.clone()).await;
        self.told.answered("a review", admitted);
        self.told.refused(intake.decide_review(admit).await);
        let ground = RefusalGround::RequestNotCompliant;
        let refuse = review(&other, ReviewVerdict::NonCompliant, ground);
        let refused = intake.decide_review(refuse).await;
        let refused = self.told.answered("a refusal", refused);
        let state = refused.referral.map(|referral| referral.state());
        assert_eq!(state, Some(ReferralState::Refused));
    }

    fn ruling(&self, referral: &str, lead: &str) -> DecideTriageRequest {
        DecideTriageRequest {
            name: referral.replace("referrals/", "triageItems/"),
            lead: lead.to_owned(),
            supporting: Vec::new(),
            reason: self.words.said("DecideTriageRequest.reason"),
            ..DecideTriageRequest::default()
        }
    }

    /// The duty desk gives it to `lead` as soon as it has it.
    async fn ruled(&mut self, referral: &str, lead: &str) {
        let ruling = self.ruling(referral, lead);
        eventually(PATIENCE, || async {
            self.rule(&ruling).await.then_some(())
        })
        .await;
        let mut again = ruling;
        let mut desk = self.triage.classification();
        self.told.refused(desk.decide_triage(again.clone()).await);
        again.lead = self.words.wrong();
        self.told.refused(desk.decide_triage(again).await);
    }

    /// The duty desk opens it and adds a unit to its ruling.
    async fn corrected(&mut self, referral: &str) {
        let name = referral.replace("referrals/", "triageItems/");
        let mut desk = self.triage.classification();
        let opened = desk.get_triage_item(GetTriageItemRequest { name }).await;
        let opened = opened.expect("it is there").into_inner();
        let latest = opened.decisions.first().expect("it was ruled");
        let canary = self.words.canary();
        assert!(latest.note.starts_with(canary), "{:?}", latest.note);
        let correction = CorrectDecisionRequest {
            name: latest.name.clone(),
            lead: "terrorism".to_owned(),
            supporting: vec!["children-trafficking".to_owned()],
            reason: self.words.said("CorrectDecisionRequest.reason"),
            ..CorrectDecisionRequest::default()
        };
        let mut wrong = correction.clone();
        wrong.lead = self.words.wrong();
        self.told.refused(desk.correct_decision(wrong).await);
        let corrected = desk.correct_decision(correction.clone()).await;
        let corrected = corrected.expect("it is the latest").into_inner();
        let note = corrected.decision.unwrap_or_default().note;
        assert!(note.starts_with(canary), "{note:?}");
        let mut late = correction;
        late.supporting.clear();
        self.told.refused(desk.correct_decision(late).await);
    }

    async fn rule(&self, ruling: &DecideTriageRequest) -> bool {
        let mut desk = self.triage.classification();
        match desk.decide_triage(ruling.clone()).await {
            Ok(_) => true,
            // It is on its way.
            Err(status) => {
                let early = [Code::NotFound, Code::FailedPrecondition];
                assert!(early.contains(&status.code()), "{status:?}");
                false
            }
        }
    }

    /// By the machine or by people, cyber gets it.
    async fn placed(&mut self, referral: &str) {
        let ruling = self.ruling(referral, "cyber");
        let lead = eventually(PATIENCE, || async {
            let found = self.bureau.referral(referral).await.ok()?;
            if found.lead_unit.is_empty() {
                self.rule(&ruling).await;
                return None;
            }
            Some(found.lead_unit)
        })
        .await;
        assert_eq!(lead, "cyber");
    }

    /// Cyber gives it back, and terrorism works it.
    async fn declined(&mut self, referral: &str) {
        let (share, token) = unit::pull_one(&self.cyber).await;
        assert_eq!(share.referral, referral);
        self.open(&self.cyber.clone(), referral).await;
        let decline = DeclineAssignmentRequest {
            name: share.name,
            lease_token: token,
            reason: DeclineReason::WrongUnit.into(),
            note: self.words.said("DeclineAssignmentRequest.note"),
        };
        let mut routing = self.cyber.routing();
        let unproved = DeclineAssignmentRequest {
            lease_token: self.words.wrong(),
            ..decline.clone()
        };
        self.told
            .refused(routing.decline_assignment(unproved).await);
        let declined = routing.decline_assignment(decline).await;
        self.told.answered("a decline", declined);
        self.ruled(referral, "terrorism").await;
        self.corrected(referral).await;
        let unit = self.terrorism.clone();
        self.done(&unit, referral).await;
    }

    /// Cyber works it.
    async fn worked(&mut self, referral: &str) {
        let unit = self.cyber.clone();
        self.done(&unit, referral).await;
    }

    /// Everything that can be written about a share, until it is completed.
    async fn done(&mut self, unit: &Client, referral: &str) {
        let (share, token) = unit::pull_one(unit).await;
        assert_eq!(share.referral, referral);
        self.open(unit, referral).await;
        let accepted = unit::accept(unit, &share.name, &token).await;
        self.told
            .refused(unit::accept(unit, &share.name, &self.words.wrong()).await);
        let share = accepted.expect("it was pulled");
        for _ in 0..2 {
            self.task(unit, &share).await;
        }
        let mut routing = unit.routing();
        let complete = CompleteAssignmentRequest {
            name: share.name,
            outcome: Outcome::InformationProvided.into(),
            note: self.words.said("CompleteAssignmentRequest.note"),
        };
        let completed = routing.complete_assignment(complete.clone()).await;
        self.told.answered("a completion", completed);
        self.told
            .refused(routing.complete_assignment(complete).await);
    }

    /// The lead passes it on; the owner consents to one and refuses the other.
    async fn shared(&mut self, referral: &str) {
        let owner = self.bureau.officer(OFFICERS[2]);
        for verdict in [ConsentVerdict::Give, ConsentVerdict::Refuse] {
            let wish = ShareReferralRequest {
                name: referral.to_owned(),
                recipient: "unit/narcotics-organized-crime".to_owned(),
                purpose: Purpose::InvestigationInformation.into(),
                action: IntendedAction::None.into(),
                r#use: IntendedUse::Police.into(),
                reason: self.words.said("ShareReferralRequest.reason"),
                request_id: request_id(),
            };
            let mut intake = self.cyber.intake();
            let share = intake.share_referral(wish.clone()).await;
            let share = share.expect("the owner is asked").into_inner().share;
            let share = share.unwrap_or_default();
            assert_eq!(share.state(), ShareState::AwaitingConsent);
            let reused = ShareReferralRequest {
                reason: self.words.wrong(),
                ..wish
            };
            self.told.refused(intake.share_referral(reused).await);
            let answer = DecideConsentRequest {
                name: share.name,
                verdict: verdict.into(),
                reason: self.words.said("DecideConsentRequest.reason"),
            };
            let mut intake = owner.intake();
            let answered = intake.decide_consent(answer.clone()).await;
            answered.expect("it is asked");
            self.told.refused(intake.decide_consent(answer).await);
        }
        let parent = referral.to_owned();
        let list = ListSharesRequest {
            parent,
            ..ListSharesRequest::default()
        };
        let shares = self.bureau.intake().list_shares(list).await;
        let shares = shares.expect("they are its own").into_inner().shares;
        assert!(
            shares
                .iter()
                .all(|share| share.reason.starts_with(self.words.canary())),
            "reasons are served: {shares:?}"
        );
    }

    /// Nothing of it can be opened any more.
    async fn purged(&mut self, referral: &str) {
        let owner = self.bureau.officer(OFFICERS[2]);
        let name = referral.to_owned();
        let etag = String::new();
        let purge = PurgeReferralRequest { name, etag };
        let purged = owner.intake().purge_referral(purge).await;
        self.told.answered("a purge", purged);
        let opened = GetDossierRequest {
            name: referral.to_owned(),
            purpose: self.words.said("GetDossierRequest.purpose"),
        };
        self.told.refused(owner.intake().get_dossier(opened).await);
    }

    async fn task(&mut self, unit: &Client, share: &Assignment) {
        let mut routing = unit.routing();
        let create = CreateTaskRequest {
            assignment: share.name.clone(),
            title: self.words.said("CreateTaskRequest.title"),
            due_at: None,
            request_id: request_id(),
        };
        let task = routing.create_task(create.clone()).await.expect("a task");
        let name = task.into_inner().task.unwrap_or_default().name;
        let title = self.words.wrong();
        let reused = routing
            .create_task(CreateTaskRequest { title, ..create })
            .await;
        self.told.refused(reused);
        let complete = CompleteTaskRequest {
            name: name.clone(),
            result: self.words.said("CompleteTaskRequest.result"),
        };
        let early = routing.complete_task(complete.clone()).await;
        self.told.refused(early);
        let claimed = routing.claim_task(ClaimTaskRequest { name }).await;
        claimed.expect("it waits");
        let other = unit.officer("somebody.else");
        self.told
            .refused(other.routing().complete_task(complete.clone()).await);
        let done = routing.complete_task(complete).await.expect("it is theirs");
        let done = done.into_inner().task.unwrap_or_default();
        let assignment = share.name.clone();
        let listed = routing.list_tasks(ListTasksRequest { assignment }).await;
        let listed = listed.expect("they are theirs").into_inner().tasks;
        assert!(listed.contains(&done), "texts are served: {listed:?}");
        assert!(done.result.starts_with(self.words.canary()));
    }

    /// Everything that may be asked for and holds no content.
    async fn seen(&mut self, referrals: &[String]) {
        let told = &mut self.told;
        for name in referrals {
            let name = || name.clone();
            let mut intake = self.bureau.intake();
            let referral = GetReferralRequest { name: name() };
            told.answered("a referral", intake.get_referral(referral).await);
            let history = GetReferralHistoryRequest { name: name() };
            told.answered("a history", intake.get_referral_history(history).await);
            let bundle = GetCustodyBundleRequest { name: name() };
            told.answered("a bundle", intake.get_custody_bundle(bundle).await);
            let mut desk = self.triage.classification();
            let decisions = ListDecisionsRequest { referral: name() };
            let decisions = desk
                .list_decisions(decisions)
                .await
                .expect("they are there");
            let decisions = decisions.into_inner().decisions;
            assert!(!decisions.is_empty());
            let name_of_decision = decisions[0].name.clone();
            let again = RecomputeDecisionRequest {
                name: name_of_decision,
            };
            told.answered("a recomputation", desk.recompute_decision(again).await);
            let mut stranger = self.terrorism.officer("somebody.else").intake();
            let request = GetDossierRequest {
                name: name(),
                purpose: self.words.said("GetDossierRequest.purpose"),
            };
            if let Err(status) = stranger.get_dossier(request).await {
                told.refusals.push(status);
            }
        }
        let list = ListReferralsRequest::default();
        told.answered("referrals", self.bureau.intake().list_referrals(list).await);
        let items = ListTriageItemsRequest::default();
        let items = self.triage.classification().list_triage_items(items).await;
        told.answered("triage items", items);
        let mut desk = self.triage.classification();
        let labels = desk.list_labels(ListLabelsRequest::default()).await;
        let labels = told.answered("labels", labels).labels;
        assert!(!labels.is_empty(), "the desk has ruled");
        let figures = GetDriftFiguresRequest::default();
        told.answered("figures", desk.get_drift_figures(figures).await);
        for share in unit::assignments(&self.triage, &[]).await {
            told.answers
                .push(("a share".to_owned(), share.encode_to_vec()));
        }
        for client in [
            &self.bureau,
            &self.compliance,
            &self.triage,
            &self.cyber,
            &self.terrorism,
        ] {
            let list = ListNotificationsRequest {
                page_size: 500,
                ..ListNotificationsRequest::default()
            };
            let notifications = client.notification().list_notifications(list).await;
            told.answered("notifications", notifications);
        }
    }
}
