//! The parts of the service, stepped by a test, and the services it talks to.

mod artefacts;
mod fake;
mod samples;

pub use artefacts::{Folder, Operator};
pub use fake::{ANY_PORT, Fake, Serving};
pub use samples::{coded, duty_officer, envelope, vague};

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use liaison_classification::Migrator;
use liaison_classification::arrivals::Arrivals;
use liaison_classification::artefacts::in_use::{InUse, Loaded, RuleSets};
use liaison_classification::artefacts::shadow::Shadow;
use liaison_classification::case::{Actor, Decided};
use liaison_classification::desk::{Correcting, Finding, Opened, Ruling};
use liaison_classification::inputs::Intake;
use liaison_classification::ops::{Ops, Parts, Tally, Terms};
use liaison_classification::worker::Facts;
use liaison_grpc::event_delivery::{EventInbox, EventSource, NewFact};
use liaison_grpc::{Channel, ClientSettings, Methods, client, wire};
use liaison_identity::Identity;
use liaison_outbox::entity::outbox;
use liaison_outbox::{Destination, Outbox};
use liaison_policy::Policy;
use liaison_proto::event::event::Data;
use liaison_proto::event::{
    CaseReturned, DeliveryResult, DeliveryStatus, Envelope, Event, ReferralAdmitted,
    ReferralPurged, TriageCause,
};
use liaison_proto::intake::ClassificationInput;
use liaison_runtime::recorded_decision;
use liaison_store::audit::{self, AuditQuery, AuditRecord};
use liaison_store::sealed::{KeyRing, Vault};
use liaison_store::{Db, DbBackend, DbResult as _};
use liaison_telemetry::Instruments;
use liaison_testkit::certificates::Certificates;
use liaison_testkit::database::TestDatabase;
use liaison_testkit::environment::Environment;
use liaison_types::referral::RefusalGround;
use liaison_types::{Backoff, Clock, DecisionId, Party, ReferralId, UnitCode};
use prost::Message as _;
use sea_orm::{ConnectionTrait as _, EntityTrait as _, QueryOrder as _, Statement};

pub const LEASE: Duration = Duration::from_secs(60);
pub const MAX_ATTEMPTS: u32 = 5;
/// The trace of every fact.
pub const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// The service's parts over a database, with a fake intake.
pub struct World {
    pub environment: Environment,
    pub certificates: Certificates,
    pub intake: Fake,
    pub server: Option<Serving>,
    pub db: Db,
    pub ops: Ops,
    pub rules: RuleSets,
    pub inbox: EventInbox<Facts>,
    address: SocketAddr,
    from_intake: EventSource,
    from_routing: EventSource,
    pub database: TestDatabase,
}

impl World {
    pub async fn new(database: TestDatabase) -> Self {
        Self::with_batch(database, 64).await
    }

    pub async fn with_batch(database: TestDatabase, batch: u16) -> Self {
        Self::with(database, batch, Policy::built_in()).await
    }

    pub async fn with(database: TestDatabase, batch: u16, policy: Policy) -> Self {
        let environment = Environment::seeded(7);
        let certificates = Certificates::new(environment.now());
        let db = database.migrated::<Migrator>().await;
        let intake = Fake::default();
        let identity = certificates.identity("service/intake", environment.clock());
        let server = Serving::start(intake.clone(), identity, ANY_PORT.into()).await;
        let address = server.address;
        let own = certificates.identity("service/classification", environment.clock());
        let inputs = Intake::new(channel(&own, "intake", address));
        let ring = Arc::new(KeyRing::from_keys([(1, [7; 32])]).unwrap());
        let vault = Vault::new(ring, environment.random());
        let rules = RuleSets::of_build().unwrap();
        let ops = Ops::new(Parts {
            db: db.clone(),
            clock: environment.clock(),
            random: environment.random(),
            vault,
            rules: rules.clone(),
            policy,
            inputs: Arc::new(inputs),
            terms: Terms {
                batch,
                lease: LEASE,
                backoff: Backoff::new(Duration::from_secs(1), Duration::from_secs(8)).unwrap(),
                max_attempts: MAX_ATTEMPTS,
            },
            outbox: Outbox::new(),
        });
        let facts = Facts::new(ops.clone(), Arrivals::default());
        let inbox = EventInbox::new(
            db.clone(),
            environment.clock(),
            "classification.deliver_events",
            facts,
        );
        let source = |name| EventSource::new(&Party::service(name), environment.random());
        Self {
            from_intake: source("intake"),
            from_routing: source("routing"),
            environment,
            certificates,
            intake,
            server: Some(server),
            db,
            ops,
            rules,
            inbox,
            address,
            database,
        }
    }

