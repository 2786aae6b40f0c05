//! Who gets what, and who gets it next.

use std::sync::Arc;

use liaison_types::{Confidentiality, DecisionId, Markings, ReferralId, Timestamp, Tlp};
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::domain::assignment::tests::waiting;
use crate::domain::case::{Decision, Envelope};
use crate::domain::vocabulary::{ReferralKind, Urgency};
use AssignmentState as S;

const UNITS: [&str; 4] = [
    "children-trafficking",
    "cyber",
    "narcotics-organized-crime",
    "terrorism",
];

fn unit(name: &str) -> UnitCode {
    name.parse().unwrap()
}

fn case(lead: &str, supporting: &[&str], excluded: &[&str], tlp: Tlp) -> Case {
    let at = Timestamp::from_seconds(1_000);
    Case {
        envelope: Arc::new(Envelope {
            referral: ReferralId::from_uuid(Uuid::from_u128(1)),
            reference: "2026-FR-000001".into(),
            bureau: "NB-FR".into(),
            kind: ReferralKind::RequestForAssistance,
            urgency: Urgency::Routine,
            markings: Markings {
                tlp,
                excluded_units: excluded.iter().map(|name| unit(name)).collect(),
                ..Markings::default()
            },
            received_at: at,
            completion: None,
            exercise: false,
        }),
        decision: Decision {
            id: DecisionId::from_uuid(Uuid::from_u128(9)),
            revision: 1,
            lead: Some(unit(lead)),
            desk: Some("threat-response".parse().unwrap()),
            supporting: supporting.iter().map(|name| unit(name)).collect(),
            rules: vec!["code.0903".into()],
            by_person: false,
        },
        returned: None,
        created_at: at,
        updated_at: at,
    }
}

fn plan(case: &Case, assignments: &[&Assignment]) -> Plan {
    super::plan(&Policy::built_in(), case, assignments)
}

fn after_decline(
    case: &Case,
    assignments: &[&Assignment],
    declined: &Assignment,
    reason: DeclineReason,
) -> Next {
    super::after_decline(&Policy::built_in(), case, assignments, declined, reason).0
}

fn shares(plan: &Plan) -> Vec<(&str, Role)> {
    plan.create
        .iter()
        .map(|share| (share.unit.as_str(), share.role))
        .collect()
}

#[test]
fn one_leads_and_the_others_support() {
    let plan = plan(
        &case("cyber", &["terrorism", "cyber"], &[], Tlp::Amber),
        &[],
    );
    assert_eq!(
        shares(&plan),
        [("cyber", Role::Lead), ("terrorism", Role::Supporting)]
    );
    assert_eq!(
        plan.create[0].desk.as_ref().unwrap().as_str(),
        "threat-response"
    );
    assert_eq!(plan.create[1].desk, None);
    assert_eq!(plan.create[0].rules, ["code.0903", "route.permitted"]);
}

#[test]
fn who_may_not_lead_is_passed_over_and_red_has_no_supporters() {
    let passed = plan(&case("cyber", &["terrorism"], &["cyber"], Tlp::Amber), &[]);
    assert_eq!(shares(&passed), [("terrorism", Role::Lead)]);
    assert_eq!(passed.create[0].desk, None, "the desk is another unit's");
    let red = plan(&case("cyber", &["terrorism"], &[], Tlp::Red), &[]);
    assert_eq!(shares(&red), [("cyber", Role::Lead)]);
    let nobody = plan(
        &case("cyber", &["terrorism"], &["cyber", "terrorism"], Tlp::Amber),
        &[],
    );
    assert_eq!(nobody.give_back, Some(TriageCause::NotPermitted));
    assert!(nobody.create.is_empty());
}

#[test]
fn a_unit_whose_clearance_does_not_reach_is_passed_over() {
    let clearances = [
        ("unit/terrorism", Confidentiality::Confidential),
        ("unit/cyber", Confidentiality::OfficialUseOnly),
    ];
    let clearances = clearances.map(|(party, held)| (party.parse().unwrap(), held));
    let rules = liaison_policy::RuleSet::built_in().clone();
    let policy = Policy::new(rules, clearances.into_iter().collect());
    let supporting = ["terrorism", "children-trafficking"];
    let mut case = case("cyber", &supporting, &[], Tlp::Amber);
    let mut envelope = (*case.envelope).clone();
    envelope.markings.confidentiality = Confidentiality::Restricted;
    case.envelope = Arc::new(envelope);
    let plan = super::plan(&policy, &case, &[]);
    assert_eq!(shares(&plan), [("terrorism", Role::Lead)]);
    let refused: Vec<(&str, &str)> = plan
        .asked
        .iter()
        .filter(|asked| !asked.decided.is_allowed())
        .map(|asked| (asked.unit.as_str(), asked.decided.rule()))
        .collect();
    // The first as lead and as supporting unit.
    assert_eq!(
        refused,
        [
            ("cyber", "clearance.insufficient"),
            ("cyber", "clearance.insufficient"),
            ("children-trafficking", "clearance.unknown"),
        ]
    );
}

