//! The audit of a running service: sealed as it is written, shown to auditors and to nobody else.

use std::time::Duration;

use liaison_custody::audit::{AuditReport, Checkpoint, SealVerifier, Sealed};
use liaison_custody::{PublicKeys, Signature};
use liaison_grpc::Channel;
use liaison_proto::audit::audit_service_client::AuditServiceClient;
use liaison_proto::audit::{
    AuditEntry, ListAuditEntriesRequest, ListAuditEntriesResponse, ListAuditSealsRequest,
};
use liaison_runtime::{Ambient, KeySettings, Listeners, Outcome, Running, public_key, start};
use liaison_store::Db;
use liaison_store::audit;
use liaison_telemetry::{Telemetry, TelemetrySettings};
use liaison_testkit::database::TestDatabase;
use liaison_testkit::eventually;
use liaison_types::{Clock as _, SystemClock, Timestamp};
use sea_orm_migration::sea_orm::{ConnectionTrait as _, Statement};
use tonic::{Code, Status};

use crate::fixture::{Fixture, call};
use crate::process::{Service, UNAUDITED, command};
use crate::receiver::Receiver;
use crate::sample::{Gate, Migrator, NOTED, Sample, Unaudited, entry, record};

const SOON: Duration = Duration::from_secs(20);

/// A service's database, and what it takes to run the service over it.
pub(crate) struct Scene {
    pub(crate) fixture: Fixture,
    _database: TestDatabase,
    url: String,
    pub(crate) db: Db,
}

impl Scene {
    pub(crate) async fn new(database: TestDatabase) -> Self {
        let fixture = Fixture::new();
        fixture.issue("auditor/hague");
        Self {
            fixture,
            db: database.migrated::<Migrator>().await,
            url: database.settings().url.clone(),
            _database: database,
        }
    }

    /// A replica, which answers calls as `answer` says.
    pub(crate) async fn replica(&self, answer: &str) -> Running {
        let more = [
            ("database.url", self.url.as_str()),
            ("sample.answer", answer),
        ];
        self.fixture.start(&more).await.unwrap()
    }

    fn auditor(&self, replica: &Running) -> AuditServiceClient<Channel> {
        AuditServiceClient::new(self.fixture.channel_of("auditor/hague", replica.address()))
    }

    async fn write(&self, party: &str, subject: &str, at: Timestamp) {
        let entries = vec![entry(party, subject, at)];
        record(&self.db, entries).await.unwrap();
    }

    async fn seals(&self) -> Vec<audit::Sealed> {
        audit::sealed(self.db.reader(), 0, audit::MAX_PAGE)
            .await
            .unwrap()
    }

    async fn until_sealed(&self, count: usize) {
        eventually(SOON, || async { self.seals().await.len() >= count }).await;
    }

    /// What an auditor finds who reads everything from `replica`, in pages of `size`.
    async fn verify(&self, replica: &Running, size: i32) -> AuditReport {
        let keys = KeySettings::in_folder(&self.fixture.path().join("keys"), "sample");
        let mut known = PublicKeys::default();
        known.insert(public_key(&keys).unwrap()).unwrap();
        let mut verifier = SealVerifier::new("sample", &known, Duration::from_mins(5));
        let (mut auditor, mut after) = (self.auditor(replica), 0);
        loop {
            let request = ListAuditSealsRequest {
                after,
                page_size: size,
            };
            let page = auditor
                .list_audit_seals(request)
                .await
                .unwrap()
                .into_inner();
            assert_eq!(page.service, "sample");
            assert!(page.unsealed.is_empty());
            for checkpoint in page.checkpoints {
                verifier.checkpoint(Checkpoint {
                    service: page.service.clone(),
                    position: checkpoint.position,
                    at: instant(checkpoint.at),
                    digest: checkpoint.digest.try_into().unwrap(),
                    signature: Signature {
                        key: checkpoint.key_id.parse().unwrap(),
                        bytes: checkpoint.signature.try_into().unwrap(),
                    },
                });
            }
            assert!(page.seals.len() <= usize::try_from(size).unwrap());
            for seal in page.seals {
                after = seal.position;
                verifier.seal(Sealed {
                    position: seal.position,
                    entry: seal.entry_id.parse().unwrap(),
                    digest: seal.entry.map(|entry| entry.digest.try_into().unwrap()),
                    chained: seal.digest.try_into().unwrap(),
                });
            }
            if !page.more {
                return verifier.finish();
            }
        }
    }
}

