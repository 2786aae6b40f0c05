//! A routing service without sockets, stepped by the test.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use liaison_grpc::client::Channel;
use liaison_grpc::{Api, ClientSettings, InProcess, Limits, Methods, stack};
use liaison_outbox::{
    Deliver, Destination, Outbox, Outcome, Outgoing, Relay, RelaySettings, depths,
};
use liaison_policy::Policy;
use liaison_proto::event::event::Data;
use liaison_proto::event::event_inbox_service_client::EventInboxServiceClient;
use liaison_proto::event::{
    AssignmentChanged, AssignmentStep, CaseClassified, DeliverEventsRequest, DeliveryResult,
    DeliveryStatus, Envelope, Event,
};
use liaison_proto::routing::routing_service_client::RoutingServiceClient;
use liaison_proto::routing::{
    AcceptAssignmentRequest, Assignment, ListAssignmentsRequest, PullAssignmentsRequest,
    PulledAssignment,
};
use liaison_proto::{common, routing};
use liaison_routing::app;
use liaison_routing::domain::{LeaseTerms, Units};
use liaison_routing::ops::{Ops, Parts};
use liaison_routing::store::Migrator;
use liaison_routing::worker::Grants;
use liaison_runtime::recorded_decision;
use liaison_store::Db;
use liaison_store::audit::{self, AuditQuery, AuditRecord};
use liaison_store::sealed::{KeyRing, Vault};
use liaison_telemetry::Instruments;
use liaison_testkit::database::TestDatabase;
use liaison_testkit::environment::Environment;
use liaison_testkit::fault::{Faults, Faulty};
use liaison_types::{DecisionId, Party, ReferralId, Result};
use prost::Message as _;
use tokio_util::sync::CancellationToken;
use tonic::Status;
use tonic_types::StatusExt as _;

pub const UNITS: [&str; 4] = [
    "children-trafficking",
    "cyber",
    "narcotics-organized-crime",
    "terrorism",
];

/// The generated clients, without a network below them.
pub type Routing = RoutingServiceClient<Channel<InProcess>>;

/// Everything that was told to others, by destination, in the order of arrival.
#[derive(Debug, Default)]
pub struct Told(Mutex<Vec<(String, Event)>>);

impl Deliver for Told {
    fn destinations(&self) -> Vec<Destination> {
        ["intake", "classification", "notification"]
            .map(Destination::new)
            .to_vec()
    }

    fn keeps_order(&self) -> bool {
        true
    }

    fn deliver<'a>(
        &'a self,
        destination: &'a Destination,
        batch: Vec<Outgoing>,
    ) -> BoxFuture<'a, Result<Vec<Outcome>>> {
        async move {
            let mut told = self.0.lock().unwrap();
            Ok(batch
                .iter()
                .map(|row| {
                    let event = Event::decode(row.payload.as_slice()).unwrap();
                    told.push((destination.to_string(), event));
                    Outcome::Delivered
                })
                .collect())
        }
        .boxed()
    }
}

/// See the module.
pub struct World {
    pub env: Environment,
    pub db: Db,
    pub ops: Ops,
    pub vault: Vault,
    pub stopping: CancellationToken,
    api: Api,
    relay: Relay,
    told: Arc<Faulty<Told>>,
    _database: TestDatabase,
}

fn units() -> Units {
    let desks = |names: &[&str]| names.iter().map(|name| name.parse().unwrap()).collect();
    Units::new(BTreeMap::from([
        (
            UNITS[0].parse().unwrap(),
            desks(&["children", "trafficking"]),
        ),
        (
            UNITS[1].parse().unwrap(),
            desks(&["threat-response", "digital-evidence"]),
        ),
        (
            UNITS[2].parse().unwrap(),
            desks(&["drugs", "criminal-networks", "firearms"]),
        ),
        (
            UNITS[3].parse().unwrap(),
            desks(&["networks", "financing", "cbrne"]),
        ),
    ]))
}

impl World {
    pub async fn new(database: TestDatabase) -> Self {
        Self::with_faults(database, Faults::default()).await
    }

    /// A world whose deliveries go wrong.
    pub async fn with_faults(database: TestDatabase, faults: Faults) -> Self {
        Self::build(database, faults, Policy::built_in()).await
    }

