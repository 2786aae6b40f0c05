//! The service as a process runs it: sockets, mutual TLS, its relay, its workers, real time.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use liaison_grpc::client::{Channel, connect};
use liaison_grpc::{
    Api, ClientSettings, Health, Limits, Listeners as Sockets, Methods, Probe, Server,
    ServerSettings, probe, stack, wire,
};
use liaison_proto::common;
use liaison_proto::event::event::Data;
use liaison_proto::event::event_inbox_service_client::EventInboxServiceClient;
use liaison_proto::event::event_inbox_service_server::{
    EventInboxService, EventInboxServiceServer,
};
use liaison_proto::event::{
    AssignmentStep as Step, CaseClassified, DeliverEventsRequest, DeliverEventsResponse,
    DeliveryResult, DeliveryStatus, Envelope, Event,
};
use liaison_proto::routing::routing_service_client::RoutingServiceClient;
use liaison_proto::routing::{
    AcceptAssignmentRequest, ClaimTaskRequest, CompleteAssignmentRequest, CompleteTaskRequest,
    CreateTaskRequest, PullAssignmentsRequest,
};
use liaison_routing::Routing;
use liaison_runtime::{
    Ambient, KeySettings, Listeners, Loader, Outcome, Running, Service as _, create_missing, start,
};
use liaison_telemetry::Instruments;
use liaison_testkit::certificates::Certificates;
use liaison_testkit::database::TestDatabase;
use liaison_testkit::{both_backends, eventually};
use liaison_types::{
    Clock as _, DecisionId, EventId, Party, ReferralId, SystemClock, SystemRandom,
};
use tokio_util::sync::CancellationToken;
use tonic::{Code, Request, Response, Status};
use uuid::Uuid;

use crate::world::reason;

const PATIENCE: Duration = Duration::from_secs(20);

/// Another service that takes every event.
#[derive(Clone, Default)]
struct Neighbour(Arc<Mutex<Vec<Event>>>);

#[tonic::async_trait]
impl EventInboxService for Neighbour {
    async fn deliver_events(
        &self,
        request: Request<DeliverEventsRequest>,
    ) -> Result<Response<DeliverEventsResponse>, Status> {
        let events = request.into_inner().events;
        let accepted = DeliveryResult {
            status: DeliveryStatus::Accepted.into(),
            reason: String::new(),
        };
        let results = vec![accepted; events.len()];
        self.0.lock().unwrap().extend(events);
        Ok(Response::new(DeliverEventsResponse { results }))
    }
}

impl Neighbour {
    /// Answers as the service `name`; gives its address.
    async fn serve(&self, name: &str, certificates: &Certificates) -> String {
        let identity = certificates.identity(&format!("service/{name}"), Arc::new(SystemClock));
        let any = ServerSettings {
            listen: "127.0.0.1:0".parse().unwrap(),
            health_listen: "127.0.0.1:0".parse().unwrap(),
            limits: Limits::default(),
        };
        let listeners = Sockets::bind(&any).await.unwrap();
        let address = format!("https://{}", listeners.address());
        let methods = Methods::liaison();
        let stack = stack(&methods, &any.limits, Some(&identity), &Instruments::none());
        let server = Server {
            listeners,
            api: Api::new(stack).service(EventInboxServiceServer::new(self.clone())),
            identity,
            health: Health::new(name).await,
            limits: any.limits,
        };
        tokio::spawn(server.serve(CancellationToken::new(), CancellationToken::new()));
        address
    }

    fn steps(&self) -> Vec<Step> {
        let events = self.0.lock().unwrap();
        let steps = events.iter().filter_map(|event| match &event.data {
            Some(Data::AssignmentChanged(changed)) => Some(changed.step()),
            _ => None,
        });
        steps.collect()
    }
}