fn instant(at: Option<prost_types::Timestamp>) -> Timestamp {
    let at = at.unwrap();
    Timestamp::from_seconds_and_nanos(at.seconds, at.nanos).unwrap()
}

pub(crate) fn wire(at: Timestamp) -> Option<prost_types::Timestamp> {
    let (seconds, nanos) = at.to_seconds_and_nanos();
    Some(prost_types::Timestamp { seconds, nanos })
}

fn subjects(entries: &[AuditEntry]) -> Vec<&str> {
    entries.iter().map(|entry| entry.subject.as_str()).collect()
}

liaison_testkit::both_backends! {
    async fn what_is_written_is_sealed_within_two_seconds(database: TestDatabase) {
        let scene = Scene::new(database).await;
        let _replica = scene.replica("at once").await;
        let mut took = Vec::new();
        for count in 1..=5 {
            let at = SystemClock.now();
            scene.write("bureau/NB-FR", "referrals/1", at).await;
            scene.until_sealed(count).await;
            let last = audit::last_checkpoint(scene.db.reader()).await.unwrap().unwrap();
            assert_eq!(last.position, i64::try_from(count).unwrap(), "the newest seal is signed");
            took.push(last.signature.at.since(at));
        }
        // The one in the middle: a busy machine may be late now and then.
        took.sort();
        assert!(took[2] < Duration::from_secs(2), "{took:?}");
    }

    async fn replicas_seal_each_entry_once(database: TestDatabase) {
        const EACH: usize = 60;
        let scene = Scene::new(database).await;
        let (first, second) = tokio::join!(scene.replica("at once"), scene.replica("at once"));
        let write = async |subject: &str| {
            for _ in 0..EACH {
                scene.write("bureau/NB-FR", subject, SystemClock.now()).await;
            }
        };
        tokio::join!(write("referrals/1"), write("referrals/2"), write("referrals/3"));
        scene.until_sealed(3 * EACH).await;
        let seals = scene.seals().await;
        assert_eq!(seals.len(), 3 * EACH, "none twice");
        for replica in [&first, &second] {
            let report = scene.verify(replica, 25).await;
            assert!(report.is_sound(), "{:?}", report.problems);
            assert!(report.sealed >= 3 * EACH as u64);
        }
        // One stops, and the other goes on alone.
        first.lifecycle().stop();
        assert_eq!(first.ended().await, Outcome::Clean);
        let before = scene.seals().await.len();
        scene.write("bureau/NB-FR", "referrals/4", SystemClock.now()).await;
        scene.until_sealed(before + 1).await;
        assert!(scene.verify(&second, 1_000).await.is_sound());
    }

    async fn what_calls_write_while_it_stops_is_sealed_at_the_end(database: TestDatabase) {
        let answer = format!("{NOTED} {:?}", database.backend());
        let scene = Scene::new(database).await;
        let replica = scene.replica(&answer).await;
        scene.write("bureau/NB-FR", "referrals/early", SystemClock.now()).await;
        let late = tokio::spawn(call(scene.fixture.channel(replica.address())));
        let gate = Gate::of(&answer);
        gate.arrived().await;
        replica.lifecycle().stop();
        replica.lifecycle().soft().cancelled().await;
        // From here on nothing new is begun, and this call has not written yet.
        gate.open();
        late.await.unwrap().unwrap();
        assert_eq!(replica.ended().await, Outcome::Clean);
        let sealed = scene.seals().await;
        let subject = |seal: &audit::Sealed| match &seal.record {
            audit::Found::Entry(record) => record.entry.subject.clone(),
            other => panic!("{other:?}"),
        };
        let subjects: Vec<_> = sealed.iter().map(subject).collect();
        assert_eq!(subjects, ["referrals/early", "referrals/late"]);
        let last = audit::last_checkpoint(scene.db.reader()).await.unwrap().unwrap();
        assert_eq!(last.position, 2, "and signed");
    }

    async fn an_auditor_lists_by_party_subject_and_time(database: TestDatabase) {
        let scene = Scene::new(database).await;
        let replica = scene.replica("at once").await;
        let mut auditor = scene.auditor(&replica);
        let start = SystemClock.now() - Duration::from_hours(1);
        let at = |minute| start + Duration::from_mins(minute);
        for minute in 0..6 {
            let party = if minute % 2 == 0 { "bureau/NB-FR" } else { "unit/cyber" };
            scene.write(party, &format!("referrals/{minute}"), at(minute)).await;
        }
        let mut list = async |request: ListAuditEntriesRequest| {
            let answer: Result<_, Status> = auditor.list_audit_entries(request).await;
            answer.unwrap().into_inner()
        };
        let none = ListAuditEntriesRequest::default;

        let by_party = list(ListAuditEntriesRequest { party: "unit/cyber".into(), ..none() }).await;
        assert_eq!(subjects(&by_party.entries), ["referrals/1", "referrals/3", "referrals/5"]);
        let first = &by_party.entries[0];
        assert_eq!((first.party.as_str(), first.action.as_str()), ("unit/cyber", "sample.act"));
        assert_eq!(instant(first.at), at(1));
        let by_subject =
            list(ListAuditEntriesRequest { subject: "referrals/4".into(), ..none() }).await;
        // That somebody asks for it is an act about it, recorded before the answer.
        let by: Vec<_> = by_subject.entries.iter().map(|entry| entry.party.as_str()).collect();
        assert_eq!(by, ["bureau/NB-FR", "auditor/hague"]);
        assert_eq!(subjects(&by_subject.entries), ["referrals/4"; 2]);
        // From this instant on, and before that one.
        let between = ListAuditEntriesRequest { from: wire(at(1)), until: wire(at(4)), ..none() };
        let by_time = list(between.clone()).await;
        assert_eq!(subjects(&by_time.entries), ["referrals/1", "referrals/2", "referrals/3"]);
        let all_three = ListAuditEntriesRequest { party: "bureau/NB-FR".into(), ..between.clone() };
        assert_eq!(subjects(&list(all_three).await.entries), ["referrals/2"]);

        // In pages, none twice and none left out.
        let (mut seen, mut page_token) = (Vec::new(), String::new());
        loop {
            let request = ListAuditEntriesRequest { page_size: 2, page_token, ..between.clone() };
            let page: ListAuditEntriesResponse = list(request).await;
            seen.push(page.entries.len());
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break;
            }
            // A token is good for its own query.
            let other = ListAuditEntriesRequest { page_token: page_token.clone(), ..none() };
            let refused = scene.auditor(&replica).list_audit_entries(other).await.unwrap_err();
            assert_eq!(refused.code(), Code::InvalidArgument);
        }
        assert_eq!(seen, [2, 1]);
        for wrong in [
            ListAuditEntriesRequest { page_size: -1, ..none() },
            ListAuditEntriesRequest { party: "nobody".into(), ..none() },
            ListAuditEntriesRequest { page_token: "x".into(), ..none() },
        ] {
            let refused = scene.auditor(&replica).list_audit_entries(wrong).await.unwrap_err();
            assert_eq!(refused.code(), Code::InvalidArgument);
        }

        // Who reads the audit stands in it, and is sealed in turn.
        let own = list(ListAuditEntriesRequest { party: "auditor/hague".into(), ..none() }).await;
        assert!(own.entries.len() > 5);
        assert!(own.entries.iter().all(|entry| entry.action == "audit.list_entries"));
        scene.until_sealed(6 + own.entries.len()).await;
        let report = scene.verify(&replica, 3).await;
        assert!(report.is_sound(), "{:?}", report.problems);
        assert!(report.signed_through.is_some());
    }

    async fn nobody_but_an_auditor_is_let_in(database: TestDatabase) {
        let scene = Scene::new(database).await;
        let replica = scene.replica("at once").await;
        for party in [
            "bureau/NB-FR",
            "partner/icmec",
            "unit/cyber",
            "desk/compliance",
            "desk/triage",
            "operator/ann",
            "service/intake",
            "service/sample",
        ] {
            scene.fixture.issue(party);
            let channel = scene.fixture.channel_of(party, replica.address());
            let mut client = AuditServiceClient::new(channel);
            let entries = client.list_audit_entries(ListAuditEntriesRequest::default()).await;
            assert_eq!(entries.unwrap_err().code(), Code::PermissionDenied, "{party}");
            let seals = client.list_audit_seals(ListAuditSealsRequest::default()).await;
            assert_eq!(seals.unwrap_err().code(), Code::PermissionDenied, "{party}");
        }
    }
}