#[test]
fn a_later_decision_keeps_what_is_wanted_and_takes_back_the_rest() {
    let mut lead = waiting(1, "cyber", Role::Lead);
    lead.state = S::DeadLettered;
    let kept = waiting(2, "terrorism", Role::Supporting);
    let dropped = waiting(3, "children-trafficking", Role::Supporting);
    let mut committed = waiting(4, "narcotics-organized-crime", Role::Supporting);
    committed.state = S::Accepted;
    let all = [&lead, &kept, &dropped, &committed];
    let again = plan(&case("cyber", &["terrorism"], &[], Tlp::Amber), &all);
    assert_eq!(again.revoke, [dropped.id]);
    assert_eq!(shares(&again), [("cyber", Role::Lead)]);
    let promoted = plan(&case("terrorism", &["cyber"], &[], Tlp::Amber), &all);
    assert_eq!(promoted.promote, Some(kept.id));
    assert_eq!(shares(&promoted), [("cyber", Role::Supporting)]);
}

#[test]
fn what_is_nobodys_is_taken_back_from_whoever_has_not_accepted() {
    let mut none = case("cyber", &[], &[], Tlp::Amber);
    none.decision.lead = None;
    assert_eq!(
        plan(&none, &[]),
        Plan::default(),
        "people decided; it is not given back"
    );
    let lead = waiting(1, "cyber", Role::Lead);
    let supporting = waiting(2, "terrorism", Role::Supporting);
    let mut committed = waiting(3, "children-trafficking", Role::Supporting);
    committed.state = S::Accepted;
    let mut all = [lead, supporting, committed];
    let taken = plan(&none, &all.iter().collect::<Vec<_>>());
    let expected = Plan {
        revoke: vec![all[0].id, all[1].id],
        ..Plan::default()
    };
    assert_eq!(taken, expected);
    all[0].state = S::Accepted;
    let kept = plan(&none, &all.iter().collect::<Vec<_>>());
    assert_eq!(kept.revoke, [all[1].id]);
}

#[test]
fn an_accepted_lead_stays_and_a_completed_one_ends_it() {
    let mut lead = waiting(1, "cyber", Role::Lead);
    lead.state = S::Accepted;
    let other = case("terrorism", &[], &[], Tlp::Amber);
    assert_eq!(
        shares(&plan(&other, &[&lead])),
        [("terrorism", Role::Supporting)]
    );
    lead.state = S::Completed;
    assert_eq!(plan(&other, &[&lead]), Plan::default());
}

#[test]
fn a_lead_that_only_waits_gives_way_to_a_new_lead() {
    let lead = waiting(1, "cyber", Role::Lead);
    let other = plan(&case("terrorism", &["cyber"], &[], Tlp::Amber), &[&lead]);
    assert_eq!(other.revoke, [lead.id]);
    assert_eq!(
        shares(&other),
        [("terrorism", Role::Lead), ("cyber", Role::Supporting)]
    );
}

#[test]
fn after_a_decline_the_next_candidate_leads() {
    let case = case(
        "cyber",
        &["terrorism", "narcotics-organized-crime"],
        &[],
        Tlp::Amber,
    );
    let mut lead = waiting(1, "cyber", Role::Lead);
    lead.state = S::Declined;
    let busy = DeclineReason::NoCapacity;
    let mut second = waiting(2, "terrorism", Role::Supporting);
    let third = waiting(3, "narcotics-organized-crime", Role::Supporting);
    assert_eq!(
        after_decline(&case, &[&lead, &second, &third], &lead, busy),
        Next::Promote(second.id)
    );
    let wrong = after_decline(&case, &[&lead, &second], &lead, DeclineReason::WrongUnit);
    assert_eq!(wrong, Next::GiveBack(TriageCause::WrongUnit));
    second.state = S::Declined;
    assert_eq!(
        after_decline(&case, &[&lead, &second, &third], &second, busy),
        Next::Nothing
    );
    assert_eq!(
        after_decline(&case, &[&lead, &second, &third], &lead, busy),
        Next::Promote(third.id)
    );
    let mut silent = third.clone();
    silent.state = S::DeadLettered;
    assert_eq!(
        after_decline(&case, &[&lead, &second, &silent], &lead, busy),
        Next::GiveBack(TriageCause::Declined)
    );
}

