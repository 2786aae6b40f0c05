"""The API from the command line, with nothing but a certificate: the services describe themselves."""

import json
import shutil
import subprocess
import uuid

import pytest
from google.protobuf import json_format


@pytest.fixture(scope="module")
def grpcurl(suite):
    program = shutil.which("grpcurl")
    assert program, "grpcurl is not on the path: run tests/run client"

    def run(party, *arguments):
        name = party.replace("/", "-")
        command = [
            program,
            "-cacert", suite.certificates / "ca.pem",
            "-cert", suite.certificates / f"{name}.pem",
            "-key", suite.certificates / f"{name}-key.pem",
            "-H", "liaison-officer: a.first",
            "-emit-defaults",
            *arguments,
        ]
        return subprocess.run(command, capture_output=True, text=True, timeout=60)

    return run


def done(completed):
    assert completed.returncode == 0, completed.stderr
    return completed.stdout


def test_every_service_lists_what_it_offers(grpcurl, suite):
    for service, address in suite.addresses.items():
        listed = done(grpcurl("bureau/NB-FR", address, "list")).split()
        # Its own, the one that takes events and the one that shows its audit; not those that answer elsewhere.
        own = {
            f"liaison.{service}.v1.{service.capitalize()}Service",
            "liaison.event.v1.EventInboxService",
            "liaison.audit.v1.AuditService",
        }
        assert {name for name in listed if name.startswith("liaison.")} == own
        assert "grpc.health.v1.Health" in listed


def test_the_api_documents_itself(grpcurl, suite):
    described = done(grpcurl("bureau/NB-FR", suite.addresses["intake"], "describe", "liaison.intake.v1.IntakeService"))
    assert "rpc SubmitReferral" in described
    message = done(grpcurl("bureau/NB-FR", suite.addresses["intake"], "describe", "liaison.intake.v1.Dossier"))
    assert "string narrative = 6" in message


def test_a_call_is_json_in_and_json_out(grpcurl, suite, dossier):
    address = suite.addresses["intake"]
    dossier.persons[0].minor = True  # it waits for a reviewer, so that no unit pulls it
    request = {
        "dossier": json_format.MessageToDict(dossier, preserving_proto_field_name=True),
        "request_id": str(uuid.uuid4()),
    }
    method = "liaison.intake.v1.IntakeService/SubmitReferral"
    answer = json.loads(done(grpcurl("bureau/NB-GB", "-d", json.dumps(request), address, method)))
    assert answer["referral"]["state"] == "REFERRAL_STATE_UNDER_REVIEW"
    method = "liaison.intake.v1.IntakeService/ListReferrals"
    listed = json.loads(done(grpcurl("bureau/NB-GB", address, method)))
    assert [referral["name"] for referral in listed["referrals"]] == [answer["referral"]["name"]]


def test_a_refusal_says_why(grpcurl, suite):
    method = "liaison.intake.v1.IntakeService/SubmitReferral"
    completed = grpcurl("unit/cyber", "-d", "{}", suite.addresses["intake"], method)
    assert completed.returncode != 0
    assert "PermissionDenied" in completed.stderr and "CALLER_NOT_ALLOWED" in completed.stderr