#[tokio::test]
async fn a_service_without_an_audit_offers_none() {
    let fixture = Fixture::new();
    fixture.issue("auditor/hague");
    let settings = fixture.settings(&[]);
    let listeners = Listeners::bind(&settings.server).unwrap();
    let running = start::<Unaudited>(settings, listeners, Ambient::default())
        .await
        .unwrap();
    call(fixture.channel(running.address())).await.unwrap();
    let channel = fixture.channel_of("auditor/hague", running.address());
    let asked = AuditServiceClient::new(channel)
        .list_audit_entries(ListAuditEntriesRequest::default())
        .await;
    assert_eq!(asked.unwrap_err().code(), Code::Unimplemented);
    running.lifecycle().stop();
    assert_eq!(running.ended().await, Outcome::Clean);
}

#[test]
fn a_service_without_an_audit_complains_of_nothing() {
    let fixture = Fixture::new();
    let mut command = command(&fixture, &["serve"], &[]);
    command.env(UNAUDITED, "1");
    let service = Service::spawn(command);
    service.signal("TERM");
    let (status, log, _) = service.rest();
    assert_eq!(status.code(), Some(0));
    assert!(!log.contains("WARN") && !log.contains("ERROR"), "{log}");
    assert!(!log.contains("audit"), "{log}");
}

