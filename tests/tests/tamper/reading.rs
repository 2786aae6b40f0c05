//! The audit of a service as somebody who owns its tables sees it, and as `liaison audit verify` does.

use std::collections::BTreeMap;

use e2e::{PATIENCE, SERVICES, Suite, dossier, eventually};
use liaison_custody::Digest;
use liaison_custody::audit::seal;
use liaison_proto::audit::ListAuditEntriesRequest;
use liaison_proto::audit::audit_service_client::AuditServiceClient;
use liaison_store::audit::{self, AuditEntry, Checkpoint, Found, Sealed};

use crate::{Said, on, texts, worked};

/// The tables of an audit.
const TABLES: [&str; 3] = ["audit", "audit_seal", "audit_checkpoint"];

/// Who wrote what nobody wrote: entries that are made up carry it, so that they can be taken out again.
pub const NOBODY: &str = "operator/nobody";

/// The audit of one service, when nothing more was sealed.
pub struct Chain<'a> {
    suite: &'a Suite,
    pub service: &'static str,
    pub seals: Vec<Sealed>,
    pub checkpoints: Vec<Checkpoint>,
}

/// A suite whose services all have an audit of some length, sealed in several goes, and the audits. What
/// is written from here on is not sealed, so that what is removed does not come back in another place.
pub async fn audits(suite: &Suite) -> Vec<Chain<'_>> {
    worked(suite).await;
    let bureau = suite.client("bureau/NB-FR");
    for _ in 0..3 {
        bureau.submit(dossier::unclear()).await.unwrap();
        for service in SERVICES {
            grow(suite, service, 5).await;
        }
        suite.drained().await;
        sealed(suite).await;
    }
    let mut chains = Vec::new();
    for service in SERVICES {
        chains.push(Chain::frozen(suite, service).await);
    }
    chains
}

/// Has an auditor read the audit of `service`, each time of which is in it.
pub async fn grow(suite: &Suite, service: &str, times: usize) {
    let auditor = suite.client("auditor/local");
    let mut audit = AuditServiceClient::new(auditor.channel(service));
    for _ in 0..times {
        let request = ListAuditEntriesRequest::default();
        audit.list_audit_entries(request).await.unwrap();
    }
}

/// Waits until every entry there is now has its seal.
pub async fn sealed(suite: &Suite) {
    for service in SERVICES {
        let entries = suite.databases().count(service, "audit").await;
        eventually(PATIENCE, || async {
            suite.databases().count(service, "audit_seal").await >= entries
        })
        .await;
    }
}

impl<'a> Chain<'a> {
    /// Ends the sealing by saying to the sealer that it has looked at everything there will ever be.
    async fn frozen(suite: &'a Suite, service: &'static str) -> Self {
        let databases = suite.databases();
        let end = databases.uuid(service, uuid::Uuid::max()).await;
        let stop = format!("UPDATE audit_sealer SET recent = {end}, horizon = {end}");
        databases.tamper(service, "audit_sealer", &stop).await;
        for table in TABLES {
            let keep = format!("CREATE TABLE kept_{table} AS SELECT * FROM {table}");
            databases.tamper(service, table, &keep).await;
        }
        let connection = databases.connection(service).await;
        let chain = Self {
            suite,
            service,
            seals: audit::sealed(connection, 0, 1_000).await.unwrap(),
            checkpoints: audit::checkpoints(connection, 0, 1_000).await.unwrap(),
        };
        assert!(
            chain.seals.len() > 12 && chain.checkpoints.len() > 2,
            "{service}"
        );
        chain
    }

    /// Runs `sql` as the owner of `table`.
    pub async fn tamper(&self, table: &str, sql: &str) {
        self.suite
            .databases()
            .tamper(self.service, table, sql)
            .await;
    }

