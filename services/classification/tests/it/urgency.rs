//! Signs that a case may be more pressing than it was called: kept and shown, and without any effect.

use liaison_classification::domain::{Decision, Input, RuleSet, RuleSetFiles, decide};
use liaison_classification::{Migrator, convert, store};
use liaison_proto::common::{Offence, Urgency};
use liaison_proto::event::event::Data;
use liaison_proto::intake::ClassificationInput;
use liaison_store::DbBackend;
use liaison_testkit::both_backends;
use liaison_testkit::environment::Environment;
use liaison_types::DecisionId;
use sea_orm::ConnectionTrait as _;
use sea_orm_migration::MigratorTrait as _;

use crate::kit::{World, coded, contents, vague};

const PRESSING: &str =
    "Ondine Vasselin is being held hostage in a cellar. The kidnappers demand a ransom.";

/// A dossier that is pressing by its text alone.
fn pressing(title: &str, narrative: &str) -> ClassificationInput {
    ClassificationInput {
        offences: vec![Offence {
            national_provision: "Article 224-1".into(),
            ..Offence::default()
        }],
        title: title.into(),
        narrative: narrative.into(),
        ..coded("")
    }
}

fn reports() -> Vec<String> {
    let files = [
        include_str!("../data/reports-ar.jsonl"),
        include_str!("../data/reports-en.jsonl"),
        include_str!("../data/reports-es.jsonl"),
        include_str!("../data/reports-fr.jsonl"),
        include_str!("../data/hard-ar.jsonl"),
        include_str!("../data/hard-en.jsonl"),
        include_str!("../data/hard-es.jsonl"),
        include_str!("../data/hard-fr.jsonl"),
    ];
    let text = |line: &str| {
        let report: serde_json::Value = serde_json::from_str(line).unwrap();
        report["text"].as_str().unwrap().to_owned()
    };
    files
        .iter()
        .flat_map(|file| file.lines())
        .map(text)
        .collect()
}

/// The lexicon's hints, with a phrase that is said nowhere instead of theirs.
fn silenced(lexicon: &str) -> String {
    let data: toml::Table = lexicon.parse().unwrap();
    let concept = |concept: &toml::Value| {
        assert_eq!(concept["role"].as_str(), Some("urgency"));
        let id = concept["id"].as_str().unwrap();
        format!("[[concept]]\nid = \"{id}\"\nabout = \"\"\nrole = \"urgency\"\nany = [\"qqxqq\"]\n")
    };
    let concepts = data["concept"].as_array().unwrap();
    concepts.iter().map(concept).collect()
}

/// The same rule set without its hints decides the same, to the last reason.
#[test]
fn decisions_are_the_same_without_hints() {
    let with = RuleSet::embedded().unwrap();
    let mut files = RuleSetFiles::embedded();
    let hints = files
        .lexicon
        .iter_mut()
        .find(|(name, _)| *name == "urgency.toml");
    let (_, hints) = hints.unwrap();
    let silenced = silenced(hints);
    *hints = &silenced;
    let without = RuleSet::new(&files).unwrap();
    let mut hinted = 0;
    let reports = reports();
    let pressing = reports.iter().step_by(8);
    let pressing = pressing.map(|report| format!("{report}\n{PRESSING}"));
    for narrative in pressing.chain(reports.iter().step_by(3).cloned()) {
        let input = Input {
            narrative: &narrative,
            ..Input::default()
        };
        let decision = decide(&with, &input);
        let plain = decide(&without, &input);
        assert!(plain.urgency.is_empty());
        hinted += usize::from(!decision.urgency.is_empty());
        let unhinted = Decision {
            urgency: Vec::new(),
            ..decision
        };
        assert_eq!(unhinted, plain, "{narrative}");
    }
    assert!(
        hinted > 20,
        "only {hinted} have hints, so that this says little"
    );
}

