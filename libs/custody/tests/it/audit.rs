//! A sealed audit, and what happens to it.

use std::time::Duration;

use liaison_custody::SigningKey;
use liaison_custody::audit::{
    AuditProblem, AuditReport, Checkpoint, CheckpointProblem, SealVerifier, Sealed, seal,
};
use liaison_custody::signature::Invalid;
use liaison_types::{AuditId, Random as _, SeededRandom, Timestamp};
use proptest::prelude::*;

use crate::support::{START, key, keys};

const LAG: Duration = Duration::from_secs(5);

fn second(number: i64) -> Timestamp {
    Timestamp::from_micros(START.as_micros() + number * 1_000_000)
}

/// An audit with an entry a second, sealed at once, and a checkpoint every `every` of them and at the end.
fn audit(length: i64, every: i64) -> (Vec<Sealed>, Vec<Checkpoint>) {
    let random = SeededRandom::new(5);
    let (mut rows, mut checkpoints) = (Vec::<Sealed>::new(), Vec::new());
    for position in 1..=length {
        let mut digest = [0; 32];
        random.fill(&mut digest);
        let entry = AuditId::new(second(position), &random);
        let previous = rows.last().map(|row| row.chained);
        let chained = seal(previous.as_ref(), position, entry, &digest);
        rows.push(Sealed {
            position,
            entry,
            digest: Some(digest),
            chained,
        });
        if position % every == 0 || position == length {
            let at = second(position);
            checkpoints.push(Checkpoint::sign("intake", position, at, chained, &key(1)));
        }
    }
    (rows, checkpoints)
}

/// As a reader does: checkpoints merged in behind the seal of their position.
fn verified(rows: &[Sealed], checkpoints: &[Checkpoint]) -> AuditReport {
    let keys = keys();
    let mut verifier = SealVerifier::new("intake", &keys, LAG);
    let mut checkpoints = checkpoints.iter().peekable();
    for row in rows {
        while let Some(due) = checkpoints.next_if(|due| due.position < row.position) {
            verifier.checkpoint(due.clone());
        }
        verifier.seal(*row);
        while let Some(due) = checkpoints.next_if(|due| due.position == row.position) {
            verifier.checkpoint(due.clone());
        }
    }
    for rest in checkpoints {
        verifier.checkpoint(rest.clone());
    }
    verifier.finish()
}

/// Makes the chain anew, as whoever can write to the database can.
fn rechain(rows: &mut [Sealed]) {
    let mut previous = None;
    for row in rows {
        let digest = row.digest.unwrap();
        row.chained = seal(previous.as_ref(), row.position, row.entry, &digest);
        previous = Some(row.chained);
    }
}

#[test]
fn an_untouched_audit_is_sound() {
    let (rows, checkpoints) = audit(25, 10);
    let report = verified(&rows, &checkpoints);
    assert!(report.is_sound(), "{report:?}");
    assert_eq!((report.sealed, report.signed_through), (25, Some(25)));
    let keys = keys();
    let mut early = SealVerifier::new("intake", &keys, LAG);
    for checkpoint in checkpoints {
        early.checkpoint(checkpoint);
    }
    for row in rows {
        early.seal(row);
    }
    assert_eq!(early.finish(), report);
}

#[test]
fn an_entry_without_a_seal_is_young_or_inserted() {
    let (rows, checkpoints) = audit(20, 10);
    let keys = keys();
    let mut verifier = SealVerifier::new("intake", &keys, LAG);
    rows.iter().for_each(|row| verifier.seal(*row));
    verifier.checkpoint(checkpoints[1].clone());
    let entry = |at| AuditId::new(at, &SeededRandom::new(6));
    for at in [second(14), second(15), second(21)] {
        verifier.unsealed(entry(at), at);
    }
    let report = verifier.finish();
    let inserted = AuditProblem::Unsealed {
        entry: entry(second(14)),
        at: second(14),
    };
    assert_eq!((report.problems, report.tail), (vec![inserted], 2));
}

#[test]
fn a_checkpoint_has_to_fit() {
    let (rows, checkpoints) = audit(20, 10);
    let misfit = |change: &dyn Fn(&mut Checkpoint)| {
        let mut changed = checkpoints.clone();
        change(&mut changed[1]);
        verified(&rows, &changed).problems
    };
    let problem = |position, problem| vec![AuditProblem::Checkpoint { position, problem }];
    let forged = CheckpointProblem::Signature(Invalid::Forged);
    let mut moved = problem(11, forged);
    moved.push(AuditProblem::Unsigned { from: 11, to: 20 });
    assert_eq!(misfit(&|c| c.position = 11), moved);
    assert_eq!(misfit(&|c| c.digest[0] ^= 1), problem(20, forged));
    let other = key(2);
    let unknown = CheckpointProblem::Signature(Invalid::UnknownKey(other.id()));
    let resigned = |service: &str, digest, key: &SigningKey| {
        Checkpoint::sign(service, 20, second(20), digest, key)
    };
    let digest = checkpoints[1].digest;
    assert_eq!(
        misfit(&|c| *c = resigned("intake", digest, &other)),
        problem(20, unknown)
    );
    assert_eq!(
        misfit(&|c| *c = resigned("routing", digest, &key(1))),
        problem(20, CheckpointProblem::Service)
    );
    assert_eq!(
        misfit(&|c| *c = resigned("intake", [0; 32], &key(1))),
        problem(20, CheckpointProblem::Digest)
    );
    let keys = keys();
    let mut late = SealVerifier::new("intake", &keys, LAG);
    rows.iter().for_each(|row| late.seal(*row));
    late.checkpoint(checkpoints[1].clone());
    late.checkpoint(checkpoints[0].clone());
    assert_eq!(
        late.finish().problems,
        problem(10, CheckpointProblem::Order)
    );
}