    /// A world that decides by `policy`.
    pub async fn deciding(database: TestDatabase, policy: Policy) -> Self {
        Self::build(database, Faults::default(), policy).await
    }

    async fn build(database: TestDatabase, faults: Faults, policy: Policy) -> Self {
        let db = database.migrated::<Migrator>().await;
        let env = Environment::seeded(7);
        let ring = Arc::new(KeyRing::from_keys([(1, [7; 32])]).unwrap());
        let vault = Vault::new(ring, env.random());
        let (outbox, stopping) = (Outbox::new(), CancellationToken::new());
        let ops = Ops::new(Parts {
            db: db.clone(),
            clock: env.clock(),
            random: env.random(),
            vault: vault.clone(),
            units: units(),
            terms: LeaseTerms {
                default: Duration::from_mins(15),
                min: Duration::from_secs(10),
                max: Duration::from_hours(8),
                max_attempts: 5,
            },
            max_tasks: 3,
            policy,
            outbox: outbox.clone(),
            stopping: stopping.clone(),
        });
        let told = Arc::new(Faulty::new(Told::default(), env.random(), faults));
        let relay = Relay::new(
            db.clone(),
            env.clock(),
            env.random(),
            Arc::clone(&told) as Arc<dyn Deliver>,
            RelaySettings::default(),
            Arc::new(Grants::new(ops.clone(), env.clock())),
        )
        .unwrap()
        .with_outbox(outbox);
        let limits = Limits::default();
        let api = Api::new(stack(
            &Methods::liaison(),
            &limits,
            None,
            &Instruments::none(),
        ));
        let api = app::mount(api, ops.clone());
        Self {
            env,
            db,
            ops,
            vault,
            stopping,
            api,
            relay,
            told,
            _database: database,
        }
    }

    fn channel(&self, party: &str, officer: Option<&str>) -> Channel<InProcess> {
        let transport = self.api.in_process(party.parse().unwrap());
        let channel = Channel::over(
            transport,
            &ClientSettings::default(),
            &Methods::liaison(),
            &Instruments::none(),
        );
        match officer {
            Some(officer) => channel.with_officer(officer).unwrap(),
            None => channel,
        }
    }

    /// The service as `party` calls it.
    pub fn as_party(&self, party: &str) -> Routing {
        RoutingServiceClient::new(self.channel(party, None))
    }

    /// The service as a unit calls it, without an officer.
    pub fn unit(&self, unit: &str) -> Routing {
        self.as_party(&format!("unit/{unit}"))
    }

    /// The service as an officer of a unit calls it.
    pub fn officer(&self, unit: &str, officer: &str) -> Routing {
        RoutingServiceClient::new(self.channel(&format!("unit/{unit}"), Some(officer)))
    }

    /// Hands events in as `party`, and answers what became of each.
    pub async fn deliver_as(&self, party: &str, events: Vec<Event>) -> Vec<DeliveryResult> {
        let mut inbox = EventInboxServiceClient::new(self.channel(party, None));
        inbox
            .deliver_events(DeliverEventsRequest { events })
            .await
            .unwrap()
            .into_inner()
            .results
    }

    /// Hands classifications in; each has to be accepted.
    pub async fn classify(&self, facts: Vec<CaseClassified>) {
        let events = facts.into_iter().map(|fact| self.event(fact)).collect();
        for result in self.deliver_as("service/classification", events).await {
            assert_eq!(
                result.status(),
                DeliveryStatus::Accepted,
                "{}",
                result.reason
            );
        }
    }

    /// The event of a classification.
    pub fn event(&self, fact: CaseClassified) -> Event {
        Event {
            id: self.env.event_id().to_string(),
            source: Party::service("classification").uri(),
            subject: fact.envelope.clone().unwrap_or_default().referral,
            sequence: i64::from(fact.revision.max(1)),
            time: Some(liaison_grpc::wire::timestamp(self.env.now())),
            traceparent: String::new(),
            data: Some(Data::CaseClassified(fact)),
        }
    }

