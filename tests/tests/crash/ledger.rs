//! What the parties were told, and whether it is so.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use e2e::{PATIENCE, Suite, eventually, history, unit};
use futures::StreamExt as _;
use futures::stream;
use liaison_proto::common::{AssignmentRole, AssignmentState, ReferralState};
use liaison_proto::event::ReferralStep;
use liaison_proto::intake::{Dossier, Referral};
use liaison_proto::routing::Assignment;

/// The bureau that submits.
pub(crate) const BUREAU: &str = "bureau/NB-FR";

/// A submission, by its request id.
#[derive(Clone, Debug)]
struct Submission {
    dossier: Dossier,
    units: Units,
    /// The referral, once it was acknowledged.
    referral: Option<String>,
}

/// Which units a dossier goes to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Units {
    pub(crate) lead: &'static str,
    pub(crate) supporting: &'static [&'static str],
}

#[derive(Debug, Default)]
struct Entries {
    submissions: BTreeMap<String, Submission>,
    /// Assignments whose acceptance was acknowledged.
    accepted: BTreeSet<String>,
}

/// What the parties remember. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger(Arc<Mutex<Entries>>);

impl Ledger {
    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Somebody is about to submit.
    pub(crate) fn submits(&self, request_id: &str, dossier: Dossier, units: Units) {
        let submission = Submission {
            dossier,
            units,
            referral: None,
        };
        self.entries()
            .submissions
            .insert(request_id.to_owned(), submission);
    }

    /// A submission was acknowledged.
    pub(crate) fn acknowledge(&self, request_id: &str, referral: &Referral) {
        let mut entries = self.entries();
        let submission = entries.submissions.get_mut(request_id).unwrap();
        let name = referral.name.clone();
        let before = submission.referral.get_or_insert_with(|| name.clone());
        assert_eq!(
            *before, name,
            "{request_id} is acknowledged as two referrals"
        );
    }

    /// An acceptance was acknowledged.
    pub(crate) fn accepted(&self, assignment: &str) {
        let first = self.entries().accepted.insert(assignment.to_owned());
        assert!(first, "{assignment} was accepted twice");
    }

    /// How many submissions were acknowledged.
    pub(crate) fn acknowledged(&self) -> usize {
        self.entries()
            .submissions
            .values()
            .filter(|sent| sent.referral.is_some())
            .count()
    }

    /// One line about it.
    pub(crate) fn told(&self) -> String {
        let sent = self.entries().submissions.len();
        let accepted = self.entries().accepted.len();
        format!(
            "{sent} sent, {} acknowledged, {accepted} accepted",
            self.acknowledged()
        )
    }

    /// Repeats what was never acknowledged, as its sender does, and waits until all that was
    /// submitted is with its unit and no event waits anywhere.
    pub(crate) async fn settle(&self, suite: &Suite) {
        let bureau = suite.client(BUREAU);
        let open: Vec<(String, Dossier)> = self
            .entries()
            .submissions
            .iter()
            .filter(|(_, sent)| sent.referral.is_none())
            .map(|(id, sent)| (id.clone(), sent.dossier.clone()))
            .collect();
        for (id, dossier) in open {
            let referral = bureau.submit_as(id.clone(), dossier).await.unwrap();
            self.acknowledge(&id, &referral);
        }
        // The periodic scans bring on whatever a crash left lying; leases of the dead run out.
        let expected = self.acknowledged();
        let desk = suite.client("desk/triage");
        eventually(PATIENCE * 2, || async {
            leads(&unit::assignments(&desk, &[]).await).len() == expected
        })
        .await;
        suite.drained().await;
    }