    /// Puts back what was there.
    pub async fn restore(&self) {
        for (table, key) in TABLES.into_iter().zip(["id", "position", "position"]) {
            let made_up = if table == "audit" {
                format!("{key} IN (SELECT {key} FROM kept_{table}) OR party = '{NOBODY}'")
            } else {
                "1 = 1".to_owned()
            };
            let sql = format!(
                "DELETE FROM {table} WHERE {made_up}; INSERT INTO {table} SELECT * FROM kept_{table}"
            );
            self.tamper(table, &sql).await;
        }
    }

    /// The last sealed position.
    pub fn last(&self) -> i64 {
        self.seals.last().unwrap().position
    }

    /// The seal of `position`.
    pub fn at(&self, position: i64) -> &Sealed {
        self.seals
            .iter()
            .find(|seal| seal.position == position)
            .unwrap()
    }

    /// The entry sealed at `position`.
    pub fn entry(&self, position: i64) -> &AuditEntry {
        match &self.at(position).record {
            Found::Entry(record) => &record.entry,
            other => panic!("{position} of {}: {other:?}", self.service),
        }
    }

    /// The condition that finds the entry sealed at `position`.
    pub async fn found(&self, position: i64) -> String {
        let id = self.at(position).audit_id;
        let databases = self.suite.databases();
        format!("id = {}", databases.uuid(self.service, id.uuid()).await)
    }

    /// `bytes` as they are written in SQL.
    pub async fn blob(&self, bytes: &[u8]) -> String {
        self.suite.databases().blob(self.service, bytes).await
    }

    /// What replaces all seals by those over `entries`, in this order: a chain as right as the first.
    pub async fn resealed(&self, entries: &[&AuditEntry]) -> (String, Vec<Digest>) {
        let (mut rows, mut chained) = (Vec::new(), Vec::new());
        for (position, entry) in (1..).zip(entries) {
            let digest = seal(chained.last(), position, entry.id, &entry.digest());
            let id = self.suite.databases().uuid(self.service, entry.id.uuid());
            rows.push(format!(
                "({position}, {}, {})",
                id.await,
                self.blob(&digest).await
            ));
            chained.push(digest);
        }
        let rows = rows.join(", ");
        let sql = format!(
            "DELETE FROM audit_seal; INSERT INTO audit_seal (position, audit_id, digest) VALUES {rows}"
        );
        (sql, chained)
    }

    /// What adds `entry`.
    pub async fn inserted(&self, entry: &AuditEntry) -> String {
        let id = self.suite.databases().uuid(self.service, entry.id.uuid());
        format!(
            "INSERT INTO audit (id, at, party, action, subject, decision, rules, digest) VALUES \
             ({}, {}, '{}', '{}', '{}', '{}', '', {})",
            id.await,
            entry.at.as_micros(),
            entry.party,
            entry.action,
            entry.subject,
            entry.decision,
            self.blob(&entry.digest()).await,
        )
    }
}

/// What `liaison audit verify` says is wrong, by service; its exit code has to agree.
pub fn verified(suite: &Suite) -> BTreeMap<String, Vec<String>> {
    let said = on(suite, &["audit", "verify", "--output", "json"]);
    let problems = read(&said);
    let wrong = problems.values().any(|problems| !problems.is_empty());
    assert_eq!(said.code, Some(i32::from(wrong)), "{said:?}");
    assert_eq!(said.json()["sound"], !wrong, "{said:?}");
    problems
}

fn read(said: &Said) -> BTreeMap<String, Vec<String>> {
    let json = said.json();
    let services = json["services"].as_array().unwrap().iter();
    services
        .map(|of| {
            let name = of["service"].as_str().unwrap().to_owned();
            let problems = texts(&of["problems"]);
            assert_eq!(of["sound"], problems.is_empty(), "{of}");
            (name, problems)
        })
        .collect()
}

/// Asserts that nothing is wrong anywhere.
#[track_caller]
pub fn sound(suite: &Suite) {
    for (service, problems) in verified(suite) {
        assert_eq!(problems, [""; 0], "{service}");
    }
}
