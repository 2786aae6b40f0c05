"""A party's way to Liaison from Python: the schema, mutual TLS, officers, refusals.

Nothing here is made for the tests. Copy it as a start for a client of your own; any other language with gRPC does
the same five things: compile the .proto files, present the party's certificate, name the acting officer, repeat a
submission under the same request id, and read the reason of a refusal.
"""

import hashlib
import importlib
import json
import pathlib
import re
import struct
import sys
import uuid

import grpc
from google.protobuf import duration_pb2, json_format
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from grpc_tools import protoc

SERVICES = ("intake", "classification", "routing", "notification")


def compile_schema(proto_folder, target):
    """Compiles the .proto files to Python modules in `target` and makes them importable."""
    proto_folder, target = pathlib.Path(proto_folder), pathlib.Path(target)
    well_known = pathlib.Path(protoc.__file__).parent / "_proto"
    files = sorted(str(path) for path in proto_folder.glob("liaison/*/v1/*.proto"))
    arguments = ["protoc", f"-I{proto_folder}", f"-I{well_known}", f"--python_out={target}", f"--grpc_python_out={target}"]
    if protoc.main(arguments + files) != 0:
        raise RuntimeError("the schema does not compile")
    sys.path.insert(0, str(target))


def schema(package):
    """The messages of `liaison.<package>.v1`, once the schema is compiled."""
    return importlib.import_module(f"liaison.{package}.v1.{package}_pb2")


def stub(service, channel):
    """The generated client of `service`."""
    module = importlib.import_module(f"liaison.{service}.v1.{service}_pb2_grpc")
    return getattr(module, f"{service.capitalize()}ServiceStub")(channel)


class Client:
    """Acts as one party. `addresses` says where each service answers, as `liaison up` prints it.

    The certificate decides who the caller is; there are no passwords and no tokens. The officer is who acts for the
    party, which vouches for them: some steps are refused without one, and all of them are recorded with one.
    """

    def __init__(self, addresses, certificates, party, officer=None, language="en"):
        folder = pathlib.Path(certificates)
        name = party.replace("/", "-")
        credentials = grpc.ssl_channel_credentials(
            root_certificates=(folder / "ca.pem").read_bytes(),
            private_key=(folder / f"{name}-key.pem").read_bytes(),
            certificate_chain=(folder / f"{name}.pem").read_bytes(),
        )
        self.party = party
        # A connection is made with the first call, and made again when it is lost. grpc repeats nothing by itself.
        self.channels = {service: grpc.secure_channel(addresses[service], credentials) for service in SERVICES}
        metadata = [("accept-language", language)]
        if officer is not None:
            metadata.append(("liaison-officer", officer))
        self.metadata = tuple(metadata)

    @classmethod
    def from_folder(cls, folder, party, **more):
        """The client of `party`, for example "bureau/NB-FR", with what `liaison up` leaves in its folder."""
        folder = pathlib.Path(folder)
        # Lines such as: intake = "127.0.0.1:7101"
        lines = (folder / "addresses.toml").read_text()
        addresses = dict(re.findall(r'^(\w+) = "([^"]+)"$', lines, re.MULTILINE))
        return cls(addresses, folder / "certificates", party, **more)

    def call(self, service, method, request, timeout=20.0):
        """Calls `method` of `service`. A refusal raises grpc.RpcError; see `Refusal`."""
        return getattr(stub(service, self.channels[service]), method)(request, timeout=timeout, metadata=self.metadata)

    def submit(self, dossier, request_id=None):
        """Submits a dossier. Safe to repeat with the same request id until there is an answer."""
        request = schema("intake").SubmitReferralRequest(dossier=dossier, request_id=request_id or str(uuid.uuid4()))
        return self.call("intake", "SubmitReferral", request).referral

    def follow(self, cursor="", timeout=60.0):
        """Yields notifications and the cursor after each, from `cursor` on: first what is kept, then what comes.

        Keep the cursor with what you did about the notification. When the stream ends (the time is over, the service
        restarts, the network fails) call again with the last one: nothing is missed.
        """
        request = schema("notification").StreamNotificationsRequest(cursor=cursor)
        stream = self.call("notification", "StreamNotifications", request, timeout)
        try:
            for element in stream:
                # A heartbeat, which says that the connection is alive, has none.
                if element.HasField("notification"):
                    yield element.notification, element.cursor
        finally:
            stream.cancel()

    def pull(self, wait=0, lease=900):
        """A unit's next assignment and its lease token, waiting up to `wait` seconds; None where nothing came."""
        seconds = duration_pb2.Duration
        request = schema("routing").PullAssignmentsRequest(
            max_assignments=1, wait=seconds(seconds=wait), lease=seconds(seconds=lease)
        )
        # The call lasts as long as the wait, so it gets a little more time than that.
        for pulled in self.call("routing", "PullAssignments", request, timeout=wait + 20.0).assignments:
            return pulled.assignment, pulled.lease_token
        return None

    def history(self, referral):
        """Every step of a referral in order; see `verify_custody`."""
        request = schema("intake").GetReferralHistoryRequest(name=referral)
        return list(self.call("intake", "GetReferralHistory", request).entries)

    def custody(self, referral):
        """The referral's custody bundle, to be kept byte for byte; verify_custody.py proves it offline."""
        request = schema("intake").GetCustodyBundleRequest(name=referral)
        return self.call("intake", "GetCustodyBundle", request).bundle

    def close(self):
        for channel in self.channels.values():
            channel.close()


