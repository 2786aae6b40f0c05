//! Who gets a case, and who gets it next. Every question about markings and exclusions is put to the
//! policy; what is decided here is only the order of the candidates.

use liaison_policy::{Decided, Policy, RouteFacts};
use liaison_types::{AssignmentId, DeskCode, Party, UnitCode};

use crate::domain::assignment::Assignment;
use crate::domain::assignment_state::AssignmentState;
use crate::domain::case::Case;
use crate::domain::vocabulary::{DeclineReason, Role, TriageCause};

/// After this many declines of lead units the duty desk decides.
pub const MAX_LEAD_DECLINES: usize = 3;

/// A share of a case that is to be created.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Share {
    /// The unit.
    pub unit: UnitCode,
    /// Its desk, where the decision names one.
    pub desk: Option<DeskCode>,
    /// Its part.
    pub role: Role,
    /// The rules that sent it there: those of the decision and those of the policy.
    pub rules: Vec<String>,
}

/// What policy said of a unit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Asked {
    /// The unit.
    pub unit: UnitCode,
    /// The part it would have.
    pub role: Role,
    /// Whether it may have it, by which rules.
    pub decided: Decided,
}

/// What a decision asks for, against what exists.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Plan {
    /// Assignments that the hub takes back.
    pub revoke: Vec<AssignmentId>,
    /// The supporting assignment whose unit leads from now on.
    pub promote: Option<AssignmentId>,
    /// Assignments to create.
    pub create: Vec<Share>,
    /// The case goes back to the duty desk instead: nobody may lead.
    pub give_back: Option<TriageCause>,
    /// What policy was asked for it.
    pub asked: Vec<Asked>,
}

/// What follows when a unit declined.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Next {
    /// Nothing: somebody else leads.
    Nothing,
    /// This supporting assignment's unit leads from now on.
    Promote(AssignmentId),
    /// This unit is asked to lead.
    Create(Share),
    /// The case goes back to the duty desk.
    GiveBack(TriageCause),
}

/// The units that declined, in the order of their assignments, each once.
#[must_use]
pub fn declined_units(assignments: &[&Assignment]) -> Vec<UnitCode> {
    let mut units = Vec::new();
    for assignment in assignments {
        if assignment.state == AssignmentState::Declined && !units.contains(&assignment.unit) {
            units.push(assignment.unit.clone());
        }
    }
    units
}

/// The questions put to policy about one case, each once.
struct Questions<'a> {
    policy: &'a Policy,
    case: &'a Case,
    declined: Vec<UnitCode>,
    asked: Vec<Asked>,
}

impl<'a> Questions<'a> {
    fn new(policy: &'a Policy, case: &'a Case, assignments: &[&Assignment]) -> Self {
        Self {
            policy,
            case,
            declined: declined_units(assignments),
            asked: Vec::new(),
        }
    }

    /// The rules that permit `unit` this part; none where it must not have it.
    fn permission(&mut self, unit: &UnitCode, role: Role) -> Option<Vec<String>> {
        let known = |asked: &&Asked| asked.unit == *unit && asked.role == role;
        let decided = match self.asked.iter().find(known) {
            Some(asked) => asked.decided.clone(),
            None => self.ask(unit, role),
        };
        decided.is_allowed().then(|| decided.rules())
    }

    fn ask(&mut self, unit: &UnitCode, role: Role) -> Decided {
        let (lead, markings) = (role == Role::Lead, &self.case.envelope.markings);
        let mut facts = RouteFacts::new(unit, lead, &self.declined, markings);
        facts.clearance = self.policy.clearance(&Party::Unit(unit.clone()));
        let decided = self.policy.decide(facts.facts());
        self.asked.push(Asked {
            unit: unit.clone(),
            role,
            decided: decided.clone(),
        });
        decided
    }

    /// The share of `unit`, where policy permits it.
    fn share(&mut self, unit: &UnitCode, role: Role) -> Option<Share> {
        let permission = self.permission(unit, role)?;
        let decision = &self.case.decision;
        let rules = decision.rules.iter().cloned();
        Some(Share {
            unit: unit.clone(),
            // The decision names a desk of the unit it wants as lead, and of no other.
            desk: decision
                .desk
                .clone()
                .filter(|_| *unit == decision.lead && role == Role::Lead),
            role,
            rules: rules.chain(permission).collect(),
        })
    }
}

