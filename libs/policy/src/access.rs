//! Which kind of party may call which method: the one table. What is not in it is denied.

use liaison_types::PartyKind::{self, Bureau, Desk, Operator, Partner, Service, Unit};

/// Method path and the kinds of party that may call it. A test compares the table with the schema's
/// descriptor set: a new method without a row fails the build's tests, and is denied until then.
///
/// The table is the outer gate only; whose referral or assignment it is decides the operation.
pub const TABLE: &[(&str, &[PartyKind])] = &[
    (
        "/liaison.event.v1.EventInboxService/DeliverEvents",
        &[Service],
    ),
    (
        "/liaison.intake.v1.IntakeService/SubmitReferral",
        &[Bureau, Partner],
    ),
    (
        "/liaison.intake.v1.IntakeService/GetReferral",
        &[Bureau, Partner, Unit, Desk],
    ),
    (
        "/liaison.intake.v1.IntakeService/ListReferrals",
        &[Bureau, Partner, Desk],
    ),
    (
        "/liaison.intake.v1.IntakeService/GetReferralHistory",
        &[Bureau, Partner, Unit, Desk],
    ),
    (
        "/liaison.intake.v1.IntakeService/GetDossier",
        &[Bureau, Partner, Unit, Desk],
    ),
    ("/liaison.intake.v1.IntakeService/DecideReview", &[Desk]),
    (
        "/liaison.intake.v1.IntakeService/BatchGetClassificationInputs",
        &[Service],
    ),
    (
        "/liaison.classification.v1.ClassificationService/ClassifyText",
        &[Bureau, Partner, Unit, Desk, Operator],
    ),
    (
        "/liaison.classification.v1.ClassificationService/ListDecisions",
        &[Desk],
    ),
    (
        "/liaison.classification.v1.ClassificationService/ListTriageItems",
        &[Desk],
    ),
    (
        "/liaison.classification.v1.ClassificationService/DecideTriage",
        &[Desk],
    ),
    (
        "/liaison.routing.v1.RoutingService/PullAssignments",
        &[Unit],
    ),
    (
        "/liaison.routing.v1.RoutingService/GetAssignment",
        &[Unit, Desk],
    ),
    (
        "/liaison.routing.v1.RoutingService/ListAssignments",
        &[Unit, Desk],
    ),
    (
        "/liaison.routing.v1.RoutingService/AcceptAssignment",
        &[Unit],
    ),
    (
        "/liaison.routing.v1.RoutingService/DeclineAssignment",
        &[Unit],
    ),
    ("/liaison.routing.v1.RoutingService/ExtendLease", &[Unit]),
    (
        "/liaison.routing.v1.RoutingService/ReleaseAssignment",
        &[Unit],
    ),
    (
        "/liaison.routing.v1.RoutingService/CompleteAssignment",
        &[Unit],
    ),
    ("/liaison.routing.v1.RoutingService/CreateTask", &[Unit]),
    ("/liaison.routing.v1.RoutingService/ListTasks", &[Unit]),
    ("/liaison.routing.v1.RoutingService/ClaimTask", &[Unit]),
    ("/liaison.routing.v1.RoutingService/CompleteTask", &[Unit]),
    (
        "/liaison.notification.v1.NotificationService/StreamNotifications",
        &[Bureau, Partner, Unit, Desk],
    ),
    (
        "/liaison.notification.v1.NotificationService/ListNotifications",
        &[Bureau, Partner, Unit, Desk],
    ),
];

/// The kinds that may call `path`; `None` where the table has no such method.
#[must_use]
pub fn allowed(path: &str) -> Option<&'static [PartyKind]> {
    TABLE
        .iter()
        .find(|(method, _)| *method == path)
        .map(|(_, kinds)| *kinds)
}

/// Whether a party of `kind` may call `path`. Unknown methods are denied.
#[must_use]
pub fn may_call(kind: PartyKind, path: &str) -> bool {
    allowed(path).is_some_and(|kinds| kinds.contains(&kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_method_stands_twice_and_none_is_open_to_nobody() {
        for (index, (method, kinds)) in TABLE.iter().enumerate() {
            assert!(!kinds.is_empty(), "{method}");
            assert!(
                TABLE[index + 1..].iter().all(|(other, _)| other != method),
                "{method}"
            );
        }
    }

    #[test]
    fn unknown_methods_are_denied_to_everybody() {
        for kind in PartyKind::ALL {
            assert!(!may_call(kind, "/liaison.intake.v1.IntakeService/DropAll"));
        }
        assert!(may_call(
            Unit,
            "/liaison.routing.v1.RoutingService/PullAssignments"
        ));
        assert!(!may_call(
            Bureau,
            "/liaison.routing.v1.RoutingService/PullAssignments"
        ));
    }
}
