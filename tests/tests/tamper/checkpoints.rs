//! Checkpoints: what holds an audit against somebody who makes the whole chain anew, and what is said
//! where they themselves were changed.

use e2e::Suite;
use liaison_custody::SigningKey;
use liaison_custody::audit::Checkpoint;
use liaison_store::audit::AuditEntry;
use liaison_types::SystemRandom;

use crate::Draw;
use crate::reading::{Chain, audits, sound, verified};

/// A change of a checkpoint, and what is said of it. The last two are its position and the next one.
async fn changes(chain: &Chain<'_>, draw: &mut Draw) -> Vec<(String, String)> {
    let of = draw.of(&chain.checkpoints);
    let place = of.position;
    let row = format!("WHERE position = {place}");
    let mut signature = of.signature.bytes.clone();
    let index = draw.below(signature.len());
    signature[index] = draw.other(signature[index]);
    let signature = chain.blob(&signature).await;
    let digest = chain.blob(&[9; 32]).await;
    let forged =
        format!("The checkpoint of position {place} has a signature that does not belong to it.");
    let free = (1..)
        .find(|free| chain.checkpoints.iter().all(|of| of.position != *free))
        .unwrap();
    let moved = forged.replace(&format!("position {place} "), &format!("position {free} "));
    let set = |what: String, told: &str| {
        (
            format!("UPDATE audit_checkpoint SET {what} {row}"),
            told.to_owned(),
        )
    };
    let short = chain.blob(b"short").await;
    vec![
        set(format!("signature = {signature}"), &forged),
        set(format!("signature = {short}"), &forged),
        set(format!("digest = {digest}"), &forged),
        set(format!("digest = {short}"), &forged),
        set("at = at + 1".to_owned(), &forged),
        set("key_id = 'no key at all'".to_owned(), &forged),
        set(
            "key_id = '0123456789abcdef'".to_owned(),
            &format!(
                "The checkpoint of position {place} is signed with a key that is not among those given: \
                 0123456789abcdef."
            ),
        ),
        set(format!("position = {free}"), &moved),
    ]
}

/// The entries of `chain`, of which one says another thing than it did.
fn rewritten(chain: &Chain<'_>, position: i64) -> Vec<AuditEntry> {
    let entries = (1..=chain.last()).map(|at| chain.entry(at).clone());
    let mut entries: Vec<_> = entries.collect();
    let index = usize::try_from(position).unwrap() - 1;
    entries[index].decision = "FORGIVEN".to_owned();
    entries
}

/// Rewrites the entry at `position` and makes everything anew that needs no key: its digest, and every
/// seal. The digests of the new chain.
async fn resealed(chain: &Chain<'_>, position: i64) -> Vec<[u8; 32]> {
    let entries = rewritten(chain, position);
    let entry = &entries[usize::try_from(position).unwrap() - 1];
    let sql = format!(
        "UPDATE audit SET decision = '{}', digest = {} WHERE {}",
        entry.decision,
        chain.blob(&entry.digest()).await,
        chain.found(position).await
    );
    chain.tamper("audit", &sql).await;
    let entries: Vec<_> = entries.iter().collect();
    let (sql, chained) = chain.resealed(&entries).await;
    chain.tamper("audit_seal", &sql).await;
    chained
}