/// What the case's decision asks for, against the assignments of the referral so far.
///
/// * The first candidate that may lead, leads; the others support where they may.
/// * What is still wanted stays as it is; what is not wanted any more is taken back, unless its unit
///   has committed itself: a commitment is never taken back by a new decision, and neither is the
///   lead of a unit that accepted it or has completed it.
/// * A unit that has completed its share is not asked for the same part again.
#[must_use]
pub fn plan(policy: &Policy, case: &Case, assignments: &[&Assignment]) -> Plan {
    let leads = || assignments.iter().filter(|a| a.role == Role::Lead);
    if leads().any(|lead| lead.state == AssignmentState::Completed) {
        return Plan::default();
    }
    let settled = leads().find(|lead| lead.state.is_committed());
    let mut questions = Questions::new(policy, case, assignments);
    let candidates = case.decision.candidates();
    let lead = match settled {
        Some(lead) => Some(&lead.unit),
        None => candidates
            .iter()
            .copied()
            .find(|unit| questions.permission(unit, Role::Lead).is_some()),
    };
    let supporting: Vec<Share> = candidates
        .into_iter()
        .filter(|unit| lead.is_some_and(|lead| lead != *unit))
        .filter_map(|unit| questions.share(unit, Role::Supporting))
        .collect();

    let mut plan = Plan::default();
    let mut kept: Vec<&UnitCode> = Vec::new();
    for assignment in assignments.iter().filter(|a| a.state.is_open()) {
        let unit = &assignment.unit;
        let wanted = if lead == Some(unit) {
            Some(Role::Lead)
        } else {
            supporting
                .iter()
                .any(|share| share.unit == *unit)
                .then_some(Role::Supporting)
        };
        match (wanted, assignment.role) {
            (Some(wanted), role) if wanted == role => kept.push(unit),
            (Some(Role::Lead), _) => {
                plan.promote = Some(assignment.id);
                kept.push(unit);
            }
            _ if assignment.state.is_committed() => kept.push(unit),
            _ => plan.revoke.push(assignment.id),
        }
    }
    let done = |unit: &UnitCode| {
        assignments
            .iter()
            .any(|a| a.unit == *unit && a.state == AssignmentState::Completed)
    };
    match lead {
        Some(unit) if !kept.contains(&unit) => {
            plan.create.extend(questions.share(unit, Role::Lead));
        }
        Some(_) => {}
        None => plan.give_back = Some(TriageCause::NotPermitted),
    }
    plan.create.extend(
        supporting
            .into_iter()
            .filter(|share| !kept.contains(&&share.unit) && !done(&share.unit)),
    );
    plan.asked = questions.asked;
    plan
}

/// What follows when `declined`, already in that state and one of `assignments`, was declined.
///
/// A supporting unit that declines changes nothing for the others. A lead's WRONG_UNIT is a question
/// for people. Otherwise the decision's next candidate leads: in place where it already supports,
/// which may long have accepted. Answered with what policy was asked for it.
#[must_use]
pub fn after_decline(
    policy: &Policy,
    case: &Case,
    assignments: &[&Assignment],
    declined: &Assignment,
    reason: DeclineReason,
) -> (Next, Vec<Asked>) {
    if declined.role != Role::Lead {
        return (Next::Nothing, Vec::new());
    }
    if reason == DeclineReason::WrongUnit {
        return (Next::GiveBack(TriageCause::WrongUnit), Vec::new());
    }
    let declines = assignments
        .iter()
        .filter(|a| a.role == Role::Lead && a.state == AssignmentState::Declined)
        .count();
    if declines >= MAX_LEAD_DECLINES {
        return (Next::GiveBack(TriageCause::Declined), Vec::new());
    }
    let mut questions = Questions::new(policy, case, assignments);
    let next = next_lead(&mut questions, assignments);
    (next, questions.asked)
}

fn next_lead(questions: &mut Questions<'_>, assignments: &[&Assignment]) -> Next {
    for unit in questions.case.decision.candidates() {
        let Some(share) = questions.share(unit, Role::Lead) else {
            continue;
        };
        let theirs = || assignments.iter().filter(|a| a.unit == *unit);
        if let Some(open) = theirs().find(|a| a.state.is_open()) {
            return Next::Promote(open.id);
        }
        // It never answered as supporting unit; it would not answer as lead.
        if !theirs().any(|a| a.state == AssignmentState::DeadLettered) {
            return Next::Create(share);
        }
    }
    Next::GiveBack(TriageCause::Declined)
}

#[cfg(test)]
mod tests {
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
                lead: unit(lead),
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
}
