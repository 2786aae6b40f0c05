//! A running suite with a subject in every state that matters for who may see it.

use std::collections::BTreeMap;

use e2e::{Backend, Client, Suite, dossier, request_id, unit};
use liaison_proto::classification::{
    DecideTriageRequest, ListDecisionsRequest, ListLabelsRequest, ListTriageItemsRequest,
};
use liaison_proto::common::{DeclineReason, OffenceTag, Outcome, RefusalGround};
use liaison_proto::intake::{
    DecideReviewRequest, Dossier, ListReferralsRequest, ReviewVerdict, SubmitReferralRequest,
};
use liaison_proto::intake::{IntendedAction, IntendedUse, Purpose, ShareReferralRequest};
use liaison_proto::notification::ListNotificationsRequest;
use liaison_proto::routing::{
    ClaimTaskRequest, CompleteTaskRequest, CreateTaskRequest, ListAssignmentsRequest,
};
use liaison_types::Language;

/// Everybody who calls. Of the referrals of `bureau/NB-FR`, children-trafficking leads, cyber supports,
/// narcotics-organized-crime is excluded by their markings, terrorism has no part, and elsewhere is no unit
/// of the hub.
pub(crate) const PARTIES: [&str; 18] = [
    "bureau/NB-FR",
    "bureau/NB-DE",
    "bureau/NB-FR-LYON",
    "partner/customs",
    "unit/children-trafficking",
    "unit/cyber",
    "unit/terrorism",
    "unit/narcotics-organized-crime",
    "unit/elsewhere",
    "desk/compliance",
    "desk/triage",
    "desk/other",
    "service/intake",
    "service/classification",
    "service/routing",
    "service/notification",
    "operator/ops",
    "auditor/court",
];

/// Who submits, and who does everything else: nobody reviews what they submitted.
pub(crate) const SUBMITTER: &str = "a.first";
pub(crate) const OFFICER: &str = "m.second";

/// What nobody has.
const ABSENT: &str = "0198c0de-0000-7000-8000-00000000000";

/// How far the lead unit goes with its share.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Until {
    Leased,
    Accepted,
    Completed,
    Declined,
}

/// The shares that the lead has pulled, by name. The second half is there for one call each, which is
/// the only one that may change them.
const PULLED: [(&str, Until); 10] = [
    ("leased", Until::Leased),
    ("accepted", Until::Accepted),
    ("completed", Until::Completed),
    ("declined", Until::Declined),
    ("to-accept", Until::Leased),
    ("to-decline", Until::Leased),
    ("to-extend", Until::Leased),
    ("to-release", Until::Leased),
    ("to-complete", Until::Accepted),
    ("to-declare", Until::Accepted),
];

/// See the module.
pub(crate) struct World {
    pub(crate) suite: Suite,
    clients: BTreeMap<&'static str, Client>,
    /// Referrals, by name.
    referrals: BTreeMap<String, String>,
    /// Shares, by name.
    shares: BTreeMap<String, (String, String)>,
    /// Decisions, by the name of the referral: what the machine decided, or the one to correct.
    decisions: BTreeMap<String, String>,
    /// Tasks of the accepted share, by name.
    tasks: BTreeMap<String, String>,
    /// The request id of a submission of `bureau/NB-FR`.
    pub(crate) taken: String,
    /// Tokens and the cursor of one party each, by the method that gave it.
    tokens: BTreeMap<&'static str, String>,
    passed: String,
}

/// A referral for children-trafficking with the support of cyber, which narcotics must not see.
pub(crate) fn shared() -> Dossier {
    excluding(dossier::coded(
        "03022",
        &[OffenceTag::Minor, OffenceTag::Cyber],
    ))
}

fn excluding(mut dossier: Dossier) -> Dossier {
    let markings = dossier.markings.get_or_insert_default();
    markings.excluded_units = vec!["narcotics-organized-crime".to_owned()];
    dossier
}

