//! Who may see and who may work on a unit's share of a referral.

use liaison_types::{Party, UnitCode};

use crate::decision::Decision;
use crate::view::is_desk;

/// Seeing an assignment: the unit it was given to, and the duty desk. To everybody else it does not
/// exist.
#[must_use]
pub fn may_view_assignment(viewer: &Party, unit: &UnitCode) -> Decision {
    if may_list_assignments(viewer) {
        return Decision::allow("assignment.triage-desk");
    }
    may_work_assignment(viewer, unit)
}

/// Answering an assignment, and everything about its tasks: the unit it was given to.
#[must_use]
pub fn may_work_assignment(party: &Party, unit: &UnitCode) -> Decision {
    if matches!(party, Party::Unit(own) if own == unit) {
        return Decision::allow("assignment.own-unit");
    }
    Decision::deny(vec!["assignment.no-need-to-know"])
}

/// Whether a party sees the assignments of every unit in lists: the duty desk.
#[must_use]
pub fn may_list_assignments(viewer: &Party) -> bool {
    is_desk(viewer, "triage")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_sees_its_own_and_only_the_duty_desk_sees_all() {
        let cyber: UnitCode = "cyber".parse().unwrap();
        for (party, view, work) in [
            ("unit/cyber", true, true),
            ("unit/terrorism", false, false),
            ("desk/triage", true, false),
            ("desk/compliance", false, false),
            ("bureau/NB-FR", false, false),
            ("partner/cyber", false, false),
            ("service/routing", false, false),
            ("operator/cyber", false, false),
            ("auditor/court", false, false),
        ] {
            let party = party.parse().unwrap();
            assert_eq!(
                may_view_assignment(&party, &cyber).is_allowed(),
                view,
                "{party}"
            );
            assert_eq!(
                may_work_assignment(&party, &cyber).is_allowed(),
                work,
                "{party}"
            );
        }
    }
}