    /// Lets `set` decide beside the active one.
    pub fn shadow(&self, set: Arc<Loaded>) {
        self.rules.swap(InUse {
            active: Arc::clone(&self.rules.in_use().active),
            shadow: Some(Arc::new(Shadow::new(set))),
        });
    }

    /// Decides by `active` from now on.
    pub fn decide_by(&self, active: Arc<Loaded>) {
        let shadow = None;
        self.rules.swap(InUse { active, shadow });
    }

    pub async fn stop_intake(&mut self) {
        self.server.take().unwrap().stop().await;
    }

    pub async fn start_intake(&mut self) {
        let clock = self.environment.clock();
        let identity = self.certificates.identity("service/intake", clock);
        let server = Serving::start(self.intake.clone(), identity, self.address).await;
        self.server = Some(server);
    }

    /// A new referral, not yet admitted.
    pub fn referral(&self) -> ReferralId {
        let random = self.environment.random();
        ReferralId::new(self.environment.now(), random.as_ref())
    }

    /// The fact that it was admitted.
    pub fn admitted(&self, envelope: &Envelope) -> Event {
        self.fact(
            &self.from_intake,
            &envelope.referral,
            2,
            Data::ReferralAdmitted(ReferralAdmitted {
                envelope: Some(envelope.clone()),
            }),
        )
    }

    /// The fact that the decision of this revision came to nothing.
    pub fn came_back(
        &self,
        referral: ReferralId,
        revision: i32,
        cause: TriageCause,
        excluded: &[&str],
    ) -> Event {
        // No two things are said at the same moment.
        self.environment.advance(Duration::from_millis(1));
        let name = wire::resource(referral);
        self.fact(
            &self.from_routing,
            &name,
            i64::from(revision),
            Data::CaseReturned(CaseReturned {
                referral: name.clone(),
                cause: cause.into(),
                unit: excluded.last().map(ToString::to_string).unwrap_or_default(),
                excluded_units: excluded.iter().map(ToString::to_string).collect(),
                revision,
            }),
        )
    }

    /// The fact that its content was purged.
    pub fn purged(&self, referral: ReferralId) -> Event {
        let referral = wire::resource(referral);
        let data = Data::ReferralPurged(ReferralPurged {
            referral: referral.clone(),
        });
        self.fact(&self.from_intake, &referral, 9, data)
    }

    fn fact(&self, source: &EventSource, subject: &str, sequence: i64, data: Data) -> Event {
        let event = source.event(NewFact {
            destination: Destination::new("classification"),
            subject: subject.to_owned(),
            sequence,
            at: self.environment.now(),
            traceparent: Some(TRACE.to_owned()),
            data,
        });
        Event::decode(event.payload.as_slice()).unwrap()
    }

    /// Delivers as `source`; all have to be accepted.
    pub async fn deliver(&self, source: &str, events: Vec<Event>) {
        for result in self.offer(source, events).await {
            assert_eq!(
                result.status(),
                DeliveryStatus::Accepted,
                "{}",
                result.reason
            );
        }
    }

    pub async fn offer(&self, source: &str, events: Vec<Event>) -> Vec<DeliveryResult> {
        let source = Party::service(source);
        self.inbox.receive(&source, events).await.unwrap()
    }

    /// A referral that intake has and has told of.
    pub async fn admit(&self, input: ClassificationInput) -> ReferralId {
        self.admit_as(input, |_| {}).await
    }