    /// A classification of a new referral.
    pub fn classified(&self, lead: &str, supporting: &[&str]) -> CaseClassified {
        let (now, random) = (self.env.now(), self.env.random.as_ref());
        let referral = format!("referrals/{}", ReferralId::new(now, random));
        CaseClassified {
            envelope: Some(Envelope {
                reference: format!("2026-FR-{:06}", self.env.below(1_000_000)),
                referral,
                bureau: "NB-FR".into(),
                kind: common::ReferralKind::RequestForAssistance.into(),
                urgency: common::Urgency::Routine.into(),
                markings: None,
                received_at: Some(liaison_grpc::wire::timestamp(now)),
                completion: Some(liaison_grpc::wire::clock(
                    now,
                    now + Duration::from_hours(7 * 24),
                    "completion.routine",
                )),
                exercise: false,
            }),
            decision: format!("classifications/{}", DecisionId::new(now, random)),
            revision: 1,
            lead: lead.into(),
            supporting: supporting.iter().map(|unit| (*unit).to_owned()).collect(),
            desk: String::new(),
            rules: vec!["code.0903".into()],
            ..CaseClassified::default()
        }
    }

    /// The next decision on the same referral.
    pub fn again(&self, fact: &CaseClassified, lead: &str, supporting: &[&str]) -> CaseClassified {
        CaseClassified {
            revision: fact.revision + 1,
            envelope: fact.envelope.clone(),
            by_person: true,
            ..self.classified(lead, supporting)
        }
    }

    /// The next decision on the same referral: people found it no unit's business.
    pub fn refused(&self, fact: &CaseClassified) -> CaseClassified {
        CaseClassified {
            lead: String::new(),
            refusal_ground: common::RefusalGround::NotAnOffence.into(),
            ..self.again(fact, "cyber", &[])
        }
    }

    /// Hands on everything that is in the outbox, and what that causes.
    pub async fn settle(&self) {
        while self.relay.tick().await.unwrap().claimed > 0 {}
    }

    /// One pass of the relay. What goes wrong comes again.
    pub async fn step(&self) {
        self.relay.tick().await.unwrap();
    }

    /// Changes the faults from here on.
    pub fn set_faults(&self, faults: Faults) {
        self.told.set(faults);
    }

    /// Hands on everything, also what waits for another attempt, and what that causes.
    pub async fn settle_all(&self) {
        while depths(&self.db)
            .await
            .unwrap()
            .iter()
            .any(|depth| depth.waiting > 0)
        {
            self.env.advance(Duration::from_mins(10));
            self.settle().await;
        }
    }

    /// Everything that arrived at `destination` so far, repetitions included.
    pub fn everything_told(&self, destination: &str) -> Vec<Event> {
        let all = self.told.inner().0.lock().unwrap();
        all.iter()
            .filter(|(to, _)| to == destination)
            .map(|(_, event)| event.clone())
            .collect()
    }

    /// Classifies a new referral and lets the grants arrive.
    pub async fn routed(&self, lead: &str, supporting: &[&str]) -> CaseClassified {
        let fact = self.classified(lead, supporting);
        self.classify(vec![fact.clone()]).await;
        self.settle().await;
        fact
    }

    /// What was told to `destination` since the last time it was asked.
    pub fn told(&self, destination: &str) -> Vec<Event> {
        let mut all = self.told.inner().0.lock().unwrap();
        let (found, rest) = all.drain(..).partition(|(to, _)| to == destination);
        *all = rest;
        found.into_iter().map(|(_, event)| event).collect()
    }

    /// The steps of assignments that were told to `destination`, as (unit, step).
    pub fn steps(&self, destination: &str) -> Vec<(String, AssignmentStep)> {
        self.changes(destination)
            .into_iter()
            .map(|c| (c.unit.clone(), c.step()))
            .collect()
    }

    /// The changes of assignments that were told to `destination`.
    pub fn changes(&self, destination: &str) -> Vec<AssignmentChanged> {
        let changed = self
            .told(destination)
            .into_iter()
            .filter_map(|event| match event.data {
                Some(Data::AssignmentChanged(changed)) => Some(changed),
                _ => None,
            });
        changed.collect()
    }

    /// Pulls without waiting.
    pub async fn pull(&self, unit: &str, max: i32) -> Vec<PulledAssignment> {
        let request = PullAssignmentsRequest {
            max_assignments: max,
            ..PullAssignmentsRequest::default()
        };
        self.unit(unit)
            .pull_assignments(request)
            .await
            .unwrap()
            .into_inner()
            .assignments
    }

    /// Pulls the one assignment that waits for the unit.
    pub async fn pull_one(&self, unit: &str) -> Held {
        let mut pulled = self.pull(unit, 100).await;
        assert_eq!(pulled.len(), 1, "one assignment waits for {unit}");
        Held::of(pulled.remove(0))
    }

