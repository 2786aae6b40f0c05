//! One referral's way from submission until it is pullable, at a fixed arrival rate, embedded.
//!
//! A unit waits for it in a long poll. The moment at which the pull takes it, when its lease begins, is
//! the earliest at which it is seen to be pullable; services and this program share the machine's clock.

use std::collections::{BTreeMap, HashMap};
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use liaison_grpc::wire;
use liaison_proto::intake::SubmitReferralRequest;
use liaison_proto::routing::PullAssignmentsRequest;
use liaison_proto::routing::routing_service_client::RoutingServiceClient;
use liaison_types::{Clock as _, SystemClock, Timestamp};
use tokio_util::sync::CancellationToken;

use crate::drive::{Turn, histogram, micros, open};
use crate::processes::Process;
use crate::report::{Baseline, Conditions, Latency, NOT_APPLICABLE, Report, others};
use crate::world::World;
use crate::{Result, baseline, dossiers};

use super::submit::{BUREAUS, clients};

/// Referrals a second.
const ARRIVALS: u32 = 50;
/// What each pull asks for; the lease's end tells when the pull was.
const LEASE: Duration = Duration::from_secs(900);
/// How long the last one may take.
const DRAIN: Duration = Duration::from_secs(20);

/// How long a poll waits.
const WAIT: Duration = Duration::from_secs(5);

const UNITS: [&str; 4] = [
    "children-trafficking",
    "cyber",
    "narcotics-organized-crime",
    "terrorism",
];

/// When each referral was submitted, and when it was pullable, by name.
#[derive(Debug, Default)]
struct Times {
    submitted: HashMap<String, Timestamp>,
    pullable: HashMap<String, Timestamp>,
}

impl Times {
    fn all_pulled(&self) -> bool {
        self.submitted
            .keys()
            .all(|name| self.pullable.contains_key(name))
    }
}

/// Runs `liaison up` on SQLite and follows each referral.
pub(crate) async fn run(time: Duration) -> Result<Report> {
    let folder = tempfile::tempdir()?;
    let up = folder.path().to_string_lossy().into_owned();
    let environment = BTreeMap::from([(
        "LIAISON__SERVER__LIMITS__PARTY_RATE".to_owned(),
        "0".to_owned(),
    )]);
    let mut suite = Process::start(
        "liaison",
        &["up", "--dir", &up, "--port", "0"],
        &environment,
    )?;
    let addresses = addresses(folder.path()).await?;
    for address in addresses.values() {
        suite.wait_for(*address)?;
    }
    let world = World::load(folder.path().join("certificates"))?;

    let times = Arc::new(Mutex::new(Times::default()));
    let stop = CancellationToken::new();
    let mut pullers = Vec::new();
    for unit in UNITS {
        let channel = world.channel(&format!("unit/{unit}"), "routing", addresses["routing"])?;
        let client = RoutingServiceClient::new(channel);
        pullers.push(tokio::spawn(pull(client, Arc::clone(&times), stop.clone())));
    }
    let clients = clients(&world, addresses["intake"])?;
    let turn = Turn::default();
    let begun = Instant::now();
    let (errors, first_error) = open(ARRIVALS, time, || {
        let mut client = clients[turn.next(clients.len())].clone();
        let times = Arc::clone(&times);
        async move {
            let request: SubmitReferralRequest = dossiers::submission();
            let started = SystemClock.now();
            let answer = client
                .submit_referral(request)
                .await
                .map_err(|s| s.to_string())?;
            let name = answer.into_inner().referral.unwrap_or_default().name;
            lock(&times).submitted.insert(name, started);
            Ok(())
        }
    })
    .await?;
    let submitting = begun.elapsed();
    if let Some(error) = first_error {
        eprintln!("load: the first error: {error}");
    }
    let drained = Instant::now() + DRAIN;
    while !lock(&times).all_pulled() && Instant::now() < drained {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    stop.cancel();
    let rss_mib = BTreeMap::from([suite.rss()]);
    drop(suite);
    for puller in pullers {
        puller.abort();
    }

    let times = std::mem::take(&mut *lock(&times));
    let mut ways = histogram();
    for (name, started) in &times.submitted {
        if let Some(pullable) = times.pullable.get(name) {
            ways.record(micros(pullable.since(*started)))?;
        }
    }
    let missing = u64::try_from(times.submitted.len())? - ways.len();
    let (_, write_ms) = baseline::sqlite_rows(folder.path(), dossiers::BYTES, time / 3).await?;
    let latency_ms = Latency::of(&ways);
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    let rate = times.submitted.len() as f64 / submitting.as_secs_f64();
    Ok(Report {
        scenario: "journey",
        rate,
        baseline: Baseline {
            name: format!("one committed write takes {write_ms:.2} ms"),
            rate: 1_000.0 / write_ms,
        },
        ratio: latency_ms.p50 / write_ms,
        latency_ms,
        errors: errors + missing,
        rss_mib,
        conditions: Conditions {
            fsync: "SQLite, synchronous=FULL".to_owned(),
            synchronous_commit: NOT_APPLICABLE.to_owned(),
            dossier_bytes: dossiers::BYTES.to_string(),
            clients: format!(
                "{ARRIVALS} arrivals a second on {} connections, {} units that pull",
                BUREAUS.len(),
                UNITS.len()
            ),
            relays: "running".to_owned(),
            others: others([
                (
                    "latency",
                    "from the call of SubmitReferral to the moment a waiting pull takes it"
                        .to_owned(),
                ),
                (
                    "ratio",
                    "median over the time of one committed write".to_owned(),
                ),
            ]),
        },
    })
}

/// Where each service answers, by name, once the suite says so.
async fn addresses(folder: &Path) -> Result<BTreeMap<String, SocketAddr>> {
    let begun = Instant::now();
    loop {
        match std::fs::read_to_string(folder.join("addresses.toml")) {
            Ok(written) => return Ok(toml::from_str(&written)?),
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
            Err(_) if begun.elapsed() > Duration::from_secs(30) => {
                return Err("the suite was not ready in time".into());
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

fn lock(times: &Mutex<Times>) -> std::sync::MutexGuard<'_, Times> {
    times.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn pull(
    mut client: RoutingServiceClient<liaison_grpc::Channel>,
    times: Arc<Mutex<Times>>,
    stop: CancellationToken,
) {
    while !stop.is_cancelled() {
        let request = PullAssignmentsRequest {
            max_assignments: 100,
            wait: Some(duration(WAIT)),
            lease: Some(duration(LEASE)),
            ..PullAssignmentsRequest::default()
        };
        let Ok(answer) = client.pull_assignments(request).await else {
            continue;
        };
        let mut times = lock(&times);
        for pulled in answer.into_inner().assignments {
            let assignment = pulled.assignment.unwrap_or_default();
            if let Some(until) = assignment.lease_until.as_ref().and_then(wire::instant) {
                let pulled = until - LEASE;
                times.pullable.entry(assignment.referral).or_insert(pulled);
            }
        }
    }
}

/// Whole seconds.
fn duration(time: Duration) -> prost_types::Duration {
    prost_types::Duration {
        seconds: i64::try_from(time.as_secs()).unwrap_or(i64::MAX),
        nanos: 0,
    }
}
