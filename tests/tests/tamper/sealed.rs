//! Sealed content moved, swapped and changed in the database: it does not open, nothing of it shows, and
//! nothing else is hurt.

use e2e::refusal::refused;
use e2e::{Backend, Client, Suite, dossier, unit};
use liaison_grpc::wire;
use liaison_proto::common::ReferralState;
use liaison_proto::intake::Dossier;
use liaison_types::{Reason, ReferralId};
use tonic::Code;

use crate::Draw;

/// Words that stand in these dossiers and nowhere else.
const CANARIES: [&str; 3] = ["wendehals", "ziegenmelker", "bienenfresser"];

struct World {
    suite: Suite,
    bureau: Client,
    cyber: Client,
    /// Name, id as it is written in SQL, and content.
    referrals: Vec<(String, String, Dossier)>,
}

impl World {
    /// Three referrals that the unit `cyber` holds.
    async fn new(backend: Backend) -> Self {
        let suite = Suite::up(backend).await;
        let (bureau, cyber) = (suite.client("bureau/NB-FR"), suite.client("unit/cyber"));
        let mut referrals = Vec::new();
        for canary in CANARIES {
            let mut content = dossier::plain();
            content.narrative.push_str(canary);
            let name = bureau.submit(content.clone()).await.unwrap().name;
            bureau.reaches(&name, ReferralState::Routed).await;
            let id: ReferralId = wire::id(&name).unwrap();
            let id = suite.databases().uuid("intake", id.uuid()).await;
            referrals.push((name, id, content));
        }
        for _ in &referrals {
            unit::pull_one(&cyber).await;
        }
        suite.drained().await;
        for table in ["dossier", "data_key"] {
            let keep = format!("CREATE TABLE kept_{table} AS SELECT * FROM {table}");
            suite.databases().tamper("intake", table, &keep).await;
        }
        Self {
            suite,
            bureau,
            cyber,
            referrals,
        }
    }

    async fn tamper(&self, table: &str, sql: &str) {
        self.suite.databases().tamper("intake", table, sql).await;
    }

    async fn restore(&self) {
        for table in ["dossier", "data_key"] {
            let sql =
                format!("DELETE FROM {table}; INSERT INTO {table} SELECT * FROM kept_{table}");
            self.tamper(table, &sql).await;
        }
    }

    /// Opens every dossier as the bureau and as the unit: those of `broken` are refused as damaged, the
    /// others are what was sent.
    async fn check(&mut self, what: &str, broken: &[usize]) {
        for (number, (name, _, content)) in self.referrals.iter().enumerate() {
            for client in [&self.bureau, &self.cyber] {
                let opened = unit::open(client, name).await;
                if broken.contains(&number) {
                    let failure = refused(opened, Code::DataLoss, Reason::InconsistentData);
                    let said = format!("{failure:?}");
                    for word in CANARIES.iter().chain(&["dossier", "data_key", "column"]) {
                        assert!(!said.contains(word), "{what}: {word} in {said}");
                    }
                } else {
                    assert_eq!(
                        opened.unwrap_or_else(|status| panic!("{what}: {status}")),
                        *content,
                        "{what}"
                    );
                }
            }
        }
        for process in self.suite.processes() {
            assert!(process.is_running(), "{what}");
            let log = process.whole_log();
            for canary in CANARIES {
                assert!(!log.contains(canary), "{what}: {canary} in {log}");
            }
        }
    }
}

/// Swaps `column` of `table` between the rows of two referrals.
fn swap(table: &str, key: &str, column: &str, one: &str, other: &str) -> String {
    let from = |id: &str| format!("(SELECT {column} FROM kept_{table} WHERE {key} = {id})");
    format!(
        "UPDATE {table} SET {column} = {} WHERE {key} = {one}; UPDATE {table} SET {column} = {} WHERE {key} = {other}",
        from(other),
        from(one)
    )
}

