//! Streams of notifications: everybody hears of their own, in numbers that count nothing else.

use std::collections::{BTreeMap, BTreeSet};

use e2e::{Client, PATIENCE, Suite, dossier, history, unit};
use liaison_proto::common::{DeclineReason, Outcome};
use liaison_proto::event::event::Data;
use liaison_proto::event::{AssignmentStep, Event};
use liaison_proto::notification::{
    Notification, StreamNotificationsRequest, StreamNotificationsResponse,
};
use tokio::time::timeout;
use tonic::Streaming;

async fn stream(client: &Client) -> Streaming<StreamNotificationsResponse> {
    let request = StreamNotificationsRequest {
        include_exercises: true,
        ..StreamNotificationsRequest::default()
    };
    let answer = client.notification().stream_notifications(request).await;
    answer.unwrap().into_inner()
}

/// The next notification; heartbeats before it only say where the stream stands.
async fn next(stream: &mut Streaming<StreamNotificationsResponse>) -> Notification {
    let next = async {
        loop {
            let element = stream.message().await.unwrap().unwrap();
            if let Some(notification) = element.notification {
                return notification;
            }
        }
    };
    timeout(PATIENCE, next).await.unwrap()
}

fn event(notification: Notification) -> Event {
    notification.event.unwrap()
}

/// Sequences by subject.
fn sequences(told: Vec<Notification>) -> BTreeMap<String, Vec<i64>> {
    let mut sequences: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for event in told.into_iter().map(event) {
        sequences
            .entry(event.subject)
            .or_default()
            .push(event.sequence);
    }
    sequences
}

/// Two bureaus and two units at once, each referral worked to its end.
async fn traffic(suite: &Suite) -> [(Client, Vec<String>); 2] {
    let submit = async |party: &str| {
        let bureau = suite.client(party);
        let mut names = Vec::new();
        for sent in [
            dossier::plain(),
            dossier::coded("09062", &[]),
            dossier::flagged(),
            dossier::unclear(),
        ] {
            names.push(bureau.submit(sent).await.unwrap().name);
        }
        (bureau, names)
    };
    let (french, german) = tokio::join!(submit("bureau/NB-FR"), submit("bureau/NB-DE"));
    let work = async |party: &str| {
        let unit = suite.client(party);
        for _ in 0..2 {
            let (share, token) = unit::pull_one(&unit).await;
            unit::open(&unit, &share.referral).await.unwrap();
            unit::accept(&unit, &share.name, &token).await.unwrap();
            unit::work(&unit, &share.name).await.unwrap();
            unit::complete(&unit, &share.name, Outcome::NoTrace)
                .await
                .unwrap();
        }
    };
    tokio::join!(work("unit/cyber"), work("unit/terrorism"));
    suite.drained().await;
    [french, german]
}

