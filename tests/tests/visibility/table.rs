//! What every party may do with every subject: one row a method of the schema.
//!
//! A cell says what the call comes to:
//!
//! * `ok`: it is carried out;
//! * `hidden`: NOT_FOUND, as for what does not exist;
//! * `denied`: the party may not call the method at all;
//! * a reason: the party may know the subject, and the call is refused for that reason;
//! * `nothing`: it is carried out, and answers as if the subject did not exist.
//!
//! Parties that a table does not name are those of its last line, `*`. A line with one cell says the same of
//! every subject. The subjects are those of [`crate::world`]; `absent` does not exist.

use crate::bodies::{self, Asked, Bodies};

/// A method and what it comes to.
pub(crate) struct Row {
    /// `Service/Method`.
    pub(crate) method: &'static str,
    /// How to ask about a subject.
    pub(crate) bodies: fn(&Asked<'_>) -> Bodies,
    /// The subjects in the first line, then the parties.
    pub(crate) expected: &'static str,
}

const fn row(
    method: &'static str,
    bodies: fn(&Asked<'_>) -> Bodies,
    expected: &'static str,
) -> Row {
    Row {
        method,
        bodies,
        expected,
    }
}

/// Who sees a referral, its history and its dossier. A unit sees it from the grant to the decline; what it
/// has completed it may read again.
const REFERRALS: &str = "
                           review triage routed leased accepted completed declined exercise refused german partners absent
bureau/NB-FR               ok     ok     ok     ok     ok       ok        ok       ok       ok      hidden hidden   hidden
bureau/NB-DE               hidden hidden hidden hidden hidden   hidden    hidden   hidden   hidden  ok     hidden   hidden
partner/customs            hidden hidden hidden hidden hidden   hidden    hidden   hidden   hidden  hidden ok       hidden
bureau/NB-FR-LYON          hidden
unit/children-trafficking  hidden hidden ok     ok     ok       ok        hidden   ok       hidden  hidden hidden   hidden
unit/cyber                 hidden hidden ok     ok     ok       ok        ok       ok       hidden  hidden hidden   hidden
unit/terrorism             hidden hidden hidden hidden hidden   hidden    hidden   hidden   hidden  ok     hidden   hidden
unit/narcotics-organized-crime hidden
unit/elsewhere             hidden
desk/compliance            ok     ok     ok     ok     ok       ok        ok       ok       ok      ok     ok       hidden
desk/triage                ok     ok     ok     ok     ok       ok        ok       ok       ok      ok     ok       hidden
*                          denied
";

/// The methods in the order in which they are asked: what changes a subject comes after what reads it, and
/// pulling, which takes whatever waits, comes last.
pub(crate) const ROWS: &[Row] = &[
    row("IntakeService/GetReferral", bodies::get_referral, REFERRALS),
    row("IntakeService/GetReferralHistory", bodies::get_referral_history, REFERRALS),
    row("IntakeService/GetCustodyBundle", bodies::get_custody_bundle, REFERRALS),
    row("IntakeService/GetDossier", bodies::get_dossier, REFERRALS),
    row("IntakeService/ShareReferral", bodies::share_referral, "
                           review triage routed leased accepted completed declined exercise refused german partners absent
bureau/NB-FR               POLICY_DENIED     POLICY_DENIED     POLICY_DENIED     POLICY_DENIED     POLICY_DENIED       POLICY_DENIED        POLICY_DENIED       POLICY_DENIED       POLICY_DENIED      hidden hidden   hidden
bureau/NB-DE               hidden hidden hidden hidden hidden   hidden    hidden   hidden   hidden  POLICY_DENIED     hidden   hidden
partner/customs            hidden hidden hidden hidden hidden   hidden    hidden   hidden   hidden  hidden POLICY_DENIED       hidden
bureau/NB-FR-LYON          hidden
unit/children-trafficking  hidden hidden POLICY_DENIED     POLICY_DENIED     POLICY_DENIED       POLICY_DENIED        hidden   POLICY_DENIED       hidden  hidden hidden   hidden
unit/cyber                 hidden hidden POLICY_DENIED     POLICY_DENIED     POLICY_DENIED       POLICY_DENIED        POLICY_DENIED       POLICY_DENIED       hidden  hidden hidden   hidden
unit/terrorism             hidden hidden hidden hidden hidden   hidden    hidden   hidden   hidden  POLICY_DENIED     hidden   hidden
unit/narcotics-organized-crime hidden
unit/elsewhere             hidden
*                          denied
"),
    row("IntakeService/ExplainDecision", bodies::explain_decision, "
                           review triage routed leased accepted completed declined exercise refused german partners absent
bureau/NB-FR               ok     ok     ok     ok     ok       ok        ok       ok       ok      hidden hidden   hidden
bureau/NB-DE               hidden hidden hidden hidden hidden   hidden    hidden   hidden   hidden  ok     hidden   hidden
partner/customs            hidden hidden hidden hidden hidden   hidden    hidden   hidden   hidden  hidden ok       hidden
bureau/NB-FR-LYON          hidden
desk/compliance            ok     ok     ok     ok     ok       ok        ok       ok       ok      ok     ok       hidden
*                          denied
"),
    row("IntakeService/PurgeReferral", bodies::purge_referral, "
                           review triage routed leased accepted completed declined exercise refused german partners absent
bureau/NB-FR               POLICY_DENIED POLICY_DENIED POLICY_DENIED POLICY_DENIED POLICY_DENIED STALE_ETAG POLICY_DENIED POLICY_DENIED STALE_ETAG hidden hidden hidden
bureau/NB-DE               hidden hidden hidden hidden hidden   hidden    hidden   hidden   hidden  POLICY_DENIED hidden hidden
partner/customs            hidden hidden hidden hidden hidden   hidden    hidden   hidden   hidden  hidden POLICY_DENIED hidden
bureau/NB-FR-LYON          hidden
desk/compliance            POLICY_DENIED POLICY_DENIED POLICY_DENIED POLICY_DENIED POLICY_DENIED POLICY_DENIED POLICY_DENIED POLICY_DENIED POLICY_DENIED POLICY_DENIED POLICY_DENIED hidden
*                          denied
"),
    row("IntakeService/ListShares", bodies::list_shares, "
                           review triage routed leased accepted completed declined exercise refused german partners absent
bureau/NB-FR               ok     ok     ok     ok     ok       ok        ok       ok       ok      hidden hidden   hidden
bureau/NB-DE               hidden hidden hidden hidden hidden   hidden    hidden   hidden   hidden  ok     hidden   hidden
partner/customs            hidden hidden hidden hidden hidden   hidden    hidden   hidden   hidden  hidden ok       hidden
bureau/NB-FR-LYON          hidden
unit/children-trafficking  hidden hidden ok     ok     ok       ok        hidden   ok       hidden  hidden hidden   hidden
unit/cyber                 hidden
unit/terrorism             hidden hidden hidden hidden hidden   hidden    hidden   hidden   hidden  ok     hidden   hidden
unit/narcotics-organized-crime hidden
unit/elsewhere             hidden
desk/compliance            ok     ok     ok     ok     ok       ok        ok       ok       ok      ok     ok       hidden
*                          denied
"),
    row("IntakeService/ListConsentRequests", bodies::list_consent_requests, "
                           first absent
bureau/NB-FR               ok    PAGE_TOKEN_MISMATCH
bureau/NB-DE               ok    PAGE_TOKEN_MISMATCH
bureau/NB-FR-LYON          ok    PAGE_TOKEN_MISMATCH
partner/customs            ok    PAGE_TOKEN_MISMATCH
*                          denied
"),
    row("IntakeService/DecideConsent", bodies::decide_consent, "
                           passed        absent
bureau/NB-FR               ILLEGAL_STATE hidden
bureau/NB-DE               hidden
bureau/NB-FR-LYON          hidden
partner/customs            hidden
*                          denied
"),
    row("IntakeService/EndShare", bodies::end_share, "
                           passed absent
bureau/NB-FR               ok     hidden
bureau/NB-DE               hidden
bureau/NB-FR-LYON          hidden
partner/customs            hidden
unit/children-trafficking  hidden
unit/cyber                 hidden
unit/terrorism             hidden
unit/narcotics-organized-crime hidden
unit/elsewhere             hidden
*                          denied
"),
    row("AuditService/ListAuditEntries", bodies::list_audit_entries, "
                           first absent
auditor/court              ok    PAGE_TOKEN_MISMATCH
*                          denied
"),
    row("AuditService/ListAuditSeals", bodies::list_audit_seals, "
                           any
auditor/court              ok
*                          denied
"),
    row("AuditService/SimulatePolicy", bodies::simulate_policy, "
                           first absent
auditor/court              ok    PAGE_TOKEN_MISMATCH
desk/compliance            ok    PAGE_TOKEN_MISMATCH
*                          denied
"),
    row("IntakeService/ListReferrals", bodies::list_referrals, "
                           first token               absent
bureau/NB-FR               ok    ok                  PAGE_TOKEN_MISMATCH
bureau/NB-DE               ok    PAGE_TOKEN_MISMATCH PAGE_TOKEN_MISMATCH
bureau/NB-FR-LYON          ok    PAGE_TOKEN_MISMATCH PAGE_TOKEN_MISMATCH
partner/customs            ok    PAGE_TOKEN_MISMATCH PAGE_TOKEN_MISMATCH
unit/children-trafficking  ok    PAGE_TOKEN_MISMATCH PAGE_TOKEN_MISMATCH
unit/cyber                 ok    PAGE_TOKEN_MISMATCH PAGE_TOKEN_MISMATCH
unit/terrorism             ok    PAGE_TOKEN_MISMATCH PAGE_TOKEN_MISMATCH
unit/narcotics-organized-crime ok    PAGE_TOKEN_MISMATCH PAGE_TOKEN_MISMATCH
unit/elsewhere             ok    PAGE_TOKEN_MISMATCH PAGE_TOKEN_MISMATCH
desk/compliance            ok    PAGE_TOKEN_MISMATCH PAGE_TOKEN_MISMATCH
desk/triage                ok    PAGE_TOKEN_MISMATCH PAGE_TOKEN_MISMATCH
*                          denied
"),
    row("IntakeService/BatchGetClassificationInputs", bodies::batch_get_classification_inputs, "
                           review  triage routed leased accepted completed declined exercise refused german partners absent
service/classification     nothing ok     ok     ok     ok       ok        ok       ok       nothing ok     ok       nothing
*                          denied
"),
    row("ClassificationService/ListDecisions", bodies::list_decisions, "
                           review triage routed leased accepted completed declined exercise refused german partners absent
desk/triage                hidden ok     ok     ok     ok       ok        ok       ok       hidden  ok     ok       hidden
*                          denied
"),
    row("ClassificationService/RecomputeDecision", bodies::recompute_decision, "
                           review triage routed leased accepted completed declined exercise refused german partners absent
desk/triage                hidden ok     ok     ok     ok       ok        ok       ok       hidden  ok     ok       hidden
*                          denied
"),
    row("ClassificationService/ListTriageItems", bodies::list_triage_items, "
                           first token absent
desk/triage                ok    ok    PAGE_TOKEN_MISMATCH
*                          denied
"),
    row("ClassificationService/GetTriageItem", bodies::get_triage_item, "
                           review triage routed leased accepted completed declined exercise refused german partners absent
desk/triage                hidden ok     ok     ok     ok       ok        ok       ok       hidden  ok     ok       hidden
*                          denied
"),
    row("ClassificationService/ListLabels", bodies::list_labels, "
                           first token absent
desk/triage                ok    ok    PAGE_TOKEN_MISMATCH
*                          denied
"),
    row("ClassificationService/GetDriftFigures", bodies::get_drift_figures, "
                           any
desk/triage                ok
operator/ops               ok
*                          denied
"),
    row("ClassificationService/ClassifyText", bodies::classify_text, "
                           any
service/intake             denied
service/classification     denied
service/routing            denied
service/notification       denied
auditor/court              denied
*                          ok
"),
    row("RoutingService/GetAssignment", bodies::get_assignment, "
                           routed leased accepted completed declined exercise supporting absent
unit/children-trafficking  ok     ok     ok       ok        ok       ok       hidden     hidden
unit/cyber                 hidden hidden hidden   hidden    hidden   hidden   ok         hidden
unit/terrorism             hidden
unit/narcotics-organized-crime hidden
unit/elsewhere             hidden
desk/triage                ok     ok     ok       ok        ok       ok       ok         hidden
*                          denied
"),
    row("RoutingService/ListAssignments", bodies::list_assignments, "
                           first token               absent
unit/children-trafficking  ok    ok                  PAGE_TOKEN_MISMATCH
unit/cyber                 ok    PAGE_TOKEN_MISMATCH PAGE_TOKEN_MISMATCH
unit/terrorism             ok    PAGE_TOKEN_MISMATCH PAGE_TOKEN_MISMATCH
unit/narcotics-organized-crime ok PAGE_TOKEN_MISMATCH PAGE_TOKEN_MISMATCH
unit/elsewhere             ok    PAGE_TOKEN_MISMATCH PAGE_TOKEN_MISMATCH
desk/triage                ok    PAGE_TOKEN_MISMATCH PAGE_TOKEN_MISMATCH
*                          denied
"),
    row("RoutingService/ListTasks", bodies::list_tasks, "
                           routed leased accepted completed declined exercise supporting absent
unit/children-trafficking  ok     ok     ok       ok        ok       ok       hidden     hidden
unit/cyber                 hidden hidden hidden   hidden    hidden   hidden   ok         hidden
unit/terrorism             hidden
unit/narcotics-organized-crime hidden
unit/elsewhere             hidden
*                          denied
"),
    row("NotificationService/ListNotifications", bodies::list_notifications, NOTIFICATIONS),
    row("NotificationService/StreamNotifications", bodies::stream_notifications, NOTIFICATIONS),
    row("EventInboxService/DeliverEvents", bodies::deliver_events, "
                           routed  absent
service/intake             nothing nothing
service/classification     nothing nothing
service/routing            nothing nothing
*                          denied
"),
    row("IntakeService/SubmitReferral", bodies::submit_referral, "
                           taken             absent
bureau/NB-FR               REQUEST_ID_REUSED ok
bureau/NB-DE               ok                ok
bureau/NB-FR-LYON          ok                ok
partner/customs            ok                ok
*                          denied
"),
    row("IntakeService/DecideReview", bodies::decide_review, "
                           triage        routed        refused       to-review absent
desk/compliance            ILLEGAL_STATE ILLEGAL_STATE ILLEGAL_STATE ok        hidden
*                          denied
"),
    row("ClassificationService/DecideTriage", bodies::decide_triage, "
                           review routed to-rule absent
desk/triage                hidden hidden ok      hidden
*                          denied
"),
    row("ClassificationService/CorrectDecision", bodies::correct_decision, "
                           triage        ruled      to-correct absent
desk/triage                ILLEGAL_STATE STALE_ETAG ok         hidden
*                          denied
"),
    row("RoutingService/CompleteTask", bodies::complete_task, "
                           ready         claimed done   absent
unit/children-trafficking  ILLEGAL_STATE ok      ok     hidden
unit/cyber                 hidden
unit/terrorism             hidden
unit/narcotics-organized-crime hidden
unit/elsewhere             hidden
*                          denied
"),
    row("RoutingService/ClaimTask", bodies::claim_task, "
                           ready  done          absent
unit/children-trafficking  ok     ILLEGAL_STATE hidden
unit/cyber                 hidden
unit/terrorism             hidden
unit/narcotics-organized-crime hidden
unit/elsewhere             hidden
*                          denied
"),
    row("RoutingService/CreateTask", bodies::create_task, "
                           routed        leased        accepted completed     declined      exercise      supporting    absent
unit/children-trafficking  ILLEGAL_STATE ILLEGAL_STATE ok       ILLEGAL_STATE ILLEGAL_STATE ILLEGAL_STATE hidden        hidden
unit/cyber                 hidden        hidden        hidden   hidden        hidden        hidden        ILLEGAL_STATE hidden
unit/terrorism             hidden
unit/narcotics-organized-crime hidden
unit/elsewhere             hidden
*                          denied
"),
    row("RoutingService/CompleteAssignment", bodies::complete_assignment, "
                           routed        leased        accepted      completed     declined      exercise      supporting    to-complete absent
unit/children-trafficking  ILLEGAL_STATE ILLEGAL_STATE ILLEGAL_STATE ILLEGAL_STATE ILLEGAL_STATE ILLEGAL_STATE hidden        ok          hidden
unit/cyber                 hidden        hidden        hidden        hidden        hidden        hidden        ILLEGAL_STATE hidden      hidden
unit/terrorism             hidden
unit/narcotics-organized-crime hidden
unit/elsewhere             hidden
*                          denied
"),
    row("RoutingService/DeclareIndirectAccess", bodies::declare_indirect_access, "
                           routed        leased        accepted      completed     declined      exercise      supporting    to-declare absent
unit/children-trafficking  ILLEGAL_STATE ILLEGAL_STATE ILLEGAL_STATE ILLEGAL_STATE ILLEGAL_STATE ILLEGAL_STATE hidden        ok         hidden
unit/cyber                 hidden        hidden        hidden        hidden        hidden        hidden        ILLEGAL_STATE hidden     hidden
unit/terrorism             hidden
unit/narcotics-organized-crime hidden
unit/elsewhere             hidden
*                          denied
"),
    row("RoutingService/AcceptAssignment", bodies::accept_assignment, "
                           routed      leased      accepted      completed     declined      exercise    supporting  to-accept absent
unit/children-trafficking  STALE_LEASE STALE_LEASE ILLEGAL_STATE ILLEGAL_STATE ILLEGAL_STATE STALE_LEASE hidden      ok        hidden
unit/cyber                 hidden      hidden      hidden        hidden        hidden        hidden      STALE_LEASE hidden    hidden
unit/terrorism             hidden
unit/narcotics-organized-crime hidden
unit/elsewhere             hidden
*                          denied
"),
    row("RoutingService/ExtendLease", bodies::extend_lease, "
                           routed      leased      accepted      completed     declined      exercise    supporting  to-extend absent
unit/children-trafficking  STALE_LEASE STALE_LEASE ILLEGAL_STATE ILLEGAL_STATE ILLEGAL_STATE STALE_LEASE hidden      ok        hidden
unit/cyber                 hidden      hidden      hidden        hidden        hidden        hidden      STALE_LEASE hidden    hidden
unit/terrorism             hidden
unit/narcotics-organized-crime hidden
unit/elsewhere             hidden
*                          denied
"),
    row("RoutingService/ReleaseAssignment", bodies::release_assignment, "
                           routed      leased      accepted      completed     declined      exercise    supporting  to-release absent
unit/children-trafficking  STALE_LEASE STALE_LEASE ILLEGAL_STATE ILLEGAL_STATE ILLEGAL_STATE STALE_LEASE hidden      ok         hidden
unit/cyber                 hidden      hidden      hidden        hidden        hidden        hidden      STALE_LEASE hidden     hidden
unit/terrorism             hidden
unit/narcotics-organized-crime hidden
unit/elsewhere             hidden
*                          denied
"),
    row("RoutingService/DeclineAssignment", bodies::decline_assignment, "
                           routed      leased      accepted      completed     declined      exercise    supporting  to-decline absent
unit/children-trafficking  STALE_LEASE STALE_LEASE ILLEGAL_STATE ILLEGAL_STATE ILLEGAL_STATE STALE_LEASE hidden      ok         hidden
unit/cyber                 hidden      hidden      hidden        hidden        hidden        hidden      STALE_LEASE hidden     hidden
unit/terrorism             hidden
unit/narcotics-organized-crime hidden
unit/elsewhere             hidden
*                          denied
"),
    row("RoutingService/PullAssignments", bodies::pull_assignments, "
                           any
unit/children-trafficking  ok
unit/cyber                 ok
unit/terrorism             ok
unit/narcotics-organized-crime ok
unit/elsewhere             UNKNOWN_UNIT
*                          denied
"),
];

/// The cursor is one of `bureau/NB-FR`.
const NOTIFICATIONS: &str = "
                           first token          absent
bureau/NB-FR               ok    ok             CURSOR_INVALID
bureau/NB-DE               ok    CURSOR_INVALID CURSOR_INVALID
bureau/NB-FR-LYON          ok    CURSOR_INVALID CURSOR_INVALID
partner/customs            ok    CURSOR_INVALID CURSOR_INVALID
unit/children-trafficking  ok    CURSOR_INVALID CURSOR_INVALID
unit/cyber                 ok    CURSOR_INVALID CURSOR_INVALID
unit/terrorism             ok    CURSOR_INVALID CURSOR_INVALID
unit/narcotics-organized-crime ok CURSOR_INVALID CURSOR_INVALID
unit/elsewhere             ok    CURSOR_INVALID CURSOR_INVALID
desk/compliance            ok    CURSOR_INVALID CURSOR_INVALID
desk/triage                ok    CURSOR_INVALID CURSOR_INVALID
desk/other                 ok    CURSOR_INVALID CURSOR_INVALID
*                          denied
";

/// A table as it is asked.
pub(crate) struct Expected {
    /// The subjects.
    pub(crate) subjects: Vec<&'static str>,
    lines: Vec<(&'static str, Vec<&'static str>)>,
}

impl Row {
    /// Reads the table.
    ///
    /// # Panics
    /// Where a line has neither one cell nor one for each subject.
    pub(crate) fn expected(&self) -> Expected {
        let mut lines = self.expected.lines().filter(|line| !line.trim().is_empty());
        let subjects: Vec<_> = lines.next().unwrap().split_whitespace().collect();
        let lines = lines
            .map(|line| {
                let mut words = line.split_whitespace();
                let party = words.next().unwrap();
                let mut cells: Vec<_> = words.collect();
                if let [one] = cells[..] {
                    cells = vec![one; subjects.len()];
                }
                assert_eq!(cells.len(), subjects.len(), "{}: {line}", self.method);
                (party, cells)
            })
            .collect();
        Expected { subjects, lines }
    }
}

impl Expected {
    /// What `party` is answered about the subject at `index`.
    pub(crate) fn cell(&self, party: &str, index: usize) -> &'static str {
        let mut lines = self.lines.iter();
        let line = lines.find(|(named, _)| *named == party || *named == "*");
        line.unwrap().1[index]
    }

    /// The parties that have lines.
    pub(crate) fn parties(&self) -> impl Iterator<Item = &'static str> {
        self.lines.iter().map(|(party, _)| *party)
    }
}
