"""A referral's whole life, as a bureau and a unit live it from programs of their own."""

import threading
import uuid

from google.protobuf import duration_pb2

from liaison_client import schema


def pull(unit, seconds=30):
    """Waits for the next assignment of the unit."""
    request = schema("routing").PullAssignmentsRequest(
        max_assignments=1, wait=duration_pb2.Duration(seconds=seconds), lease=duration_pb2.Duration(seconds=900)
    )
    # The call lasts as long as the wait, so it gets a little more time than that.
    pulled = unit.call("routing", "PullAssignments", request, timeout=seconds + 10).assignments
    assert len(pulled) == 1, "nothing came"
    return pulled[0].assignment, pulled[0].lease_token


def work(unit, assignment):
    """Creates a task, takes it, finishes it."""
    routing = schema("routing")
    created = routing.CreateTaskRequest(
        assignment=assignment.name, title="Check every identifier", request_id=str(uuid.uuid4())
    )
    task = unit.call("routing", "CreateTask", created).task
    unit.call("routing", "ClaimTask", routing.ClaimTaskRequest(name=task.name))
    finished = routing.CompleteTaskRequest(name=task.name, result="Two matches.")
    return unit.call("routing", "CompleteTask", finished).task


def test_a_referral_is_worked_to_its_outcome(connect, dossier):
    bureau, unit = connect("bureau/NB-FR"), connect("unit/cyber", officer="c.one")
    common, event = schema("common"), schema("event")
    intake, routing = schema("intake"), schema("routing")

    # The bureau submits. The answer means that it is kept, and names the clocks that run now.
    referral = bureau.submit(dossier)
    assert referral.state == common.REFERRAL_STATE_ADMITTED
    assert referral.completion.due_at.seconds - referral.received_at.seconds == 7 * 24 * 3600

    # It follows what happens, on a stream that goes on until the work is done.
    steps = []

    def follow():
        for notification, _ in bureau.follow():
            changed = notification.event.referral_changed
            if changed.referral == referral.name:
                steps.append(event.ReferralStep.Name(changed.step).removeprefix("REFERRAL_STEP_"))
                if changed.step == event.REFERRAL_STEP_COMPLETED:
                    return

    follower = threading.Thread(target=follow, daemon=True)
    follower.start()

    # The unit pulls it under a lease, opens the dossier, commits itself, works, reports.
    assignment, lease_token = pull(unit)
    assert assignment.referral == referral.name and assignment.role == common.ASSIGNMENT_ROLE_LEAD
    opened = unit.call("intake", "GetDossier", intake.GetDossierRequest(name=referral.name, purpose="case work"))
    assert opened.dossier == dossier
    accept = routing.AcceptAssignmentRequest(name=assignment.name, lease_token=lease_token)
    assert unit.call("routing", "AcceptAssignment", accept).assignment.state == common.ASSIGNMENT_STATE_ACCEPTED
    assert work(unit, assignment).state == routing.TASK_STATE_COMPLETED
    report = routing.CompleteAssignmentRequest(name=assignment.name, outcome=common.OUTCOME_SUSPECT_IDENTIFIED)
    unit.call("routing", "CompleteAssignment", report)

    # The bureau has seen every step as it happened.
    follower.join(30)
    assert not follower.is_alive(), steps
    way = ["SUBMITTED", "ADMITTED", "ROUTED", "DOSSIER_OPENED", "ACCEPTED", "WORK_STARTED", "COMPLETED"]
    assert [step for step in steps if step in way] == way
    assert "CLASSIFIED" in steps
    done = bureau.call("intake", "GetReferral", intake.GetReferralRequest(name=referral.name)).referral
    assert done.state == common.REFERRAL_STATE_COMPLETED
    assert done.outcome == common.OUTCOME_SUSPECT_IDENTIFIED and done.lead_unit == "cyber"
    history = bureau.call("intake", "GetReferralHistory", intake.GetReferralHistoryRequest(name=referral.name))
    assert [entry.position for entry in history.entries] == list(range(1, len(history.entries) + 1))
    accepted = next(entry for entry in history.entries if entry.step == event.REFERRAL_STEP_ACCEPTED)
    assert (accepted.actor.party, accepted.actor.officer) == ("unit/cyber", "c.one")


def test_what_is_flagged_needs_a_second_pair_of_eyes(connect, dossier):
    common, intake = schema("common"), schema("intake")
    dossier.offences[0].iccs = "0803"
    referral = connect("bureau/NB-FR").submit(dossier)
    assert referral.state == common.REFERRAL_STATE_UNDER_REVIEW
    desk = connect("desk/compliance", officer="c.reviewer")
    refuse = intake.DecideReviewRequest(
        name=referral.name,
        verdict=intake.REVIEW_VERDICT_NON_COMPLIANT,
        ground=common.REFUSAL_GROUND_ARTICLE_3,
        reason="Of a religious character.",
    )
    refused = desk.call("intake", "DecideReview", refuse).referral
    assert refused.state == common.REFERRAL_STATE_REFUSED


def test_what_the_machine_cannot_place_people_decide(connect, dossier):
    classification = schema("classification")
    del dossier.offences[:]
    dossier.offences.add(national_provision="Penal Code, s. 1")
    dossier.title, dossier.narrative = "A request", "On 4 January 2026 a file was opened. We ask for what is known."
    referral = connect("bureau/NB-FR").submit(dossier)
    desk = connect("desk/triage", officer="t.duty")
    # The desk is told of each item; this one comes once classification has looked at it.
    for notification, _ in desk.follow():
        if notification.event.triage_requested.referral == referral.name:
            break
    item = f"triageItems/{referral.name.split('/')[1]}"
    decide = classification.DecideTriageRequest(name=item, lead="terrorism", reason="Known there.")
    assert desk.call("classification", "DecideTriage", decide).decision.lead == "terrorism"
    assignment, _ = pull(connect("unit/terrorism"))
    assert assignment.referral == referral.name


def test_a_stream_resumes_where_it_was(connect, dossier):
    bureau = connect("bureau/NB-ES")
    sent = [bureau.submit(dossier).name for _ in range(3)]
    seen, cursor = [], ""
    # As if the connection broke after each notification.
    while len(seen) < 3:
        notification, cursor = next(bureau.follow(cursor))
        changed = notification.event.referral_changed
        if changed.step == schema("event").REFERRAL_STEP_SUBMITTED:
            seen.append(changed.referral)
    assert seen == sent
