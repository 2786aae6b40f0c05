//! When a service says that it is ready.

use std::time::Duration;

use liaison_grpc::{Probe, probe};
use liaison_runtime::{Ambient, Listeners, Outcome, start};

use crate::fixture::{Fixture, call};
use crate::sample::{GRPC_NAME, Gate, HELD, Sample};

const PATIENCE: Duration = Duration::from_secs(10);

#[tokio::test]
async fn a_service_is_ready_when_its_last_latch_is_dropped() {
    let fixture = Fixture::new();
    let settings = fixture.settings(&[("sample.answer", HELD)]);
    let listeners = Listeners::bind(&settings.server).unwrap();
    let address = listeners.address().unwrap();
    let health = listeners.health_address().unwrap();
    let starting = tokio::spawn(start::<Sample>(settings, listeners, Ambient::default()));

    let gate = Gate::of(HELD);
    gate.arrived().await;
    assert_eq!(probe(health, GRPC_NAME, PATIENCE).await, Probe::NotServing);
    assert_eq!(probe(health, "", PATIENCE).await, Probe::Serving, "alive");
    assert!(!starting.is_finished(), "what holds the latch is not there");

    gate.open();
    let running = starting.await.unwrap().unwrap();
    assert_eq!(probe(health, GRPC_NAME, PATIENCE).await, Probe::Serving);
    gate.open();
    call(fixture.channel(address)).await.unwrap();
    running.lifecycle().stop();
    assert_eq!(running.ended().await, Outcome::Clean);
}
