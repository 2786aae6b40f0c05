//! Key-encryption keys as an operator handles them: by commands, while the service runs or not.

use liaison_runtime::{KeySettings, public_key};
use liaison_store::audit::{self, AuditQuery, AuditRecord};
use liaison_store::sealed::{self, DataKey, KeyRing};
use liaison_store::{Db, migrate};
use liaison_testkit::database::TestDatabase;
use liaison_types::SystemRandom;
use sea_orm_migration::MigratorTrait;
use sea_orm_migration::sea_orm::ConnectionTrait as _;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::fixture::{Fixture, call};
use crate::process::{UNAUDITED, command, finish};
use crate::sample::{Migrator, OutboxOnly, SUBJECTS};

/// A service's database and folder of keys, and the service's binary.
struct Scene {
    fixture: Fixture,
    _database: TestDatabase,
    /// Where the binary connects.
    url: String,
    db: Db,
    keys: KeySettings,
    audited: bool,
}

impl Scene {
    async fn new(database: TestDatabase) -> Self {
        Self::over::<Migrator>(database, true).await
    }

    async fn over<M: MigratorTrait>(database: TestDatabase, audited: bool) -> Self {
        let db = database.migrated::<M>().await;
        let fixture = Fixture::new();
        // Makes the keys that are missing.
        fixture.values();
        Self {
            keys: KeySettings::in_folder(&fixture.path().join("keys"), "sample"),
            fixture,
            url: database.settings().url.clone(),
            _database: database,
            db,
            audited,
        }
    }

    fn ring(&self) -> KeyRing {
        KeyRing::read(&self.keys.sealing).unwrap()
    }

    /// Stores data keys for the subjects `from` to `to`, wrapped by `ring`.
    async fn wrap(&self, ring: &KeyRing, from: u128, to: u128) {
        let keys: Vec<_> = (from..=to)
            .map(|number| {
                let key = DataKey::generate(&SystemRandom);
                ring.wrap(Uuid::from_u128(number), &key, &SystemRandom)
            })
            .collect();
        self.db
            .write_tx("test.wrap", |tx| {
                Box::pin(sealed::insert_all(tx, keys.clone()))
            })
            .await
            .unwrap();
    }

    async fn versions(&self) -> Vec<(u32, u64)> {
        let held = sealed::versions(self.db.reader()).await.unwrap();
        held.into_iter().collect()
    }

    /// Runs `keys` with these arguments: the exit status, standard output and standard error.
    fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        run(&self.fixture, &self.url, self.audited, arguments)
    }

    /// Like [`Scene::run`], with the one answer in JSON.
    fn json(&self, arguments: &[&str]) -> (i32, Value) {
        let (status, output, error) = self.run(&[arguments, &["--output", "json"]].concat());
        let mut objects = output.lines().filter(|line| line.starts_with('{'));
        let object = objects.next().unwrap_or_else(|| panic!("{output}{error}"));
        assert_eq!(objects.next(), None, "one object");
        (status, serde_json::from_str(object).unwrap())
    }

    async fn audit(&self) -> Vec<AuditRecord> {
        let query = AuditQuery {
            limit: audit::MAX_PAGE,
            ..AuditQuery::default()
        };
        audit::list(self.db.reader(), &query).await.unwrap()
    }

    /// Who did what about which version.
    async fn entries(&self) -> Vec<[String; 3]> {
        let told = |record: AuditRecord| {
            let entry = record.entry;
            [entry.party.to_string(), entry.action, entry.subject]
        };
        self.audit().await.into_iter().map(told).collect()
    }
}

fn run(fixture: &Fixture, url: &str, audited: bool, arguments: &[&str]) -> (i32, String, String) {
    let arguments = [&["keys"], arguments].concat();
    let mut command = command(fixture, &arguments, &[("database.url", url)]);
    if !audited {
        command.env(UNAUDITED, "1");
    }
    let (status, output, error) = finish(command);
    // What the test binary says before it becomes the service, without an end of the line.
    (
        status,
        output.replace("test process::child ... ", ""),
        error,
    )
}

fn entry(action: &str, subject: &str) -> [String; 3] {
    ["operator/ann", action, subject].map(str::to_owned)
}

