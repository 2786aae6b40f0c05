//! The whole stack: settings, mutual TLS over real sockets, the relay, two neighbours.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use liaison_grpc::client::connect;
use liaison_grpc::event_delivery::{EventHandler, EventInbox, ReceivedEvent, kind};
use liaison_grpc::{Api, Channel, ClientSettings, Failure, Health, Limits, Methods, Server, stack};
use liaison_intake::Intake;
use liaison_intake::store::Migrator;
use liaison_proto::event::event::Data;
use liaison_proto::event::event_inbox_service_server::EventInboxServiceServer;
use liaison_proto::intake::intake_service_client::IntakeServiceClient;
use liaison_proto::{common, intake};
use liaison_runtime::{
    Ambient, KeySettings, Listeners, Loader, Outcome, Running, Service, create_missing, start,
};
use liaison_store::Tx;
use liaison_telemetry::Instruments;
use liaison_testkit::certificates::Certificates;
use liaison_testkit::database::TestDatabase;
use liaison_testkit::environment::Environment;
use liaison_testkit::{both_backends, eventually};
use liaison_types::{Clock, Party, Result, SystemRandom, Timestamp};
use tokio_util::sync::CancellationToken;
use tonic::Code;

use crate::samples::{dossier, submission};

const PATIENCE: Duration = Duration::from_secs(20);

/// Subject, sequence and kind of an event.
type Got = (String, i64, &'static str);

/// A neighbour that keeps the kinds of what it is sent.
#[derive(Clone, Default)]
struct Neighbour {
    got: Arc<Mutex<Vec<Got>>>,
}

impl EventHandler for Neighbour {
    fn accepts(&self, source: &Party, _data: &Data) -> bool {
        source.to_string() == "service/intake"
    }

    fn apply<'a>(
        &'a self,
        _tx: &'a Tx<'a>,
        _now: Timestamp,
        events: &'a [&'a ReceivedEvent],
    ) -> BoxFuture<'a, Result<()>> {
        let mut got = self.got.lock().unwrap();
        for event in events {
            got.push((event.subject.clone(), event.sequence, kind(&event.data)));
        }
        async { Ok(()) }.boxed()
    }
}

impl Neighbour {
    fn got(&self) -> Vec<Got> {
        self.got.lock().unwrap().clone()
    }

    /// Answers as `service/<name>`, with intake's tables of its own for the inbox.
    async fn serve(
        &self,
        name: &str,
        certificates: &Certificates,
        database: &TestDatabase,
        clock: Arc<dyn Clock>,
        stop: &CancellationToken,
    ) -> SocketAddr {
        let identity = certificates.identity(&format!("service/{name}"), clock.clone());
        let db = database.migrated::<Migrator>().await;
        let inbox = EventInbox::new(db, clock, "test.deliver_events", self.clone());
        let limits = Limits::default();
        let stack = stack(
            &Methods::liaison(),
            &limits,
            Some(&identity),
            &Instruments::none(),
        );
        let api = Api::new(stack).service(EventInboxServiceServer::new(inbox));
        let loopback = || std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let listeners = liaison_grpc::Listeners::from_std(loopback(), loopback()).unwrap();
        let address = listeners.address();
        let server = Server {
            listeners,
            api,
            identity,
            health: Health::new("test").await,
            limits,
        };
        tokio::spawn(server.serve(stop.clone(), stop.clone()));
        address
    }
}

struct Suite {
    running: Running,
    env: Environment,
    certificates: Certificates,
    classification: Neighbour,
    notification: Neighbour,
    stop: CancellationToken,
    _databases: [TestDatabase; 3],
}

impl Suite {
    async fn start(database: TestDatabase) -> Self {
        // The samples have their own time, and so have the certificates.
        let env = Environment::seeded(1);
        let certificates = Certificates::new(env.now());
        let stop = CancellationToken::new();
        let (classification, notification) = (Neighbour::default(), Neighbour::default());
        let databases = [TestDatabase::sqlite(), TestDatabase::sqlite(), database];
        let (first, second) = (&databases[0], &databases[1]);
        let one = classification
            .serve("classification", &certificates, first, env.clock(), &stop)
            .await;
        let two = notification
            .serve("notification", &certificates, second, env.clock(), &stop)
            .await;
        let files = certificates.issue("service/intake");
        let keys = KeySettings::in_folder(certificates.folder(), "intake");
        create_missing(&keys, &SystemRandom).unwrap();
        let path = |path: &Path| path.to_str().unwrap().to_owned();
        let settings = Loader::new(Intake::DEFAULTS)
            .set("server.listen", "127.0.0.1:0")
            .set("server.health_listen", "127.0.0.1:0")
            .set("peers.classification", format!("https://{one}"))
            .set("peers.notification", format!("https://{two}"))
            .set("database.url", databases[2].settings().url.clone())
            .set("database.migrate_on_start", "true")
            .set("identity.certificate", path(&files.certificate))
            .set("identity.key", path(&files.key))
            .set("identity.authority", path(&files.authority))
            .set("keys.signing", path(&keys.signing))
            .set("keys.sealing", path(&keys.sealing))
            .set("shutdown.drain_delay", "0s")
            .load()
            .unwrap();
        let listeners = Listeners::bind(&settings.server).unwrap();
        let ambient = Ambient {
            clock: env.clock(),
            ..Ambient::default()
        };
        let running = start::<Intake>(settings, listeners, ambient).await.unwrap();
        Self {
            running,
            env,
            certificates,
            classification,
            notification,
            stop,
            _databases: databases,
        }
    }