    /// Checks everything that was acknowledged.
    pub(crate) async fn check(&self, suite: &Suite) {
        let (submissions, accepted) = {
            let entries = self.entries();
            (entries.submissions.clone(), entries.accepted.clone())
        };
        let assignments = unit::assignments(&suite.client("desk/triage"), &[]).await;
        let leads = leads(&assignments);
        let mut supporting: HashMap<&str, Vec<&str>> = HashMap::new();
        for share in &assignments {
            if share.role() == AssignmentRole::Supporting {
                let units = supporting.entry(share.referral.as_str()).or_default();
                units.push(share.unit.as_str());
            }
        }
        let states: HashMap<&str, AssignmentState> = assignments
            .iter()
            .map(|share| (share.name.as_str(), share.state()))
            .collect();
        for name in &accepted {
            assert_eq!(
                states.get(name.as_str()),
                Some(&AssignmentState::Accepted),
                "{name}"
            );
        }
        let bureau = suite.client(BUREAU);
        let told = history::notifications(&bureau).await;
        let mut told_of: HashMap<&str, usize> = HashMap::new();
        for event in told.iter().filter_map(|told| told.event.as_ref()) {
            *told_of.entry(event.subject.as_str()).or_default() += 1;
        }
        let checks = submissions.values().map(|sent| {
            let (bureau, leads, states, told_of) = (&bureau, &leads, &states, &told_of);
            let supporting = &supporting;
            async move {
                let name = sent.referral.as_deref().unwrap();
                let referral = bureau.referral(name).await.unwrap();
                let lead = leads
                    .get(name)
                    .unwrap_or_else(|| panic!("{name} has no lead"));
                assert_eq!(
                    lead.as_slice().len(),
                    1,
                    "{name} has several leads: {lead:?}"
                );
                assert_eq!(referral.lead_unit, sent.units.lead, "{name}");
                let shares = supporting.get(name).cloned().unwrap_or_default();
                assert_eq!(shares, sent.units.supporting, "{name}");
                assert_eq!(referral.supporting_units, shares, "{name}");
                let expected = match states[lead[0].as_str()] {
                    AssignmentState::Accepted => ReferralState::Accepted,
                    _ => ReferralState::Routed,
                };
                assert_eq!(referral.state(), expected, "{name}");
                let entries = history::read(bureau, name).await;
                for step in [
                    ReferralStep::Submitted,
                    ReferralStep::Admitted,
                    ReferralStep::Classified,
                    ReferralStep::Routed,
                ] {
                    assert_eq!(
                        history::count(&entries, step),
                        1,
                        "{name}: {:?}",
                        history::steps(&entries)
                    );
                }
                assert_eq!(
                    told_of.get(name),
                    Some(&entries.len()),
                    "{name}: each step is told once"
                );
                assert_eq!(
                    e2e::unit::open(bureau, name).await.unwrap(),
                    sent.dossier,
                    "{name}"
                );
            }
        });
        stream::iter(checks)
            .buffer_unordered(16)
            .collect::<Vec<()>>()
            .await;
        let referrals = suite.databases().count("intake", "referral").await;
        assert_eq!(
            usize::try_from(referrals).unwrap(),
            submissions.len(),
            "no referral nobody sent"
        );
    }

    /// Lets the units take everything that waits for them: what is queued is handed out, once, whatever
    /// its role. What those had pulled whom the crashes took stays under their leases.
    pub(crate) async fn hand_out(&self, suite: &Suite) {
        let desk = suite.client("desk/triage");
        let mut waiting: BTreeMap<String, Assignment> = unit::assignments(&desk, &[])
            .await
            .into_iter()
            .filter(|share| {
                matches!(
                    share.state(),
                    AssignmentState::Queued | AssignmentState::Leased
                )
            })
            .map(|share| (share.name.clone(), share))
            .collect();
        let (mut leads, mut supporting) = (0, 0);
        for name in unit::UNITS {
            let client = suite.client(&format!("unit/{name}"));
            loop {
                let pulled = unit::pull(&client, 100, 0).await.unwrap();
                if pulled.is_empty() {
                    break;
                }
                for (share, _) in pulled {
                    assert_eq!(share.unit, name, "{} is another unit's", share.name);
                    let known = waiting.remove(&share.name);
                    assert!(known.is_some(), "{} is handed out twice", share.name);
                    match share.role() {
                        AssignmentRole::Lead => leads += 1,
                        _ => supporting += 1,
                    }
                }
            }
        }
        waiting.retain(|_, share| share.state() == AssignmentState::Queued);
        assert!(waiting.is_empty(), "nobody can pull these: {waiting:?}");
        println!("waiting in the end, and handed out: {leads} leads, {supporting} supporting");
    }
}

/// The lead assignments of each referral, whatever became of them.
fn leads(assignments: &[Assignment]) -> HashMap<String, Vec<String>> {
    let mut leads: HashMap<String, Vec<String>> = HashMap::new();
    for share in assignments
        .iter()
        .filter(|share| share.role() == AssignmentRole::Lead)
    {
        leads
            .entry(share.referral.clone())
            .or_default()
            .push(share.name.clone());
    }
    leads
}
