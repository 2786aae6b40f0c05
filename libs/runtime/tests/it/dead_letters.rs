//! Dead letters as an operator handles them: by commands, while the service runs or not.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use liaison_outbox::{
    Deliver, Destination, NewEvent, Outbox, Outcome, Outgoing, Relay, RelaySettings,
};
use liaison_store::audit::{self, AuditQuery, AuditRecord};
use liaison_store::{Db, migrate};
use liaison_testkit::database::TestDatabase;
use liaison_types::{Clock as _, EventId, Reason, Result, SystemClock, SystemRandom};
use sea_orm_migration::MigratorTrait;
use sea_orm_migration::sea_orm::ConnectionTrait as _;
use serde_json::Value;

use crate::fixture::Fixture;
use crate::process::{UNAUDITED, command, finish};
use crate::sample::{CANARY, Migrator, OutboxOnly};

const NORTH: Destination = Destination::new("north");
const SOUTH: Destination = Destination::new("south");

/// Rejects what it is told to, and keeps the ids of what it took.
#[derive(Debug, Default)]
struct Receiver {
    rejects: Mutex<HashSet<EventId>>,
    took: Mutex<Vec<EventId>>,
}

impl Deliver for Receiver {
    fn destinations(&self) -> Vec<Destination> {
        vec![NORTH, SOUTH]
    }

    fn may_linger(&self, _: &Destination) -> bool {
        false
    }

    fn keeps_order(&self) -> bool {
        false
    }

    fn deliver<'a>(
        &'a self,
        _: &'a Destination,
        batch: Vec<Outgoing>,
    ) -> BoxFuture<'a, Result<Vec<Outcome>>> {
        let rejects = self.rejects.lock().unwrap();
        let mut took = self.took.lock().unwrap();
        let outcomes = batch.into_iter().map(|event| {
            if rejects.contains(&event.id) {
                return Outcome::Rejected {
                    reason: Reason::InvalidArgument,
                };
            }
            took.push(event.id);
            Outcome::Delivered
        });
        let outcomes = Ok(outcomes.collect());
        async { outcomes }.boxed()
    }
}

/// A service's database with a relay over it, and the service's binary.
struct Scene {
    fixture: Fixture,
    _database: TestDatabase,
    /// Where the binary connects.
    url: String,
    db: Db,
    receiver: Arc<Receiver>,
    relay: Relay,
    audited: bool,
}

impl Scene {
    async fn new(database: TestDatabase) -> Self {
        Self::over::<Migrator>(database, true).await
    }

    async fn over<M: MigratorTrait>(database: TestDatabase, audited: bool) -> Self {
        let db = database.migrated::<M>().await;
        let receiver = Arc::new(Receiver::default());
        let relay = Relay::new(
            db.clone(),
            Arc::new(SystemClock),
            Arc::new(SystemRandom),
            receiver.clone(),
            RelaySettings::default(),
            Arc::new(()),
        );
        Self {
            fixture: Fixture::new(),
            relay: relay.unwrap(),
            url: database.settings().url.clone(),
            _database: database,
            db,
            receiver,
            audited,
        }
    }

    /// Stores an event that its receiver rejects for good, and lets it be tried.
    async fn kill(&self, to: &Destination, subject: &str) -> EventId {
        let event = self.store(to, subject, 1).await;
        self.receiver.rejects.lock().unwrap().insert(event);
        assert_eq!(self.relay.tick().await.unwrap().dead, 1);
        event
    }

    async fn store(&self, to: &Destination, subject: &str, sequence: i64) -> EventId {
        let now = SystemClock.now();
        let event = NewEvent {
            id: EventId::new(now, &SystemRandom),
            subject: subject.to_owned(),
            sequence,
            destination: to.clone(),
            kind: "happened".to_owned(),
            payload: CANARY.as_bytes().to_vec(),
            traceparent: None,
        };
        let (events, outbox) = (std::slice::from_ref(&event), &Outbox::new());
        self.db
            .write_tx("test.enqueue", |tx| {
                Box::pin(outbox.enqueue(tx, now, events.to_vec()))
            })
            .await
            .unwrap();
        event.id
    }

    /// Lets the receiver take what it rejected, and one step of the relay happen.
    async fn mend(&self) -> Vec<EventId> {
        self.receiver.rejects.lock().unwrap().clear();
        self.relay.tick().await.unwrap();
        std::mem::take(&mut *self.receiver.took.lock().unwrap())
    }

