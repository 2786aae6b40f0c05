//! What one party may have at a running service, and that another one does not notice.

use std::time::{Duration, Instant};

use e2e::refusal::refused;
use e2e::{Backend, Client, Layout, PATIENCE, Suite, dossier, eventually, unit};
use liaison_grpc::Failure;
use liaison_identity::IdentitySettings;
use liaison_proto::intake::ListReferralsRequest;
use liaison_proto::notification::StreamNotificationsRequest;
use liaison_types::Reason;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

/// The refusal names the quota and its party, and says when to come again.
#[track_caller]
fn over(status: Status, quota: &str, party: &str) {
    let details = status.get_error_details();
    let failure = refused(
        Err::<(), _>(status),
        Code::ResourceExhausted,
        Reason::RateLimited,
    );
    assert!(
        failure
            .retry_after
            .is_some_and(|after| after > Duration::ZERO)
    );
    let violation = &details.quota_failure().unwrap().violations[0];
    assert_eq!(violation.quota_id, quota);
    assert_eq!(violation.subject, format!("liaison://{party}"));
    assert!(violation.quota_value > 0);
}

#[test]
fn streams_and_long_polls_of_a_party_are_limited_and_calls_are_not_broken_by_it() {
    e2e::run(async {
        let limits = [
            ("SERVER__LIMITS__PARTY_STREAMS", "2"),
            ("SERVER__LIMITS__PARTY_LONG_POLLS", "1"),
        ];
        let suite = Suite::start(Backend::Sqlite, Layout::Apart, &limits).await;
        let (france, spain) = (suite.client("bureau/NB-FR"), suite.client("bureau/NB-ES"));
        let stream = |client: &Client| {
            let mut notification = client.notification();
            async move {
                notification
                    .stream_notifications(StreamNotificationsRequest::default())
                    .await
            }
        };
        let mut first = stream(&france).await.unwrap().into_inner();
        let _second = stream(&france).await.unwrap();
        over(
            stream(&france).await.map(drop).unwrap_err(),
            "party_streams",
            "bureau/NB-FR",
        );
        let _other = stream(&spain).await.unwrap();
        // The streams that are open still carry what happens.
        france.submit(dossier::plain()).await.unwrap();
        let told = tokio::time::timeout(PATIENCE, first.message())
            .await
            .unwrap()
            .unwrap();
        assert!(told.is_some());

        // Cyber waits for work in vain; whoever asks beside it is told so, and narcotics is not.
        let cyber = suite.client("unit/cyber");
        let waiting = {
            let cyber = cyber.clone();
            // The question below may have the only place just when this one begins.
            tokio::spawn(async move { while unit::pull(&cyber, 1, 60).await.is_err() {} })
        };
        let status = eventually(PATIENCE, || async { unit::pull(&cyber, 1, 0).await.err() }).await;
        over(status, "party_long_polls", "unit/cyber");
        let other = suite.client("unit/narcotics-organized-crime");
        unit::pull(&other, 1, 0).await.unwrap();
        waiting.abort();
        eventually(PATIENCE, || async {
            unit::pull(&cyber, 1, 0).await.is_ok()
        })
        .await;
    });
}

#[test]
fn connections_of_a_party_are_limited_and_what_is_over_is_told_so() {
    e2e::run(async {
        let limits = [("SERVER__LIMITS__PARTY_CONNECTIONS", "1")];
        let suite = Suite::start(Backend::Sqlite, Layout::Apart, &limits).await;
        let list = |client: &Client| {
            let mut intake = client.intake();
            async move { intake.list_referrals(ListReferralsRequest::default()).await }
        };
        let first = suite.client("bureau/NB-FR");
        list(&first).await.unwrap();
        let settings = IdentitySettings::in_folder(&suite.certificates(), first.party());
        let second = Client::new(&settings, suite.addresses());
        for _ in 0..3 {
            // What is asked while the connection of the question before is being closed finds it gone.
            let told = eventually(PATIENCE, || async {
                let status = list(&second).await.unwrap_err();
                (status.code() != tonic::Code::Unavailable).then_some(status)
            });
            over(told.await, "party_connections", "bureau/NB-FR");
        }
        list(&first).await.unwrap();
        // A referral still goes its whole way: the services call each other without limit.
        let spain = suite.client("bureau/NB-ES");
        let referral = spain.submit(dossier::plain()).await.unwrap();
        spain
            .reaches(&referral.name, liaison_proto::common::ReferralState::Routed)
            .await;
        drop(first);
        eventually(PATIENCE, || async { list(&second).await.is_ok() }).await;
    });
}

#[test]
fn a_party_far_over_its_rate_does_not_slow_another() {
    e2e::run(async {
        let limits = [
            ("SERVER__LIMITS__PARTY_RATE", "20"),
            ("SERVER__LIMITS__PARTY_BURST", "20"),
        ];
        let suite = Suite::start(Backend::Sqlite, Layout::Apart, &limits).await;
        let (greedy, modest) = (suite.client("bureau/NB-FR"), suite.client("bureau/NB-ES"));
        let list = |client: &Client| {
            let mut intake = client.intake();
            async move { intake.list_referrals(ListReferralsRequest::default()).await }
        };
        let flood = {
            let greedy = greedy.clone();
            tokio::spawn(async move {
                let mut refusals = 0_usize;
                loop {
                    let answer = greedy
                        .intake()
                        .list_referrals(ListReferralsRequest::default())
                        .await;
                    if let Err(status) = answer {
                        assert_eq!(Failure::read(&status).reason(), Some(Reason::RateLimited));
                        refusals += 1;
                    }
                    if refusals == 500 {
                        return refusals;
                    }
                }
            })
        };
        over(
            eventually(PATIENCE, || async { list(&greedy).await.err() }).await,
            "party_rate",
            "bureau/NB-FR",
        );
        let began = Instant::now();
        for _ in 0..15 {
            list(&modest).await.unwrap();
        }
        assert!(began.elapsed() < PATIENCE / 2, "{:?}", began.elapsed());
        assert_eq!(flood.await.unwrap(), 500);
    });
}
