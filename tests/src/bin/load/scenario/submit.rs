//! SubmitReferral alone: one intake process, its relay paused, 256 calls in flight.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use liaison_proto::intake::intake_service_client::IntakeServiceClient;

use crate::drive::{Done, closed};
use crate::processes::{self, Build, Process};
use crate::report::{Baseline, Conditions, Latency, NOT_APPLICABLE, Report, others};
use crate::world::{self, World};
use crate::{Result, baseline, dossiers};

/// Calls in flight.
pub(crate) const IN_FLIGHT: usize = 256;
/// Connections they share, each of a bureau of its own.
pub(crate) const BUREAUS: [&str; 4] = ["NB-FR", "NB-ES", "NB-GB", "NB-MA"];

/// On PostgreSQL, against pgbench.
pub(crate) async fn postgres(time: Duration) -> Result<Report> {
    let database = world::postgres("intake").await?;
    let durability = world::durability(&database).await?;
    let world = World::new()?;
    let (done, rss) = submit(&world, Build::Usual, &database, time).await?;
    let baseline =
        baseline::pgbench(&world::postgres("baseline").await?, dossiers::BYTES, time).await?;
    Ok(report("submit", &done, baseline, rss, durability, []))
}

/// On SQLite, against one transaction a row.
pub(crate) async fn sqlite(time: Duration) -> Result<Report> {
    let world = World::new()?;
    let database = format!("sqlite://{}", world.path().join("intake.db").display());
    let (done, rss) = submit(&world, Build::Usual, &database, time).await?;
    let event_bytes = baseline::event_bytes(&database).await?;
    let (baseline, _) = baseline::sqlite_rows(world.path(), dossiers::BYTES, time / 2).await?;
    let durability = ("synchronous=FULL".to_owned(), NOT_APPLICABLE.to_owned());
    let own = [("event_bytes", event_bytes.to_string())];
    Ok(report(
        "submit-sqlite",
        &done,
        baseline,
        rss,
        durability,
        own,
    ))
}

/// Starts this build of intake over `database`, and submits for `time`.
pub(crate) async fn submit(
    world: &World,
    build: Build,
    database: &str,
    time: Duration,
) -> Result<(Done, BTreeMap<String, f64>)> {
    let address = processes::free_address()?;
    // Nobody is there: the relay is paused and asks for nobody.
    let nobody = processes::free_address()?;
    let peers = BTreeMap::from([("classification", nobody), ("notification", nobody)]);
    let mut environment = world.environment("intake", address, database, &peers)?;
    environment.insert("LIAISON__RELAY__PAUSED".to_owned(), "true".to_owned());
    let mut intake = Process::start_build(build, "liaison-intake", &[], &environment)?;
    intake.wait_for(address)?;
    let done = drive(world, address, time).await?;
    if let Some(error) = &done.first_error {
        eprintln!("load: the first error: {error}");
    }
    Ok((done, BTreeMap::from([intake.rss()])))
}

/// Submits with [`IN_FLIGHT`] calls in flight.
pub(crate) async fn drive(
    world: &World,
    address: std::net::SocketAddr,
    time: Duration,
) -> Result<Done> {
    let clients = clients(world, address)?;
    closed(IN_FLIGHT, time, move |caller| {
        let mut client = clients[caller % clients.len()].clone();
        async move {
            let answer = client.submit_referral(dossiers::submission()).await;
            answer.map(|_| ()).map_err(|status| status.to_string())
        }
    })
    .await
}

/// A client of each bureau.
pub(crate) fn clients(
    world: &World,
    address: std::net::SocketAddr,
) -> Result<Arc<Vec<IntakeServiceClient<liaison_grpc::Channel>>>> {
    let clients = BUREAUS.iter().map(|bureau| {
        let channel = world.channel(&format!("bureau/{bureau}"), "intake", address)?;
        Ok(IntakeServiceClient::new(channel))
    });
    Ok(Arc::new(clients.collect::<Result<Vec<_>>>()?))
}

/// How the load is put on.
pub(crate) fn in_flight() -> String {
    format!("{IN_FLIGHT} in flight on {} connections", BUREAUS.len())
}

fn report<const N: usize>(
    scenario: &'static str,
    done: &Done,
    baseline: Baseline,
    rss_mib: BTreeMap<String, f64>,
    (fsync, synchronous_commit): (String, String),
    own: [(&'static str, String); N],
) -> Report {
    let mut others = others(own);
    others.insert("persons", "3".to_owned());
    Report {
        scenario,
        rate: done.rate(),
        ratio: done.rate() / baseline.rate,
        baseline,
        latency_ms: Latency::of(&done.micros),
        errors: done.errors,
        rss_mib,
        conditions: Conditions {
            fsync,
            synchronous_commit,
            dossier_bytes: dossiers::BYTES.to_string(),
            clients: in_flight(),
            relays: "paused".to_owned(),
            others,
        },
    }
}