impl World {
    pub(crate) async fn new(backend: Backend) -> Self {
        let suite = Suite::up(backend).await;
        // One after the other, so that each language is somebody's.
        let languages = Language::ALL.into_iter().cycle();
        let clients = PARTIES.into_iter().zip(languages).map(|(party, language)| {
            let client = suite.client(party).language(language);
            // A service vouches for nobody.
            if party.starts_with("service/") {
                (party, client)
            } else {
                (party, client.officer(OFFICER))
            }
        });
        let clients = clients.collect();
        let mut world = Self {
            suite,
            clients,
            referrals: BTreeMap::new(),
            shares: BTreeMap::new(),
            decisions: BTreeMap::new(),
            tasks: BTreeMap::new(),
            taken: request_id(),
            tokens: BTreeMap::new(),
            passed: String::new(),
        };
        for (name, until) in PULLED {
            world.pulled(name, until).await;
        }
        world.divided().await;
        world.waiting().await;
        world.pass_on().await;
        world.suite.drained().await;
        world.rule().await;
        world.suite.drained().await;
        world.name_shares().await;
        world.name_decisions().await;
        world.name_tokens().await;
        world
    }

    /// Who acts as `party`, with the officer who did not submit.
    pub(crate) fn client(&self, party: &str) -> &Client {
        &self.clients[party]
    }

    /// `referrals/…` of that name.
    pub(crate) fn referral(&self, name: &str) -> String {
        let absent = || format!("referrals/{ABSENT}1");
        named(&self.referrals, name, absent)
    }

    /// `triageItems/…` of the referral of that name.
    pub(crate) fn item(&self, name: &str) -> String {
        self.referral(name).replace("referrals/", "triageItems/")
    }

    /// `classifications/…` of that name.
    pub(crate) fn decision(&self, name: &str) -> String {
        let absent = || format!("classifications/{ABSENT}5");
        // Not everything is decided on.
        self.decisions.get(name).cloned().unwrap_or_else(absent)
    }

    /// `assignments/…` of that name, and the lease token where its holder has one to use.
    pub(crate) fn share(&self, name: &str) -> (String, String) {
        let absent = || (format!("assignments/{ABSENT}2"), "token".to_owned());
        named(&self.shares, name, absent)
    }

    /// `tasks/…` of that name.
    pub(crate) fn task(&self, name: &str) -> String {
        named(&self.tasks, name, || format!("tasks/{ABSENT}3"))
    }

    /// `shares/…`: what `passed` is passed on by, or what is not there.
    pub(crate) fn passed(&self, name: &str) -> String {
        if name == "passed" {
            self.passed.clone()
        } else {
            format!("shares/{ABSENT}4")
        }
    }

    /// What `method` gave one party to go on with.
    pub(crate) fn token(&self, method: &str) -> String {
        self.tokens[method].clone()
    }

    /// What no refusal may hold: who else there is, who acted, what there is and what it is called.
    pub(crate) fn secrets(&self, caller: &str) -> Vec<String> {
        let named = |party: &&&str| {
            let told = ["bureau/", "unit/", "partner/"];
            // A caller may name a unit that is none.
            told.iter().any(|kind| party.starts_with(kind)) && **party != "unit/elsewhere"
        };
        let others = PARTIES
            .iter()
            .filter(named)
            .filter(|party| **party != caller);
        let of_others = others.map(|party| party.split_once('/').unwrap().1.to_owned());
        let officers = [SUBMITTER, OFFICER].map(str::to_owned);
        let ids = self.referrals.values().chain(self.tasks.values());
        let ids = ids.chain(self.shares.values().map(|(name, _)| name));
        let ids = ids.chain([&self.passed]).chain(self.decisions.values());
        let ids = ids.map(|name| name.split_once('/').unwrap().1.to_owned());
        of_others
            .chain(officers)
            .chain(ids)
            .chain(["2026-".to_owned(), "own making".to_owned()])
            .collect()
    }

    async fn submit(&mut self, name: &str, party: &str, dossier: Dossier) {
        let client = self.client(party).officer(SUBMITTER);
        let sent = client.submit(dossier).await.unwrap();
        self.referrals.insert(name.to_owned(), sent.name);
    }

