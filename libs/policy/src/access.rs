//! Which parties may call which method: the one table. What is not in it is denied.

use liaison_types::Party;
use liaison_types::PartyKind::{self, Auditor, Bureau, Desk, Operator, Partner, Service, Unit};

use Callers::{Any, Named};

/// Whom one entry of a row lets in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Callers {
    /// Every party of this kind.
    Any(PartyKind),
    /// The one party of this kind that has this name.
    Named(PartyKind, &'static str),
}

impl Callers {
    /// Whether `party` is one of them.
    #[must_use]
    pub fn include(self, party: &Party) -> bool {
        match self {
            Any(kind) => party.kind() == kind,
            Named(kind, name) => party.kind() == kind && party.name() == name,
        }
    }

    /// The kind of party they are.
    #[must_use]
    pub const fn kind(self) -> PartyKind {
        match self {
            Any(kind) | Named(kind, _) => kind,
        }
    }
}

const COMPLIANCE_DESK: Callers = Named(Desk, "compliance");
const TRIAGE_DESK: Callers = Named(Desk, "triage");
const INTAKE: Callers = Named(Service, "intake");
const CLASSIFICATION: Callers = Named(Service, "classification");
const ROUTING: Callers = Named(Service, "routing");

/// Method path and the parties that may call it. A test compares the table with the schema's
/// descriptor set: a new method without a row fails the build's tests, and is denied until then.
///
/// A desk or a service is named where the others of its kind have no business; a kind stands where
/// every party of it has its own. The table is the outer gate only: whose referral or assignment it
/// is, the operation decides, and which fact comes from which service, each inbox, for all inboxes
/// are called by the same path.
pub const TABLE: &[(&str, &[Callers])] = &[
    (
        "/liaison.audit.v1.AuditService/ListAuditEntries",
        &[Any(Auditor)],
    ),
    (
        "/liaison.audit.v1.AuditService/ListAuditSeals",
        &[Any(Auditor)],
    ),
    (
        "/liaison.audit.v1.AuditService/SimulatePolicy",
        &[Any(Auditor), COMPLIANCE_DESK],
    ),
    (
        "/liaison.event.v1.EventInboxService/DeliverEvents",
        &[INTAKE, CLASSIFICATION, ROUTING],
    ),
    (
        "/liaison.intake.v1.IntakeService/SubmitReferral",
        &[Any(Bureau), Any(Partner)],
    ),
    (
        "/liaison.intake.v1.IntakeService/GetReferral",
        &[
            Any(Bureau),
            Any(Partner),
            Any(Unit),
            COMPLIANCE_DESK,
            TRIAGE_DESK,
        ],
    ),
    (
        "/liaison.intake.v1.IntakeService/ListReferrals",
        &[
            Any(Bureau),
            Any(Partner),
            Any(Unit),
            COMPLIANCE_DESK,
            TRIAGE_DESK,
        ],
    ),
    (
        "/liaison.intake.v1.IntakeService/GetReferralHistory",
        &[
            Any(Bureau),
            Any(Partner),
            Any(Unit),
            COMPLIANCE_DESK,
            TRIAGE_DESK,
        ],
    ),
    (
        "/liaison.intake.v1.IntakeService/GetDossier",
        &[
            Any(Bureau),
            Any(Partner),
            Any(Unit),
            COMPLIANCE_DESK,
            TRIAGE_DESK,
        ],
    ),
    (
        "/liaison.intake.v1.IntakeService/DecideReview",
        &[COMPLIANCE_DESK],
    ),
    (
        "/liaison.intake.v1.IntakeService/ShareReferral",
        &[Any(Bureau), Any(Partner), Any(Unit)],
    ),
    (
        "/liaison.intake.v1.IntakeService/EndShare",
        &[Any(Bureau), Any(Partner), Any(Unit)],
    ),
    (
        "/liaison.intake.v1.IntakeService/ListShares",
        &[Any(Bureau), Any(Partner), Any(Unit), COMPLIANCE_DESK],
    ),
    (
        "/liaison.intake.v1.IntakeService/ListConsentRequests",
        &[Any(Bureau), Any(Partner)],
    ),
    (
        "/liaison.intake.v1.IntakeService/DecideConsent",
        &[Any(Bureau), Any(Partner)],
    ),
    (
        "/liaison.intake.v1.IntakeService/PurgeReferral",
        &[Any(Bureau), Any(Partner), COMPLIANCE_DESK],
    ),
    (
        "/liaison.intake.v1.IntakeService/ExplainDecision",
        &[Any(Bureau), Any(Partner), COMPLIANCE_DESK],
    ),
    (
        "/liaison.intake.v1.IntakeService/GetCustodyBundle",
        &[
            Any(Bureau),
            Any(Partner),
            Any(Unit),
            COMPLIANCE_DESK,
            TRIAGE_DESK,
        ],
    ),
    (
        "/liaison.intake.v1.IntakeService/BatchGetClassificationInputs",
        &[CLASSIFICATION],
    ),
    (
        "/liaison.classification.v1.ClassificationService/ClassifyText",
        &[
            Any(Bureau),
            Any(Partner),
            Any(Unit),
            Any(Desk),
            Any(Operator),
        ],
    ),
    (
        "/liaison.classification.v1.ClassificationService/ListDecisions",
        &[TRIAGE_DESK],
    ),
    (
        "/liaison.classification.v1.ClassificationService/ListTriageItems",
        &[TRIAGE_DESK],
    ),
    (
        "/liaison.classification.v1.ClassificationService/GetTriageItem",
        &[TRIAGE_DESK],
    ),
    (
        "/liaison.classification.v1.ClassificationService/DecideTriage",
        &[TRIAGE_DESK],
    ),
    (
        "/liaison.classification.v1.ClassificationService/CorrectDecision",
        &[TRIAGE_DESK],
    ),
    (
        "/liaison.classification.v1.ClassificationService/ListLabels",
        &[TRIAGE_DESK],
    ),
    (
        "/liaison.classification.v1.ClassificationService/GetDriftFigures",
        &[TRIAGE_DESK, Any(Operator)],
    ),
    (
        "/liaison.classification.v1.ClassificationService/RecomputeDecision",
        &[TRIAGE_DESK],
    ),
    (
        "/liaison.routing.v1.RoutingService/PullAssignments",
        &[Any(Unit)],
    ),
    (
        "/liaison.routing.v1.RoutingService/GetAssignment",
        &[Any(Unit), TRIAGE_DESK],
    ),
    (
        "/liaison.routing.v1.RoutingService/ListAssignments",
        &[Any(Unit), TRIAGE_DESK],
    ),
    (
        "/liaison.routing.v1.RoutingService/AcceptAssignment",
        &[Any(Unit)],
    ),
    (
        "/liaison.routing.v1.RoutingService/DeclineAssignment",
        &[Any(Unit)],
    ),
    (
        "/liaison.routing.v1.RoutingService/ExtendLease",
        &[Any(Unit)],
    ),
    (
        "/liaison.routing.v1.RoutingService/ReleaseAssignment",
        &[Any(Unit)],
    ),
    (
        "/liaison.routing.v1.RoutingService/CompleteAssignment",
        &[Any(Unit)],
    ),
    (
        "/liaison.routing.v1.RoutingService/DeclareIndirectAccess",
        &[Any(Unit)],
    ),
    (
        "/liaison.routing.v1.RoutingService/CreateTask",
        &[Any(Unit)],
    ),
    ("/liaison.routing.v1.RoutingService/ListTasks", &[Any(Unit)]),
    ("/liaison.routing.v1.RoutingService/ClaimTask", &[Any(Unit)]),
    (
        "/liaison.routing.v1.RoutingService/CompleteTask",
        &[Any(Unit)],
    ),
    (
        "/liaison.notification.v1.NotificationService/StreamNotifications",
        &[Any(Bureau), Any(Partner), Any(Unit), Any(Desk)],
    ),
    (
        "/liaison.notification.v1.NotificationService/ListNotifications",
        &[Any(Bureau), Any(Partner), Any(Unit), Any(Desk)],
    ),
];

