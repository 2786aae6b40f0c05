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
                .filter(|_| Some(unit) == decision.lead.as_ref() && role == Role::Lead),
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
/// * Where it is no unit's business after all, nobody who has not committed themselves keeps it.
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
        // People found it no unit's business: it is not theirs to decide again.
        None if case.decision.lead.is_none() => {}
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
mod tests;
