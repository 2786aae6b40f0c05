//! An intake service without its sockets, and what its neighbours would send.

use std::sync::Arc;

use liaison_custody::SigningKey;
use liaison_grpc::event_delivery::EventInbox;
use liaison_grpc::{Caller, Failure, wire};
use liaison_intake::api::Api;
use liaison_intake::ops::{GroupCommit, Keys, Ops};
use liaison_intake::store::Migrator;
use liaison_intake::worker::Facts;
use liaison_outbox::Outbox;
use liaison_policy::{Policy, RuleSet};
use liaison_proto::event::event::Data;
use liaison_proto::event::{AssignmentStep, DeliveryResult, Event};
use liaison_proto::intake::intake_service_server::IntakeService;
use liaison_proto::{common, event, intake};
use liaison_runtime::{Signer, recorded_decision};
use liaison_store::audit::{AuditQuery, AuditRecord};
use liaison_store::sealed::{KeyRing, Vault};
use liaison_store::{Db, DbResult as _};
use liaison_testkit::database::TestDatabase;
use liaison_testkit::environment::Environment;
use liaison_types::{AssignmentId, Language, Party, ReferralId};
use prost::Message as _;
use sea_orm::{ConnectionTrait, Statement};
use tonic::{Request, Status};

use crate::samples;

pub(crate) struct World {
    pub(crate) env: Environment,
    pub(crate) db: Db,
    pub(crate) api: Api,
    pub(crate) ops: Ops,
    inbox: EventInbox<Facts>,
    _database: TestDatabase,
}

/// One event in the outbox.
#[derive(Debug)]
pub(crate) struct Sent {
    pub(crate) destination: String,
    pub(crate) event: Event,
}

impl World {
    pub(crate) async fn new(database: TestDatabase) -> Self {
        Self::deciding(database, Policy::built_in()).await
    }

    /// The service deciding by `policy`.
    pub(crate) async fn deciding(database: TestDatabase, policy: Policy) -> Self {
        let env = Environment::seeded(7);
        let db = database.migrated::<Migrator>().await;
        let service = Party::service("intake");
        let (outbox, commit) = (Outbox::new(), GroupCommit::default());
        let ring = KeyRing::from_keys([(1, [7; 32])]).unwrap();
        let keys = Keys {
            vault: Vault::new(Arc::new(ring), env.random()),
            signer: Signer::new(SigningKey::generate(env.random().as_ref())),
        };
        let ops = Ops::new(
            db.clone(),
            env.clock(),
            env.random(),
            service,
            outbox,
            keys,
            policy,
            commit,
        );
        let facts = Facts::new(ops.clone());
        let inbox = EventInbox::new(db.clone(), env.clock(), "intake.deliver_events", facts);
        Self {
            api: Api::new(ops.clone()),
            ops,
            env,
            db,
            inbox,
            _database: database,
        }
    }

    // === calls ===

    pub(crate) async fn submit(
        &self,
        caller: &str,
        request: intake::SubmitReferralRequest,
    ) -> Result<intake::Referral, Status> {
        let answer = self.api.submit_referral(by(caller, request)).await?;
        Ok(answer.into_inner().referral.unwrap())
    }

    /// Submits the sample dossier for NB-FR.
    pub(crate) async fn submitted(&self, number: u128) -> intake::Referral {
        let request = samples::submission(samples::dossier(), number);
        self.submit("bureau/NB-FR a.first", request).await.unwrap()
    }

    pub(crate) async fn get(&self, caller: &str, name: &str) -> Result<intake::Referral, Status> {
        let request = intake::GetReferralRequest {
            name: name.to_owned(),
        };
        let answer = self.api.get_referral(by(caller, request)).await?;
        Ok(answer.into_inner().referral.unwrap())
    }

    pub(crate) async fn list(
        &self,
        caller: &str,
        request: intake::ListReferralsRequest,
    ) -> Result<intake::ListReferralsResponse, Status> {
        Ok(self
            .api
            .list_referrals(by(caller, request))
            .await?
            .into_inner())
    }

    pub(crate) async fn history(
        &self,
        caller: &str,
        name: &str,
    ) -> Result<Vec<intake::HistoryEntry>, Status> {
        let request = intake::GetReferralHistoryRequest {
            name: name.to_owned(),
        };
        Ok(self
            .api
            .get_referral_history(by(caller, request))
            .await?
            .into_inner()
            .entries)
    }

