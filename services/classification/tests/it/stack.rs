//! The whole service over real sockets: its peers are fakes behind mutual TLS, everything else is as
//! in production.

use std::path::PathBuf;
use std::time::Duration;

use liaison_classification::Classification;
use liaison_grpc::{Channel, Failure, wire};
use liaison_identity::IdentitySettings;
use liaison_proto::classification::classification_service_client::ClassificationServiceClient;
use liaison_proto::classification::{
    ClassifyTextRequest, DecideTriageRequest, DecisionOutcome, ListDecisionsRequest,
    ListTriageItemsRequest, Recomputation, RecomputeDecisionRequest,
};
use liaison_proto::event::DeliverEventsRequest;
use liaison_proto::event::event::Data;
use liaison_proto::event::event_inbox_service_client::EventInboxServiceClient;
use liaison_runtime::{
    Ambient, KeySettings, Listeners, Loader, Outcome, Running, Service as _, create_missing, start,
};
use liaison_testkit::certificates::Certificates;
use liaison_testkit::database::TestDatabase;
use liaison_testkit::{both_backends, eventually};
use liaison_types::SystemRandom;
use tonic::{Code, Status};

use crate::kit::{ANY_PORT, Fake, Serving, World, channel, coded, envelope, system_clock, vague};

const PATIENCE: Duration = Duration::from_secs(20);

/// The service in a life of its own, with its three peers.
struct Suite {
    running: Running,
    certificates: Certificates,
    intake: Fake,
    routing: Fake,
    notification: Fake,
    peers: [Option<Serving>; 3],
}

impl Suite {
    async fn start(database: &TestDatabase) -> Self {
        let certificates = Certificates::new(system_clock().now());
        let [intake, routing, notification] = [Fake::default(), Fake::default(), Fake::default()];
        let serve = async |fake: &Fake, party: &str| {
            let identity = certificates.identity(party, system_clock());
            Serving::start(fake.clone(), identity, ANY_PORT.into()).await
        };
        let peers = [
            serve(&intake, "service/intake").await,
            serve(&routing, "service/routing").await,
            serve(&notification, "service/notification").await,
        ];
        let own = certificates.issue("service/classification");
        let mut loader = Loader::new(Classification::DEFAULTS);
        for (key, value) in values(&own, database) {
            loader = loader.set(key, value);
        }
        for (name, peer) in ["intake", "routing", "notification"].iter().zip(&peers) {
            loader = loader.set(format!("peers.{name}"), format!("https://{}", peer.address));
        }
        let settings = loader.load().unwrap();
        let listeners = Listeners::bind(&settings.server).unwrap();
        let running = start::<Classification>(settings, listeners, Ambient::default())
            .await
            .unwrap();
        Self {
            running,
            certificates,
            intake,
            routing,
            notification,
            peers: peers.map(Some),
        }
    }

    fn channel(&self, party: &str) -> Channel {
        let identity = self.certificates.identity(party, system_clock());
        channel(&identity, "classification", self.running.address())
    }

    fn client(&self, party: &str) -> ClassificationServiceClient<Channel> {
        ClassificationServiceClient::new(self.channel(party))
    }

    fn officer(&self, party: &str) -> ClassificationServiceClient<Channel> {
        let channel = self.channel(party).with_officer("d.officer").unwrap();
        ClassificationServiceClient::new(channel)
    }
}

fn values(own: &IdentitySettings, database: &TestDatabase) -> Vec<(&'static str, String)> {
    let text = |path: &PathBuf| path.to_str().unwrap().to_owned();
    let folder = own.certificate.parent().unwrap();
    let keys = KeySettings::in_folder(folder, "classification");
    create_missing(&keys, &SystemRandom).unwrap();
    vec![
        ("server.listen", "127.0.0.1:0".into()),
        ("server.health_listen", "127.0.0.1:0".into()),
        ("identity.certificate", text(&own.certificate)),
        ("identity.key", text(&own.key)),
        ("identity.authority", text(&own.authority)),
        ("keys.signing", text(&keys.signing)),
        ("keys.sealing", text(&keys.sealing)),
        ("database.url", database.settings().url.clone()),
        ("database.migrate_on_start", "true".into()),
        ("shutdown.drain_delay", "0s".into()),
    ]
}

fn reason(status: &Status) -> String {
    Failure::read(status).reason_name
}

