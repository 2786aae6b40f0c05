//! The search.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use e2e::canary::{Needles, PURPOSE, REFERENCE, Told, Words, lived};
use e2e::{Backend, Collector, Layout, Process, SERVICES, Suite};
use liaison_types::Language;
use sea_orm::ConnectionTrait as _;
use tonic::Status;

use crate::dump::{dump, files};
use crate::{events, filled, kept};

/// Every kind of event that the life of these referrals causes.
const KINDS: [&str; 8] = [
    "assignment_changed",
    "case_classified",
    "case_returned",
    "referral_admitted",
    "referral_changed",
    "referral_purged",
    "task_changed",
    "triage_requested",
];

/// Where what people wrote is kept, sealed.
const SEALED: [&str; 8] = [
    "classification.decision.note",
    "intake.dossier.content",
    "intake.referral.review_note",
    "intake.share.decision_reason",
    "intake.share.reason",
    "routing.assignment.note",
    "routing.task.result",
    "routing.task.title",
];

/// All that is wrong, so that one run tells everything.
#[derive(Default)]
struct Search(BTreeSet<String>);

impl Search {
    fn look(&mut self, needles: &Needles, place: &str, held: &[u8]) {
        if let Some(found) = needles.find(held) {
            self.0.insert(format!("{place} holds {found}"));
        }
    }

    #[track_caller]
    fn end(self) {
        let found: Vec<String> = self.0.into_iter().collect();
        assert!(found.is_empty(), "{}", found.join("\n"));
    }
}

/// All that a refusal says.
fn said(status: &Status) -> Vec<u8> {
    let head = format!("{} {:?} ", status.message(), status.metadata());
    [head.as_bytes(), status.details()].concat()
}

fn all_words() -> Vec<Words> {
    Language::ALL.map(Words::of).into()
}

e2e::both_backends! {
    async fn what_people_wrote_is_nowhere(backend: Backend) {
        let (collector, address) = Collector::listen().await;
        let endpoint = format!("http://{address}");
        let settings = [
            ("TELEMETRY__ENDPOINT", endpoint.as_str()),
            // Everything that `info` says, and more.
            ("TELEMETRY__LOG", "debug"),
            ("TELEMETRY__TRACES", "debug"),
        ];
        let mut suite = Suite::start(backend, Layout::Apart, &settings).await;
        events::keep(suite.databases()).await;
        let words = all_words();
        let mut told = Told::default();
        for words in &words {
            for more in [lived(&suite, words).await, filled::told(&suite, words).await] {
                told.answers.extend(more.answers);
                told.refusals.extend(more.refusals);
            }
        }
        suite.drained().await;
        assert_eq!(events::kinds(suite.databases()).await, KINDS.into());

        let content: Vec<&str> = words.iter().flat_map(Words::content).collect();
        // Both are kept in the databases, and nowhere else.
        let leaving = Needles::of(content.iter().copied().chain([PURPOSE, REFERENCE]));
        let content = Needles::of(content);
        let mut search = Search::default();

        let held = dump(suite.databases()).await;
        let reference = Needles::of(["2026-FR-000001"]);
        assert!(reference.find(&held["intake.referral.reference"]).is_some(), "something is there");
        for place in SEALED {
            assert!(held[place].len() > 100, "{place} holds nothing");
        }
        for (place, held) in &held {
            search.look(&content, place, held);
        }
        let files_of = |suite: &Suite| files(suite.folder());
        for (path, held) in files_of(&suite) {
            search.look(&content, &format!("{path}, running"), &held);
        }
        assert!(told.refusals.len() > 200, "{} refusals", told.refusals.len());
        for status in &told.refusals {
            search.look(&leaving, &format!("{:?} {}", status.code(), status.message()), &said(status));
        }
        for (what, answer) in &told.answers {
            search.look(&content, what, answer);
        }
        let logs: Vec<String> = suite.processes().iter().map(Process::whole_log).collect();
        assert!(logs.len() == SERVICES.len() && logs.iter().all(|log| log.contains("DEBUG")));
        suite.stop();
        for (path, held) in files_of(&suite) {
            // Databases keep both; nothing else does.
            let needles = if path.contains(".db") { &content } else { &leaving };
            search.look(needles, &path, &held);
        }
        let received = collector.received();
        assert!(received.spans() > 200, "{} spans", received.spans());
        for export in &received.traces {
            search.look(&leaving, "a trace", format!("{export:?}").as_bytes());
        }
        for export in &received.metrics {
            search.look(&leaving, "a measurement", format!("{export:?}").as_bytes());
        }
        search.end();
        kept::check(&held);
    }

    /// The search finds what somebody forgot to seal, in whatever form.
    async fn a_plain_column_is_found(backend: Backend) {
        let suite = Suite::up(backend).await;
        let db = suite.databases().connection("routing").await;
        let words = all_words();
        let needles = Needles::of(words.iter().flat_map(Words::content));
        let found = async || {
            let held = dump(suite.databases()).await;
            let found = held.into_iter().filter(|(_, held)| needles.find(held).is_some());
            found.map(|(place, _)| place).collect::<Vec<_>>()
        };
        assert!(found().await.is_empty());
        let bytes = match backend {
            Backend::Postgres => "bytea",
            Backend::Sqlite => "blob",
        };
        let table = format!("CREATE TABLE planted (id integer, plain text, encoded text, raw {bytes})");
        db.execute_unprepared(&table).await.unwrap();
        for words in &words {
            let text = format!("somebody saw {}s", words.canary());
            let base64 = STANDARD.encode(&text);
            let raw: String = text.encode_utf16().map(|unit| hex::encode(unit.to_le_bytes())).collect();
            let raw = match backend {
                Backend::Postgres => format!("'\\x{raw}'"),
                Backend::Sqlite => format!("x'{raw}'"),
            };
            let insert = format!("INSERT INTO planted VALUES (1, '{text}', '{base64}', {raw})");
            db.execute_unprepared(&insert).await.unwrap();
            let places = ["encoded", "plain", "raw"].map(|column| format!("routing.planted.{column}"));
            let mut here = found().await;
            // PostgreSQL's samples of the columns, and the statement that was the last.
            here.retain(|place| !place.contains('('));
            assert_eq!(here, places, "{text}");
            db.execute_unprepared("DELETE FROM planted").await.unwrap();
        }
        if backend == Backend::Sqlite {
            // What was deleted lies in the file and its log all the same.
            let files = files(suite.folder());
            let found = files.iter().filter(|(_, held)| needles.find(held).is_some());
            assert!(found.count() > 0, "the bytes of the files are searched");
        }
    }
}
