"""A running suite and the schema, for every test here."""

import json
import os
import pathlib
import signal
import subprocess
import threading

import pytest

import liaison_client

ROOT = pathlib.Path(__file__).resolve().parents[3]

# Some machines send everything to a proxy, which cannot reach this machine's own loopback.
os.environ["no_grpc_proxy"] = "127.0.0.1"


class Suite:
    """`liaison up` in a folder of its own."""

    def __init__(self, folder):
        self.folder = folder
        self.certificates = folder / "certificates"
        self.log = open(folder / "log", "w+b")
        self.process = subprocess.Popen(
            [program(), "up", "--dir", folder, "--port", "0", "--output", "json"],
            env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.log,
        )
        late = threading.Timer(60, self.process.kill)
        late.start()
        # One JSON document, printed when everything is ready; then nothing more.
        printed, ready = "", None
        for line in self.process.stdout:
            printed += line.decode()
            try:
                ready = json.loads(printed)
                break
            except ValueError:
                continue
        late.cancel()
        if ready is None:
            self.log.seek(0)
            raise RuntimeError(f"the suite did not start:\n{self.log.read().decode()}")
        self.addresses = ready["addresses"]

    def client(self, party, officer="a.first", **more):
        return liaison_client.Client(self.addresses, self.certificates, party, officer, **more)

    def run(self, *arguments):
        """Runs another command of the program to its end."""
        subprocess.run([program(), *arguments], env=environment(), stdout=subprocess.DEVNULL, check=True, timeout=60)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)


def environment():
    # Settings of a developer's own instance must not reach the tests.
    return {k: v for k, v in os.environ.items() if not k.startswith("LIAISON_")}


def program():
    folder = os.environ.get("LIAISON_TEST_BINARIES", ROOT / "target" / "debug")
    path = pathlib.Path(folder) / "liaison"
    if not path.exists():
        raise RuntimeError(f"{path} is missing: run tests/run client, or cargo build first")
    return path


@pytest.fixture(scope="session", autouse=True)
def compiled_schema(tmp_path_factory):
    liaison_client.compile_schema(ROOT / "proto", tmp_path_factory.mktemp("schema"))


@pytest.fixture(scope="module")
def suite(tmp_path_factory, compiled_schema):
    suite = Suite(tmp_path_factory.mktemp("suite"))
    yield suite
    try:
        assert suite.stop() == 0
    finally:
        suite.process.kill()
        suite.log.close()


@pytest.fixture
def connect(suite):
    """Clients that are closed when the test ends."""
    clients = []

    def connect(*arguments, **more):
        clients.append(suite.client(*arguments, **more))
        return clients[-1]

    yield connect
    for client in clients:
        client.close()


@pytest.fixture
def dossier(compiled_schema):
    return liaison_client.read_dossier((pathlib.Path(__file__).parent / "dossier.json").read_text())