/// On PostgreSQL alone, whose sequences count what is rolled back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failures_to_seal_are_told_at_first_and_when_they_are_over() {
    let scene = Scene::new(TestDatabase::postgres().await).await;
    let owner = scene.db.reader();
    let refuse = "CREATE SEQUENCE refused; \
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ \
        BEGIN PERFORM nextval('refused'); RAISE EXCEPTION 'refused by the test'; END $$; \
        CREATE TRIGGER refuse BEFORE INSERT ON audit_seal FOR EACH STATEMENT EXECUTE FUNCTION refuse()";
    owner.execute_unprepared(refuse).await.unwrap();
    scene
        .write("bureau/NB-FR", "referrals/1", SystemClock.now())
        .await;
    let url = scene.url.clone();
    let mut service = Service::start(&scene.fixture, &[("database.url", &url)]);
    eventually(SOON, || async {
        let attempts = Statement::from_string(
            owner.get_database_backend(),
            "SELECT last_value FROM refused",
        );
        let row = owner.query_one_raw(attempts).await.unwrap().unwrap();
        row.try_get_by_index::<i64>(0).unwrap() >= 3
    })
    .await;
    owner
        .execute_unprepared("DROP TRIGGER refuse ON audit_seal")
        .await
        .unwrap();
    let log = tokio::task::spawn_blocking(move || {
        let log = service.until("the audit is sealed again, after ");
        service.signal("TERM");
        assert_eq!(service.rest().0.code(), Some(0));
        log
    });
    let log = log.await.unwrap();
    // The first may have come before it was ready, and with it before what is read here.
    assert!(
        log.matches("the audit cannot be sealed now").count() <= 1,
        "{log}"
    );
    assert!(!log.contains("has not been sealed for"), "{log}");
    scene.until_sealed(1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_and_how_old_the_last_checkpoint_is_are_measured() {
    let scene = Scene::new(TestDatabase::sqlite()).await;
    scene
        .write("bureau/NB-FR", "referrals/1", SystemClock.now())
        .await;
    let unmeasured = scene.replica("at once").await;
    scene.until_sealed(1).await;
    unmeasured.lifecycle().stop();
    unmeasured.ended().await;

    let (receiver, collector) = Receiver::listen().await;
    let telemetry = TelemetrySettings {
        endpoint: Some(format!("http://{collector}")),
        log: "off".to_owned(),
        metrics_interval: Duration::from_secs(1),
        ..TelemetrySettings::default()
    };
    let telemetry = Telemetry::build("sample", "0", &telemetry).unwrap();
    let settings = scene.fixture.settings(&[("database.url", &scene.url)]);
    let listeners = Listeners::bind(&settings.server).unwrap();
    let ambient = Ambient {
        instruments: telemetry.instruments().clone(),
        ..Ambient::default()
    };
    let replica = start::<Sample>(settings, listeners, ambient).await.unwrap();
    for name in ["liaison.audit.unsealed", "liaison.audit.checkpoint.age"] {
        eventually(SOON, || async {
            receiver.metrics().contains(&name.to_owned())
        })
        .await;
    }
    replica.lifecycle().stop();
    replica.ended().await;
    telemetry.shutdown().await;
}