liaison_testkit::both_backends! {
    async fn a_rotation_moves_everything_while_the_service_answers(database: TestDatabase) {
        let scene = Scene::new(database).await;
        scene.wrap(&scene.ring(), 1, SUBJECTS).await;
        let more = [("database.url", scene.url.as_str()), ("sample.answer", "opens")];
        let running = scene.fixture.start(&more).await.unwrap();
        let channel = scene.fixture.channel(running.address());
        call(channel.clone()).await.unwrap();

        let (scene, mut answered) = (std::sync::Arc::new(scene), 0);
        let rotating = std::sync::Arc::clone(&scene);
        let rotating = tokio::task::spawn_blocking(move || {
            rotating.run(&["rotate", "--operator", "ann"])
        });
        while !rotating.is_finished() {
            call(channel.clone()).await.unwrap();
            answered += 1;
        }
        let (status, output, error) = rotating.await.unwrap();
        assert!(answered > 0);
        // What the service wrapped before it knew of the new version may be left.
        assert!([0, 1].contains(&status), "{output}{error}");
        assert!(output.contains("made version 2, which seals from now on"), "{output}");
        assert!(output.contains("to version 2"), "{output}");
        assert!(output.contains("moved 1000 of "), "step by step: {output}");

        // It meets what version 2 wraps, and wraps with it from then on.
        call(channel.clone()).await.unwrap();
        let (status, done) = scene.json(&["rewrap", "--operator", "ann"]);
        assert_eq!(status, 0, "{done}");
        assert_eq!((&done["left"], &done["unreadable"]), (&json!(0), &json!(0)));
        call(channel.clone()).await.unwrap();
        let held = scene.versions().await;
        let [(2, count)] = held[..] else { panic!("all at version 2: {held:?}") };
        assert!(u128::from(count) > SUBJECTS);
        let (status, told) = scene.json(&["status"]);
        assert_eq!(status, 0);
        let expected = json!({ "version": 1, "data_keys": 0, "state": "unused" });
        assert_eq!(told["versions"][0], expected);

        // The old key is not needed any more.
        std::fs::remove_file(scene.keys.sealing.join("1.key")).unwrap();
        running.reload().await;
        call(channel).await.unwrap();
        let expected = [entry("keys.rotate", "keys/2"), entry("keys.rewrap", "keys/2")];
        assert_eq!(scene.entries().await, expected);
    }

    async fn status_says_what_each_version_is_good_for(database: TestDatabase) {
        let scene = Scene::new(database).await;
        scene.wrap(&scene.ring(), 1, 3).await;
        KeyRing::generate(&scene.keys.sealing, &SystemRandom).unwrap();
        scene.wrap(&scene.ring(), 4, 5).await;
        KeyRing::generate(&scene.keys.sealing, &SystemRandom).unwrap();
        let (status, output, error) = scene.run(&["status"]);
        assert_eq!(status, 0, "{error}");
        let signing = public_key(&scene.keys).unwrap().id();
        assert!(output.contains(&format!("signing key {signing}")), "{output}");
        let states: Vec<Vec<_>> = output
            .lines()
            .map(|line| line.split_whitespace().take(3).collect())
            .filter(|cells: &Vec<&str>| cells.first().is_some_and(|cell| cell.parse::<u32>().is_ok()))
            .collect();
        let expected = [["1", "3", "opens"], ["2", "2", "opens"], ["3", "0", "seals"]];
        assert_eq!(states, expected, "{output}");

        // The file is gone, and with it what it wraps.
        std::fs::remove_file(scene.keys.sealing.join("2.key")).unwrap();
        let (status, told) = scene.json(&["status"]);
        assert_eq!(status, 1, "{told}");
        let expected = json!({
            "signing_key": signing.to_string(),
            "seals": true,
            "active": 3,
            "versions": [
                { "version": 1, "data_keys": 3, "state": "opens" },
                { "version": 2, "data_keys": 2, "state": "missing" },
                { "version": 3, "data_keys": 0, "state": "seals" },
            ],
        });
        assert_eq!(told, expected);
        assert!(scene.audit().await.is_empty(), "to look is no act");

        // What can be moved is moved; the rest is told.
        let (status, done) = scene.json(&["rewrap", "--operator", "ann"]);
        let expected = json!({
            "done": "rewrapped", "version": 3, "moved": 3, "left": 2, "unreadable": 2, "audited": true,
        });
        assert_eq!((status, done), (1, expected));
        assert_eq!(scene.versions().await, [(2, 2), (3, 3)]);
        let (status, output, error) = scene.run(&["rewrap", "--operator", "ann"]);
        assert_eq!(status, 1);
        assert!(output.contains("2 data keys do not open"), "{output}");
        assert!(error.contains("a data key does not open"), "{error}");
    }

    async fn a_version_that_is_not_here_yet_is_waited_for(database: TestDatabase) {
        let scene = Scene::new(database).await;
        let elsewhere = KeyRing::from_keys([(2, [2; 32])]).unwrap();
        scene.wrap(&elsewhere, 1, 2).await;
        for act in ["rewrap", "rotate"] {
            let (status, _, error) = scene.run(&[act, "--operator", "ann"]);
            assert_eq!(status, 1, "{act}");
            assert!(error.contains("wrapped by version 2 already"), "{error}");
        }
        assert_eq!(scene.ring().versions(), [1], "no second key of that version is made");
        assert!(scene.audit().await.is_empty());
    }

    async fn a_rewrap_goes_on_where_another_stopped(database: TestDatabase) {
        let scene = Scene::new(database).await;
        scene.wrap(&scene.ring(), 1, 30).await;
        KeyRing::generate(&scene.keys.sealing, &SystemRandom).unwrap();
        let stopped = sealed::rewrap(&scene.db, &scene.ring(), &SystemRandom, 10, |_| false).await;
        assert_eq!(stopped.unwrap().rewrapped, 10);
        let (status, output, error) = scene.run(&["rewrap", "--operator", "ann"]);
        assert_eq!(status, 0, "{error}");
        assert!(output.contains("moved 20 of 20"), "{output}");
        assert!(output.contains("moved 20 data keys to version 2"), "{output}");
        assert_eq!(scene.versions().await, [(2, 30)]);
        let [record] = &scene.audit().await[..] else { panic!("one entry") };
        assert!(record.is_intact());
        assert_eq!(record.entry.purpose.as_deref(), Some("20 data keys of older versions"));
        let (status, done) = scene.json(&["rewrap", "--operator", "ann"]);
        assert_eq!((status, &done["moved"]), (0, &json!(0)));
        assert_eq!(scene.run(&["rewrap"]).0, 2, "somebody does it");
        assert_eq!(scene.run(&["rotate"]).0, 2, "somebody does it");
    }

    async fn a_service_that_seals_nothing_says_so(database: TestDatabase) {
        let scene = Scene::over::<OutboxOnly>(database, false).await;
        for act in [&["status"][..], &["rewrap", "--operator", "ann"], &["rotate", "--operator", "ann"]] {
            let (status, output, error) = scene.run(act);
            assert_eq!(status, 0, "{error}");
            assert!(output.contains("this service seals nothing"), "{output}");
            assert_eq!(scene.json(act).1["seals"], false);
        }
        assert_eq!(scene.ring().versions(), [1]);
    }
}