/// Who may call `path`; `None` where the table has no such method.
#[must_use]
pub fn allowed(path: &str) -> Option<&'static [Callers]> {
    TABLE
        .iter()
        .find(|(method, _)| *method == path)
        .map(|(_, row)| *row)
}

/// Whether `party` may call `path`. Unknown methods are denied.
#[must_use]
pub fn may_call(party: &Party, path: &str) -> bool {
    allowed(path).is_some_and(|row| row.iter().any(|callers| callers.include(party)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn party(text: &str) -> Party {
        text.parse().unwrap()
    }

    /// Whether `caller` may call the method that ends in `/name`.
    fn may(caller: &str, name: &str) -> bool {
        let mut rows = TABLE
            .iter()
            .filter(|(path, _)| path.rsplit('/').next() == Some(name));
        let (path, _) = rows.next().unwrap();
        assert!(rows.next().is_none(), "{name}");
        may_call(&party(caller), path)
    }

    #[test]
    fn no_method_stands_twice_and_none_is_open_to_nobody() {
        for (index, (method, row)) in TABLE.iter().enumerate() {
            assert!(!row.is_empty(), "{method}");
            assert!(
                TABLE[index + 1..].iter().all(|(other, _)| other != method),
                "{method}"
            );
        }
    }

    #[test]
    fn a_name_is_that_of_a_party_and_stands_beside_no_entry_that_holds_it() {
        for (method, row) in TABLE {
            for (index, callers) in row.iter().enumerate() {
                if let Named(kind, name) = callers {
                    let named = party(&format!("{kind}/{name}"));
                    let including = row.iter().filter(|callers| callers.include(&named));
                    assert_eq!(including.count(), 1, "{method}: {named}");
                }
                assert!(!row[index + 1..].contains(callers), "{method}: {callers:?}");
            }
        }
    }

    #[test]
    fn a_kind_holds_all_of_it_and_a_name_one() {
        let (triage, other, unit) = (
            party("desk/triage"),
            party("desk/other"),
            party("unit/triage"),
        );
        for (callers, expected) in [
            (Any(Desk), [true, true, false]),
            (TRIAGE_DESK, [true, false, false]),
            (Named(Unit, "triage"), [false, false, true]),
            (COMPLIANCE_DESK, [false, false, false]),
        ] {
            let included = [&triage, &other, &unit].map(|party| callers.include(party));
            assert_eq!(included, expected, "{callers:?}");
        }
        for kind in PartyKind::ALL {
            assert_eq!(Any(kind).kind(), kind);
            assert_eq!(Named(kind, "triage").kind(), kind);
        }
    }

    #[test]
    fn what_is_the_business_of_one_is_closed_to_its_neighbours() {
        for (method, open, closed) in [
            (
                "DeliverEvents",
                &[
                    "service/intake",
                    "service/classification",
                    "service/routing",
                ][..],
                &["service/notification", "service/other", "desk/triage"][..],
            ),
            (
                "BatchGetClassificationInputs",
                &["service/classification"],
                &["service/intake", "service/routing", "service/notification"],
            ),
            (
                "DecideReview",
                &["desk/compliance"],
                &["desk/triage", "desk/other", "unit/compliance"],
            ),
            (
                "DecideTriage",
                &["desk/triage"],
                &["desk/compliance", "desk/other", "unit/triage"],
            ),
            (
                "SimulatePolicy",
                &["auditor/court", "desk/compliance"],
                &["desk/triage", "operator/ops", "bureau/NB-FR"],
            ),
            (
                "ListAuditEntries",
                &["auditor/court"],
                &["desk/compliance", "operator/ops"],
            ),
            (
                "CorrectDecision",
                &["desk/triage"],
                &["desk/compliance", "desk/other", "unit/triage"],
            ),
            (
                "GetDriftFigures",
                &["desk/triage", "operator/ops"],
                &["desk/compliance", "unit/cyber", "auditor/court"],
            ),
            ("ListTriageItems", &["desk/triage"], &["desk/compliance"]),
            ("ListDecisions", &["desk/triage"], &["desk/compliance"]),
            (
                "GetAssignment",
                &["unit/cyber", "desk/triage"],
                &["desk/compliance", "bureau/NB-FR"],
            ),
            (
                "ListAssignments",
                &["unit/cyber", "desk/triage"],
                &["desk/compliance", "desk/other"],
            ),
            (
                "ListReferrals",
                &[
                    "bureau/NB-FR",
                    "partner/customs",
                    "unit/cyber",
                    "desk/compliance",
                    "desk/triage",
                ],
                &["desk/other", "operator/ops", "auditor/court"],
            ),
            (
                "GetDossier",
                &[
                    "bureau/NB-FR",
                    "unit/cyber",
                    "desk/compliance",
                    "desk/triage",
                ],
                &["desk/other", "service/classification", "operator/ops"],
            ),
            (
                "StreamNotifications",
                &["bureau/NB-FR", "unit/cyber", "desk/triage", "desk/other"],
                &["service/intake", "operator/ops", "auditor/court"],
            ),
        ] {
            for caller in open {
                assert!(may(caller, method), "{caller} -> {method}");
            }
            for caller in closed {
                assert!(!may(caller, method), "{caller} -> {method}");
            }
        }
    }

    #[test]
    fn the_gate_names_the_desks_that_the_rules_behind_it_name() {
        for desk in ["desk/triage", "desk/compliance", "desk/other"] {
            let rules = party(desk);
            let triage = crate::may_triage(&rules).is_allowed();
            for method in [
                "DecideTriage",
                "CorrectDecision",
                "ListTriageItems",
                "GetTriageItem",
                "ListDecisions",
                "ListLabels",
            ] {
                assert_eq!(may(desk, method), triage, "{desk} -> {method}");
            }
            let assignments = crate::may_list_assignments(&rules);
            for method in ["GetAssignment", "ListAssignments"] {
                assert_eq!(may(desk, method), assignments, "{desk} -> {method}");
            }
            let referrals = crate::may_list_all(&rules);
            for method in [
                "GetReferral",
                "ListReferrals",
                "GetReferralHistory",
                "GetDossier",
            ] {
                assert_eq!(may(desk, method), referrals, "{desk} -> {method}");
            }
        }
    }

    #[test]
    fn unknown_methods_are_denied_to_everybody() {
        for caller in [
            "bureau/NB-FR",
            "unit/cyber",
            "desk/compliance",
            "partner/customs",
            "service/intake",
            "operator/ops",
            "auditor/court",
        ] {
            let path = "/liaison.intake.v1.IntakeService/DropAll";
            assert!(!may_call(&party(caller), path), "{caller}");
            assert_eq!(may(caller, "PullAssignments"), caller == "unit/cyber");
        }
    }
}
