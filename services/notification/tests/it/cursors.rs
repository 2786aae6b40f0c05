//! Reading on from where one was.

use liaison_grpc::Failure;
use liaison_proto::event::ReferralStep;
use liaison_proto::notification::StreamNotificationsRequest;
use liaison_testkit::both_backends;
use liaison_types::Reason;
use tonic::Code;

use crate::fixture::{Fixture, follow, list, next, next_position, positions, referral_changed};

both_backends! {
    async fn pages_follow_each_other_without_loss(database: TestDatabase) {
        let fixture = Fixture::new(database).await;
        let mut intake = fixture.sender("intake");
        intake.tell("NB-FR", 10).await;
        let mut reader = fixture.reader("bureau/NB-FR");
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = list(&mut reader, &cursor, 3, false).await.unwrap();
            assert!(page.notifications.len() <= 3);
            if page.notifications.is_empty() {
                assert_eq!(
                    page.cursor, cursor,
                    "there is nothing more: the same place again"
                );
                break;
            }
            seen.extend(positions(&page.notifications));
            cursor = page.cursor;
        }
        assert_eq!(seen, (1..=10).collect::<Vec<i64>>());
        // What comes later is found from the same place.
        let later = intake.event(
            "referrals/x",
            1,
            referral_changed("NB-FR", ReferralStep::Routed, false),
        );
        intake.accepted(vec![later]).await;
        let page = list(&mut reader, &cursor, 3, false).await.unwrap();
        assert_eq!(positions(&page.notifications), [11]);
    }

    async fn a_stream_resumes_after_its_cursor(database: TestDatabase) {
        let fixture = Fixture::new(database).await;
        let mut intake = fixture.sender("intake");
        intake.tell("NB-FR", 5).await;
        let mut reader = fixture.reader("bureau/NB-FR");
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        // As if the connection broke after each element.
        for _ in 0..5 {
            let mut stream = follow(&mut reader, cursor).await;
            let element = next(&mut stream).await;
            seen.push(element.notification.unwrap().position);
            cursor = element.cursor;
        }
        assert_eq!(seen, [1, 2, 3, 4, 5]);
    }

    async fn a_foreign_or_damaged_cursor_is_refused(database: TestDatabase) {
        let fixture = Fixture::new(database).await;
        let mut intake = fixture.sender("intake");
        intake.tell("NB-FR", 2).await;
        let mut reader = fixture.reader("bureau/NB-FR");
        let good = list(&mut reader, "", 1, false).await.unwrap().cursor;
        let mut damaged = good.clone();
        damaged.pop();
        for (party, cursor) in [
            ("bureau/NB-DE", good.as_str()),
            ("unit/cyber", &good),
            ("bureau/NB-FR", &damaged),
            ("bureau/NB-FR", "x"),
            ("bureau/NB-FR", "مؤشر"),
            ("bureau/NB-FR", &"A".repeat(10_000)),
        ] {
            let mut reader = fixture.reader(party);
            let listed = list(&mut reader, cursor, 0, false).await.unwrap_err();
            let request = StreamNotificationsRequest {
                cursor: cursor.to_owned(),
                include_exercises: false,
            };
            let streamed = reader.stream_notifications(request).await.unwrap_err();
            for status in [listed, streamed] {
                let failure = Failure::read(&status);
                assert_eq!(failure.code, Code::InvalidArgument, "{party} {cursor}");
                assert_eq!(
                    failure.reason(),
                    Some(Reason::CursorInvalid),
                    "{party} {cursor}"
                );
                assert_eq!(failure.violations[0].0, "cursor");
            }
        }
    }

    async fn training_traffic_is_shown_to_those_who_ask(database: TestDatabase) {
        let fixture = Fixture::new(database).await;
        let mut intake = fixture.sender("intake");
        for (at, exercise) in (1..).zip([false, true, true, false]) {
            let data = referral_changed("NB-FR", ReferralStep::Admitted, exercise);
            intake
                .accepted(vec![intake.event("referrals/1", at, data)])
                .await;
        }
        let mut reader = fixture.reader("bureau/NB-FR");
        // Positions stay what they are: they count the recipient's notifications, not the page's.
        let real = list(&mut reader, "", 0, false).await.unwrap();
        assert_eq!(positions(&real.notifications), [1, 4]);
        let all = list(&mut reader, "", 0, true).await.unwrap();
        assert_eq!(positions(&all.notifications), [1, 2, 3, 4]);
        let mut stream = follow(&mut reader, "").await;
        for expected in [1, 4] {
            assert_eq!(next_position(&mut stream).await, expected);
        }
    }

    async fn page_sizes_are_bounded(database: TestDatabase) {
        let fixture = Fixture::new(database).await;
        let mut intake = fixture.sender("intake");
        for _ in 0..5 {
            intake.tell("NB-FR", 250).await;
        }
        let mut reader = fixture.reader("bureau/NB-FR");
        for (asked, got) in [(0, 100), (7, 7), (1_000, 1_000), (i32::MAX, 1_000)] {
            let page = list(&mut reader, "", asked, false).await.unwrap();
            assert_eq!(page.notifications.len(), got, "{asked}");
        }
        let failure = Failure::read(&list(&mut reader, "", -1, false).await.unwrap_err());
        assert_eq!(failure.reason(), Some(Reason::InvalidArgument));
        assert_eq!(failure.violations[0].0, "page_size");
    }
}