/// The commands run with the settings of the server, hence as its role.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_serving_role_is_enough() {
    let database = TestDatabase::postgres().await;
    let owner = database.connect().await;
    let role = format!("rekey{}", std::process::id());
    let sql = async |sql: String| {
        owner.reader().execute_unprepared(&sql).await.unwrap();
    };
    sql(format!("CREATE ROLE {role} LOGIN")).await;
    let mut settings = database.settings().clone();
    settings.serving_role = Some(role.clone());
    migrate::<Migrator>(&settings).await.unwrap();
    let (_, place) = settings.url.rsplit_once('@').unwrap();

    let mut scene = Scene::new(database).await;
    scene.url = format!("postgres://{role}@{place}");
    scene.wrap(&scene.ring(), 1, 5).await;
    let (status, done) = scene.json(&["rotate", "--operator", "ann"]);
    assert_eq!((status, &done["moved"]), (0, &json!(5)));
    assert_eq!(scene.json(&["status"]).0, 0);
    assert_eq!(scene.entries().await, [entry("keys.rotate", "keys/2")]);
    sql(format!("DROP OWNED BY {role}; DROP ROLE {role}")).await;
}

#[test]
fn help_tells_the_whole_procedure() {
    let fixture = Fixture::new();
    let (status, output, _) = run(&fixture, "sqlite://unused.db", true, &["--help"]);
    assert_eq!(status, 0);
    for word in [
        "rotate",
        "mounted secret",
        "openssl rand -hex 32",
        "every 10 s",
        "Remove the old file when",
        "liaison keys init",
    ] {
        assert!(output.contains(word), "{word} is missing from\n{output}");
    }
}

#[test]
fn keys_that_cannot_be_read_are_named() {
    let fixture = Fixture::new();
    fixture.values();
    let keys = KeySettings::in_folder(&fixture.path().join("keys"), "sample");
    std::fs::write(keys.sealing.join("signing.pem"), "not here").unwrap();
    let migrated = finish(command(&fixture, &["migrate"], &[]));
    assert_eq!(migrated.0, 0);
    let (status, _, error) = finish(command(&fixture, &["keys", "status"], &[]));
    assert_eq!(status, 1);
    assert!(
        error.contains("signing.pem is not named like a key"),
        "{error}"
    );
}