    pub async fn admit_as(
        &self,
        input: ClassificationInput,
        change: impl FnOnce(&mut Envelope),
    ) -> ReferralId {
        let referral = self.referral();
        let mut envelope = envelope(referral, self.environment.now());
        change(&mut envelope);
        self.intake.has(referral, input);
        self.deliver("intake", vec![self.admitted(&envelope)]).await;
        referral
    }

    /// Decides what is due, until nothing is.
    pub async fn work(&self) -> Tally {
        let mut all = Tally::default();
        loop {
            let tally = self.ops.classify_pending().await.unwrap();
            if tally.claimed == 0 {
                return all;
            }
            all += tally;
        }
    }

    /// The desk's ruling.
    pub async fn rule(
        &self,
        referral: ReferralId,
        lead: &str,
        supporting: &[&str],
    ) -> liaison_types::Result<Decided> {
        self.find(referral, units(lead, supporting)).await
    }

    /// The desk's ruling that it is no unit's business.
    pub async fn refuse(
        &self,
        referral: ReferralId,
        ground: RefusalGround,
    ) -> liaison_types::Result<Decided> {
        self.find(referral, Finding::NoUnit(ground)).await
    }

    async fn find(&self, referral: ReferralId, finding: Finding) -> liaison_types::Result<Decided> {
        let ruling = Ruling {
            referral,
            finding,
            reason: "as the facts say".into(),
        };
        // No two things are said at the same moment.
        self.environment.advance(Duration::from_millis(1));
        self.ops.decide_triage(&duty_officer(), &ruling).await
    }

    /// What the desk knows of it.
    pub async fn open(&self, referral: ReferralId) -> liaison_types::Result<Opened> {
        let by = duty_officer();
        let officer = Some(by.officer.as_str());
        self.ops.get_triage_item(&by.party, officer, referral).await
    }

    /// The latest decision on it.
    pub async fn latest(&self, referral: ReferralId) -> Decided {
        let decisions = self.ops.list_decisions(referral).await.unwrap();
        decisions.into_iter().next().unwrap()
    }

    /// The desk's correction of a decision.
    pub async fn correct(
        &self,
        decision: DecisionId,
        lead: &str,
        supporting: &[&str],
    ) -> liaison_types::Result<Decided> {
        self.correct_as(&duty_officer(), decision, lead, supporting)
            .await
    }

    pub async fn correct_as(
        &self,
        by: &Actor,
        decision: DecisionId,
        lead: &str,
        supporting: &[&str],
    ) -> liaison_types::Result<Decided> {
        self.correct_to(by, decision, units(lead, supporting)).await
    }

    pub async fn correct_to(
        &self,
        by: &Actor,
        decision: DecisionId,
        finding: Finding,
    ) -> liaison_types::Result<Decided> {
        let correcting = Correcting {
            decision,
            finding,
            reason: "as was found later".into(),
        };
        // No two things are said at the same moment.
        self.environment.advance(Duration::from_millis(1));
        self.ops.correct_decision(by, &correcting).await
    }

    /// What was said of its decisions, the oldest first: cause, leads before and after. A dash stands for no
    /// decision.
    pub async fn said(&self, referral: ReferralId) -> Vec<String> {
        let opened = self.open(referral).await.unwrap();
        let none = || "none".to_owned();
        let lead = |lead: &Option<UnitCode>| lead.as_ref().map_or_else(none, ToString::to_string);
        let said = opened.corrections.iter().rev().map(|said| {
            let before = said.before.as_ref().map(|before| lead(&before.lead));
            let after = said.after.as_ref().map(|after| lead(&after.lead));
            let or_dash = |lead: Option<String>| lead.unwrap_or_else(|| "-".to_owned());
            format!("{} {} {}", said.cause, or_dash(before), or_dash(after))
        });
        said.collect()
    }