async fn start_routing(
    database: &TestDatabase,
    certificates: &Certificates,
    peers: &[(&str, String)],
) -> liaison_types::Result<Running> {
    let files = certificates.issue("service/routing");
    let keys = KeySettings::in_folder(certificates.folder(), "routing");
    create_missing(&keys, &SystemRandom).unwrap();
    let mut loader = Loader::new(Routing::DEFAULTS)
        .set("server.listen", "127.0.0.1:0")
        .set("server.health_listen", "127.0.0.1:0")
        .set("database.url", database.settings().url.clone())
        .set("database.migrate_on_start", "true")
        .set("identity.certificate", files.certificate.to_str().unwrap())
        .set("identity.key", files.key.to_str().unwrap())
        .set("identity.authority", files.authority.to_str().unwrap())
        .set("keys.signing", keys.signing.to_str().unwrap())
        .set("keys.sealing", keys.sealing.to_str().unwrap())
        .set("shutdown.drain_delay", "0s");
    for (name, address) in peers {
        loader = loader.set(format!("peers.{name}"), address.clone());
    }
    let settings = loader
        .load()
        .unwrap_or_else(|problems| panic!("{problems}"));
    let listeners = Listeners::bind(&settings.server)?;
    start::<Routing>(settings, listeners, Ambient::default()).await
}

fn channel(running: &Running, certificates: &Certificates, party: &str) -> Channel {
    let identity = certificates.identity(party, Arc::new(SystemClock));
    connect(
        &format!("https://{}", running.address()),
        identity.connector(Party::service("routing")),
        &ClientSettings::default(),
        &Methods::liaison(),
        &Instruments::none(),
    )
    .unwrap()
}

fn classified() -> Event {
    let (now, random) = (SystemClock.now(), SystemRandom);
    let referral = format!("referrals/{}", ReferralId::new(now, &random));
    let at = Some(wire::timestamp(now));
    Event {
        id: EventId::new(now, &random).to_string(),
        source: "liaison://service/classification".into(),
        subject: referral.clone(),
        sequence: 1,
        time: at,
        traceparent: String::new(),
        data: Some(Data::CaseClassified(CaseClassified {
            envelope: Some(Envelope {
                referral,
                reference: "2026-FR-000001".into(),
                bureau: "NB-FR".into(),
                kind: common::ReferralKind::Alert.into(),
                urgency: common::Urgency::Urgent.into(),
                markings: None,
                received_at: at,
                completion: None,
                exercise: false,
            }),
            decision: format!("classifications/{}", DecisionId::new(now, &random)),
            revision: 1,
            lead: "cyber".into(),
            ..CaseClassified::default()
        })),
    }
}