    /// Runs `dead-letters` with these arguments: the exit status, standard output and standard error.
    fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        let arguments = [&["dead-letters"], arguments].concat();
        let more = [("database.url", self.url.as_str())];
        let mut command = command(&self.fixture, &arguments, &more);
        if !self.audited {
            command.env(UNAUDITED, "1");
        }
        let (status, output, error) = finish(command);
        // What the test binary says before it becomes the service, without an end of the line.
        let output = output.replace("test process::child ... ", "");
        assert!(
            !output.contains(CANARY) && !error.contains(CANARY),
            "no payload is shown: {output}{error}"
        );
        (status, output, error)
    }

    /// Like [`Scene::run`], where it succeeds and answers in JSON.
    fn json(&self, arguments: &[&str]) -> Vec<Value> {
        let (status, output, error) = self.run(&[arguments, &["--output", "json"]].concat());
        assert_eq!(status, 0, "{error}");
        let objects = output.lines().filter(|line| line.starts_with('{'));
        objects
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    fn listed(&self, arguments: &[&str]) -> Vec<String> {
        let letters = self.json(&[&["list"], arguments].concat());
        letters
            .iter()
            .map(|letter| letter["id"].as_str().unwrap().to_owned())
            .collect()
    }

    async fn audit(&self) -> Vec<AuditRecord> {
        let query = AuditQuery {
            limit: audit::MAX_PAGE,
            ..AuditQuery::default()
        };
        audit::list(self.db.reader(), &query).await.unwrap()
    }
}

fn texts(ids: &[EventId]) -> Vec<String> {
    ids.iter().map(ToString::to_string).collect()
}

liaison_testkit::both_backends! {
    async fn a_dead_letter_is_listed_put_back_and_delivered(database: TestDatabase) {
        let scene = Scene::new(database).await;
        let (status, output, _) = scene.run(&["list"]);
        assert_eq!(status, 0);
        assert!(output.contains("no dead letters"), "{output}");

        let id = scene.kill(&NORTH, "referrals/a").await;
        let behind = scene.store(&NORTH, "referrals/a", 2).await;
        let (status, output, error) = scene.run(&["list"]);
        assert_eq!(status, 0, "{error}");
        let line = output.lines().find(|line| line.starts_with("north")).unwrap();
        let cells: Vec<_> = line.split_whitespace().collect();
        let [destination, subject, kind, sequence, attempts, reason, since, name] = cells[..] else {
            panic!("{line}");
        };
        assert_eq!([destination, subject, kind], ["north", "referrals/a", "happened"]);
        assert_eq!([sequence, attempts, reason], ["1", "1", "INVALID_ARGUMENT"]);
        assert!(since.starts_with("20") && since.ends_with('Z'), "{since}");
        assert_eq!(name, id.to_string());
        let headers = output.lines().find(|line| line.starts_with("DESTINATION")).unwrap();
        assert_eq!(headers.find("REASON"), line.find(reason), "columns are aligned:\n{output}");
        assert!(scene.mend().await.is_empty(), "nothing happens by itself");

        let name = id.to_string();
        let (status, output, error) =
            scene.run(&["requeue", &name, "--operator", "ann", "--reason", "the unit is there now"]);
        assert_eq!(status, 0, "{error}");
        assert!(output.contains(&format!("requeued {name}, referrals/a to north")), "{output}");
        assert!(output.contains("requeued 1"), "{output}");
        assert!(scene.listed(&[]).is_empty());
        let mut took = scene.mend().await;
        took.extend(scene.mend().await);
        assert_eq!(took, [id, behind], "at once, and in order");

        let [record] = &scene.audit().await[..] else { panic!("one entry") };
        assert!(record.is_intact());
        let entry = &record.entry;
        assert_eq!(entry.party.to_string(), "operator/ann");
        assert_eq!((entry.action.as_str(), entry.subject.as_str()), ("outbox.requeue", "referrals/a"));
        let purpose = format!("event {name} to north: the unit is there now");
        assert_eq!(entry.purpose.as_deref(), Some(purpose.as_str()));
    }

    async fn what_is_discarded_is_gone_and_recorded(database: TestDatabase) {
        let scene = Scene::new(database).await;
        let id = scene.kill(&NORTH, "referrals/a").await.to_string();
        let behind = scene.store(&NORTH, "referrals/a", 2).await;

        let (status, _, error) = scene.run(&["discard", &id, "--operator", "ann"]);
        assert_eq!(status, 2, "a destructive act gives its reason");
        assert!(error.contains("--reason"), "{error}");
        let (status, _, error) = scene.run(&["discard", &id, "--reason", "sent by hand"]);
        assert_eq!(status, 2, "somebody does it");
        assert!(error.contains("--operator"), "{error}");
        assert_eq!(scene.listed(&[]), [id.as_str()]);

        let done =
            scene.json(&["discard", &id, &id, "--operator", "ann", "--reason", "sent by hand"]);
        let [done] = &done[..] else { panic!("once: {done:?}") };
        assert_eq!((&done["done"], &done["id"]), (&"discarded".into(), &id.as_str().into()));
        assert_eq!(done["audited"], true);
        assert!(scene.listed(&[]).is_empty());
        assert_eq!(scene.mend().await, [behind], "only what waited behind it");
        let [record] = &scene.audit().await[..] else { panic!("one entry") };
        assert_eq!(record.entry.action, "outbox.discard");
        assert!(record.entry.purpose.as_ref().unwrap().ends_with(": sent by hand"));
    }

    async fn an_id_that_names_no_dead_letter_changes_nothing(database: TestDatabase) {
        let scene = Scene::new(database).await;
        let id = scene.kill(&NORTH, "referrals/a").await.to_string();
        let alive = scene.store(&SOUTH, "referrals/b", 1).await.to_string();
        for act in [&["requeue"][..], &["discard", "--reason", "a test"]] {
            let (status, output, error) =
                scene.run(&[act, &[&id, &alive, "--operator", "ann"]].concat());
            assert_eq!(status, 1, "{output}");
            let told = format!("no dead letter has the id {alive}; nothing was changed");
            assert!(error.contains(&told), "{error}");
        }
        assert_eq!(scene.listed(&[]), [id]);
        assert!(scene.audit().await.is_empty());
        assert_eq!(scene.run(&["requeue", "42", "--operator", "ann"]).0, 2, "no id at all");
        assert_eq!(scene.run(&["requeue", "--operator", "ann"]).0, 2, "which ones?");
        assert_eq!(scene.run(&["requeue", "--all", "--operator", "ann"]).0, 2, "all for whom?");
    }

    async fn all_for_one_destination_and_pages(database: TestDatabase) {
        let scene = Scene::new(database).await;
        let mut north = Vec::new();
        for subject in ["referrals/a", "referrals/b", "referrals/c"] {
            north.push(scene.kill(&NORTH, subject).await);
        }
        // Ids of one millisecond are in no order.
        north.sort();
        let south = scene.kill(&SOUTH, "referrals/a").await;
        let names = texts(&north);
        assert_eq!(scene.listed(&["--destination", "south"]), [south.to_string()]);
        let first = ["--destination", "north", "--limit", "2"];
        assert_eq!(scene.listed(&first), names[..2]);
        let (_, output, _) = scene.run(&[&["list"], &first[..]].concat());
        assert!(output.contains(&format!("there may be more: --after {}", names[1])), "{output}");
        let next = [&first[..], &["--after", &names[1]]].concat();
        assert_eq!(scene.listed(&next), names[2..]);

        let all = ["requeue", "--all", "--destination", "north", "--operator", "ann"];
        assert_eq!(scene.json(&all).len(), 3);
        assert_eq!(scene.audit().await.len(), 3);
        assert!(scene.json(&all).is_empty(), "none is left");
        assert_eq!(scene.listed(&[]), [south.to_string()]);
        let mut took = scene.mend().await;
        took.sort();
        assert_eq!(took, north);
    }

    async fn a_service_without_an_audit_says_so(database: TestDatabase) {
        let scene = Scene::over::<OutboxOnly>(database, false).await;
        let id = scene.kill(&NORTH, "referrals/a").await.to_string();
        let (status, output, error) = scene.run(&["requeue", &id, "--operator", "ann"]);
        assert_eq!(status, 0, "{error}");
        assert!(output.contains("this service keeps no audit"), "{output}");
        let told = format!("operator/ann requeued the dead letter {id}");
        assert!(error.contains(&told) && error.contains("WARN"), "{error}");
        assert_eq!(texts(&scene.mend().await), [id]);
    }
}