both_backends! {
    /// The desk and who lists decisions are shown them, the case stays as urgent as it was called, and no word
    /// of the text is kept.
    async fn hints_are_kept_and_shown_and_change_nothing(database: TestDatabase) {
        let world = World::new(database).await;
        let referral = world.admit(pressing("Request", PRESSING)).await;
        world.work().await;
        let decided = &world.ops.list_decisions(referral).await.unwrap()[0];
        let shown = convert::decision(decided);
        let hint = shown.urgency_hints.iter().find(|hint| hint.id == "urgency.hostage-or-abducted").unwrap();
        let place = usize::try_from(hint.start).unwrap()..usize::try_from(hint.end).unwrap();
        let words = &PRESSING[place];
        assert!(words.contains("held hostage") || words.contains("kidnappers demand"), "{words}");
        let opened = convert::opened(&world.open(referral).await.unwrap());
        assert_eq!(opened.decisions[0].urgency_hints, shown.urgency_hints);
        assert_eq!(world.count("referral_case WHERE urgency = 'ROUTINE'").await, 1);
        for (_, event) in world.outbox().await {
            let urgency = match event.data {
                Some(Data::CaseClassified(told)) => told.envelope.unwrap().urgency(),
                Some(Data::TriageRequested(told)) => told.urgency(),
                other => panic!("{other:?}"),
            };
            assert_eq!(urgency, Urgency::Routine);
        }
        let kept = contents(&world, "decision").await;
        assert!(kept.contains("urgency.hostage-or-abducted"));
        assert!(!kept.contains("Vasselin") && !kept.contains("cellar"), "{kept}");

        // A sign in the title has no place in the text.
        let referral = world.admit(pressing(PRESSING, "See the title.")).await;
        world.work().await;
        let titled = convert::decision(&world.ops.list_decisions(referral).await.unwrap()[0]);
        assert!(!titled.urgency_hints.is_empty());
        assert!(titled.urgency_hints.iter().all(|hint| (hint.start, hint.end) == (0, 0)));
    }

    /// A decision by a person asks nobody anything.
    async fn a_decision_by_a_person_has_none(database: TestDatabase) {
        let world = World::new(database).await;
        let referral = world.admit(vague()).await;
        world.work().await;
        world.rule(referral, "terrorism", &[]).await.unwrap();
        let decisions = world.ops.list_decisions(referral).await.unwrap();
        assert_eq!(decisions.len(), 2);
        assert!(decisions.iter().all(|decided| decided.urgency_hints.is_empty()));
        assert_eq!(world.count("decision WHERE urgency_hints = '[]'").await, 2);
    }

    /// Decisions of before hints were kept are read.
    async fn decisions_of_before_have_none(database: TestDatabase) {
        let steps = Migrator::migrations();
        let step = steps.iter().position(|step| step.name() == "m20261122_000006_urgency_hints");
        // Makes the file where there is none.
        drop(database.connect().await);
        let connection = sea_orm::Database::connect(database.settings().url.as_str()).await.unwrap();
        Migrator::up(&connection, Some(u32::try_from(step.unwrap()).unwrap())).await.unwrap();
        let id = match connection.get_database_backend() {
            DbBackend::Postgres => "'00000000-0000-0000-0000-000000000001'".to_owned(),
            _ => format!("X'{:032x}'", 1),
        };
        let at = Environment::seeded(7).now().as_micros();
        let old = format!(
            "INSERT INTO decision (id, referral_id, revision, outcome, lead, supporting, probabilities, grounds, \
             rule_set, decided_at) VALUES ({id}, {id}, 1, 'REVIEW', NULL, '[]', '[]', '[]', '1', {at})"
        );
        connection.execute_unprepared(&old).await.unwrap();
        let world = World::new(database).await;
        let id = DecisionId::from_uuid(uuid::Uuid::from_u128(1));
        let read = store::by_ids(world.db.reader(), &[id]).await.unwrap();
        assert_eq!(read[&id].urgency_hints, []);
        assert_eq!(world.count("decision WHERE urgency_hints IS NULL").await, 1);
    }
}