    /// A referral whose lead unit goes so far with it.
    async fn pulled(&mut self, name: &str, until: Until) {
        let dossier = match name {
            "to-declare" => dossier::urgent(shared()),
            _ => shared(),
        };
        self.submit(name, "bureau/NB-FR", dossier).await;
        let lead = self.client("unit/children-trafficking").clone();
        let (share, token) = unit::pull_one(&lead).await;
        assert_eq!(share.referral, self.referral(name));
        if matches!(until, Until::Accepted | Until::Completed) {
            unit::accept(&lead, &share.name, &token).await.unwrap();
        }
        if until == Until::Completed {
            let outcome = Outcome::NoTrace;
            unit::complete(&lead, &share.name, outcome).await.unwrap();
        }
        if until == Until::Declined {
            let reason = DeclineReason::WrongUnit;
            unit::decline(&lead, &share.name, &token, reason)
                .await
                .unwrap();
        }
        // Where a call is to fail for its state, it does so for any token.
        let token = if name.starts_with("to-") {
            token
        } else {
            "token".to_owned()
        };
        self.shares.insert(name.to_owned(), (share.name, token));
    }

    /// Tasks in three states under the accepted share.
    async fn divided(&mut self) {
        let mut routing = self.client("unit/children-trafficking").routing();
        for name in ["ready", "claimed", "done"] {
            let create = CreateTaskRequest {
                assignment: self.share("accepted").0,
                title: "Ask the provider".to_owned(),
                due_at: None,
                request_id: request_id(),
            };
            let task = routing.create_task(create).await.unwrap().into_inner();
            let task = task.task.unwrap().name;
            if name != "ready" {
                let claim = ClaimTaskRequest { name: task.clone() };
                routing.claim_task(claim).await.unwrap();
            }
            if name == "done" {
                let complete = CompleteTaskRequest {
                    name: task.clone(),
                    result: crate::bodies::RESULT.to_owned(),
                };
                routing.complete_task(complete).await.unwrap();
            }
            self.tasks.insert(name.to_owned(), task);
        }
    }

    /// The owner passes a referral on to a unit that nobody asks as.
    async fn pass_on(&mut self) {
        let request = ShareReferralRequest {
            name: self.referral("completed"),
            recipient: "unit/nowhere".to_owned(),
            purpose: Purpose::InvestigationInformation.into(),
            action: IntendedAction::None.into(),
            r#use: IntendedUse::Police.into(),
            reason: "They may hold records.".to_owned(),
            request_id: request_id(),
        };
        let mut intake = self.client("bureau/NB-FR").intake();
        let share = intake.share_referral(request).await.unwrap().into_inner();
        self.passed = share.share.unwrap().name;
    }

    /// What waits for somebody.
    async fn waiting(&mut self) {
        let owner = "bureau/NB-FR";
        for (name, dossier) in [
            ("review", excluding(dossier::flagged())),
            ("to-review", excluding(dossier::flagged())),
            ("refused", excluding(dossier::flagged())),
            ("triage", excluding(dossier::unclear())),
            ("to-rule", excluding(dossier::unclear())),
            ("ruled", excluding(dossier::unclear())),
            ("to-correct", excluding(dossier::unclear())),
            ("routed", shared()),
        ] {
            self.submit(name, owner, dossier).await;
        }
        let mut exercise = shared();
        exercise.exercise = true;
        self.submit("exercise", owner, exercise).await;
        self.submit("german", "bureau/NB-DE", dossier::coded("09062", &[]))
            .await;
        self.submit("partners", "partner/customs", dossier::unclear())
            .await;
        let request = SubmitReferralRequest {
            dossier: Some(dossier::unclear()),
            request_id: self.taken.clone(),
            validate_only: false,
        };
        let mut intake = self.client(owner).officer(SUBMITTER).intake();
        intake.submit_referral(request).await.unwrap();
        let refusal = DecideReviewRequest {
            name: self.referral("refused"),
            verdict: ReviewVerdict::NonCompliant.into(),
            ground: RefusalGround::RequestNotCompliant.into(),
            reason: "The form is not complete.".to_owned(),
            etag: String::new(),
        };
        let mut intake = self.client("desk/compliance").intake();
        intake.decide_review(refusal).await.unwrap();
    }