    /// The names of the steps so far.
    pub(crate) async fn steps(&self, name: &str) -> Vec<&'static str> {
        let entries = self.history("desk/triage", name).await.unwrap();
        entries
            .iter()
            .map(|entry| wire::name(entry.step()))
            .collect()
    }

    /// Opens a dossier: what is served of it, and what is not.
    pub(crate) async fn open(
        &self,
        caller: &str,
        name: &str,
    ) -> Result<intake::GetDossierResponse, Status> {
        self.moment();
        let request = intake::GetDossierRequest {
            name: name.to_owned(),
            purpose: "to work on it".into(),
        };
        Ok(self
            .api
            .get_dossier(by(caller, request))
            .await?
            .into_inner())
    }

    /// Opens a dossier that is whole for the caller.
    pub(crate) async fn dossier(
        &self,
        caller: &str,
        name: &str,
    ) -> Result<intake::Dossier, Status> {
        let opened = self.open(caller, name).await?;
        assert_eq!(opened.withheld, [], "{caller}");
        Ok(opened.dossier.unwrap())
    }

    pub(crate) async fn review(
        &self,
        caller: &str,
        request: intake::DecideReviewRequest,
    ) -> Result<intake::Referral, Status> {
        Ok(self
            .api
            .decide_review(by(caller, request))
            .await?
            .into_inner()
            .referral
            .unwrap())
    }

    pub(crate) async fn inputs(
        &self,
        caller: &str,
        names: Vec<String>,
    ) -> Result<Vec<intake::ClassificationInput>, Status> {
        self.moment();
        let request = intake::BatchGetClassificationInputsRequest { names };
        Ok(self
            .api
            .batch_get_classification_inputs(by(caller, request))
            .await?
            .into_inner()
            .inputs)
    }

    /// Audit entries sort by time to the millisecond.
    fn moment(&self) {
        self.env.advance(std::time::Duration::from_millis(1));
    }

    // === facts ===

    pub(crate) async fn deliver(&self, source: &str, events: Vec<Event>) -> Vec<DeliveryResult> {
        self.inbox
            .receive(&source.parse().unwrap(), events)
            .await
            .unwrap()
    }

    /// Delivers one event and expects that it is taken.
    pub(crate) async fn take(&self, event: Event) {
        let source = event.source.strip_prefix("liaison://").unwrap().to_owned();
        let results = self.deliver(&source, vec![event]).await;
        assert_eq!(
            results[0].status(),
            event::DeliveryStatus::Accepted,
            "{results:?}"
        );
    }

    pub(crate) fn event(&self, source: &str, subject: &str, sequence: i64, data: Data) -> Event {
        Event {
            id: self.env.event_id().to_string(),
            source: format!("liaison://service/{source}"),
            subject: subject.to_owned(),
            sequence,
            time: Some(wire::timestamp(self.env.now())),
            traceparent: String::new(),
            data: Some(data),
        }
    }

    pub(crate) fn classified(&self, referral: &str, sequence: i64, revision: i32) -> Event {
        let envelope = event::Envelope {
            referral: referral.to_owned(),
            ..event::Envelope::default()
        };
        let data = Data::CaseClassified(event::CaseClassified {
            envelope: Some(envelope),
            decision: "classifications/01890a5d-ac96-774b-bcce-b302099a8057".into(),
            revision,
            lead: "cyber".into(),
            rules: vec!["iccs.0204".into()],
            ..event::CaseClassified::default()
        });
        self.event("classification", referral, sequence, data)
    }

    /// People found it no unit's business.
    pub(crate) fn refused(&self, referral: &str, sequence: i64, revision: i32) -> Event {
        let mut event = self.classified(referral, sequence, revision);
        if let Some(Data::CaseClassified(data)) = &mut event.data {
            data.lead.clear();
            data.by_person = true;
            data.refusal_ground = common::RefusalGround::NotAnOffence.into();
            data.actor = Some(common::Actor {
                party: "desk/triage".into(),
                officer: "d.duty".into(),
            });
        }
        event
    }

    pub(crate) fn triage(&self, referral: &str, sequence: i64) -> Event {
        let data = Data::TriageRequested(event::TriageRequested {
            referral: referral.to_owned(),
            cause: event::TriageCause::Uncertain.into(),
            ..event::TriageRequested::default()
        });
        self.event("classification", referral, sequence, data)
    }

    /// The facts of one assignment, in their order.
    pub(crate) fn assignment(
        &self,
        referral: &str,
        unit: &str,
        role: common::AssignmentRole,
        steps: &[AssignmentStep],
    ) -> Vec<Event> {
        let id = AssignmentId::new(self.env.now(), self.env.random.as_ref());
        let assignment = wire::resource(id);
        steps
            .iter()
            .zip(1..)
            .map(|(step, sequence)| {
                let data = Data::AssignmentChanged(event::AssignmentChanged {
                    assignment: assignment.clone(),
                    referral: referral.to_owned(),
                    unit: unit.to_owned(),
                    role: role.into(),
                    step: (*step).into(),
                    state: state_after(*step).into(),
                    decline_reason: match step {
                        AssignmentStep::Declined => common::DeclineReason::NoCapacity.into(),
                        _ => 0,
                    },
                    outcome: match step {
                        AssignmentStep::Completed => common::Outcome::VictimIdentified.into(),
                        _ => 0,
                    },
                    actor: Some(common::Actor {
                        party: format!("unit/{unit}"),
                        officer: "u.officer".into(),
                    }),
                    ..event::AssignmentChanged::default()
                });
                self.event("routing", &assignment, sequence, data)
            })
            .collect()
    }

    /// Gives `unit` a grant, as its lead.
    pub(crate) async fn grant(&self, referral: &str, unit: &str) {
        for event in self.assignment(
            referral,
            unit,
            common::AssignmentRole::Lead,
            &[AssignmentStep::Created],
        ) {
            self.take(event).await;
        }
    }

    // === what is kept ===

    pub(crate) async fn count(&self, table: &str) -> i64 {
        let text = format!("SELECT count(*) FROM {table}");
        let row = self.query(&text).await.pop().unwrap();
        row.try_get_by_index(0).unwrap()
    }

    pub(crate) async fn query(&self, text: &str) -> Vec<sea_orm::QueryResult> {
        let statement = Statement::from_string(self.db.backend(), text);
        self.db
            .reader()
            .query_all_raw(statement)
            .await
            .db()
            .unwrap()
    }

    /// As somebody writes who owns the database.
    pub(crate) async fn query_write(&self, text: &str) {
        let text = text.to_owned();
        self.db
            .write_tx("test.write", |tx| {
                let text = text.clone();
                Box::pin(async move { tx.execute_unprepared(&text).await.db().map(drop) })
            })
            .await
            .unwrap();
    }

    /// Everything that waits to be handed on.
    pub(crate) async fn outbox(&self) -> Vec<Sent> {
        let text =
            "SELECT destination, payload FROM outbox ORDER BY subject, sequence, destination";
        let sent = self.query(text).await;
        sent.iter()
            .map(|row| Sent {
                destination: row.try_get_by_index(0).unwrap(),
                event: Event::decode(&*row.try_get_by_index::<Vec<u8>>(1).unwrap()).unwrap(),
            })
            .collect()
    }

    pub(crate) async fn audit(&self, subject: &str) -> Vec<AuditRecord> {
        let query = AuditQuery {
            subject: Some(subject.to_owned()),
            limit: 100,
            ..AuditQuery::default()
        };
        let records = liaison_store::audit::list(self.db.reader(), &query)
            .await
            .unwrap();
        assert!(records.iter().all(AuditRecord::is_intact));
        records
    }

    /// Everything that policy decided, each as `action question word`, sorted. Decided again on the facts that are
    /// kept beside it, it comes out the same.
    pub(crate) async fn decided(&self) -> Vec<String> {
        let query = AuditQuery {
            decided: true,
            limit: 100,
            ..AuditQuery::default()
        };
        let records = liaison_store::audit::list(self.db.reader(), &query)
            .await
            .unwrap();
        let rules = RuleSet::built_in();
        let again = records.into_iter().map(|AuditRecord { entry, .. }| {
            let kept = recorded_decision(&entry).unwrap();
            assert_eq!(rules.decide(&kept.facts), kept.decision, "{entry:?}");
            assert_eq!(entry.rule_set.as_deref(), Some(rules.version()));
            let question = kept.facts.asked();
            format!("{} {question} {}", entry.action, entry.decision)
        });
        let mut all: Vec<String> = again.collect();
        all.sort_unstable();
        all
    }
}

