//! Streams: what is kept, then what comes, at once, until the service stops.

use std::time::{Duration, Instant};

use liaison_grpc::Failure;
use liaison_proto::event::ReferralStep;
use liaison_proto::notification::notification_service_client::NotificationServiceClient;
use liaison_runtime::Outcome;
use liaison_testkit::both_backends;
use liaison_types::Reason;
use tokio::time::timeout;
use tonic::Code;

use crate::fixture::{Fixture, PATIENCE, follow, next, next_position, referral_changed};

/// So long that whatever comes sooner was woken.
const SLOW_SCAN: &[(&str, &str)] = &[("scan_interval", "1m"), ("heartbeat", "5m")];

both_backends! {
    async fn what_comes_is_told_at_once(database: TestDatabase) {
        let fixture = Fixture::with(database, SLOW_SCAN).await;
        let mut intake = fixture.sender("intake");
        intake.tell("NB-FR", 1).await;
        let mut reader = fixture.reader("bureau/NB-FR");
        let mut stream = follow(&mut reader, "").await;
        assert_eq!(next_position(&mut stream).await, 1);
        for position in 2..12 {
            let data = referral_changed("NB-FR", ReferralStep::Routed, false);
            let event = intake.event("referrals/1", position, data);
            let begun = Instant::now();
            intake.accepted(vec![event]).await;
            assert_eq!(next_position(&mut stream).await, position);
            assert!(
                begun.elapsed() < Duration::from_secs(10),
                "not before the next scan"
            );
        }
    }

    async fn a_silent_stream_says_where_it_stands(database: TestDatabase) {
        let fixture = Fixture::with(database, &[("heartbeat", "1s")]).await;
        let mut intake = fixture.sender("intake");
        intake.tell("NB-FR", 3).await;
        let mut reader = fixture.reader("bureau/NB-FR");
        let mut stream = follow(&mut reader, "").await;
        for _ in 0..3 {
            assert!(next(&mut stream).await.notification.is_some());
        }
        let heartbeat = next(&mut stream).await;
        assert!(heartbeat.notification.is_none());
        let data = referral_changed("NB-FR", ReferralStep::Routed, false);
        intake
            .accepted(vec![intake.event("referrals/1", 2, data)])
            .await;
        // Its cursor is as good as any other.
        let mut resumed = follow(&mut reader, heartbeat.cursor).await;
        assert_eq!(next_position(&mut resumed).await, 4);
    }

    async fn a_stream_ends_unavailable_when_the_service_stops(database: TestDatabase) {
        let fixture = Fixture::new(database).await;
        let mut intake = fixture.sender("intake");
        intake.tell("NB-FR", 1).await;
        let mut reader = fixture.reader("bureau/NB-FR");
        let mut stream = follow(&mut reader, "").await;
        let cursor = next(&mut stream).await.cursor;
        fixture.service().lifecycle().stop();
        let end = timeout(PATIENCE, stream.message())
            .await
            .expect("it ends")
            .unwrap_err();
        let failure = Failure::read(&end);
        assert_eq!(
            (failure.code, failure.reason()),
            (Code::Unavailable, Some(Reason::Unavailable))
        );
        assert_eq!(
            timeout(PATIENCE, fixture.service().ended()).await.unwrap(),
            Outcome::Clean
        );
        // The reader goes on elsewhere, from where it was.
        let replica = fixture.replica().await;
        let mut intake = fixture.sender_to("intake", &replica);
        let data = referral_changed("NB-FR", ReferralStep::Routed, false);
        intake
            .accepted(vec![intake.event("referrals/1", 2, data)])
            .await;
        let channel = fixture.channel("bureau/NB-FR", &replica);
        let mut reader = NotificationServiceClient::new(channel);
        let mut stream = follow(&mut reader, cursor).await;
        assert_eq!(next_position(&mut stream).await, 2);
    }

    async fn a_slow_reader_misses_nothing(database: TestDatabase) {
        let fixture = Fixture::new(database).await;
        let mut reader = fixture.reader("bureau/NB-FR");
        let mut stream = follow(&mut reader, "").await;
        // Far more than is read ahead, before the reader reads at all.
        let mut intake = fixture.sender("intake");
        for _ in 0..10 {
            intake.tell("NB-FR", 200).await;
        }
        for position in 1..=2_000 {
            assert_eq!(next_position(&mut stream).await, position);
        }
    }
}
