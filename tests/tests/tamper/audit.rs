//! Entries and seals altered, removed, moved and made up behind a service, at random places.

use std::time::Duration;

use e2e::{Suite, dossier};
use liaison_store::audit::AuditEntry;
use liaison_types::{AuditId, Clock as _, SystemClock, SystemRandom, Timestamp};

use crate::reading::{Chain, NOBODY, audits, grow, sound, verified};
use crate::{Draw, on};

/// What is done to an audit, and what has to be said about it; each text has to be in one of the problems.
struct Attack {
    done: Vec<(&'static str, String)>,
    told: Vec<String>,
}

impl Attack {
    fn on(table: &'static str, sql: String, told: impl Into<String>) -> Self {
        Self {
            done: vec![(table, sql)],
            told: vec![told.into()],
        }
    }
}

fn altered(position: i64) -> String {
    format!("sealed at position {position} was altered")
}

fn gone(position: i64) -> String {
    format!("sealed at position {position} is gone")
}

/// How many kinds there are.
const KINDS: usize = 18;

/// What an entry's columns may be changed to, and what no service would have written.
const FIELDS: [&str; 10] = [
    "decision = 'FORGIVEN'",
    "action = 'nothing.done'",
    "subject = 'referrals/0198c0de-0000-7000-8000-000000000001'",
    "party = 'bureau/NB-XX'",
    "officer = 'nobody'",
    "purpose = 'none'",
    "rules = 'made.up'",
    "request_id = 'made-up'",
    "rule_set = 'made-up'",
    "at = at + 1",
];

async fn attack(kind: usize, chain: &Chain<'_>, draw: &mut Draw) -> Attack {
    let last = chain.last();
    let any =
        |draw: &mut Draw| 1 + i64::try_from(draw.below(usize::try_from(last).unwrap())).unwrap();
    let position = any(draw);
    let found = chain.found(position).await;
    match kind {
        0..=3 => {
            let field = draw.of(&FIELDS);
            let sql = format!("UPDATE audit SET {field} WHERE {found}");
            Attack::on("audit", sql, altered(position))
        }
        4 => {
            let sql = format!(
                "UPDATE audit SET facts = {} WHERE {found}",
                chain.blob(b"x").await
            );
            Attack::on("audit", sql, altered(position))
        }
        5 => {
            let sql = format!(
                "UPDATE audit SET digest = {} WHERE {found}",
                chain.blob(&[9; 32]).await
            );
            Attack::on("audit", sql, altered(position))
        }
        6 => {
            let nonsense = draw.of(&[
                "party = 'nobody at all'",
                "at = 9223372036854775807",
                "at = -9223372036854775807",
            ]);
            let sql = format!("UPDATE audit SET {nonsense} WHERE {found}");
            Attack::on("audit", sql, altered(position))
        }
        7 | 8 => Attack::on(
            "audit",
            format!("DELETE FROM audit WHERE {found}"),
            gone(position),
        ),
        9 | 10 => {
            let sql = format!("DELETE FROM audit_seal WHERE position = {position}");
            Attack::on("audit_seal", sql, gone(position))
        }
        // Both, from here to the end.
        11 => {
            let from = format!("SELECT audit_id FROM kept_audit_seal WHERE position >= {position}");
            Attack {
                done: vec![
                    (
                        "audit_seal",
                        format!("DELETE FROM audit_seal WHERE position >= {position}"),
                    ),
                    ("audit", format!("DELETE FROM audit WHERE id IN ({from})")),
                ],
                told: vec![if position == last {
                    gone(position)
                } else {
                    format!("sealed at positions {position} to {last} is gone")
                }],
            }
        }
        12 | 13 => {
            let other = loop {
                let other = any(draw);
                if other != position {
                    break other;
                }
            };
            let of = |position| {
                format!("(SELECT audit_id FROM kept_audit_seal WHERE position = {position})")
            };
            // In two steps: no entry has two seals.
            let sql = format!(
                "DELETE FROM audit_seal WHERE position IN ({position}, {other}); \
                 INSERT INTO audit_seal SELECT {position}, {}, digest FROM kept_audit_seal WHERE position = {position}; \
                 INSERT INTO audit_seal SELECT {other}, {}, digest FROM kept_audit_seal WHERE position = {other}",
                of(other),
                of(position),
            );
            let mut attack = Attack::on(
                "audit_seal",
                sql,
                format!("position {position} belongs at position {other}"),
            );
            attack
                .told
                .push(format!("position {other} belongs at position {position}"));
            attack
        }
        14 => {
            let sql = format!(
                "UPDATE audit_seal SET digest = {} WHERE position = {position}",
                chain.blob(&[9; 32]).await
            );
            Attack::on("audit_seal", sql, altered(position))
        }
        15 => {
            let sql = format!(
                "UPDATE audit_seal SET digest = {} WHERE position = {position}",
                chain.blob(b"short").await
            );
            Attack::on("audit_seal", sql, altered(position))
        }
        16 => {
            let entry = made_up(SystemClock.now() - Duration::from_mins(20));
            let told = format!("The audit entry {} of ", entry.id);
            Attack::on("audit", chain.inserted(&entry).await, told)
        }
        _ => {
            // Made up, and sealed behind the last as the sealer would have done, but for the key.
            let entry = made_up(SystemClock.now());
            let mut entries: Vec<_> = (1..=last).map(|position| chain.entry(position)).collect();
            entries.push(&entry);
            let (seals, _) = chain.resealed(&entries).await;
            Attack {
                done: vec![
                    ("audit", chain.inserted(&entry).await),
                    ("audit_seal", seals),
                ],
                told: vec![format!(
                    "No checkpoint speaks for what is sealed from position {0} to {0}",
                    last + 1
                )],
            }
        }
    }
}

/// An entry that no service wrote.
pub fn made_up(at: Timestamp) -> AuditEntry {
    let id = AuditId::new(at, &SystemRandom);
    let nobody = NOBODY.parse().unwrap();
    AuditEntry::new(id, at, nobody, "operator.nothing", "", "PERMIT")
}

e2e::both_backends! {
    async fn every_change_of_a_sealed_audit_is_found_at_its_place(backend: Backend) {
        let suite = Suite::up(backend).await;
        let chains = audits(&suite).await;
        let mut draw = Draw::new();
        sound(&suite);
        // Each service is attacked at once, each in another way, until each was in all ways.
        for round in 0..KINDS {
            let mut expected = Vec::new();
            for (number, chain) in chains.iter().enumerate() {
                let kind = (round + number * 5) % KINDS;
                let attack = attack(kind, chain, &mut draw).await;
                for (table, sql) in &attack.done {
                    chain.tamper(table, sql).await;
                }
                expected.push((chain.service, attack));
            }
            let found = verified(&suite);
            for (service, attack) in &expected {
                for told in &attack.told {
                    let problems = &found[*service];
                    assert!(
                        problems.iter().any(|problem| problem.contains(told)),
                        "{service}: {:?}: {told:?} is not in {problems:?}", attack.done
                    );
                }
            }
            for chain in &chains {
                chain.restore().await;
            }
            sound(&suite);
        }
    }

    async fn what_is_wrong_in_one_service_is_told_of_that_one_and_shown_to_people(backend: Backend) {
        let suite = Suite::up(backend).await;
        let chains = audits(&suite).await;
        let chain = &chains[2];
        chain.tamper("audit", &format!("DELETE FROM audit WHERE {}", chain.found(5).await)).await;
        let found = verified(&suite);
        for (service, problems) in &found {
            let expected: &[&str] = if service == "routing" {
                &["The audit entry sealed at position 5 is gone."]
            } else {
                &[]
            };
            assert_eq!(problems, expected, "{service}");
        }
        let said = on(&suite, &["audit", "verify"]);
        assert_eq!(said.code, Some(1), "{said:?}");
        let lines: Vec<_> = said.out.lines().filter(|line| line.contains("NOT SOUND")).collect();
        assert!(lines.len() == 1 && lines[0].contains("routing"), "{said:?}");
        assert!(said.out.contains("✗ The audit entry sealed at position 5 is gone."), "{said:?}");
        // The services go on.
        suite.client("bureau/NB-FR").submit(dossier::plain()).await.unwrap();
    }

    async fn what_is_not_sealed_yet_is_not_wrong(backend: Backend) {
        let suite = Suite::up(backend).await;
        let chains = audits(&suite).await;
        for service in e2e::SERVICES {
            grow(&suite, service, 4).await;
        }
        sound(&suite);
        let said = on(&suite, &["audit", "verify", "--output", "json"]).done().json();
        for (chain, of) in chains.iter().zip(said["services"].as_array().unwrap()) {
            assert_eq!(of["service"], chain.service);
            assert_eq!((&of["sealed"], &of["signed_through"]), (&chain.last().into(), &chain.last().into()));
            let entries = suite.databases().count(chain.service, "audit").await;
            assert!(entries >= chain.last() + 4, "{entries} entries of {}", chain.service);
        }
    }

    async fn it_is_sound_while_it_grows(backend: Backend) {
        let suite = Suite::up(backend).await;
        let bureau = suite.client("bureau/NB-FR");
        let work = tokio::spawn(async move {
            let mut sent = 0;
            loop {
                bureau.submit(dossier::plain()).await.unwrap();
                sent += 1;
                if sent % 8 == 0 {
                    tokio::task::yield_now().await;
                }
            }
        });
        for _ in 0..12 {
            tokio::task::block_in_place(|| sound(&suite));
        }
        work.abort();
        assert!(work.await.unwrap_err().is_cancelled(), "no submission was refused");
    }
}