/// The commands run with the settings of the server, hence as its role.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_serving_role_is_enough() {
    let database = TestDatabase::postgres().await;
    let owner = database.connect().await;
    let role = format!("operate{}", std::process::id());
    let run = async |sql: String| {
        owner.reader().execute_unprepared(&sql).await.unwrap();
    };
    run(format!("CREATE ROLE {role} LOGIN")).await;
    let mut settings = database.settings().clone();
    settings.serving_role = Some(role.clone());
    migrate::<Migrator>(&settings).await.unwrap();
    let (_, place) = settings.url.rsplit_once('@').unwrap();

    let mut scene = Scene::new(database).await;
    scene.url = format!("postgres://{role}@{place}");
    let first = scene.kill(&NORTH, "referrals/a").await.to_string();
    let second = scene.kill(&NORTH, "referrals/b").await.to_string();
    assert_eq!(scene.listed(&[]).len(), 2);
    let done = scene.json(&["requeue", &first, "--operator", "ann"]);
    assert_eq!(done[0]["audited"], true);
    scene.json(&[
        "discard",
        &second,
        "--operator",
        "ann",
        "--reason",
        "a test",
    ]);
    assert!(scene.listed(&[]).is_empty());
    assert_eq!(scene.audit().await.len(), 2);
    run(format!("DROP OWNED BY {role}; DROP ROLE {role}")).await;
}

#[test]
fn pending_migrations_are_named() {
    let fixture = Fixture::new();
    let (status, _, error) = finish(command(&fixture, &["dead-letters", "list"], &[]));
    assert_eq!(status, 1);
    assert!(error.contains("migrations are pending"), "{error}");
}
