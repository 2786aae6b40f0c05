"""A referral's whole life, as a bureau and a unit live it from programs of their own."""

import concurrent.futures
import copy
import json
import uuid

import pytest

from liaison_client import CustodyBroken, schema, verify_custody
from verify_custody import check, read_keys, spell

WAY = ["SUBMITTED", "ADMITTED", "ROUTED", "DOSSIER_OPENED", "ACCEPTED", "WORK_STARTED", "COMPLETED"]


class Follower:
    """Reads a party's stream up to what is waited for, and remembers what it read."""

    def __init__(self, client, cursor=""):
        self.stream, self.cursor, self.told = client.follow(cursor), cursor, []

    def until(self, wanted):
        for notification, self.cursor in self.stream:
            self.told.append(notification)
            if wanted(notification.event):
                return notification.event
        raise AssertionError("the stream ended")

    def step(self, referral, name):
        """Reads up to this step of the referral."""
        step = schema("event").ReferralStep.Value(f"REFERRAL_STEP_{name}")
        self.until(lambda e: e.referral_changed.referral == referral and e.referral_changed.step == step)

    def steps(self, referral):
        """Position and step of all steps of the referral read so far."""
        events = [told.event for told in self.told if told.event.referral_changed.referral == referral]
        return [(event.sequence, event.referral_changed.step) for event in events]


def pull(unit, seconds=40):
    """Waits for the next assignment of the unit."""
    pulled = unit.pull(wait=seconds)
    assert pulled is not None, "nothing came"
    return pulled


def test_a_referral_is_worked_to_its_outcome(suite, connect, dossier):
    bureau, unit = connect("bureau/NB-FR"), connect("unit/cyber", officer="c.one")
    common, event = schema("common"), schema("event")
    intake, routing = schema("intake"), schema("routing")

    # The unit waits before there is anything to pull. The bureau submits; not sure of the answer, it asks again.
    with concurrent.futures.ThreadPoolExecutor() as background:
        waiting = background.submit(pull, unit)
        request_id = str(uuid.uuid4())
        referral = bureau.submit(dossier, request_id)
        assert bureau.submit(dossier, request_id).name == referral.name
        assignment, lease_token = waiting.result()
    # The answer means that it is kept, and names the clocks that run now.
    assert referral.state == common.REFERRAL_STATE_ADMITTED
    assert referral.completion.due_at.seconds - referral.received_at.seconds == 7 * 24 * 3600

    # The unit has it under a lease, opens the dossier, commits itself. The bureau sees each step as it happens.
    assert assignment.referral == referral.name and assignment.role == common.ASSIGNMENT_ROLE_LEAD
    assert unit.pull() is None, "there is only one"
    follower = Follower(bureau)
    follower.step(referral.name, "ROUTED")
    opened = unit.call("intake", "GetDossier", intake.GetDossierRequest(name=referral.name, purpose="case work"))
    assert opened.dossier == dossier
    follower.step(referral.name, "DOSSIER_OPENED")
    accept = routing.AcceptAssignmentRequest(name=assignment.name, lease_token=lease_token)
    assert unit.call("routing", "AcceptAssignment", accept).assignment.state == common.ASSIGNMENT_STATE_ACCEPTED
    follower.step(referral.name, "ACCEPTED")

    # The bureau's connection breaks here; it goes on from its cursor.
    follower.stream.close()
    before, follower = follower, Follower(bureau, follower.cursor)

    # The unit works a task and reports.
    create = routing.CreateTaskRequest(
        assignment=assignment.name, title="Check every identifier", request_id=str(uuid.uuid4())
    )
    task = unit.call("routing", "CreateTask", create).task
    claimed = unit.call("routing", "ClaimTask", routing.ClaimTaskRequest(name=task.name)).task
    assert (claimed.claimed_by.party, claimed.claimed_by.officer) == ("unit/cyber", "c.one")
    follower.step(referral.name, "WORK_STARTED")
    finish = routing.CompleteTaskRequest(name=task.name, result="Two matches.")
    assert unit.call("routing", "CompleteTask", finish).task.state == routing.TASK_STATE_COMPLETED
    report = routing.CompleteAssignmentRequest(name=assignment.name, outcome=common.OUTCOME_SUSPECT_IDENTIFIED)
    unit.call("routing", "CompleteAssignment", report)
    follower.step(referral.name, "COMPLETED")
    done = bureau.call("intake", "GetReferral", intake.GetReferralRequest(name=referral.name)).referral
    assert done.state == common.REFERRAL_STATE_COMPLETED
    assert done.outcome == common.OUTCOME_SUSPECT_IDENTIFIED and done.lead_unit == "cyber"

    # The history has every step in order with who did it, and the bureau was told of each once, across the break.
    history = bureau.history(referral.name)
    steps = [event.ReferralStep.Name(entry.step)[len("REFERRAL_STEP_"):] for entry in history]
    assert [step for step in steps if step in WAY] == WAY
    assert "CLASSIFIED" in steps
    assert [entry.position for entry in history] == list(range(1, len(history) + 1))
    accepted = history[steps.index("ACCEPTED")]
    assert (accepted.actor.party, accepted.actor.officer) == ("unit/cyber", "c.one")
    told = before.steps(referral.name) + follower.steps(referral.name)
    assert told == [(entry.position, entry.step) for entry in history]
    positions = [notification.position for notification in before.told + follower.told]
    assert positions == list(range(1, len(positions) + 1)), "no gap, and nothing twice"

    # The bureau can prove the history, and no other one.
    verify_custody(referral.name, history)
    for tamper in (
        lambda entries: entries.pop(2),
        lambda entries: entries.reverse(),
        lambda entries: setattr(entries[-1], "detail", "NO_TRACE"),
        lambda entries: setattr(entries[0].at, "nanos", entries[0].at.nanos ^ 4096),
    ):
        altered = copy.deepcopy(history)
        tamper(altered)
        with pytest.raises(CustodyBroken):
            verify_custody(referral.name, altered)

    # To anybody else it proves it with the bundle and the suite's public keys, which came by another way.
    keys = read_keys((suite.folder / "keys" / "public.pem").read_text())
    bundle = bureau.custody(referral.name)
    assert check(bundle, keys) == []
    told = json.loads(bundle)
    assert told["reference"] == referral.reference and told["owner"] == "bureau/NB-FR"
    assert [receipt["step"] for receipt in told["receipts"]] == steps
    assert [receipt["digest"] for receipt in told["receipts"]] == [entry.digest.hex() for entry in history]
    # One word changed, and spelled well; one bit, somewhere; the end cut off.
    told["receipts"][steps.index("ACCEPTED")]["officer"] = "c.two"
    middle = len(bundle) // 2
    for altered in (
        spell(told).encode(), bundle[:middle] + bytes([bundle[middle] ^ 1]) + bundle[middle + 1:], bundle[:-1],
    ):
        assert check(altered, keys)
    problems = check(spell(told).encode(), keys)
    assert any(f"position {steps.index('ACCEPTED') + 1}" in problem for problem in problems), problems
    # A later one begins with the same steps.
    later = json.loads(bureau.custody(referral.name))["receipts"]
    assert later[:len(steps)] == json.loads(bundle)["receipts"]