    fn client(&self, party: &str) -> IntakeServiceClient<Channel> {
        let identity = self.certificates.identity(party, self.env.clock());
        let channel = connect(
            &format!("https://{}", self.running.address()),
            identity.connector(Party::service("intake")),
            &ClientSettings::default(),
            &Methods::liaison(),
            &Instruments::none(),
        )
        .unwrap();
        IntakeServiceClient::new(channel.with_officer("a.first").unwrap())
    }

    async fn end(self) {
        self.running.lifecycle().stop();
        assert_eq!(self.running.ended().await, Outcome::Clean);
        self.stop.cancel();
    }
}

both_backends! {
    async fn a_referral_reaches_its_neighbours(database: TestDatabase) {
        let suite = Suite::start(database).await;
        let mut bureau = suite.client("bureau/NB-FR");
        let answer = bureau.submit_referral(submission(dossier(), 1)).await.unwrap();
        let referral = answer.into_inner().referral.unwrap();
        assert_eq!(referral.state(), common::ReferralState::Admitted);
        let (classification, notification) = (&suite.classification, &suite.notification);
        eventually(PATIENCE, || async { notification.got().len() == 2 }).await;
        eventually(PATIENCE, || async { classification.got().len() == 1 }).await;
        let name = referral.name.clone();
        assert_eq!(
            notification.got(),
            [(name.clone(), 1, "referral_changed"), (name.clone(), 2, "referral_changed")]
        );
        assert_eq!(classification.got(), [(name, 2, "referral_admitted")]);
        suite.end().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_wrong_callers_and_the_wrong_messages_are_told_so() {
    let suite = Suite::start(TestDatabase::sqlite()).await;
    let unit = suite
        .client("unit/cyber")
        .submit_referral(submission(dossier(), 1))
        .await;
    let failure = Failure::read(&unit.unwrap_err());
    assert_eq!(
        (failure.code, &*failure.reason_name),
        (Code::PermissionDenied, "CALLER_NOT_ALLOWED")
    );

    // More than a message may be: refused by its size, before it is read.
    let narrative = "a".repeat(4 << 20);
    let long = intake::Dossier {
        narrative,
        ..dossier()
    };
    let mut bureau = suite.client("bureau/NB-FR");
    let failure = Failure::read(
        &bureau
            .submit_referral(submission(long, 2))
            .await
            .unwrap_err(),
    );
    assert_eq!(&*failure.reason_name, "MESSAGE_TOO_LARGE", "{failure:?}");

    // Just within a message: refused by its length, with the field's name.
    let narrative = "a".repeat((4 << 20) - 8_192);
    let long = intake::Dossier {
        narrative,
        ..dossier()
    };
    let failure = Failure::read(
        &bureau
            .submit_referral(submission(long, 3))
            .await
            .unwrap_err(),
    );
    assert_eq!(failure.violations[0].0, "dossier.narrative");

    // Hidden and absent are one answer on the wire too, headers included.
    let name = bureau
        .submit_referral(submission(dossier(), 4))
        .await
        .unwrap()
        .into_inner()
        .referral
        .unwrap()
        .name;
    let mut stranger = suite.client("bureau/NB-DE");
    let mut ask = async |name: &str| {
        let request = intake::GetReferralRequest {
            name: name.to_owned(),
        };
        let status = stranger.get_referral(request).await.unwrap_err();
        let mut metadata = status.metadata().clone();
        metadata.remove("date");
        (
            status.code(),
            status.message().to_owned(),
            status.details().to_vec(),
            format!("{metadata:?}"),
        )
    };
    let hidden = ask(&name).await;
    let absent = ask("referrals/01890a5d-ac96-774b-bcce-b302099a8057").await;
    assert_eq!(hidden, absent);
    assert_eq!(hidden.0, Code::NotFound);
    suite.end().await;
}