    /// What waits to be handed on: destination and event, by subject and position.
    pub async fn outbox(&self) -> Vec<(String, Event)> {
        let rows = outbox::Entity::find()
            .order_by_asc(outbox::Column::Subject)
            .order_by_asc(outbox::Column::Sequence)
            .order_by_asc(outbox::Column::Destination)
            .all(self.db.reader())
            .await
            .unwrap();
        rows.into_iter()
            .map(|row| {
                let event = Event::decode(row.payload.as_slice()).unwrap();
                assert_eq!(
                    (&event.subject, event.sequence),
                    (&row.subject, row.sequence)
                );
                (row.destination, event)
            })
            .collect()
    }

    /// The same, of one referral and without what is inside: position, destination, kind.
    pub async fn told(&self, referral: ReferralId) -> Vec<(i64, String, &'static str)> {
        let subject = wire::resource(referral);
        let all = self.outbox().await.into_iter();
        all.filter(|(_, event)| event.subject == subject)
            .map(|(to, event)| {
                let kind = liaison_grpc::event_delivery::kind(event.data.as_ref().unwrap());
                (event.sequence, to, kind)
            })
            .collect()
    }

    /// One text column of one referral's case.
    pub async fn state(&self, referral: ReferralId) -> String {
        let backend = self.db.backend();
        let sql = match backend {
            DbBackend::Postgres => "SELECT state FROM referral_case WHERE referral_id = $1",
            _ => "SELECT state FROM referral_case WHERE referral_id = ?1",
        };
        let statement = Statement::from_sql_and_values(backend, sql, [referral.uuid().into()]);
        let row = self.db.reader().query_one_raw(statement).await.unwrap();
        row.unwrap().try_get("", "state").unwrap()
    }

    /// Runs a statement that no use case would.
    pub async fn execute(&self, sql: &str) {
        self.db
            .write_tx("test", |tx| {
                Box::pin(async move { tx.execute_unprepared(sql).await.db().map(drop) })
            })
            .await
            .unwrap();
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
        let rules = liaison_policy::RuleSet::built_in();
        let again = records.into_iter().map(|AuditRecord { entry, .. }| {
            let kept = recorded_decision(&entry).unwrap();
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

    /// How many rows a table has.
    pub async fn count(&self, table: &str) -> i64 {
        let sql = format!("SELECT count(*) AS n FROM {table}");
        let statement = Statement::from_string(self.db.backend(), sql);
        let row = self.db.reader().query_one_raw(statement).await.unwrap();
        row.unwrap().try_get("", "n").unwrap()
    }
}

/// Everything that is text or bytes in a table, in lower case.
pub async fn contents(world: &World, table: &str) -> String {
    let statement = Statement::from_string(world.db.backend(), format!("SELECT * FROM {table}"));
    let rows = world.db.reader().query_all_raw(statement).await.unwrap();
    let mut all = String::new();
    for row in &rows {
        for column in row.column_names() {
            if let Ok(text) = row.try_get::<String>("", &column) {
                all.push_str(&text);
            } else if let Ok(bytes) = row.try_get::<Vec<u8>>("", &column) {
                all.push_str(&String::from_utf8_lossy(&bytes));
            }
            all.push('\n');
        }
    }
    all.to_lowercase()
}

/// A channel of `own` to the service `name` at `address`.
pub fn channel(own: &Identity, name: &str, address: SocketAddr) -> Channel {
    let settings = ClientSettings {
        connect_timeout: Duration::from_secs(2),
        ..ClientSettings::default()
    };
    client::connect(
        &format!("https://{address}"),
        own.connector(Party::service(name)),
        &settings,
        &Methods::liaison(),
        &Instruments::none(),
    )
    .unwrap()
}

/// A clock for what runs by itself.
pub fn system_clock() -> Arc<dyn Clock> {
    Arc::new(liaison_types::SystemClock)
}

/// These units get it.
fn units(lead: &str, supporting: &[&str]) -> Finding {
    Finding::Units {
        lead: lead.parse().unwrap(),
        supporting: supporting
            .iter()
            .map(|unit| unit.parse().unwrap())
            .collect(),
    }
}
