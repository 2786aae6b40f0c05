"""What is refused says so in a way that programs and people understand."""

import socket
import ssl
import uuid

import grpc
import pytest

from liaison_client import Client, Refusal, schema, stub


def refused(call):
    with pytest.raises(grpc.RpcError) as raised:
        call()
    return Refusal(raised.value)


def held(dossier):
    """It waits for a reviewer (a suspect is a minor), so that no unit pulls it."""
    dossier.persons[0].minor = True
    return dossier


def test_every_violation_is_named_at_once(connect, dossier):
    dossier.bureau_reference = ""
    dossier.offences[0].iccs = "9903"
    dossier.persons[0].purpose_link = ""
    refusal = refused(lambda: connect("bureau/NB-FR", language="fr").submit(dossier))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_ARGUMENT")
    assert set(refusal.violations) == {
        "dossier.bureau_reference", "dossier.offences[0].iccs", "dossier.persons[0].purpose_link",
    }
    # For programs it is the same in every language, for people it is theirs.
    english = refused(lambda: connect("bureau/NB-FR").submit(dossier))
    assert (refusal.language, english.language) == ("fr", "en")
    assert refusal.rules == english.rules and all(refusal.rules.values())
    for french, other in zip([refusal.text, *refusal.violations.values()], [english.text, *english.violations.values()]):
        assert french and other and french != other
    assert dossier.narrative[:20] not in refusal.text + str(refusal.violations), "content is in no error"


def test_a_repetition_is_the_same_and_another_body_is_not(connect, dossier):
    bureau, request_id = connect("bureau/NB-FR"), str(uuid.uuid4())
    first = bureau.submit(held(dossier), request_id)
    assert bureau.submit(dossier, request_id).name == first.name
    dossier.title = "Something else"
    refusal = refused(lambda: bureau.submit(dossier, request_id))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.ALREADY_EXISTS, "REQUEST_ID_REUSED")


def test_nobody_sees_what_is_not_theirs(connect, dossier):
    bureau = connect("bureau/NB-FR")
    referral = bureau.submit(held(dossier))
    request = schema("intake").GetReferralRequest(name=referral.name)
    for party in ("bureau/NB-ES", "unit/terrorism"):
        refusal = refused(lambda: connect(party).call("intake", "GetReferral", request))
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.NOT_FOUND, "NOT_FOUND"), party
    _, cursor = next(bureau.follow())
    refusal = refused(lambda: next(connect("bureau/NB-ES").follow(cursor)))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "CURSOR_INVALID")


def test_a_unit_may_not_submit(connect, dossier):
    refusal = refused(lambda: connect("unit/cyber").submit(dossier))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.PERMISSION_DENIED, "CALLER_NOT_ALLOWED")


def test_who_submitted_does_not_review(connect, dossier):
    referral = connect("bureau/NB-FR", officer="a.first").submit(held(dossier))
    intake = schema("intake")
    admit = intake.DecideReviewRequest(name=referral.name, verdict=intake.REVIEW_VERDICT_COMPLIANT, reason="Mine.")
    refusal = refused(lambda: connect("desk/compliance", officer="a.first").call("intake", "DecideReview", admit))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.PERMISSION_DENIED, "SEPARATION_OF_DUTIES")


def test_without_a_certificate_there_is_no_connection(suite):
    authority = suite.certificates / "ca.pem"
    credentials = grpc.ssl_channel_credentials(authority.read_bytes())
    with grpc.secure_channel(suite.addresses["intake"], credentials) as channel:
        intake, request = stub("intake", channel), schema("intake").ListReferralsRequest()
        refusal = refused(lambda: intake.ListReferrals(request, timeout=20))
    # What gRPC calls unavailable is the handshake: in TLS 1.3 the server's alert comes with the first read.
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.UNAVAILABLE, "")
    context = ssl.create_default_context(cafile=str(authority))
    context.set_alpn_protocols(["h2"])
    host, port = suite.addresses["intake"].rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=20) as plain:
        with pytest.raises(ssl.SSLError, match="CERTIFICATE_REQUIRED"):
            with context.wrap_socket(plain, server_hostname=host) as secured:
                secured.recv(1)


def test_both_sides_prove_who_they_are(suite, tmp_path):
    """With the certificate of another authority: the service refuses the client, the client the service."""
    party, name = "bureau/NB-FR", "bureau-NB-FR"
    suite.run("certs", "init", "--dir", tmp_path)
    suite.run("certs", "issue", party, "--dir", tmp_path)
    for authority in (suite.certificates / "ca.pem", suite.certificates / f"{name}.pem"):
        (tmp_path / "ca.pem").write_bytes(authority.read_bytes())
        client = Client(suite.addresses, tmp_path, party)
        refusal = refused(lambda: client.call("intake", "ListReferrals", schema("intake").ListReferralsRequest()))
        client.close()
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.UNAVAILABLE, "")