#[test]
fn red_asks_the_next_one_anew_and_the_third_decline_is_the_last() {
    let red = case(
        "cyber",
        &[
            "terrorism",
            "narcotics-organized-crime",
            "children-trafficking",
        ],
        &[],
        Tlp::Red,
    );
    let busy = DeclineReason::ConflictOfInterest;
    let mut declined = Vec::new();
    for (number, name) in ["cyber", "terrorism", "narcotics-organized-crime"]
        .iter()
        .enumerate()
    {
        let mut lead = waiting(number as u128, name, Role::Lead);
        lead.state = S::Declined;
        declined.push(lead);
        let all: Vec<_> = declined.iter().collect();
        let next = after_decline(&red, &all, &declined[number], busy);
        if number < 2 {
            assert!(matches!(next, Next::Create(share) if share.role == Role::Lead));
        } else {
            assert_eq!(next, Next::GiveBack(TriageCause::Declined));
        }
    }
}

fn history() -> impl Strategy<Value = Vec<Assignment>> {
    let one = (
        prop::sample::select(&UNITS[..]),
        any::<bool>(),
        prop::sample::select(AssignmentState::ALL),
    );
    prop::collection::vec(one, 0..6).prop_map(|drawn| {
        let (mut units, mut led, mut made) = (Vec::new(), false, Vec::new());
        for (number, (name, lead, state)) in drawn.into_iter().enumerate() {
            // What the store guarantees: one open assignment a unit, one open lead.
            if state.is_open() && (units.contains(&name) || (lead && led)) {
                continue;
            }
            let role = if lead { Role::Lead } else { Role::Supporting };
            let mut assignment = waiting(number as u128, name, role);
            assignment.state = state;
            if state.is_open() {
                units.push(name);
                led |= lead;
            }
            made.push(assignment);
        }
        made
    })
}

proptest! {
    #[test]
    fn whatever_came_before_a_plan_leaves_one_lead_or_gives_the_case_back(
        history in history(),
        order in Just(UNITS.to_vec()).prop_shuffle(),
        named in 1_usize..=4,
        excluded in prop::sample::subsequence(UNITS.to_vec(), 0..=4),
        red: bool,
    ) {
        let case = case(order[0], &order[1..named], &excluded, if red { Tlp::Red } else { Tlp::Amber });
        let all: Vec<_> = history.iter().collect();
        let plan = plan(&case, &all);
        let completed = history.iter().any(|a| a.role == Role::Lead && a.state == S::Completed);
        let accepted_lead =
            history.iter().find(|a| a.role == Role::Lead && a.state.is_committed());
        // What is there afterwards.
        let mut after: Vec<(UnitCode, Role)> = Vec::new();
        for a in history.iter().filter(|a| a.state.is_open()) {
            if plan.revoke.contains(&a.id) {
                prop_assert!(!a.state.is_committed(), "a commitment is never taken back");
            } else {
                let role = if plan.promote == Some(a.id) { Role::Lead } else { a.role };
                after.push((a.unit.clone(), role));
            }
        }
        for share in &plan.create {
            prop_assert!(!case.envelope.markings.excluded_units.contains(&share.unit));
            let declined = history.iter().any(|a| a.unit == share.unit && a.state == S::Declined);
            prop_assert!(!declined, "who declined is not asked again");
            prop_assert!(!red || share.role == Role::Lead);
            after.push((share.unit.clone(), share.role));
        }
        if completed {
            prop_assert_eq!(plan, Plan::default());
            return Ok(());
        }
        let leads = after.iter().filter(|(_, role)| *role == Role::Lead).count();
        prop_assert_eq!(leads, usize::from(plan.give_back.is_none()));
        prop_assert!(accepted_lead.is_none() || plan.give_back.is_none());
        for (index, (unit, _)) in after.iter().enumerate() {
            prop_assert!(after[index + 1..].iter().all(|(other, _)| other != unit), "{unit} twice");
        }
    }
}
