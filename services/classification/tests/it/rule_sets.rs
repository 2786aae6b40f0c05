//! Rule sets are kept, chosen, followed by every process, and tried beside the active one.

use std::path::PathBuf;

use liaison_classification::artefacts::files::NamedFiles;
use liaison_classification::artefacts::in_use::{Loaded, RuleSets};
use liaison_classification::artefacts::kept::{Kept, RuleSetState};
use liaison_classification::artefacts::register::{Source, at_start};
use liaison_classification::artefacts::watch::Watch;
use liaison_classification::domain::Outcome;
use liaison_classification::store;
use liaison_store::audit::{self, AuditQuery};
use liaison_store::{Db, DbBackend};
use liaison_testkit::both_backends;
use liaison_testkit::environment::Environment;
use liaison_types::{Error, Reason, Result};
use sea_orm::{ConnectionTrait as _, Statement};

use crate::kit::{Folder, Operator, World, coded, vague};

async fn start(db: &Db, environment: &Environment, source: Source) -> Result<RuleSets> {
    at_start(
        db,
        environment.clock().as_ref(),
        environment.random().as_ref(),
        source,
    )
    .await
}

fn build() -> String {
    RuleSets::of_build()
        .unwrap()
        .in_use()
        .active
        .version()
        .to_owned()
}

fn active(rules: &RuleSets) -> String {
    rules.in_use().active.version().to_owned()
}

fn shadow(rules: &RuleSets) -> Option<String> {
    let in_use = rules.in_use();
    in_use
        .shadow
        .as_ref()
        .map(|shadow| shadow.set.version().to_owned())
}

async fn kept(db: &Db, version: &str) -> Kept {
    let all = store::rule_sets(db.reader()).await.unwrap();
    all.into_iter().find(|set| set.version == version).unwrap()
}

/// Every action on rule sets in the audit, as `party action subject purpose`, oldest first.
async fn recorded(db: &Db) -> Vec<String> {
    let query = AuditQuery {
        limit: 100,
        ..AuditQuery::default()
    };
    let mut records = audit::list(db.reader(), &query).await.unwrap();
    records.sort_by_key(|record| record.entry.id);
    let entries = records.into_iter().map(|record| record.entry);
    let ours = entries.filter(|entry| entry.action.starts_with("rule_sets."));
    ours.map(|entry| {
        let purpose = entry.purpose.unwrap_or_default();
        let said = format!(
            "{} {} {} {purpose}",
            entry.party, entry.action, entry.subject
        );
        said.trim_end().to_owned()
    })
    .collect()
}

/// As if a build of another time had been started: `version` is active, and no operator chose it.
async fn as_by_build(operator: &Operator, folder: &Folder, version: &str) {
    operator.add(folder).await.unwrap();
    let words = [
        "activate",
        version,
        "--operator",
        "ann",
        "--reason",
        "x",
        "--until-next-build",
    ];
    operator.does(&words).await.unwrap();
}

