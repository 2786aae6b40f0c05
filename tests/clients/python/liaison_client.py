"""A party's way to Liaison from Python: the schema, mutual TLS, officers, refusals.

Nothing here is made for the tests. Copy it as a start for a client of your own; any other language with gRPC does
the same five things: compile the .proto files, present the party's certificate, name the acting officer, repeat a
submission under the same request id, and read the reason of a refusal.
"""

import importlib
import json
import pathlib
import sys
import uuid

import grpc
from google.protobuf import json_format
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

    def call(self, service, method, request, timeout=20.0):
        """Calls `method` of `service`. A refusal raises grpc.RpcError; see `Refusal`."""
        return getattr(stub(service, self.channels[service]), method)(request, timeout=timeout, metadata=self.metadata)

    def submit(self, dossier, request_id=None):
        """Submits a dossier. Safe to repeat with the same request id until there is an answer."""
        request = schema("intake").SubmitReferralRequest(dossier=dossier, request_id=request_id or str(uuid.uuid4()))
        return self.call("intake", "SubmitReferral", request).referral

    def follow(self, cursor="", timeout=60.0):
        """Yields notifications and the cursor after each, from `cursor` on: first what is kept, then what comes.

        Keep the cursor with what you did about the notification. When the stream ends (the service restarts, the
        network fails) call again with the last one: nothing is missed.
        """
        request = schema("notification").StreamNotificationsRequest(cursor=cursor)
        for element in self.call("notification", "StreamNotifications", request, timeout):
            if element.HasField("notification"):
                yield element.notification, element.cursor

    def close(self):
        for channel in self.channels.values():
            channel.close()


class Refusal:
    """Why a call was refused, taken out of a grpc.RpcError."""

    def __init__(self, error):
        self.code = error.code()
        self.reason, self.metadata, self.violations, self.text = "", {}, {}, error.details()
        status = rpc_status.from_call(error)
        for detail in status.details if status else ():
            info, fields = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
            localized = error_details_pb2.LocalizedMessage()
            if detail.Unpack(info) and info.domain == "liaison":
                # Stable: programs decide by it. The names are those of liaison.common.v1.ErrorReason.
                self.reason, self.metadata = info.reason, dict(info.metadata)
            elif detail.Unpack(fields):
                self.violations = {v.field: v.description for v in fields.field_violations}
            elif detail.Unpack(localized):
                # For the person at the screen, in the language that was asked for.
                self.text = localized.message


def read_dossier(text):
    """A dossier from JSON in the fields of liaison.intake.v1.Dossier."""
    return json_format.ParseDict(json.loads(text), schema("intake").Dossier())