def flagged(dossier):
    """It goes to the compliance desk first, and to no unit."""
    dossier.offences[0].iccs = "0803"
    return dossier


def test_what_is_flagged_needs_a_second_pair_of_eyes(connect, dossier):
    common, intake = schema("common"), schema("intake")
    bureau = connect("bureau/NB-FR")
    referral = bureau.submit(flagged(dossier))
    assert referral.state == common.REFERRAL_STATE_UNDER_REVIEW
    desk = connect("desk/compliance", officer="c.reviewer")
    Follower(desk).step(referral.name, "REVIEW_REQUESTED")
    refuse = intake.DecideReviewRequest(
        name=referral.name,
        verdict=intake.REVIEW_VERDICT_NON_COMPLIANT,
        ground=common.REFUSAL_GROUND_ARTICLE_3,
        reason="Of a religious character.",
        etag=referral.etag,
    )
    refused = desk.call("intake", "DecideReview", refuse).referral
    assert refused.state == common.REFERRAL_STATE_REFUSED
    last = bureau.history(referral.name)[-1]
    assert (last.actor.party, last.actor.officer, last.detail) == ("desk/compliance", "c.reviewer", "ARTICLE_3")


def test_what_the_machine_cannot_place_people_decide(connect, dossier):
    classification = schema("classification")
    del dossier.offences[:]
    dossier.offences.add(national_provision="Penal Code, s. 1")
    dossier.title, dossier.narrative = "A request", "On 4 January 2026 a file was opened. We ask for what is known."
    referral = connect("bureau/NB-FR").submit(dossier)
    desk = connect("desk/triage", officer="t.duty")
    # The desk is told of each item; this one comes once classification has looked at it.
    Follower(desk).until(lambda event: event.triage_requested.referral == referral.name)
    waiting = desk.call("classification", "ListTriageItems", classification.ListTriageItemsRequest()).items
    [item] = [item.name for item in waiting if item.referral == referral.name]
    decide = classification.DecideTriageRequest(name=item, lead="terrorism", reason="Known there.")
    decision = desk.call("classification", "DecideTriage", decide).decision
    assert (decision.lead, decision.decided_by.officer) == ("terrorism", "t.duty")
    assignment, _ = pull(connect("unit/terrorism"))
    assert assignment.referral == referral.name


def test_a_stream_resumes_where_it_was(connect, dossier):
    bureau = connect("bureau/NB-ES")
    sent = [bureau.submit(flagged(dossier)).name for _ in range(3)]
    seen, cursor = [], ""
    # As if the connection broke after each notification.
    while len(seen) < 3:
        notification, cursor = next(bureau.follow(cursor))
        changed = notification.event.referral_changed
        if changed.step == schema("event").REFERRAL_STEP_SUBMITTED:
            seen.append(changed.referral)
    assert seen == sent
