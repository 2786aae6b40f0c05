"""What is refused says so in a way that programs and people understand."""

import uuid

import grpc
import pytest

from liaison_client import Client, Refusal, schema


def refused(call):
    with pytest.raises(grpc.RpcError) as raised:
        call()
    return Refusal(raised.value)


def test_every_violation_is_named_at_once(connect, dossier):
    dossier.bureau_reference = ""
    dossier.offences[0].iccs = "9903"
    dossier.persons[0].purpose_link = ""
    refusal = refused(lambda: connect("bureau/NB-FR", language="fr").submit(dossier))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_ARGUMENT")
    assert {"dossier.bureau_reference", "dossier.offences[0].iccs", "dossier.persons[0].purpose_link"} <= set(
        refusal.violations
    )
    assert refusal.text != "" and refusal.text != refused(lambda: connect("bureau/NB-FR").submit(dossier)).text


def test_a_repetition_is_the_same_and_another_body_is_not(connect, dossier):
    bureau, request_id = connect("bureau/NB-FR"), str(uuid.uuid4())
    first = bureau.submit(dossier, request_id)
    assert bureau.submit(dossier, request_id).name == first.name
    dossier.title = "Something else"
    refusal = refused(lambda: bureau.submit(dossier, request_id))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.ALREADY_EXISTS, "REQUEST_ID_REUSED")


def test_nobody_sees_what_is_not_theirs(connect, dossier):
    referral = connect("bureau/NB-FR").submit(dossier)
    request = schema("intake").GetReferralRequest(name=referral.name)
    for party in ("bureau/NB-ES", "unit/terrorism"):
        refusal = refused(lambda: connect(party).call("intake", "GetReferral", request))
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.NOT_FOUND, "NOT_FOUND"), party
    refusal = refused(lambda: connect("unit/cyber").submit(dossier))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.PERMISSION_DENIED, "CALLER_NOT_ALLOWED")


def test_without_a_certificate_there_is_no_connection(suite):
    roots = (suite.certificates / "ca.pem").read_bytes()
    channel = grpc.secure_channel(suite.addresses["intake"], grpc.ssl_channel_credentials(roots))
    with channel:
        with pytest.raises(grpc.FutureTimeoutError):
            grpc.channel_ready_future(channel).result(timeout=2)


def test_a_service_proves_who_it_is_too(suite, tmp_path):
    # A certificate of the right party by an authority that the services do not know, and the other way round.
    name = "bureau-NB-FR"
    for file in ("ca.pem", f"{name}.pem", f"{name}-key.pem"):
        (tmp_path / file).write_bytes((suite.certificates / file).read_bytes())
    (tmp_path / "ca.pem").write_bytes((suite.certificates / f"{name}.pem").read_bytes())
    client = Client(suite.addresses, tmp_path, "bureau/NB-FR")
    request = schema("intake").ListReferralsRequest()
    refusal = refused(lambda: client.call("intake", "ListReferrals", request, timeout=5))
    assert refusal.code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)
    client.close()
