//! The end of a service with calls in progress.

use std::net::SocketAddr;
use std::time::Duration;

use liaison_grpc::{Probe, probe};
use liaison_runtime::{Outcome, Running};
use liaison_testkit::eventually;
use sea_orm_migration::MigratorTrait as _;

use crate::fixture::{Fixture, call};
use crate::sample::{GRPC_NAME, Gate, Migrator};

const SOON: Duration = Duration::from_secs(10);

async fn health(address: SocketAddr, service: &str) -> Probe {
    probe(address, service, Duration::from_secs(5)).await
}

async fn until_not_ready(running: &Running) {
    let address = running.health_address();
    eventually(SOON, || async move {
        health(address, GRPC_NAME).await == Probe::NotServing
    })
    .await;
}

#[tokio::test]
async fn a_slow_call_ends_and_nothing_new_is_taken() {
    let fixture = Fixture::new();
    let running = fixture
        .start(&[("sample.answer", "slow"), ("shutdown.drain_delay", "300ms")])
        .await
        .unwrap();
    let (address, health_address) = (running.address(), running.health_address());
    assert_eq!(health(health_address, GRPC_NAME).await, Probe::Serving);
    assert_eq!(health(health_address, "").await, Probe::Serving);

    let gate = Gate::of("slow");
    let slow = tokio::spawn(call(fixture.channel(address)));
    gate.arrived().await;

    running.lifecycle().stop();
    until_not_ready(&running).await;
    // Not ready, and still answering: whoever has not noticed yet is served.
    assert_eq!(health(health_address, "").await, Probe::Serving);
    let late = tokio::spawn(call(fixture.channel(address)));
    gate.arrived().await;

    let lifecycle = running.lifecycle();
    lifecycle.soft().cancelled().await;
    // Connections are not taken any more: the kernel refuses them.
    eventually(SOON, || async move {
        tokio::net::TcpStream::connect(address).await.is_err()
    })
    .await;
    assert!(!slow.is_finished());
    gate.open();
    gate.open();
    slow.await.unwrap().unwrap();
    late.await.unwrap().unwrap();
    assert_eq!(running.ended().await, Outcome::Clean);
    assert_eq!(health(health_address, "").await, Probe::Unreachable);
}

#[tokio::test]
async fn the_grace_cuts_a_call_that_never_ends() {
    let fixture = Fixture::new();
    let running = fixture
        .start(&[("sample.answer", "stuck"), ("shutdown.grace", "200ms")])
        .await
        .unwrap();
    let stuck = tokio::spawn(call(fixture.channel(running.address())));
    Gate::of("stuck").arrived().await;
    running.lifecycle().stop();
    assert_eq!(running.ended().await, Outcome::CutOff);
    stuck.await.unwrap().unwrap_err();
}

#[tokio::test]
async fn killing_does_not_wait() {
    let fixture = Fixture::new();
    let running = fixture
        .start(&[
            ("sample.answer", "killed"),
            ("shutdown.drain_delay", "5m"),
            ("shutdown.grace", "1h"),
        ])
        .await
        .unwrap();
    let stuck = tokio::spawn(call(fixture.channel(running.address())));
    Gate::of("killed").arrived().await;
    running.lifecycle().stop();
    until_not_ready(&running).await;
    running.lifecycle().kill();
    assert_eq!(running.ended().await, Outcome::CutOff);
    stuck.await.unwrap().unwrap_err();
}

#[tokio::test]
async fn a_crashed_task_brings_the_service_down() {
    let fixture = Fixture::new();
    let running = fixture.start(&[("sample.answer", "crash")]).await.unwrap();
    Gate::of("crash").open();
    assert_eq!(running.ended().await, Outcome::Crashed("fragile"));
}

#[tokio::test]
async fn pending_migrations_refuse_the_start_and_free_the_ports() {
    let fixture = Fixture::new();
    let error = fixture
        .start(&[("database.migrate_on_start", "false")])
        .await
        .unwrap_err();
    let text = error.to_string();
    let count = Migrator::migrations().len();
    let told = format!("{count} migrations are pending; run `liaison-sample migrate`");
    assert!(text.starts_with(&told), "{text}");
    // Once migrated, the start needs no permission to migrate.
    drop(fixture.start(&[]).await.unwrap());
    fixture
        .start(&[("database.migrate_on_start", "false")])
        .await
        .unwrap();
}

#[tokio::test]
async fn a_port_in_use_is_named() {
    let fixture = Fixture::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let error = fixture
        .start(&[("server.listen", &address)])
        .await
        .unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("server.listen") && text.contains(&address),
        "{text}"
    );
}

#[tokio::test]
async fn what_fails_while_it_is_built_is_reported_and_leaves_nothing() {
    let fixture = Fixture::new();
    let error = fixture
        .start(&[("sample.answer", "not built")])
        .await
        .unwrap_err();
    assert!(error.chain().ends_with("on purpose"));
}