e2e::both_backends! {
    async fn numbers_count_nothing_of_others(backend: Backend) {
        let suite = Suite::up(backend).await;
        for (bureau, own) in traffic(&suite).await {
            // Positions without gaps are checked on the way.
            let told = history::notifications(&bureau).await;
            let subjects: BTreeSet<String> = told.iter().cloned().map(event).map(|event| event.subject).collect();
            assert_eq!(subjects, own.iter().cloned().collect(), "{}", bureau.party());
            for (subject, sequences) in sequences(told) {
                let steps = i64::try_from(sequences.len()).unwrap();
                assert_eq!(sequences, (1..=steps).collect::<Vec<_>>(), "{subject}");
            }
        }
        for party in ["unit/cyber", "unit/terrorism"] {
            let unit = suite.client(party);
            let own: BTreeSet<String> =
                unit::assignments(&unit, &[]).await.into_iter().map(|share| share.name).collect();
            assert_eq!(own.len(), 2);
            for told in history::notifications(&unit).await.into_iter().map(event) {
                let (of, share) = match told.data.unwrap() {
                    Data::AssignmentChanged(changed) => (changed.unit, changed.assignment),
                    Data::TaskChanged(changed) => (changed.unit, changed.assignment),
                    other => panic!("{party} is told {other:?}"),
                };
                assert_eq!(format!("unit/{of}"), party);
                assert!(own.contains(&share), "{party} is told of {share}");
                assert_eq!(told.traceparent, "", "traces stay inside");
            }
        }
    }

    async fn a_stream_carries_nothing_of_others(backend: Backend) {
        let suite = Suite::up(backend).await;
        let (bureau, cyber) = (suite.client("bureau/NB-FR"), suite.client("unit/cyber"));
        let sub_bureau = suite.client("bureau/NB-FR-LYON");
        let terrorism = suite.client("unit/terrorism");
        let desk = suite.client("desk/triage");
        let mut of_sub_bureau = stream(&sub_bureau).await;
        let mut of_terrorism = stream(&terrorism).await;
        let mut of_desk = stream(&desk).await;
        // Nothing of this is theirs: it is another bureau's and another unit's, and it comes to its end.
        bureau.submit(dossier::flagged()).await.unwrap();
        bureau.submit(dossier::plain()).await.unwrap();
        let (share, token) = unit::pull_one(&cyber).await;
        unit::accept(&cyber, &share.name, &token).await.unwrap();
        unit::work(&cyber, &share.name).await.unwrap();
        unit::complete(&cyber, &share.name, Outcome::NoTrace).await.unwrap();
        suite.drained().await;
        // The first that each hears is its own, and the first that was ever counted.
        let own = sub_bureau.submit(dossier::coded("09062", &[])).await.unwrap();
        let told = next(&mut of_sub_bureau).await;
        assert_eq!((told.position, event(told).subject), (1, own.name.clone()));
        let told = next(&mut of_terrorism).await;
        assert_eq!(told.position, 1);
        let Some(Data::AssignmentChanged(changed)) = event(told).data else {
            panic!("terrorism is told of something else");
        };
        assert_eq!((changed.step(), changed.referral), (AssignmentStep::Queued, own.name));
        let unclear = sub_bureau.submit(dossier::unclear()).await.unwrap();
        let told = next(&mut of_desk).await;
        assert_eq!((told.position, event(told).subject), (1, unclear.name));
    }

    async fn a_unit_hears_from_the_grant_to_its_own_last_step(backend: Backend) {
        let suite = Suite::up(backend).await;
        let bureau = suite.client("bureau/NB-FR");
        let (cyber, desk) = (suite.client("unit/cyber"), suite.client("desk/triage").officer("t.duty"));
        let referral = bureau.submit(dossier::plain()).await.unwrap();
        let (share, token) = unit::pull_one(&cyber).await;
        unit::decline(&cyber, &share.name, &token, DeclineReason::WrongUnit).await.unwrap();
        suite.drained().await;
        let steps = async || {
            let told = history::notifications(&cyber).await.into_iter().map(event);
            let steps = told.map(|event| match event.data {
                Some(Data::AssignmentChanged(changed)) => changed.step(),
                other => panic!("cyber is told {other:?}"),
            });
            steps.collect::<Vec<_>>()
        };
        let own = [AssignmentStep::Queued, AssignmentStep::Leased, AssignmentStep::Declined];
        assert_eq!(steps().await, own);
        let item = referral.name.replace("referrals/", "triageItems/");
        let ruling = crate::world::ruling(item, "terrorism");
        desk.classification().decide_triage(ruling).await.unwrap();
        let terrorism = suite.client("unit/terrorism");
        let (share, token) = unit::pull_one(&terrorism).await;
        unit::accept(&terrorism, &share.name, &token).await.unwrap();
        unit::complete(&terrorism, &share.name, Outcome::NoTrace).await.unwrap();
        suite.drained().await;
        assert_eq!(steps().await, own);
    }
}