both_backends! {
    /// From the decision to the outcome, every hop over a real connection.
    async fn the_whole_way_over_mutual_tls(database: TestDatabase) {
        let certificates = Certificates::new(SystemClock.now());
        let (intake, classification, notification) =
            (Neighbour::default(), Neighbour::default(), Neighbour::default());
        let peers = [
            ("intake", intake.serve("intake", &certificates).await),
            ("classification", classification.serve("classification", &certificates).await),
            ("notification", notification.serve("notification", &certificates).await),
        ];
        let running = start_routing(&database, &certificates, &peers).await.unwrap();
        let health = running.health_address();
        assert_eq!(probe(health, Routing::GRPC_NAME, PATIENCE).await, Probe::Serving);

        let unit = channel(&running, &certificates, "unit/cyber").with_officer("badge-17").unwrap();
        let mut unit = RoutingServiceClient::new(unit);
        let mut poller = unit.clone();
        let poll = tokio::spawn(async move {
            let wait = Some(wire::duration(Duration::from_secs(30)));
            poller.pull_assignments(PullAssignmentsRequest { wait, ..Default::default() }).await
        });
        let decisions = channel(&running, &certificates, "service/classification");
        let events = vec![classified()];
        let results =
            EventInboxServiceClient::new(decisions).deliver_events(DeliverEventsRequest { events }).await;
        assert_eq!(results.unwrap().into_inner().results[0].status(), DeliveryStatus::Accepted);
        let mut pulled = poll.await.unwrap().unwrap().into_inner().assignments;
        assert_eq!(pulled.len(), 1, "the long poll was woken by the grant");
        let pulled = pulled.remove(0);
        let name = pulled.assignment.unwrap().name;
        let accept = AcceptAssignmentRequest { name: name.clone(), lease_token: pulled.lease_token };
        unit.accept_assignment(accept).await.unwrap();
        let create = CreateTaskRequest {
            assignment: name.clone(),
            title: "ask the provider".into(),
            due_at: None,
            request_id: Uuid::from_u128(1).to_string(),
        };
        let task = unit.create_task(create).await.unwrap().into_inner().task.unwrap().name;
        unit.claim_task(ClaimTaskRequest { name: task.clone() }).await.unwrap();
        unit.complete_task(CompleteTaskRequest { name: task, result: String::new() }).await.unwrap();
        let complete = CompleteAssignmentRequest {
            name,
            outcome: common::Outcome::SuspectIdentified.into(),
            note: String::new(),
        };
        unit.complete_assignment(complete).await.unwrap();
        let all = [Step::Created, Step::Accepted, Step::WorkStarted, Step::Completed];
        eventually(PATIENCE, || async { intake.steps() == all }).await;
        let all = [Step::Queued, Step::Leased, Step::Accepted, Step::WorkStarted, Step::Completed];
        eventually(PATIENCE, || async { notification.steps() == all }).await;

        // Who is no unit is told so; who is not of this authority is told nothing.
        let bureau = channel(&running, &certificates, "bureau/NB-FR");
        let refused = RoutingServiceClient::new(bureau)
            .pull_assignments(PullAssignmentsRequest::default())
            .await
            .unwrap_err();
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::PermissionDenied, "CALLER_NOT_ALLOWED"));
        let foreign = Certificates::new(SystemClock.now());
        let stranger = channel(&running, &foreign, "unit/cyber");
        let refused = RoutingServiceClient::new(stranger)
            .pull_assignments(PullAssignmentsRequest::default())
            .await
            .unwrap_err();
        assert_eq!(refused.code(), Code::Unavailable);

        // A long poll does not hold up the end.
        let poll = tokio::spawn(async move {
            let wait = Some(wire::duration(Duration::from_secs(60)));
            unit.pull_assignments(PullAssignmentsRequest { wait, ..Default::default() }).await
        });
        tokio::task::yield_now().await;
        running.lifecycle().stop();
        assert_eq!(running.ended().await, Outcome::Clean);
        // Empty-handed, or refused where the call came too late.
        if let Ok(answer) = poll.await.unwrap() {
            assert!(answer.into_inner().assignments.is_empty());
        }
    }
}

#[test]
fn the_documented_defaults_are_valid_and_wrong_values_are_named() {
    let load = |more: &[(&str, &str)]| {
        let mut loader = Loader::new(Routing::DEFAULTS)
            .set("identity.certificate", "c.pem")
            .set("identity.key", "k.pem")
            .set("identity.authority", "a.pem");
        for (key, value) in more {
            loader = loader.set(*key, *value);
        }
        loader.load::<liaison_routing::settings::RoutingSettings>()
    };
    let settings = load(&[]).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(settings.own.max_attempts, 5);
    assert!(settings.own.units().contains(&"cyber".parse().unwrap()));
    let problems = load(&[
        ("routing.lease_min", "1s"),
        ("routing.max_attempts", "0"),
        ("routing.expiry_interval", "2h"),
        ("routing.max_tasks", "0"),
    ])
    .unwrap_err();
    let keys: Vec<_> = problems
        .found()
        .iter()
        .map(|problem| problem.key.as_str())
        .collect();
    assert_eq!(
        keys,
        [
            "routing.lease_min",
            "routing.max_attempts",
            "routing.expiry_interval",
            "routing.max_tasks"
        ]
    );
    assert!(load(&[("routing.lease_defualt", "15m")]).is_err());
}