    /// Pulls and accepts the one assignment that waits for the unit.
    pub async fn accepted(&self, unit: &str) -> Held {
        let held = self.pull_one(unit).await;
        let accepted = self
            .unit(unit)
            .accept_assignment(held.accept())
            .await
            .unwrap();
        Held {
            assignment: accepted.into_inner().assignment.unwrap(),
            ..held
        }
    }

    /// The assignments that the unit sees, the oldest first.
    pub async fn seen_by(&self, party: &str) -> Vec<Assignment> {
        let request = ListAssignmentsRequest {
            page_size: 500,
            include_exercises: true,
            ..Default::default()
        };
        let listed = self
            .as_party(party)
            .list_assignments(request)
            .await
            .unwrap()
            .into_inner();
        listed.assignments.into_iter().rev().collect()
    }

    /// Everything that policy decided, each as `action question word purpose`, sorted. Decided again on the facts
    /// that are kept beside it, it comes out the same.
    pub async fn decided(&self) -> Vec<String> {
        let query = AuditQuery {
            decided: true,
            limit: 100,
            ..AuditQuery::default()
        };
        let records = audit::list(self.db.reader(), &query).await.unwrap();
        let again = records.into_iter().map(|AuditRecord { entry, .. }| {
            let kept = recorded_decision(&entry).unwrap();
            let rules = self.ops.parts().policy.rules();
            assert_eq!(rules.decide(&kept.facts), kept.decision, "{entry:?}");
            assert_eq!(entry.rule_set.as_deref(), Some(rules.version()));
            let (question, purpose) = (kept.facts.asked(), entry.purpose.unwrap_or_default());
            let said = format!("{} {question} {} {purpose}", entry.action, entry.decision);
            said.trim_end().to_owned()
        });
        let mut all: Vec<String> = again.collect();
        all.sort_unstable();
        all
    }

    /// The state of the unit's only assignment, whether it may know of it yet or not.
    pub async fn state_of(&self, unit: &str) -> common::AssignmentState {
        let mut seen = self.seen_by("desk/triage").await;
        seen.retain(|assignment| assignment.unit == unit);
        assert_eq!(seen.len(), 1);
        seen[0].state()
    }
}

/// What a unit holds.
#[derive(Clone, Debug)]
pub struct Held {
    pub assignment: Assignment,
    pub token: String,
}

impl Held {
    pub fn of(pulled: PulledAssignment) -> Self {
        Self {
            assignment: pulled.assignment.unwrap(),
            token: pulled.lease_token,
        }
    }

    pub fn accept(&self) -> AcceptAssignmentRequest {
        AcceptAssignmentRequest {
            name: self.assignment.name.clone(),
            lease_token: self.token.clone(),
        }
    }

    pub fn decline(&self, reason: common::DeclineReason) -> routing::DeclineAssignmentRequest {
        routing::DeclineAssignmentRequest {
            name: self.assignment.name.clone(),
            lease_token: self.token.clone(),
            reason: reason.into(),
            note: "not ours".into(),
        }
    }

    pub fn release(&self) -> routing::ReleaseAssignmentRequest {
        routing::ReleaseAssignmentRequest {
            name: self.assignment.name.clone(),
            lease_token: self.token.clone(),
        }
    }

    pub fn extend(&self, lease: Duration) -> routing::ExtendLeaseRequest {
        routing::ExtendLeaseRequest {
            name: self.assignment.name.clone(),
            lease_token: self.token.clone(),
            lease: Some(liaison_grpc::wire::duration(lease)),
        }
    }

    pub fn complete(&self) -> routing::CompleteAssignmentRequest {
        routing::CompleteAssignmentRequest {
            name: self.assignment.name.clone(),
            outcome: common::Outcome::InformationProvided.into(),
            note: "see our answer".into(),
        }
    }
}

/// The reason of a refusal.
pub fn reason(status: &Status) -> String {
    status
        .get_details_error_info()
        .map(|info| info.reason)
        .unwrap_or_default()
}

/// The reason of a call that has to be refused.
pub fn refused<T: std::fmt::Debug>(result: Result<tonic::Response<T>, Status>) -> String {
    reason(&result.unwrap_err())
}