class Refusal:
    """Why a call was refused, taken out of a grpc.RpcError."""

    def __init__(self, error):
        self.code = error.code()
        # Without a reason no service has answered: the network, or a handshake that failed.
        self.reason, self.metadata, self.retry_after = "", {}, None
        self.text, self.language = error.details(), "en"
        self.rules, self.violations = {}, {}
        status = rpc_status.from_call(error)
        for detail in status.details if status else ():
            info, fields = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
            localized, retry = error_details_pb2.LocalizedMessage(), error_details_pb2.RetryInfo()
            if detail.Unpack(info) and info.domain == "liaison":
                # Stable: programs decide by it. The names are those of liaison.common.v1.ErrorReason.
                self.reason, self.metadata = info.reason, dict(info.metadata)
            elif detail.Unpack(fields):
                for wrong in fields.field_violations:
                    # The rule is for programs; what to mend is for people, in their language where it is not English.
                    self.rules[wrong.field] = wrong.reason
                    self.violations[wrong.field] = wrong.localized_message.message or wrong.description
            elif detail.Unpack(retry):
                self.retry_after = retry.retry_delay.ToTimedelta()
            elif detail.Unpack(localized):
                # For the person at the screen, in the language that was asked for.
                self.text, self.language = localized.message, localized.locale


def read_dossier(text):
    """A dossier from JSON in the fields of liaison.intake.v1.Dossier."""
    return json_format.ParseDict(json.loads(text), schema("intake").Dossier())


class CustodyBroken(Exception):
    """The history is not the one that was written."""


def verify_custody(referral, entries):
    """Checks that no step in the history of `referral` is missing, moved or altered. Needs nothing but the history.

    Each digest is SHA-256 over: the tag, the digest before (32 zero bytes for the first), the 16 bytes of the
    referral's UUID, position and microseconds since 1970 as 8-byte big-endian integers, and then step, state, party,
    officer, unit, detail and content, each as a 4-byte big-endian length and that many bytes. This finds what was
    altered by accident; that nobody made up the whole chain, the signatures of the custody bundle show, which
    verify_custody.py checks.
    """
    step, state = schema("event").ReferralStep, schema("common").ReferralState
    digest = bytes(32)
    for position, entry in enumerate(entries, start=1):
        if entry.position != position:
            raise CustodyBroken(f"position {position} holds step {entry.position}")
        written = hashlib.sha256(b"liaison.custody.receipt.v2\n" + digest)
        written.update(uuid.UUID(referral[len("referrals/"):]).bytes)
        written.update(struct.pack(">qq", entry.position, entry.at.ToMicroseconds()))
        names = step.Name(entry.step)[len("REFERRAL_STEP_"):], state.Name(entry.state)[len("REFERRAL_STATE_"):]
        for text in (*names, entry.actor.party, entry.actor.officer, entry.unit, entry.detail):
            encoded = text.encode()
            written.update(struct.pack(">I", len(encoded)) + encoded)
        written.update(struct.pack(">I", len(entry.content)) + entry.content)
        digest = written.digest()
        if digest != entry.digest:
            raise CustodyBroken(f"step {position} was altered")
