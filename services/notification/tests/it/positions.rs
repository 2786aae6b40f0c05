//! Positions have no gaps and become visible in order, whoever delivers at the same time.

use std::collections::HashMap;

use futures::future::join_all;
use liaison_proto::event::{Event, ReferralStep};
use liaison_proto::notification::Notification;
use liaison_testkit::both_backends;
use tokio::time::timeout;

use crate::fixture::{Fixture, PATIENCE, Sender, events, follow, positions, referral_changed};

const SENDERS: usize = 6;
const BATCHES: usize = 8;
const BATCH: usize = 12;
const BUREAUS: [&str; 3] = ["NB-FR", "NB-DE", "NB-ES"];

/// The batches of one sender: facts of its own subjects, in their order, for every bureau.
fn batches(sender: &Sender, number: usize) -> Vec<Vec<Event>> {
    let mut sequence = 0;
    (0..BATCHES)
        .map(|_| {
            (0..BATCH)
                .map(|at| {
                    sequence += 1;
                    let bureau = BUREAUS[(number + at) % BUREAUS.len()];
                    let data = referral_changed(bureau, ReferralStep::Admitted, false);
                    sender.event(&format!("referrals/{number}-{bureau}"), sequence, data)
                })
                .collect()
        })
        .collect()
}

/// Gapless, each event once, each subject in order.
fn check(notifications: &[Notification]) {
    let expected: Vec<i64> = (1..).take(notifications.len()).collect();
    assert_eq!(positions(notifications), expected);
    let mut last: HashMap<String, i64> = HashMap::new();
    for event in events(notifications) {
        let before = last
            .insert(event.subject.clone(), event.sequence)
            .unwrap_or(0);
        assert!(before < event.sequence, "{} goes back", event.subject);
    }
}

both_backends! {
    async fn concurrent_deliveries_leave_no_gap(database: TestDatabase) {
        let fixture = Fixture::new(database).await;
        let replica = fixture.replica().await;
        // A reader that follows meanwhile sees every position, in order: had one become visible
        // after a later one, it would be missing here.
        let mut reader = fixture.reader("bureau/NB-FR");
        let mut stream = follow(&mut reader, "").await;
        let total = SENDERS * BATCHES * BATCH / BUREAUS.len();
        let follower = tokio::spawn(async move {
            let mut seen = Vec::new();
            while seen.len() < total {
                let element = stream.message().await.unwrap().unwrap();
                seen.extend(element.notification);
            }
            seen
        });
        let senders = (0..SENDERS).map(|number| {
            let to = if number % 2 == 0 {
                fixture.service()
            } else {
                &replica
            };
            let mut sender = fixture.sender_to("intake", to);
            async move {
                for batch in batches(&sender, number) {
                    sender.accepted(batch).await;
                }
            }
        });
        join_all(senders).await;
        check(&timeout(PATIENCE, follower).await.unwrap().unwrap());
        for bureau in BUREAUS {
            let kept = fixture.kept(&format!("bureau/{bureau}")).await;
            assert_eq!(kept.len(), total, "{bureau}");
            check(&kept);
        }
    }
}
