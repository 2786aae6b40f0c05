//! What protection costs: SubmitReferral as it is, and by a build of the same source that neither seals content
//! nor proves custody.
//!
//! One measurement differs from the next by more than the difference that is looked for. So both builds are
//! measured in turn, each time on a fresh database, and every round gives a ratio of its own: of two
//! measurements that stand side by side, each first as often as the other. What is told is their median and
//! how far they lie apart.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::drive::Done;
use crate::processes::Build;
use crate::report::{Baseline, Conditions, Latency, NOT_APPLICABLE, Report, others};
use crate::world::{self, World};
use crate::{Result, dossiers};

use super::submit;

/// On PostgreSQL, `rounds` times.
pub(crate) async fn postgres(time: Duration, rounds: u32) -> Result<Report> {
    let durability = world::durability(&world::postgres("durability").await?).await?;
    run("protection", time, rounds, durability, true).await
}

/// On SQLite, `rounds` times.
pub(crate) async fn sqlite(time: Duration, rounds: u32) -> Result<Report> {
    let durability = ("synchronous=FULL".to_owned(), NOT_APPLICABLE.to_owned());
    run("protection-sqlite", time, rounds, durability, false).await
}

/// Successes a second by each build, side by side.
#[derive(Clone, Copy, Debug)]
struct Round {
    usual: f64,
    unprotected: f64,
}

impl Round {
    fn ratio(&self) -> f64 {
        self.usual / self.unprotected
    }
}

async fn run(
    scenario: &'static str,
    time: Duration,
    rounds: u32,
    (fsync, synchronous_commit): (String, String),
    on_postgres: bool,
) -> Result<Report> {
    let mut found = Vec::new();
    let mut usual: Option<Done> = None;
    let (mut errors, mut rss_mib) = (0, BTreeMap::new());
    for number in 0..rounds {
        let mut rates = BTreeMap::new();
        for build in order(number) {
            let (done, rss) = measure(build, time, on_postgres).await?;
            errors += done.errors;
            rates.insert(name(build), done.rate());
            let most: &mut f64 = rss_mib.entry(name(build).to_owned()).or_default();
            *most = rss.into_values().fold(*most, f64::max);
            match (&mut usual, build) {
                (Some(all), Build::Usual) => all.micros.add(&done.micros)?,
                (None, Build::Usual) => usual = Some(done),
                (_, Build::Unprotected) => {}
            }
        }
        let round = Round {
            usual: rates[name(Build::Usual)],
            unprotected: rates[name(Build::Unprotected)],
        };
        eprintln!(
            "load: round {} of {rounds}: {:.0} a second against {:.0}, ratio {:.3}",
            number + 1,
            round.usual,
            round.unprotected,
            round.ratio()
        );
        found.push(round);
    }
    let usual = usual.ok_or("nothing was measured")?;
    let mut ratios: Vec<f64> = found.iter().map(Round::ratio).collect();
    let ratio = median(&mut ratios);
    let (least, most) = (ratios[0], ratios[ratios.len() - 1]);
    let own = [
        ("rounds", rounds.to_string()),
        ("seconds", time.as_secs().to_string()),
        ("spread", format!("ratio {least:.3} to {most:.3}")),
        (
            "cost",
            format!("{:.1} % of the rate", (1.0 - ratio) * 100.0),
        ),
        ("persons", "3".to_owned()),
    ];
    Ok(Report {
        scenario,
        rate: median(&mut found.iter().map(|round| round.usual).collect::<Vec<_>>()),
        baseline: Baseline {
            name: "the same source, neither sealing nor proving custody".to_owned(),
            rate: median(
                &mut found
                    .iter()
                    .map(|round| round.unprotected)
                    .collect::<Vec<_>>(),
            ),
        },
        ratio,
        latency_ms: Latency::of(&usual.micros),
        errors,
        rss_mib,
        conditions: Conditions {
            fsync,
            synchronous_commit,
            dossier_bytes: dossiers::BYTES.to_string(),
            clients: submit::in_flight(),
            relays: "paused".to_owned(),
            others: others(own),
        },
    })
}

/// Which comes first changes with every round: what warms up or wears out meanwhile befalls both alike.
fn order(round: u32) -> [Build; 2] {
    if round.is_multiple_of(2) {
        [Build::Usual, Build::Unprotected]
    } else {
        [Build::Unprotected, Build::Usual]
    }
}

const fn name(build: Build) -> &'static str {
    match build {
        Build::Usual => "liaison-intake",
        Build::Unprotected => "liaison-intake, unprotected",
    }
}

/// One measurement, on a database of its own.
async fn measure(
    build: Build,
    time: Duration,
    on_postgres: bool,
) -> Result<(Done, BTreeMap<String, f64>)> {
    let world = World::new()?;
    let database = if on_postgres {
        let database = world::postgres("intake").await?;
        world::checkpoint(&database).await?;
        database
    } else {
        format!("sqlite://{}", world.path().join("intake.db").display())
    };
    let (done, rss) = submit::submit(&world, build, &database, time).await?;
    if done.count == 0 {
        let why = done
            .first_error
            .as_deref()
            .unwrap_or("nothing ended in time");
        return Err(format!("{} took no submission: {why}", name(build)).into());
    }
    Ok((done, rss))
}

/// The middle of `values`, which are sorted by it; of an even number the mean of the two in the middle.
fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len().is_multiple_of(2) {
        f64::midpoint(values[middle - 1], values[middle])
    } else {
        values[middle]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_is_found_and_the_ends_are_the_spread() {
        let mut odd = [0.9, 0.7, 0.8];
        assert!((median(&mut odd) - 0.8).abs() < 1e-9);
        assert_eq!(odd, [0.7, 0.8, 0.9]);
        assert!((median(&mut [0.9, 0.7, 0.6, 0.8]) - 0.75).abs() < 1e-9);
        assert!((median(&mut [0.5]) - 0.5).abs() < 1e-9);
    }

    #[test]
    fn each_build_is_first_as_often_as_the_other() {
        let first: Vec<Build> = (0..4).map(|round| order(round)[0]).collect();
        assert_eq!(
            first,
            [
                Build::Usual,
                Build::Unprotected,
                Build::Usual,
                Build::Unprotected
            ]
        );
        let ratio = Round {
            usual: 90.0,
            unprotected: 120.0,
        };
        assert!((ratio.ratio() - 0.75).abs() < 1e-9);
    }
}