fn state_after(step: AssignmentStep) -> common::AssignmentState {
    use common::AssignmentState as State;
    match step {
        AssignmentStep::Leased => State::Leased,
        AssignmentStep::Accepted
        | AssignmentStep::IndirectAccessDeclared
        | AssignmentStep::WorkStarted => State::Accepted,
        AssignmentStep::Declined => State::Declined,
        AssignmentStep::Completed => State::Completed,
        AssignmentStep::DeadLettered => State::DeadLettered,
        AssignmentStep::Revoked => State::Revoked,
        _ => State::Queued,
    }
}

/// `request` as a call of `caller`: a party and, after a space, an officer.
pub(crate) fn by<T>(caller: &str, request: T) -> Request<T> {
    let (party, officer) = match caller.split_once(' ') {
        Some((party, officer)) => (party, Some(officer)),
        None => (caller, None),
    };
    let mut request = Request::new(request);
    request
        .extensions_mut()
        .insert(Caller::new(party.parse().unwrap(), officer, Language::En));
    request
}

/// The reason of a refusal.
pub(crate) fn reason<T: std::fmt::Debug>(result: Result<T, Status>) -> String {
    Failure::read(&result.unwrap_err()).reason_name
}

/// Which fields a refusal complains about.
pub(crate) fn fields<T: std::fmt::Debug>(result: Result<T, Status>) -> Vec<String> {
    let failure = Failure::read(&result.unwrap_err());
    assert_eq!(failure.reason_name, "INVALID_ARGUMENT");
    failure
        .violations
        .into_iter()
        .map(|(field, _)| field)
        .collect()
}

/// The name of a referral that does not exist.
pub(crate) fn nowhere(world: &World) -> String {
    wire::resource(ReferralId::new(world.env.now(), world.env.random.as_ref()))
}

/// Runs all of `calls` at once.
pub(crate) async fn at_once<F: Future>(calls: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    futures::future::join_all(calls).await
}