both_backends! {
    /// Once, with its files; a second start only looks.
    async fn a_start_keeps_the_rule_set_of_its_build(database: TestDatabase) {
        let environment = Environment::seeded(1);
        let db = database.migrated::<liaison_classification::Migrator>().await;
        for _ in 0..2 {
            let rules = start(&db, &environment, Source::Embedded).await.unwrap();
            assert_eq!(active(&rules), build());
        }
        let set = kept(&db, &build()).await;
        assert_eq!((set.state, set.held, set.before), (RuleSetState::Active, false, None));
        assert_eq!(set.figures, NamedFiles::embedded().figures());
        assert_eq!(set.digest, NamedFiles::embedded().digest());
        assert_eq!(store::files_of(db.reader(), &build()).await.unwrap(), NamedFiles::embedded());
        let service = "service/classification";
        let of_build = format!("ruleSets/{}", build());
        assert_eq!(recorded(&db).await, [
            format!("{service} rule_sets.add {of_build}"),
            format!("{service} rule_sets.activate {of_build}"),
        ]);
    }

    /// Of several that start at once on an empty database one does it, and all decide by it.
    async fn starts_at_the_same_time_agree(database: TestDatabase) {
        let environment = Environment::seeded(1);
        let db = database.migrated::<liaison_classification::Migrator>().await;
        let starts = (0..4).map(|_| start(&db, &environment, Source::Embedded));
        for rules in futures::future::join_all(starts).await {
            assert_eq!(active(&rules.unwrap()), build());
        }
        assert_eq!(recorded(&db).await.len(), 2);
    }

    /// An upgrade brings its rule set, a roll back of the deployment the one of before; what an operator chose
    /// stays, until it is given back.
    async fn builds_replace_what_builds_brought(database: TestDatabase) {
        let environment = Environment::seeded(1);
        let operator = Operator::on(&database, &environment);
        let db = database.migrated::<liaison_classification::Migrator>().await;
        let older = Folder::new("older", "cyber");
        as_by_build(&operator, &older, "older").await;
        let rules = start(&db, &environment, Source::Database).await.unwrap();
        assert_eq!(active(&rules), "older", "operators alone choose");
        assert_eq!(kept(&db, &build()).await.state, RuleSetState::Candidate);
        let rules = start(&db, &environment, Source::Embedded).await.unwrap();
        assert_eq!(active(&rules), build());
        let set = kept(&db, &build()).await;
        assert_eq!((set.before.as_deref(), set.held), (Some("older"), false));

        environment.advance(std::time::Duration::from_secs(1));
        operator.roll_back().await.unwrap();
        let rules = start(&db, &environment, Source::Embedded).await.unwrap();
        assert_eq!(active(&rules), "older", "somebody chose it");
        let words = ["activate", "older", "--operator", "ann", "--reason", "x", "--until-next-build"];
        operator.does(&words).await.unwrap();
        let rules = start(&db, &environment, Source::Embedded).await.unwrap();
        assert_eq!(active(&rules), build());
    }

    /// No decision could say any more what made it.
    async fn one_version_has_one_content(database: TestDatabase) {
        let environment = Environment::seeded(1);
        let operator = Operator::on(&database, &environment);
        let db = database.migrated::<liaison_classification::Migrator>().await;
        let folder = Folder::new(&build(), "terrorism");
        operator.add(&folder).await.unwrap();
        let refused = start(&db, &environment, Source::Embedded).await.unwrap_err();
        assert_eq!(refused.reason(), Reason::SettingInvalid);
        let told = refused.to_string();
        assert!(told.contains(&build()) && told.contains("needs a new version"), "{told}");

        // The same again is nothing; another under the same version is refused.
        operator.add(&folder).await.unwrap();
        folder.change("codes.toml", |text| format!("# changed\n{text}"));
        let refused = operator.add(&folder).await.unwrap_err();
        assert!(refused.to_string().contains("another content"), "{refused}");
        assert_eq!(recorded(&db).await.len(), 1);
    }

    /// With file, concept and phrase.
    async fn what_does_not_load_is_refused_by_name(database: TestDatabase) {
        let environment = Environment::seeded(1);
        let operator = Operator::on(&database, &environment);
        let db = database.migrated::<liaison_classification::Migrator>().await;
        type Change = fn(&str) -> String;
        let wrong: [(&str, Change, &[&str]); 4] = [
            ("lexicon/cyber.toml", |text| format!("{text}\n[[concept]]\nid = \"cyber.new\"\nabout = \"x\"\nunit = \"cyber\"\nstrength = \"weak\"\nen = [\"a (b\"]\n"), &["cyber.new", "a (b"]),
            ("lexicon/cyber.toml", |text| format!("{text}\n[[concept]]\nid = 7\n"), &["cyber.toml", "form"]),
            ("weights.toml", |text| format!("{text}\n[weight.\"no.such\"]\ncyber = 1.0\n"), &["no.such"]),
            ("rule_set.toml", |text| text.replacen("\"broken\"", "\"a b\"", 1), &["a b"]),
        ];
        for (file, change, named) in wrong {
            let folder = Folder::new("broken", "cyber");
            folder.change(file, change);
            let path = folder.path().to_str().unwrap();
            let checked = operator.does(&["check", path]).await.unwrap_err();
            let added = operator.add(&folder).await.unwrap_err();
            for told in [checked, added] {
                assert!(named.iter().all(|name| told.to_string().contains(name)), "{told}");
                assert_eq!(told.reason(), Reason::SettingInvalid);
            }
        }
        let folder = Folder::new("broken", "cyber");
        std::fs::remove_file(folder.path().join("languages.toml")).unwrap();
        let told = operator.add(&folder).await.unwrap_err();
        assert_eq!(told.to_string(), "languages.toml is missing");
        assert_eq!(store::rule_sets(db.reader()).await.unwrap(), []);
    }

    /// Two processes, of which neither is restarted.
    async fn every_process_goes_over_to_what_is_chosen(database: TestDatabase) {
        let environment = Environment::seeded(1);
        let operator = Operator::on(&database, &environment);
        let db = database.migrated::<liaison_classification::Migrator>().await;
        let mut processes = Vec::new();
        for _ in 0..2 {
            let rules = start(&db, &environment, Source::Embedded).await.unwrap();
            processes.push((Watch::new(db.clone(), rules.clone()), rules));
        }
        operator.add(&Folder::new("second", "terrorism")).await.unwrap();
        operator.add(&Folder::new("third", "narcotics-organized-crime")).await.unwrap();
        let steps: [(&[&str], &str, Option<&str>); 7] = [
            (&["shadow", "second", "--operator", "ann"], "", Some("second")),
            (&["shadow", "third", "--operator", "ann"], "", Some("third")),
            (&["activate", "third", "--operator", "ann", "--reason", "x"], "third", None),
            (&["shadow", "second", "--operator", "ann"], "third", Some("second")),
            (&["unshadow", "--operator", "ann"], "third", None),
            (&["activate", "second", "--operator", "ann", "--reason", "x"], "second", None),
            (&["roll-back", "--operator", "ann", "--reason", "x"], "third", None),
        ];
        for (words, expected, beside) in steps {
            environment.advance(std::time::Duration::from_secs(1));
            operator.does(words).await.unwrap();
            // One that is shadow and active already is not loaded again: it is told apart by its address.
            for (watch, rules) in &mut processes {
                watch.look().await.unwrap();
                let active_now = active(rules);
                let expected = if expected.is_empty() { build() } else { expected.to_owned() };
                assert_eq!((active_now, shadow(rules).as_deref()), (expected, beside), "{words:?}");
            }
        }
        operator.roll_back().await.unwrap();
        processes[0].0.look().await.unwrap();
        assert_eq!(active(&processes[0].1), build());
        let refused = operator.roll_back().await.unwrap_err();
        assert_eq!(refused.reason(), Reason::IllegalState);
        let audit = recorded(&db).await;
        let chosen = audit.iter().find(|entry| entry.contains("rule_sets.activate ruleSets/second"));
        assert_eq!(chosen.unwrap(), "operator/ann rule_sets.activate ruleSets/second instead of third: x");
        let back = audit.iter().find(|entry| entry.contains("rule_sets.roll_back ruleSets/third"));
        assert_eq!(back.unwrap(), "operator/ann rule_sets.roll_back ruleSets/third instead of second: x");
        for set in ["second", "third"] {
            assert_eq!(kept(&db, set).await.state, RuleSetState::Retired);
        }
    }

    /// The database itself has one of each, at most, and never another content.
    async fn the_tables_refuse_what_no_use_case_does(database: TestDatabase) {
        let environment = Environment::seeded(1);
        let operator = Operator::on(&database, &environment);
        let db = database.migrated::<liaison_classification::Migrator>().await;
        for version in ["one", "two", "three"] {
            operator.add(&Folder::new(version, "cyber")).await.unwrap();
        }
        operator.activate("one").await.unwrap();
        operator.shadow("two").await.unwrap();
        for sql in [
            "UPDATE rule_set SET state = 'ACTIVE' WHERE version = 'three'",
            "UPDATE rule_set SET state = 'SHADOW' WHERE version = 'three'",
            "UPDATE rule_set_file SET content = content WHERE version = 'one'",
            "DELETE FROM rule_set_file",
            "DELETE FROM rule_set WHERE version = 'three'",
        ] {
            let done: Result<()> = db
                .write_tx("test", |tx| Box::pin(async move {
                    tx.execute_unprepared(sql).await.map(drop).map_err(Error::internal)
                }))
                .await;
            assert!(done.is_err(), "{sql}");
        }
        let counted = store::rule_sets(db.reader()).await.unwrap();
        assert_eq!(counted.len(), 3);
    }

    /// A process goes on with what it has, tries no more than once, and follows again when it can.
    async fn what_cannot_be_loaded_is_left(database: TestDatabase) {
        let environment = Environment::seeded(1);
        let operator = Operator::on(&database, &environment);
        let db = database.migrated::<liaison_classification::Migrator>().await;
        let rules = start(&db, &environment, Source::Embedded).await.unwrap();
        let mut watch = Watch::new(db.clone(), rules.clone());
        operator.add(&Folder::new("second", "terrorism")).await.unwrap();
        // Another program's doing: its digest is not that of its files.
        let zero = match db.backend() {
            DbBackend::Postgres => "decode(repeat('00', 32), 'hex')",
            _ => "zeroblob(32)",
        };
        let damage = format!("UPDATE rule_set SET digest = {zero} WHERE version = 'second'");
        execute(&db, &damage).await;
        for refused in [operator.activate("second").await, operator.shadow("second").await] {
            assert_eq!(refused.unwrap_err().reason(), Reason::InconsistentData);
        }
        execute(&db, "UPDATE rule_set SET state = 'RETIRED' WHERE state = 'ACTIVE'").await;
        execute(&db, "UPDATE rule_set SET state = 'ACTIVE' WHERE version = 'second'").await;
        for _ in 0..2 {
            watch.look().await.unwrap();
            assert_eq!(active(&rules), build());
        }
        let refused = start(&db, &environment, Source::Database).await.unwrap_err();
        assert!(refused.to_string().contains("roll-back"), "{refused}");

        // The way out works without the service.
        operator.activate(&build()).await.unwrap();
        operator.does(&["show", "second"]).await.unwrap();
        operator.does(&["list", "--output", "json"]).await.unwrap();
        watch.look().await.unwrap();
        assert_eq!(active(&start(&db, &environment, Source::Database).await.unwrap()), build());
    }

    /// Exported, checked and added elsewhere it is the same to the byte.
    async fn an_export_is_the_same_rule_set(database: TestDatabase) {
        let environment = Environment::seeded(1);
        let operator = Operator::on(&database, &environment);
        let db = database.migrated::<liaison_classification::Migrator>().await;
        let folder = Folder::new("second", "terrorism");
        std::fs::write(folder.path().join("report.toml"), "coverage = 0.99\n").unwrap();
        std::fs::write(folder.path().join("README.md"), "no part of it").unwrap();
        operator.add(&folder).await.unwrap();
        assert_eq!(kept(&db, "second").await.figures, "coverage = 0.99");
        operator.does(&["show", "second"]).await.unwrap();
        operator.does(&["show", "second", "--output", "json"]).await.unwrap();
        let to = tempfile::tempdir().unwrap();
        let path: PathBuf = to.path().join("exported");
        operator.does(&["export", "second", path.to_str().unwrap()]).await.unwrap();
        let exported = Loaded::new(&NamedFiles::read(&path).unwrap()).unwrap();
        assert_eq!(exported.digest, kept(&db, "second").await.digest);
        let again = operator.does(&["export", "second", path.to_str().unwrap()]).await;
        assert_eq!(again.unwrap_err().reason(), Reason::SettingInvalid);
        for words in [["show", "no-such"], ["export", "no-such"]] {
            let to = to.path().join("other");
            let mut words = words.to_vec();
            if words[0] == "export" {
                words.push(to.to_str().unwrap());
            }
            assert_eq!(operator.does(&words).await.unwrap_err().reason(), Reason::NotFound);
        }
    }

    /// What takes effect is the active one's; where the shadow says otherwise both are kept.
    async fn a_shadow_is_compared_and_has_no_effect(database: TestDatabase) {
        let world = World::new(database).await;
        let before = world.admit(coded("0903")).await;
        world.work().await;
        assert_eq!(world.count("shadow_difference").await, 0);
        world.shadow(Folder::new("other", "terrorism").loaded());
        let differs = world.admit(coded("0903")).await;
        let same = world.admit(coded("0204")).await;
        let unclear = world.admit(vague()).await;
        world.work().await;
        for referral in [before, differs] {
            let decided = world.ops.list_decisions(referral).await.unwrap();
            assert_eq!(decided[0].lead.as_ref().unwrap().as_str(), "cyber");
            assert_eq!(decided[0].rule_set, build());
        }
        assert_eq!(world.state(same).await, "ROUTED");
        assert_eq!(world.state(unclear).await, "TRIAGE");
        let found = store::differences(world.db.reader(), 10).await.unwrap();
        assert_eq!(found.len(), 1);
        let decision = &world.ops.list_decisions(differs).await.unwrap()[0];
        assert_eq!((found[0].referral, found[0].decision), (differs, decision.id));
        assert_eq!((&found[0].active.rule_set, found[0].shadow.rule_set.as_str()), (&build(), "other"));
        assert_eq!(found[0].shadow.lead.as_ref().unwrap().as_str(), "terrorism");
        assert_eq!((found[0].active.outcome, found[0].shadow.outcome), (Outcome::Route, Outcome::Route));
    }

    /// The decision is written all the same.
    async fn a_difference_that_cannot_be_written_is_left_out(database: TestDatabase) {
        let world = World::new(database).await;
        world.shadow(Folder::new("other", "terrorism").loaded());
        world.execute("DROP TABLE shadow_difference").await;
        let one = world.admit(coded("0903")).await;
        let other = world.admit(coded("0903")).await;
        assert_eq!(world.work().await.concluded, 2);
        assert_eq!((world.state(one).await.as_str(), world.state(other).await.as_str()), ("ROUTED", "ROUTED"));
    }
}

async fn execute(db: &Db, sql: &str) {
    let statement = Statement::from_string(db.backend(), sql.to_owned());
    db.write_tx("test", |tx| {
        let statement = statement.clone();
        Box::pin(async move {
            tx.execute_raw(statement)
                .await
                .map(drop)
                .map_err(Error::internal)
        })
    })
    .await
    .unwrap();
}