both_backends! {
    /// From the fact that a referral was admitted to what the others are told, by machine and by
    /// hand.
    async fn the_main_job_over_sockets(database: TestDatabase) {
        let suite = Suite::start(&database).await;
        let world = World::new(TestDatabase::sqlite()).await;
        let (routed, uncertain) = (world.referral(), world.referral());
        suite.intake.has(routed, coded("0903"));
        suite.intake.has(uncertain, vague());
        let now = system_clock().now();
        let events = [routed, uncertain].map(|referral| world.admitted(&envelope(referral, now)));
        let mut inbox = EventInboxServiceClient::new(suite.channel("service/intake"));
        let request = DeliverEventsRequest { events: events.to_vec() };
        let answer = inbox.deliver_events(request).await.unwrap().into_inner();
        assert!(answer.results.iter().all(|result| result.status == 1), "{answer:?}");

        // The machine's part: woken, read from intake, decided, handed on.
        eventually(PATIENCE, || async { suite.routing.events().len() == 1 }).await;
        let event = suite.routing.events().remove(0);
        assert_eq!(event.source, "liaison://service/classification");
        assert_eq!(event.subject, wire::resource(routed));
        assert!(matches!(event.data, Some(Data::CaseClassified(_))));
        eventually(PATIENCE, || async { suite.intake.events().len() == 2 }).await;
        eventually(PATIENCE, || async { suite.notification.events().len() == 1 }).await;

        // The desk's part.
        let mut desk = suite.officer("desk/triage");
        let items = desk.list_triage_items(ListTriageItemsRequest::default()).await.unwrap();
        let items = items.into_inner().items;
        assert_eq!(items.len(), 1);
        let ruling = DecideTriageRequest {
            name: items[0].name.clone(),
            lead: "terrorism".into(),
            supporting: vec![],
            reason: "The annex says so.".into(),
            ..DecideTriageRequest::default()
        };
        let nameless = suite.client("desk/triage").decide_triage(ruling.clone()).await.unwrap_err();
        assert_eq!(reason(&nameless), "OFFICER_REQUIRED");
        let decided = desk.decide_triage(ruling.clone()).await.unwrap().into_inner();
        assert_eq!(decided.decision.unwrap().revision, 2);
        let again = desk.decide_triage(ruling.clone()).await.unwrap_err();
        assert_eq!((again.code(), reason(&again).as_str()), (Code::FailedPrecondition, "ILLEGAL_STATE"));
        let unknown = DecideTriageRequest { lead: "x".into(), ..ruling };
        let unknown = desk.decide_triage(unknown).await.unwrap_err();
        assert_eq!((unknown.code(), reason(&unknown).as_str()), (Code::InvalidArgument, "UNKNOWN_UNIT"));
        eventually(PATIENCE, || async { suite.routing.events().len() == 2 }).await;
        eventually(PATIENCE, || async { suite.intake.events().len() == 3 }).await;
        let asked = ListDecisionsRequest { referral: wire::resource(uncertain) };
        let decisions = desk.list_decisions(asked).await.unwrap().into_inner().decisions;
        assert_eq!(decisions.iter().map(|d| d.revision).collect::<Vec<_>>(), [2, 1]);

        // What the machine said comes out the same again; what the desk said is nobody's to compute.
        let mut again = async |name: &str| {
            let asked = RecomputeDecisionRequest { name: name.to_owned() };
            desk.recompute_decision(asked).await.map(tonic::Response::into_inner)
        };
        let same = again(&decisions[1].name).await.unwrap();
        assert_eq!(same.result(), Recomputation::Same);
        assert_eq!((same.digest.len(), &same.recomputed_digest, same.recomputed), (64, &same.digest, None));
        assert_eq!((&same.rule_set, same.program.is_empty()), (&decisions[1].rule_set, false));
        assert_eq!(again(&decisions[0].name).await.unwrap().result(), Recomputation::NotRecorded);
        let absent = again(&wire::resource(uncertain).replace("referrals", "classifications")).await.unwrap_err();
        assert_eq!(reason(&absent), "NOT_FOUND");
        assert_eq!(reason(&again("classifications/x").await.unwrap_err()), "INVALID_ARGUMENT");

        suite.running.lifecycle().stop();
        assert_eq!(suite.running.ended().await, Outcome::Clean);
    }

    /// Admitted while intake answers nobody: decided soon after it is back.
    async fn intake_goes_away_and_comes_back(database: TestDatabase) {
        let mut suite = Suite::start(&database).await;
        let world = World::new(TestDatabase::sqlite()).await;
        let away = suite.peers[0].take().unwrap();
        let address = away.address;
        away.stop().await;
        let now = system_clock().now();
        let mut inbox = EventInboxServiceClient::new(suite.channel("service/intake"));
        for _ in 0..3 {
            let referral = world.referral();
            suite.intake.has(referral, coded("0903"));
            let events = vec![world.admitted(&envelope(referral, now))];
            inbox.deliver_events(DeliverEventsRequest { events }).await.unwrap();
        }
        assert!(suite.routing.events().is_empty());
        let identity = suite.certificates.identity("service/intake", system_clock());
        let back = Serving::start(suite.intake.clone(), identity, address).await;
        suite.peers[0] = Some(back);
        eventually(PATIENCE, || async { suite.routing.events().len() == 3 }).await;
        // Its own events were kept for it, too.
        eventually(PATIENCE, || async { suite.intake.events().len() == 3 }).await;
    }

    /// Kinds of parties that the table names not, and desks other than this one.
    async fn other_parties_are_refused(database: TestDatabase) {
        let suite = Suite::start(&database).await;
        for party in ["bureau/NB-FR", "unit/cyber", "desk/compliance", "service/routing", "operator/ops", "auditor/court"] {
            let mut client = suite.officer(party);
            let list = client.list_triage_items(ListTriageItemsRequest { page_size: -1, ..Default::default() });
            let list = list.await.map(|_| ()).unwrap_err();
            let decisions = client.list_decisions(ListDecisionsRequest::default());
            let decisions = decisions.await.map(|_| ()).unwrap_err();
            let decide = client.decide_triage(DecideTriageRequest::default());
            let decide = decide.await.map(|_| ()).unwrap_err();
            let again = client.recompute_decision(RecomputeDecisionRequest::default());
            let again = again.await.map(|_| ()).unwrap_err();
            // Refused before anything is read of what they ask.
            for status in [list, decisions, decide, again] {
                assert_eq!(status.code(), Code::PermissionDenied, "{party}");
                assert_eq!(reason(&status), "CALLER_NOT_ALLOWED", "{party}");
            }
        }
        let mut inbox = EventInboxServiceClient::new(suite.channel("bureau/NB-FR"));
        let status = inbox.deliver_events(DeliverEventsRequest::default()).await.unwrap_err();
        assert_eq!(reason(&status), "CALLER_NOT_ALLOWED");
        let mut desk = suite.officer("desk/triage");
        let list = ListTriageItemsRequest { page_token: "x".into(), ..Default::default() };
        let status = desk.list_triage_items(list).await.unwrap_err();
        assert_eq!(reason(&status), "PAGE_TOKEN_MISMATCH");
    }

    /// Nothing is kept; short and long texts alike.
    async fn texts_are_classified_for_whoever_may_ask(database: TestDatabase) {
        let suite = Suite::start(&database).await;
        let mut bureau = suite.client("bureau/NB-FR");
        let text = "Hackers deployed ransomware on the servers and demanded bitcoin. ";
        for repeated in [1, 3_000] {
            let request = ClassifyTextRequest { text: text.repeat(repeated), ..Default::default() };
            let answer = bureau.classify_text(request).await.unwrap().into_inner();
            let decision = answer.decision.unwrap();
            assert_eq!(decision.lead, "cyber");
            assert_ne!(decision.outcome(), DecisionOutcome::Unspecified);
            assert!(decision.name.is_empty() && decision.referral.is_empty());
            let sum: f64 = decision.units.iter().map(|unit| unit.probability).sum();
            assert!((sum - 1.0).abs() < 0.001 && decision.units.len() == 5);
            assert!(decision.units.is_sorted_by(|a, b| a.probability >= b.probability));
            let concept = decision.reasons.iter().find(|reason| reason.rule.starts_with("concept."));
            assert!(concept.is_some_and(|concept| concept.end > concept.start));
        }
        let long = ClassifyTextRequest { text: "x".repeat(200_001), ..Default::default() };
        let status = bureau.classify_text(long).await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::InvalidArgument, "INVALID_ARGUMENT"));
        let status = suite.client("service/intake").classify_text(ClassifyTextRequest::default()).await.unwrap_err();
        assert_eq!(reason(&status), "CALLER_NOT_ALLOWED");
    }
}
