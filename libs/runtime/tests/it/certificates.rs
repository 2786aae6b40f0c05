//! Certificates that change while the service runs.

use liaison_identity::CertificateSummary;

use crate::fixture::{Fixture, call};

#[tokio::test]
async fn new_certificates_are_used_after_a_reload_and_broken_ones_are_not() {
    let fixture = Fixture::new();
    let running = fixture.start(&[]).await.unwrap();
    call(fixture.channel(running.address())).await.unwrap();

    let certificate = fixture.path().join("service-sample.pem");
    let before = CertificateSummary::read(&certificate).unwrap().serial;
    fixture.issue("service/sample");
    assert_ne!(
        CertificateSummary::read(&certificate).unwrap().serial,
        before
    );
    running.reload().await;
    call(fixture.channel(running.address())).await.unwrap();

    std::fs::write(&certificate, "not a certificate").unwrap();
    running.reload().await;
    call(fixture.channel(running.address())).await.unwrap();
}
