//! All four services: how many referrals a second get from submission to pullable.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use sea_orm::{ConnectionTrait as _, DatabaseConnection, DbBackend, Statement};

use crate::processes::{self, Process};
use crate::report::{Conditions, Latency, Report, others};
use crate::world::{self, World};
use crate::{Result, baseline, dossiers};

use super::submit;

const SERVICES: [&str; 4] = ["intake", "classification", "routing", "notification"];

/// How long the last referral may take after the last submission.
const DRAIN: Duration = Duration::from_secs(120);

/// Submits as fast as it goes for `time`, waits until everything is pullable, and counts referrals over
/// the whole span.
pub(crate) async fn run(time: Duration) -> Result<Report> {
    let world = World::new()?;
    let mut peers = BTreeMap::new();
    for name in SERVICES {
        peers.insert(name, processes::free_address()?);
    }
    let mut running = Vec::new();
    let mut databases = BTreeMap::new();
    for name in SERVICES {
        let database = world::postgres(name).await?;
        let environment = world.environment(name, peers[name], &database, &peers)?;
        running.push((
            Process::start(&format!("liaison-{name}"), &[], &environment)?,
            peers[name],
        ));
        databases.insert(name, database);
    }
    for (process, address) in &mut running {
        process.wait_for(*address)?;
    }
    let routing = sea_orm::Database::connect(&databases["routing"]).await?;
    let intake = sea_orm::Database::connect(&databases["intake"]).await?;

    let begun = Instant::now();
    let done = submit::drive(&world, peers["intake"], time).await?;
    let submitted = count(&intake, "SELECT count(*) AS n FROM referral").await?;
    let mut pullable = 0;
    while pullable < submitted {
        if begun.elapsed() > time + DRAIN {
            return Err(format!("only {pullable} of {submitted} became pullable in time").into());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        pullable = count(
            &routing,
            "SELECT count(*) AS n FROM assignment WHERE granted AND role = 'LEAD'",
        )
        .await?;
    }
    let took = begun.elapsed();
    let (fsync, synchronous_commit) = world::durability(&databases["intake"]).await?;
    let rss_mib = running.iter().map(|(process, _)| process.rss()).collect();
    drop(running);

    let baseline =
        baseline::pgbench(&world::postgres("baseline").await?, dossiers::BYTES, time).await?;
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    let rate = pullable as f64 / took.as_secs_f64();
    Ok(Report {
        scenario: "pipeline",
        rate,
        ratio: rate / baseline.rate,
        baseline,
        latency_ms: Latency::of(&done.micros),
        errors: done.errors,
        rss_mib,
        conditions: Conditions {
            fsync,
            synchronous_commit,
            dossier_bytes: dossiers::BYTES.to_string(),
            clients: submit::in_flight(),
            relays: "running".to_owned(),
            others: others([
                ("persons", "3".to_owned()),
                ("latency", "of the submission".to_owned()),
                ("referrals", submitted.to_string()),
            ]),
        },
    })
}

async fn count(db: &DatabaseConnection, query: &str) -> Result<i64> {
    let statement = Statement::from_string(DbBackend::Postgres, query);
    let row = db
        .query_one_raw(statement)
        .await?
        .ok_or("the server does not answer")?;
    Ok(row.try_get("", "n")?)
}
