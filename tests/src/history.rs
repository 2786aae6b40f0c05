//! What is left of a referral's life, and whether it is whole.

use liaison_custody::{Step, verify};
use liaison_grpc::wire;
use liaison_proto::event::ReferralStep;
use liaison_proto::event::event::Data;
use liaison_proto::intake::{GetReferralHistoryRequest, HistoryEntry};
use liaison_proto::notification::{ListNotificationsRequest, Notification};
use liaison_types::ReferralId;

use crate::client::Client;

/// The history of `referral` as `client` may see it, checked to be whole.
///
/// # Panics
/// Where it is refused or not whole.
pub async fn read(client: &Client, referral: &str) -> Vec<HistoryEntry> {
    let request = GetReferralHistoryRequest {
        name: referral.to_owned(),
    };
    let answer = client.intake().get_referral_history(request).await;
    let entries = answer
        .unwrap_or_else(|status| panic!("the history of {referral}: {status}"))
        .into_inner()
        .entries;
    check(referral, &entries);
    entries
}

/// Checks the chain of custody with nothing but the history, as a bureau can.
///
/// # Panics
/// Where a step is missing, repeated or altered.
pub fn check(referral: &str, entries: &[HistoryEntry]) {
    let id: ReferralId = wire::id(referral).unwrap_or_else(|| panic!("{referral} is no referral"));
    let steps = entries.iter().map(|entry| {
        let at = entry.at.as_ref().and_then(wire::instant);
        let actor = entry.actor.as_ref();
        let step = Step {
            referral: id,
            position: entry.position,
            at: at.unwrap_or_else(|| panic!("{referral}: step {} has no time", entry.position)),
            step: wire::name(entry.step()),
            state: wire::name(entry.state()),
            party: actor.map_or("", |actor| &actor.party),
            officer: actor.map_or("", |actor| &actor.officer),
            unit: &entry.unit,
            detail: &entry.detail,
            content: entry.content.as_slice().try_into().ok(),
        };
        let digest = entry.digest.as_slice().try_into();
        (
            step,
            digest.unwrap_or_else(|_| panic!("{referral}: a digest has 32 bytes")),
        )
    });
    verify(steps).unwrap_or_else(|broken| panic!("{referral}: {broken}: {entries:#?}"));
    assert_eq!(
        entries.first().map(HistoryEntry::step),
        Some(ReferralStep::Submitted),
        "{referral}"
    );
}

/// The steps in order.
#[must_use]
pub fn steps(entries: &[HistoryEntry]) -> Vec<ReferralStep> {
    entries.iter().map(HistoryEntry::step).collect()
}

/// How often `step` is among them.
#[must_use]
pub fn count(entries: &[HistoryEntry], step: ReferralStep) -> usize {
    entries.iter().filter(|entry| entry.step() == step).count()
}

/// Checks that `expected` happened in this order; other steps may stand between them.
///
/// # Panics
/// Where it did not.
#[track_caller]
pub fn in_order(entries: &[HistoryEntry], expected: &[ReferralStep]) {
    let mut rest = entries.iter();
    for step in expected {
        assert!(
            rest.any(|entry| entry.step() == *step),
            "no {step:?} in its place in {:?}",
            steps(entries)
        );
    }
}

/// All notifications of `client`, checked: positions without gaps, no event twice, each subject in
/// order.
///
/// # Panics
/// Where they are refused or not in order.
pub async fn notifications(client: &Client) -> Vec<Notification> {
    let mut all: Vec<Notification> = Vec::new();
    let mut cursor = String::new();
    loop {
        let request = ListNotificationsRequest {
            cursor: cursor.clone(),
            page_size: 1_000,
            include_exercises: true,
        };
        let page = client
            .notification()
            .list_notifications(request)
            .await
            .unwrap_or_else(|status| panic!("notifications of {}: {status}", client.party()))
            .into_inner();
        if page.notifications.is_empty() {
            break;
        }
        all.extend(page.notifications);
        cursor = page.cursor;
    }
    check_notifications(&all);
    all
}

fn check_notifications(all: &[Notification]) {
    let mut seen = std::collections::HashSet::new();
    let mut last = std::collections::HashMap::new();
    for (expected, notification) in (1_i64..).zip(all) {
        assert_eq!(notification.position, expected, "positions have no gaps");
        let event = notification
            .event
            .as_ref()
            .expect("a notification tells an event");
        assert!(seen.insert(&event.id), "event {} is told twice", event.id);
        if let Some(before) = last.insert(&event.subject, event.sequence) {
            assert!(
                before < event.sequence,
                "{} goes back to {}",
                event.subject,
                event.sequence
            );
        }
    }
}

/// Position and step of every step of `referral` that `notifications` tell.
#[must_use]
pub fn told(notifications: &[Notification], referral: &str) -> Vec<(i64, ReferralStep)> {
    notifications
        .iter()
        .filter_map(|notification| notification.event.as_ref())
        .filter_map(|event| match &event.data {
            Some(Data::ReferralChanged(changed)) if changed.referral == referral => {
                Some((event.sequence, changed.step()))
            }
            _ => None,
        })
        .collect()
}
