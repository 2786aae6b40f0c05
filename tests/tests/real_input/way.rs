//! The way of every text, and what must be left of it.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use e2e::{Client, PATIENCE, Suite, history, unit};
use futures::StreamExt as _;
use futures::stream;
use liaison_proto::classification::ListTriageItemsRequest;
use liaison_proto::common::{AssignmentRole, ReferralState};
use liaison_proto::event::ReferralStep;
use tokio::time::Instant;

use crate::cases::Cases;

/// How many calls are made at once.
const AT_ONCE: usize = 32;

/// Where a referral came to its end.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Placed {
    /// This unit leads it.
    Unit(String),
    /// People decide.
    Triage,
}

/// Submits all of them; the referrals' names in the same order.
pub(crate) async fn submit(suite: &Suite, cases: &Cases) -> Vec<String> {
    let bureau = suite.client("bureau/NB-FR");
    let submitted = cases.all.iter().map(|case| {
        let bureau = &bureau;
        async move {
            let submitted = bureau.submit(case.dossier()).await;
            submitted
                .unwrap_or_else(|status| {
                    panic!("{}: {:?}", case.id, liaison_grpc::Failure::read(&status))
                })
                .name
        }
    });
    let referrals: Vec<String> = stream::iter(submitted).buffered(AT_ONCE).collect().await;
    assert_eq!(
        referrals.iter().collect::<HashSet<_>>().len(),
        cases.all.len()
    );
    referrals
}

/// Lets every unit pull and accept until each referral is with a unit or at the desk.
pub(crate) async fn pull(suite: &Suite, referrals: &[String]) -> HashMap<String, Placed> {
    let desk = suite.client("desk/triage");
    let units: Vec<Client> = unit::UNITS
        .iter()
        .map(|name| suite.client(&format!("unit/{name}")))
        .collect();
    let mut placed: HashMap<String, Placed> = HashMap::new();
    let mut quiet_until = Instant::now() + PATIENCE;
    let mut waiting = HashSet::new();
    while placed.len() + waiting.len() < referrals.len() {
        assert!(
            Instant::now() < quiet_until,
            "{} of {} referrals never came to an end",
            referrals.len() - placed.len() - waiting.len(),
            referrals.len()
        );
        let before = placed.len() + waiting.len();
        for unit in &units {
            take_all(unit, &mut placed).await;
        }
        waiting = at_the_desk(&desk).await;
        if placed.len() + waiting.len() > before {
            quiet_until = Instant::now() + PATIENCE;
        } else {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    suite.drained().await;
    for referral in waiting {
        let before = placed.insert(referral.clone(), Placed::Triage);
        assert_eq!(before, None, "{referral} is with a unit and at the desk");
    }
    placed
}

async fn take_all(unit: &Client, placed: &mut HashMap<String, Placed>) {
    loop {
        let pulled = unit::pull(unit, 100, 0).await.unwrap();
        if pulled.is_empty() {
            return;
        }
        let accepted = pulled.into_iter().map(|(assignment, token)| async move {
            unit::accept(unit, &assignment.name, &token).await.unwrap()
        });
        let accepted: Vec<_> = stream::iter(accepted)
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        for assignment in accepted {
            if assignment.role() == AssignmentRole::Lead {
                let lead = Placed::Unit(assignment.unit);
                let before = placed.insert(assignment.referral.clone(), lead);
                assert_eq!(before, None, "{} has two leads", assignment.referral);
            }
        }
    }
}

/// The referrals that wait at the desk.
async fn at_the_desk(desk: &Client) -> HashSet<String> {
    let mut waiting = HashSet::new();
    let mut page_token = String::new();
    loop {
        let request = ListTriageItemsRequest {
            page_size: 500,
            page_token,
            include_exercises: true,
        };
        let page = desk
            .classification()
            .list_triage_items(request)
            .await
            .unwrap()
            .into_inner();
        for item in page.items {
            assert!(
                waiting.insert(item.referral.clone()),
                "{} waits twice",
                item.referral
            );
        }
        if page.next_page_token.is_empty() {
            return waiting;
        }
        page_token = page.next_page_token;
    }
}

/// Checks that nothing is missing and nothing is there twice.
pub(crate) async fn check(suite: &Suite, referrals: &[String], placed: &HashMap<String, Placed>) {
    assert_eq!(placed.len(), referrals.len());
    let bureau = suite.client("bureau/NB-FR");
    let told = history::notifications(&bureau).await;
    let mut told_of: HashMap<&str, usize> = HashMap::new();
    for event in told.iter().filter_map(|told| told.event.as_ref()) {
        *told_of.entry(event.subject.as_str()).or_default() += 1;
    }
    let mut leads: HashMap<String, usize> = HashMap::new();
    for share in unit::assignments(&suite.client("desk/triage"), &[]).await {
        if share.role() == AssignmentRole::Lead {
            *leads.entry(share.referral).or_default() += 1;
        }
    }
    let checks = referrals.iter().map(|name| {
        let (bureau, told_of, leads) = (&bureau, &told_of, &leads);
        async move {
            let referral = bureau.referral(name).await.unwrap();
            let entries = history::read(bureau, name).await;
            let steps = history::steps(&entries);
            let (state, lead, expected): (_, _, &[ReferralStep]) = match &placed[name] {
                Placed::Unit(unit) => (
                    ReferralState::Accepted,
                    unit.as_str(),
                    &[
                        ReferralStep::Classified,
                        ReferralStep::Routed,
                        ReferralStep::Accepted,
                    ],
                ),
                Placed::Triage => (
                    ReferralState::Admitted,
                    "",
                    &[ReferralStep::TriageRequested],
                ),
            };
            assert_eq!(
                (referral.state(), referral.lead_unit.as_str()),
                (state, lead),
                "{name} {steps:?}"
            );
            assert_eq!(
                leads.get(name).copied().unwrap_or(0),
                usize::from(!lead.is_empty()),
                "{name}"
            );
            for step in [&[ReferralStep::Submitted, ReferralStep::Admitted], expected].concat() {
                let supporting = referral.supporting_units.len();
                let count = history::count(&entries, step);
                let most = if step == ReferralStep::Accepted {
                    1 + supporting
                } else {
                    1
                };
                assert_eq!(count, most, "{name}: {step:?} in {steps:?}");
            }
            assert_eq!(
                told_of.get(name.as_str()),
                Some(&entries.len()),
                "{name}: each step is told once"
            );
        }
    });
    stream::iter(checks)
        .buffer_unordered(AT_ONCE)
        .collect::<Vec<()>>()
        .await;
}