e2e::both_backends! {
    async fn a_changed_checkpoint_is_named(backend: Backend) {
        let suite = Suite::up(backend).await;
        let chains = audits(&suite).await;
        let mut draw = Draw::new();
        let mut all = Vec::new();
        for chain in &chains {
            all.push(changes(chain, &mut draw).await);
        }
        for number in 0..all[0].len() {
            for (chain, changes) in chains.iter().zip(&all) {
                chain.tamper("audit_checkpoint", &changes[number].0).await;
            }
            let found = verified(&suite);
            for (chain, changes) in chains.iter().zip(&all) {
                let (sql, told) = &changes[number];
                let problems = &found[chain.service];
                assert!(problems.contains(told), "{}: {sql}: {problems:?}", chain.service);
            }
            for chain in &chains {
                chain.restore().await;
            }
            sound(&suite);
        }
    }

    /// The strongest attack: every digest and every seal made anew, as right as they were.
    async fn a_chain_made_anew_is_found_by_its_checkpoints(backend: Backend) {
        let suite = Suite::up(backend).await;
        let chains = audits(&suite).await;
        let mut draw = Draw::new();
        let stranger = SigningKey::generate(&SystemRandom);
        for chain in &chains {
            let last = chain.last();
            let position = 1 + i64::try_from(draw.below(usize::try_from(last).unwrap())).unwrap();
            let chained = resealed(chain, position).await;
            let signed: Vec<i64> = chain.checkpoints.iter().map(|of| of.position).collect();
            let (before, behind): (Vec<i64>, Vec<i64>) = signed.iter().partition(|at| **at < position);

            // With its checkpoints left as they are, none from there on fits.
            let misfit = |at: &i64| format!(
                "The checkpoint of position {at} does not fit: the audit was altered there or earlier, and sealed anew."
            );
            let expected: Vec<_> = behind.iter().map(misfit).collect();
            assert_eq!(verified(&suite)[chain.service], expected, "{} at {position}", chain.service);

            // Without those, nothing speaks for what is behind the last that is left.
            let sql = format!("DELETE FROM audit_checkpoint WHERE position >= {position}");
            chain.tamper("audit_checkpoint", &sql).await;
            let unsigned = |from: i64| format!("No checkpoint speaks for what is sealed from position {from} to {last}");
            let problems = &verified(&suite)[chain.service];
            let from = before.last().map_or(1, |at| at + 1);
            assert!(problems.len() == 1 && problems[0].starts_with(&unsigned(from)), "{problems:?}");
            chain.tamper("audit_checkpoint", "DELETE FROM audit_checkpoint").await;
            let problems = &verified(&suite)[chain.service];
            assert!(problems.len() == 1 && problems[0].starts_with(&unsigned(1)), "{problems:?}");

            // Signed by somebody else, in their own name and in that of the service's key.
            let at = chain.checkpoints[0].signature.at;
            let digest = chained.last().unwrap();
            let made_up = Checkpoint::sign(chain.service, last, at, *digest, &stranger);
            for (key, told) in [
                (stranger.id().to_string(), "is signed with a key that is not among those given"),
                (chain.checkpoints[0].signature.key_id.clone(), "has a signature that does not belong to it"),
            ] {
                let sql = format!(
                    "DELETE FROM audit_checkpoint; INSERT INTO audit_checkpoint (position, at, digest, key_id, signature) \
                     VALUES ({last}, {}, {}, '{key}', {})",
                    at.as_micros(), chain.blob(digest).await, chain.blob(&made_up.signature.bytes).await
                );
                chain.tamper("audit_checkpoint", &sql).await;
                let problems = &verified(&suite)[chain.service];
                let told = format!("The checkpoint of position {last} {told}");
                assert!(problems.len() == 1 && problems[0].starts_with(&told), "{problems:?}");
            }
            chain.restore().await;
        }
        sound(&suite);
    }

    async fn an_entry_taken_out_of_a_chain_made_anew_is_found(backend: Backend) {
        let suite = Suite::up(backend).await;
        let chains = audits(&suite).await;
        let mut draw = Draw::new();
        for chain in &chains {
            let last = chain.last();
            let position = 1 + i64::try_from(draw.below(usize::try_from(last).unwrap())).unwrap();
            chain.tamper("audit", &format!("DELETE FROM audit WHERE {}", chain.found(position).await)).await;
            let rest = (1..=last).filter(|at| *at != position);
            let rest: Vec<_> = rest.map(|at| chain.entry(at)).collect();
            let (sql, _) = chain.resealed(&rest).await;
            chain.tamper("audit_seal", &sql).await;
            let problems = &verified(&suite)[chain.service];
            let gone = format!("The audit entry sealed at position {last} is gone.");
            assert!(problems.contains(&gone), "{} at {position}: {problems:?}", chain.service);
            chain.restore().await;
        }
        sound(&suite);
    }
}