    /// The duty desk gives two of what waits to a unit: the proposal that it ruled on is not the latest
    /// decision any more, and one ruling is there to be corrected.
    async fn rule(&mut self) {
        let mut desk = self.client("desk/triage").classification();
        for name in ["triage", "ruled", "to-correct"] {
            let referral = self.referral(name);
            let mut decision = self.latest(referral).await;
            if name != "triage" {
                let ruling = ruling(self.item(name), "cyber");
                let ruled = desk.decide_triage(ruling).await.unwrap().into_inner();
                if name == "to-correct" {
                    decision = ruled.decision.unwrap().name;
                }
            }
            self.decisions.insert(name.to_owned(), decision);
        }
    }

    async fn latest(&self, referral: String) -> String {
        let mut desk = self.client("desk/triage").classification();
        let decisions = ListDecisionsRequest { referral };
        let decisions = desk.list_decisions(decisions).await.unwrap().into_inner();
        decisions.decisions[0].name.clone()
    }

    /// The shares that nobody pulled: the duty desk sees them all.
    async fn name_shares(&mut self) {
        let all = unit::assignments(self.client("desk/triage"), &[]).await;
        for (name, referral, unit) in [
            ("routed", "routed", "children-trafficking"),
            ("exercise", "exercise", "children-trafficking"),
            ("supporting", "routed", "cyber"),
        ] {
            let referral = self.referral(referral);
            let share = all
                .iter()
                .find(|share| share.referral == referral && share.unit == unit);
            let share = (share.unwrap().name.clone(), "token".to_owned());
            self.shares.insert(name.to_owned(), share);
        }
    }

    /// The machine's are the first on each. Those that were named already stay.
    async fn name_decisions(&mut self) {
        let mut desk = self.client("desk/triage").classification();
        for (name, referral) in &self.referrals {
            let request = ListDecisionsRequest {
                referral: referral.clone(),
            };
            // What was not admitted is not known there.
            let Ok(all) = desk.list_decisions(request).await else {
                continue;
            };
            if let Some(first) = all.into_inner().decisions.last() {
                let known = self.decisions.entry(name.clone());
                known.or_insert_with(|| first.name.clone());
            }
        }
    }

    async fn name_tokens(&mut self) {
        let bureau = self.client("bureau/NB-FR").clone();
        let list = ListReferralsRequest {
            page_size: 1,
            ..Default::default()
        };
        let page = bureau.intake().list_referrals(list).await.unwrap();
        let notifications = ListNotificationsRequest {
            page_size: 2,
            ..Default::default()
        };
        let told = bureau
            .notification()
            .list_notifications(notifications)
            .await;
        let shares = ListAssignmentsRequest {
            page_size: 1,
            ..Default::default()
        };
        let mut routing = self.client("unit/children-trafficking").routing();
        let shares = routing.list_assignments(shares).await.unwrap();
        let items = ListTriageItemsRequest {
            page_size: 1,
            ..Default::default()
        };
        let mut desk = self.client("desk/triage").classification();
        let items = desk.list_triage_items(items).await.unwrap();
        let labels = ListLabelsRequest {
            page_size: 1,
            ..Default::default()
        };
        let labels = desk.list_labels(labels).await.unwrap();
        for (method, token) in [
            ("ListReferrals", page.into_inner().next_page_token),
            ("ListAssignments", shares.into_inner().next_page_token),
            ("ListTriageItems", items.into_inner().next_page_token),
            ("ListLabels", labels.into_inner().next_page_token),
            ("Notifications", told.unwrap().into_inner().cursor),
        ] {
            assert!(!token.is_empty(), "{method} gave nothing to go on with");
            self.tokens.insert(method, token);
        }
    }
}

fn named<T: Clone>(of: &BTreeMap<String, T>, name: &str, absent: impl Fn() -> T) -> T {
    if name == "absent" {
        return absent();
    }
    of.get(name)
        .unwrap_or_else(|| panic!("nothing is called {name}"))
        .clone()
}

/// The duty desk gives `item` to a unit, by hand.
pub(crate) fn ruling(item: String, lead: &str) -> DecideTriageRequest {
    DecideTriageRequest {
        name: item,
        lead: lead.to_owned(),
        supporting: Vec::new(),
        reason: "Read and found to be theirs.".to_owned(),
        refusal_ground: 0,
    }
}