e2e::both_backends! {
    async fn what_was_moved_or_changed_does_not_open(backend: Backend) {
        let mut world = World::new(backend).await;
        world.check("untouched", &[]).await;
        let (one, other) = (world.referrals[0].1.clone(), world.referrals[1].1.clone());
        let content = swap("dossier", "referral_id", "content", &one, &other);
        let keys = swap("data_key", "subject_id", "wrapped", &one, &other);
        let moved = format!(
            "UPDATE dossier SET content = (SELECT content FROM kept_dossier WHERE referral_id = {other}) \
             WHERE referral_id = {one}"
        );

        world.tamper("dossier", &moved).await;
        world.check("a content in another's row", &[0]).await;
        world.restore().await;

        world.tamper("dossier", &content).await;
        world.check("contents swapped", &[0, 1]).await;
        // The keys with them.
        world.tamper("data_key", &keys).await;
        world.check("contents and keys swapped", &[0, 1]).await;
        world.restore().await;

        world.tamper("data_key", &keys).await;
        world.check("keys swapped", &[0, 1]).await;
        world.restore().await;

        // A version that there is not may be one that comes: that is said, and not that it is damaged.
        for version in [0, 9] {
            let sql = format!("UPDATE data_key SET kek_version = {version} WHERE subject_id = {one}");
            world.tamper("data_key", &sql).await;
            let opened = unit::open(&world.bureau, &world.referrals[0].0).await;
            refused(opened, Code::Unavailable, Reason::Unavailable);
            unit::open(&world.bureau, &world.referrals[1].0).await.unwrap();
        }
        world.restore().await;
        world.check("as it was", &[]).await;
    }

    async fn a_flipped_bit_anywhere_is_enough(backend: Backend) {
        let mut world = World::new(backend).await;
        let mut draw = Draw::new();
        for (table, key, column) in [("dossier", "referral_id", "content"), ("data_key", "subject_id", "wrapped")] {
            for _ in 0..6 {
                let number = draw.below(CANARIES.len());
                let id = world.referrals[number].1.clone();
                let sql = format!("SELECT {column} FROM {table} WHERE {key} = {id}");
                let row = world.suite.databases().rows("intake", &sql).await.remove(0);
                let mut bytes: Vec<u8> = row.try_get_by_index(0).unwrap();
                let index = draw.below(bytes.len());
                bytes[index] ^= 1 << draw.below(8);
                let changed = world.suite.databases().blob("intake", &bytes).await;
                world.tamper(table, &format!("UPDATE {table} SET {column} = {changed} WHERE {key} = {id}")).await;
                world.check(&format!("byte {index} of {column}"), &[number]).await;
                // Cut short, and nothing left at all.
                for length in [draw.below(bytes.len()), 0] {
                    let cut = world.suite.databases().blob("intake", &bytes[..length]).await;
                    world.tamper(table, &format!("UPDATE {table} SET {column} = {cut} WHERE {key} = {id}")).await;
                    world.check(&format!("{length} bytes of {column}"), &[number]).await;
                }
                world.restore().await;
            }
        }
        world.check("as it was", &[]).await;
    }

    async fn a_damaged_dossier_keeps_nobody_else_from_being_classified(backend: Backend) {
        let suite = Suite::up(backend).await;
        let bureau = suite.client("bureau/NB-FR");
        // Whatever is inserted from here on is damaged as it comes, where it has this length: before
        // classification can read it.
        let before = bureau.submit(dossier::plain()).await.unwrap();
        bureau.reaches(&before.name, ReferralState::Routed).await;
        let mut damaged = dossier::plain();
        damaged.narrative.push_str(&"x".repeat(5_000));
        let databases = suite.databases();
        databases.tamper("intake", "dossier", &damaging(backend)).await;
        let broken = bureau.submit(damaged).await.unwrap();
        let mut others = Vec::new();
        for _ in 0..5 {
            others.push(bureau.submit(dossier::plain()).await.unwrap());
        }
        for other in others {
            bureau.reaches(&other.name, ReferralState::Routed).await;
        }
        refused(unit::open(&bureau, &broken.name).await, Code::DataLoss, Reason::InconsistentData);
        assert_eq!(bureau.referral(&broken.name).await.unwrap().state(), ReferralState::Admitted);
    }
}

/// A trigger that replaces contents of some length by what is none.
fn damaging(backend: Backend) -> String {
    match backend {
        Backend::Sqlite => {
            "CREATE TRIGGER damage AFTER INSERT ON dossier WHEN length(NEW.content) > 5000 \
             BEGIN UPDATE dossier SET content = X'01' WHERE referral_id = NEW.referral_id; END"
                .to_owned()
        }
        Backend::Postgres => {
            "CREATE FUNCTION damage() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
             NEW.content := '\\x01'::bytea; RETURN NEW; END $$; \
             CREATE TRIGGER damage BEFORE INSERT ON dossier FOR EACH ROW \
             WHEN (length(NEW.content) > 5000) EXECUTE FUNCTION damage()"
                .to_owned()
        }
    }
}
