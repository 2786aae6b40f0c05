//! How fast one text is decided, how long the rule set takes to load and what it holds in memory:
//! `speed FILE.jsonl [ROUNDS]`.
//!
//! Each line of FILE holds `text`. Prints one JSON object: `texts`, `decisions`, `median_us`, `p99_us`,
//! `slowest_us`, `load_ms` and `resident_kib` (what the process holds more after loading, from
//! `/proc/self/status`; absent elsewhere). A part of `tests/eval/speed.py`, which runs the baseline beside it.

use std::hint::black_box;
use std::time::Instant;

use liaison_classification::domain::{Input, RuleSet, decide};
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    text: String,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("usage: speed FILE.jsonl [ROUNDS]")?;
    let rounds: usize = arguments.next().map_or(Ok(20), |rounds| rounds.parse())?;
    let texts = std::fs::read_to_string(path)?
        .lines()
        .map(|line| serde_json::from_str::<Case>(line).map(|case| case.text))
        .collect::<Result<Vec<_>, _>>()?;

    let before = resident_kib();
    let begun = Instant::now();
    let rules = RuleSet::embedded()?;
    let load = begun.elapsed();
    let after = resident_kib();

    let mut took = Vec::with_capacity(texts.len() * rounds);
    // The first round warms caches and is not counted.
    for round in 0..=rounds {
        for text in &texts {
            let input = Input {
                narrative: text,
                ..Input::default()
            };
            let begun = Instant::now();
            black_box(decide(&rules, black_box(&input)));
            if round > 0 {
                took.push(begun.elapsed());
            }
        }
    }
    took.sort_unstable();
    let at = |share: usize| {
        let index = (took.len() * share / 100).min(took.len().saturating_sub(1));
        took.get(index).map(|took| took.as_secs_f64() * 1e6)
    };
    println!(
        "{}",
        serde_json::json!({
            "texts": texts.len(),
            "decisions": took.len(),
            "median_us": at(50),
            "p99_us": at(99),
            "slowest_us": at(100),
            "load_ms": load.as_secs_f64() * 1e3,
            "resident_kib": before.zip(after).map(|(before, after)| after.saturating_sub(before)),
        })
    );
    Ok(())
}

/// What the process holds in memory.
fn resident_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse().ok()
}