#[test]
fn what_no_checkpoint_speaks_for_was_not_sealed_by_the_suite() {
    let unsigned = |from| vec![AuditProblem::Unsigned { from, to: 25 }];
    let (mut rows, mut checkpoints) = audit(25, 10);
    checkpoints.pop();
    assert_eq!(verified(&rows, &checkpoints).problems, unsigned(21));
    // The whole chain made anew, and what would tell of it removed.
    rows[3].digest = Some([0; 32]);
    rechain(&mut rows);
    assert_eq!(verified(&rows, &[]).problems, unsigned(1));
    // One made up speaks for nothing.
    let made_up = Checkpoint::sign("intake", 25, second(25), rows[24].chained, &key(2));
    let unknown = CheckpointProblem::Signature(Invalid::UnknownKey(key(2).id()));
    let problem = AuditProblem::Checkpoint {
        position: 25,
        problem: unknown,
    };
    assert_eq!(verified(&rows, &[made_up]).problems, [problem]);
}

#[test]
fn words_for_people() {
    let (mut rows, mut checkpoints) = audit(40, 10);
    let untouched = rows.clone();
    rows[4].digest = Some([0; 32]);
    rows[5].digest = None;
    rows.swap(20, 24);
    (rows[20].position, rows[24].position) = (21, 25);
    (rows[20].chained, rows[24].chained) = (rows[24].chained, rows[20].chained);
    rows.remove(14);
    rows.insert(30, rows[29]);
    rows.truncate(38);
    checkpoints[2].service = "routing".to_owned();
    let mut problems = verified(&rows, &checkpoints).problems;
    problems.extend(verified(&untouched[..4], &[]).problems);
    let text: Vec<_> = problems.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(text.join("\n"), @r#"
    The audit entry sealed at position 5 was altered, or its seal was.
    The audit entry sealed at position 6 is gone.
    The audit entry sealed at position 15 is gone.
    The audit entry sealed at position 21 belongs at position 25.
    The audit entry sealed at position 25 belongs at position 21.
    The checkpoint of position 30 is of another service.
    There is more than one seal at position 31.
    Each audit entry sealed at positions 39 to 40 is gone.
    No checkpoint speaks for what is sealed from position 1 to 4: it was added or sealed anew without the key, or its checkpoints were removed.
    "#);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_tampering_is_found(
        length in 2_i64..60, every in 1_i64..10, at: prop::sample::Index, to: prop::sample::Index,
    ) {
        let (good, checkpoints) = audit(length, every);
        let (at, to) = (at.index(good.len()), to.index(good.len()));
        let position = good[at].position;
        let problems = |rows: &[Sealed]| verified(rows, &checkpoints).problems;
        prop_assert_eq!(problems(&good), []);

        // Altered: the entry, its seal, and both with a new chain behind them.
        let mut altered = good.clone();
        altered[at].digest = Some([0; 32]);
        let expected = AuditProblem::Altered { from: position, to: position };
        prop_assert_eq!(problems(&altered), [expected]);
        rechain(&mut altered);
        let resealed = problems(&altered);
        prop_assert!(!resealed.is_empty());
        let misfits = |problem: &AuditProblem| matches!(
            problem, AuditProblem::Checkpoint { problem: CheckpointProblem::Digest, .. }
        );
        prop_assert!(resealed.iter().all(misfits));
        let mut seal_altered = good.clone();
        seal_altered[at].chained[0] ^= 1;
        let found = problems(&seal_altered);
        prop_assert_eq!(found[0], expected);
        prop_assert!(found[1..].iter().all(misfits), "{:?}", found);

        // Removed: the entry, or its seal as well.
        let mut gone = good.clone();
        gone[at].digest = None;
        let expected = AuditProblem::Removed { from: position, to: position };
        prop_assert_eq!(problems(&gone), [expected]);
        gone.remove(at);
        prop_assert_eq!(problems(&gone), [expected]);
        // With the later ones moved up and a new chain, only the checkpoints know.
        for (position, row) in (1..).zip(&mut gone) {
            row.position = position;
        }
        rechain(&mut gone);
        prop_assert!(!problems(&gone).is_empty());

        // Reordered.
        let mut swapped = good.clone();
        (swapped[at].entry, swapped[to].entry) = (swapped[to].entry, swapped[at].entry);
        (swapped[at].digest, swapped[to].digest) = (swapped[to].digest, swapped[at].digest);
        let mut expected = vec![];
        if at != to {
            let (one, two) = (good[at.min(to)].position, good[at.max(to)].position);
            expected.push(AuditProblem::Reordered { position: one, belongs: two });
            expected.push(AuditProblem::Reordered { position: two, belongs: one });
        }
        prop_assert_eq!(problems(&swapped), expected);

        // Inserted: beside a seal, or in front of it with a new chain.
        let mut inserted = good.clone();
        let mut row = good[to];
        row.position = position;
        inserted.insert(at + 1, row);
        prop_assert_eq!(problems(&inserted), [AuditProblem::Inserted { position }]);
        for (position, row) in (1..).zip(&mut inserted) {
            row.position = position;
        }
        prop_assert!(!problems(&inserted).is_empty());
        rechain(&mut inserted);
        prop_assert!(!problems(&inserted).is_empty());
    }
}
