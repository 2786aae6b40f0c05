//! Certificates at running services, over real sockets: who gets in, what happens while certificates and
//! their authority are replaced, what one party may have.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod command_line;
mod connecting;
mod expiry;
mod limits;
mod officers;
mod rotation;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use e2e::{Client, PATIENCE, Suite, dossier, eventually, program};
use liaison_grpc::Failure;
use liaison_identity::{CertificateAuthority, Existing, IdentitySettings};
use liaison_types::{Clock as _, Party, Reason, SystemClock, SystemRandom};
use serde_json::Value;
use tonic::Code;

const HOUR: Duration = Duration::from_hours(1);

/// A certificate of NB-FR by the authority in `authority`, issued two hours ago for `life`, whose
/// owner trusts the authorities in `trusted`.
fn issued(to: &Path, authority: &Path, trusted: &[&Path], life: Duration) -> IdentitySettings {
    let then = SystemClock.now() - 2 * HOUR;
    let party: Party = "bureau/NB-FR".parse().unwrap();
    let settings = CertificateAuthority::load(authority)
        .unwrap()
        .issue(&party, &[], life, then, &SystemRandom)
        .unwrap()
        .write(to, Existing::Replace)
        .unwrap();
    trusting(settings, to, trusted)
}

/// `settings`, trusting the authorities in `trusted` and no list.
fn trusting(mut settings: IdentitySettings, to: &Path, trusted: &[&Path]) -> IdentitySettings {
    let read = |folder: &&Path| std::fs::read_to_string(folder.join("ca.pem")).unwrap();
    let both: String = trusted.iter().map(read).collect();
    settings.authority = to.join("trusted.pem");
    settings.revocations = None;
    std::fs::write(&settings.authority, both).unwrap();
    settings
}

/// Expects that a service refuses the certificate of `client` with this alert. A connection may break
/// before the alert was read, which nobody can tell from a service that has gone: then once more.
async fn rejected(client: &Client, alert: &str) {
    let failure = eventually(PATIENCE, || async {
        let failure = Failure::read(&client.submit(dossier::plain()).await.unwrap_err());
        assert_eq!(failure.code, Code::Unavailable, "{failure:?}");
        (failure.reason() == Some(Reason::CertificateRejected)).then_some(failure)
    })
    .await;
    let (_, cause) = &failure.metadata[0];
    assert!(cause.contains(alert), "{cause}");
}

/// Runs `liaison certs ...` on the suite's certificates; what it printed.
fn certs(folder: &Path, arguments: &[&str]) -> Value {
    let output = program::command("liaison")
        .arg("certs")
        .args(arguments)
        .arg("--dir")
        .arg(folder)
        .args(["--output", "json"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Waits until every process of the suite holds what its files say now.
async fn reloaded(suite: &mut Suite) {
    for process in suite.processes() {
        let before = process.whole_log().len();
        let id = process.id().to_string();
        eventually(PATIENCE, || async {
            let told = Command::new("kill").args(["-s", "HUP", &id]).status();
            assert!(told.unwrap().success());
            let log = process.whole_log();
            // Said by a reading that found nothing new: everything before was taken in.
            log[before..].contains("certificates are what they were")
        })
        .await;
    }
}
