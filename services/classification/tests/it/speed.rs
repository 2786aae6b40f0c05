//! How many cases a second are decided, for measuring by hand with an optimised build:
//!
//! ```text
//! cargo test --release -p liaison-classification --test it -- --ignored --nocapture speed
//! ```

use std::sync::Arc;
use std::time::{Duration, Instant};

use liaison_classification::worker::{Wake, Worker};
use liaison_proto::intake::ClassificationInput;
use liaison_store::DbBackend;
use liaison_testkit::database::{TestDatabase, run};
use liaison_testkit::eventually;
use liaison_types::Random;
use tokio_util::sync::CancellationToken;

use crate::kit::{World, coded, envelope};

const CASES: u32 = 8_192;
const IN_FLIGHT: u16 = 4;
/// Two paragraphs as bureaus write them, about 1.2 KiB.
const NARRATIVE: &str = "During the night the accounting servers of a regional hospital were \
    entered with stolen credentials. The attackers encrypted patient files with ransomware and \
    left a note that demands payment to a wallet address. Log files show connections from hosted \
    machines in two countries. The hospital has moved patients to other clinics and works on \
    paper. A sample of the malware was preserved by the national response team and its hash is \
    given in the list of evidence. The same group appears to have attacked a second clinic in the \
    spring; there a payment was made in bitcoin and partly returned. We ask for subscriber data \
    of the addresses listed, for the preservation of the machines, and for a contact at the \
    hosting provider. The investigation is led by the prosecutor of the first instance and the \
    technical work by the cyber unit of the judicial police. Interviews with administrators are \
    under way; a former employee whose access was not revoked is considered. Persons named in the \
    annex are witnesses unless marked otherwise. Answers may be used in proceedings with our \
    consent.";

#[test]
#[ignore = "measures; asserts nothing but the end"]
fn sqlite() {
    run(DbBackend::Sqlite, cases_a_second);
}

#[test]
#[ignore = "measures; asserts nothing but the end"]
fn postgres() {
    run(DbBackend::Postgres, cases_a_second);
}

async fn cases_a_second(database: TestDatabase) {
    let world = World::new(database).await;
    let now = world.environment.now();
    let mut events = Vec::with_capacity(256);
    for _ in 0..CASES {
        let referral = world.referral();
        let input = ClassificationInput {
            narrative: NARRATIVE.into(),
            ..coded("0903")
        };
        world.intake.has(referral, input);
        events.push(world.admitted(&envelope(referral, now)));
        if events.len() == 256 {
            world.deliver("intake", std::mem::take(&mut events)).await;
        }
    }
    let stop = CancellationToken::new();
    let random: Arc<dyn Random> = world.environment.random();
    let scan = Duration::from_secs(1);
    let worker = Worker::new(world.ops.clone(), Wake::default(), random, IN_FLIGHT, scan);
    let begun = Instant::now();
    let running = tokio::spawn(worker.run(stop.clone()));
    eventually(Duration::from_secs(100), || async {
        world
            .count("(SELECT 1 FROM referral_case WHERE state = 'PENDING' LIMIT 1) AS pending")
            .await
            == 0
    })
    .await;
    let rate = f64::from(CASES) / begun.elapsed().as_secs_f64();
    println!("{:?}: {rate:.0} cases/s", world.db.backend());
    stop.cancel();
    running.await.unwrap().unwrap();
}
