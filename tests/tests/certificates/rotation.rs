//! Certificates and their authority are replaced while calls go on, and no call fails for it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use e2e::{Addresses, Backend, Client, Layout, PATIENCE, Suite, dossier, eventually};
use liaison_grpc::{Channel, ClientSettings, Methods, client};
use liaison_identity::{Identity, IdentitySettings};
use liaison_proto::common::ReferralState;
use liaison_proto::intake::ListReferralsRequest;
use liaison_proto::intake::intake_service_client::IntakeServiceClient;
use liaison_proto::routing::ListAssignmentsRequest;
use liaison_telemetry::Instruments;
use liaison_types::{Party, SystemClock};
use tokio::task::JoinHandle;

use crate::{certs, rejected, reloaded, trusting};

fn party(text: &str) -> Party {
    text.parse().unwrap()
}

/// A bureau that never stops calling: over one connection that follows its identity, as a program that
/// runs for months does, and over a new one each time, as one that is started for each call does.
struct Calls {
    identity: Identity,
    stop: Arc<AtomicBool>,
    made: Arc<AtomicUsize>,
    tasks: Vec<JoinHandle<()>>,
}

impl Calls {
    fn begin(suite: &Suite) -> Self {
        let (folder, addresses) = (suite.certificates(), suite.addresses().clone());
        let identity = loaded(&folder);
        let (stop, made) = (
            Arc::new(AtomicBool::new(false)),
            Arc::new(AtomicUsize::new(0)),
        );
        let watching = tokio::spawn(identity.clone().watch(Duration::from_millis(50)));
        let calling = {
            let (stop, made) = (Arc::clone(&stop), Arc::clone(&made));
            let channel = channel(&identity, &addresses);
            tokio::spawn(async move {
                while !stop.load(Ordering::SeqCst) {
                    call(channel.clone()).await;
                    made.fetch_add(1, Ordering::SeqCst);
                }
                watching.abort();
            })
        };
        let dialling = {
            let (stop, made) = (Arc::clone(&stop), Arc::clone(&made));
            tokio::spawn(async move {
                while !stop.load(Ordering::SeqCst) {
                    call(channel(&loaded(&folder), &addresses)).await;
                    made.fetch_add(1, Ordering::SeqCst);
                }
            })
        };
        Self {
            identity,
            stop,
            made,
            tasks: vec![calling, dialling],
        }
    }

    /// Waits until more calls were made, and its own program has read its files.
    async fn go_on(&self) {
        let before = self.made.load(Ordering::SeqCst);
        eventually(PATIENCE, || async {
            assert!(
                self.tasks.iter().all(|task| !task.is_finished()),
                "a call failed"
            );
            let read = matches!(
                self.identity.reload(),
                Ok(liaison_identity::Reload::Unchanged)
            );
            read && self.made.load(Ordering::SeqCst) > before + 20
        })
        .await;
    }

    async fn end(self) {
        self.stop.store(true, Ordering::SeqCst);
        for task in self.tasks {
            task.await.unwrap();
        }
    }
}

/// The bureau's identity from `folder`. A program that starts between the two files of a renewal finds
/// that they do not match, and is started again.
fn loaded(folder: &Path) -> Identity {
    let settings = IdentitySettings::in_folder(folder, &party("bureau/NB-FR"));
    let mut last = None;
    for _ in 0..1_000 {
        match Identity::load(&settings, Arc::new(SystemClock)) {
            Ok(identity) => return identity,
            Err(error) => last = Some(error),
        }
    }
    panic!("{last:?}")
}

fn channel(identity: &Identity, addresses: &Addresses) -> Channel {
    client::connect(
        &addresses.uri("intake"),
        identity.connector(Party::service("intake")),
        &ClientSettings::default(),
        &Methods::liaison(),
        &Instruments::none(),
    )
    .unwrap()
}

async fn call(channel: Channel) {
    IntakeServiceClient::new(channel)
        .list_referrals(ListReferralsRequest::default())
        .await
        .unwrap();
}

#[test]
fn the_authority_is_rotated_under_running_services_and_no_call_fails() {
    e2e::run(async {
        let mut suite = Suite::start(Backend::Sqlite, Layout::Apart, &[]).await;
        let folder = suite.certificates();
        // Their certificates are made when they are first asked for.
        let _certified = (suite.client("bureau/NB-FR"), suite.client("unit/cyber"));
        let scratch = tempfile::tempdir().unwrap();
        let old = IdentitySettings::in_folder(&folder, &party("unit/cyber"));
        let kept = IdentitySettings {
            certificate: scratch.path().join("old.pem"),
            key: scratch.path().join("old-key.pem"),
            ..old.clone()
        };
        std::fs::copy(&old.certificate, &kept.certificate).unwrap();
        std::fs::copy(&old.key, &kept.key).unwrap();
        let calls = Calls::begin(&suite);
        calls.go_on().await;
        let stage = |said: serde_json::Value| said["stage"].as_str().unwrap().to_owned();
        assert_eq!(stage(certs(&folder, &["rotate", "status"])), "idle");

        assert_eq!(stage(certs(&folder, &["rotate", "begin"])), "begun");
        reloaded(&mut suite).await;
        calls.go_on().await;

        let renewed = certs(&folder, &["rotate", "switch"]);
        assert_eq!(
            renewed["certificates"].as_array().unwrap().len(),
            6,
            "{renewed}"
        );
        // Everybody who is late is still let in, and everybody goes on handing events to each other.
        let kept = trusting(kept, scratch.path(), &[&folder]);
        let late = Client::new(&kept, suite.addresses());
        late.routing()
            .list_assignments(ListAssignmentsRequest::default())
            .await
            .unwrap();
        let half = suite
            .client("bureau/NB-FR")
            .submit(dossier::plain())
            .await
            .unwrap();
        reloaded(&mut suite).await;
        calls.go_on().await;

        assert_eq!(stage(certs(&folder, &["rotate", "end"])), "idle");
        reloaded(&mut suite).await;
        calls.go_on().await;
        calls.end().await;

        // The old authority is nobody, on the connection that was open and on a new one.
        let end = late
            .routing()
            .list_assignments(ListAssignmentsRequest::default())
            .await
            .unwrap_err();
        assert_eq!(end.code(), tonic::Code::Unauthenticated, "{end:?}");
        assert!(end.message().contains("trusted authority"), "{end:?}");
        rejected(&Client::new(&kept, suite.addresses()), "UnknownCA").await;
        let bureau = suite.client("bureau/NB-FR");
        let whole = bureau.submit(dossier::plain()).await.unwrap();
        for referral in [half, whole] {
            bureau.reaches(&referral.name, ReferralState::Routed).await;
        }
        suite.drained().await;
        for process in suite.processes() {
            let log = process.whole_log();
            assert!(!log.contains("CERTIFICATE_"), "a hop was refused:\n{log}");
        }
    });
}
