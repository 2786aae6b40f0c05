"""A PostgreSQL cluster of its own for the test suites, in a temporary directory, on a free port of this machine."""

import contextlib
import ctypes
import os
import pathlib
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time


class Unprivileged:
    """The user that PostgreSQL runs as: ourselves, or somebody else where we are root (which it refuses)."""

    def __init__(self):
        self.switch = {}
        if os.getuid() != 0:
            return
        # The user must be in the password database, because initdb looks its name up.
        known = {entry.pw_name: entry for entry in pwd.getpwall()}
        entry = known.get("postgres") or known.get("nobody") or next((e for e in known.values() if e.pw_uid), None)
        if entry is None:
            raise SystemExit("tests/run: started as root, and there is no other user to run PostgreSQL as")
        self.switch = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}

    def own(self, path):
        if self.switch:
            os.chown(path, self.switch["user"], self.switch["group"])

    def can_run(self, program):
        try:
            subprocess.run([program, "--version"], cwd="/", stdout=subprocess.DEVNULL, check=True, **self.switch)
        except (OSError, subprocess.SubprocessError):
            return False
        return True

    def scratch(self):
        """A new folder that this user can reach."""
        for parent in dict.fromkeys((tempfile.gettempdir(), "/tmp", "/var/tmp")):
            folder = pathlib.Path(tempfile.mkdtemp(prefix="liaison-tests-", dir=parent))
            folder.chmod(0o711)
            if subprocess.run(["/bin/sh", "-c", 'cd "$0"', str(folder)], cwd="/", **self.switch).returncode == 0:
                return folder
            folder.rmdir()
        raise SystemExit("tests/run: no temporary directory that an unprivileged user can reach; set TMPDIR")


def die_with_parent():
    """In the child: end when this script is killed outright. Only Linux can say so."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGINT)


class Postgres:
    """A PostgreSQL cluster in a temporary directory, gone with `stop`."""

    def __init__(self, programs, durable):
        user = Unprivileged()
        self.folder, self.process = user.scratch(), None
        try:
            self.programs = self.reachable(user, programs)
            self.start(user, durable)
        except BaseException:
            self.stop()
            raise

    def reachable(self, user, programs):
        if user.can_run(programs / "initdb"):
            return programs
        # A checkout below a private home folder: that user cannot get at target/, so it gets its own copy. A Python
        # package keeps the libraries beside its own folder.
        packages = next((parent for parent in programs.parents if parent.name == "site-packages"), None)
        if packages is None:
            raise SystemExit(f"tests/run: {programs} cannot be used by an unprivileged user")
        name = programs.relative_to(packages).parts[0]
        for folder in packages.glob(f"{name}*"):
            shutil.copytree(folder, self.folder / "programs" / folder.name, symlinks=True)
        return self.folder / "programs" / programs.relative_to(packages)

    def start(self, user, durable):
        password, data = secrets.token_hex(16), self.folder / "data"
        pwfile = self.folder / "password"
        pwfile.touch(mode=0o600)
        pwfile.write_text(password)
        data.mkdir(mode=0o700)
        for path in (data, pwfile):
            user.own(path)
        # `password` and not SCRAM: the client's part of SCRAM takes a tenth of a second in a debug build, at each
        # connection, and the port is open to this machine only.
        subprocess.run(
            [self.programs / "initdb", "-D", data, "-U", "liaison", "--pwfile", pwfile, "-A", "password"]
            + ["-E", "UTF8", "--locale=C", "--no-sync"],
            cwd=self.folder, stdout=subprocess.DEVNULL, check=True, **user.switch,
        )
        # Roles that tests make need no password; they can do nothing beyond this cluster.
        (data / "pg_hba.conf").write_text("host all liaison 127.0.0.1/32 password\nhost all all 127.0.0.1/32 trust\n")
        settings = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "max_connections": 400,
            "shared_buffers": "256MB",
            "max_wal_size": "4GB",
            "fsync": "on" if durable else "off",
            "synchronous_commit": "on" if durable else "off",
            "full_page_writes": "on" if durable else "off",
        }
        for _ in range(3):  # another process may take the port between our look and PostgreSQL's
            port = free_port()
            command = [self.programs / "postgres", "-D", data, "-p", str(port)]
            for name, value in settings.items():
                command += ["-c", f"{name}={value}"]
            with open(self.folder / "log", "ab") as log:
                self.process = subprocess.Popen(
                    command, cwd=self.folder, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                    start_new_session=True, preexec_fn=die_with_parent, **user.switch,
                )
            if self.ready(data / "postmaster.pid"):
                self.url = f"postgres://liaison:{password}@127.0.0.1:{port}/postgres"
                return
        log = (self.folder / "log").read_text(errors="replace")
        raise SystemExit(f"tests/run: PostgreSQL did not start:\n{log[-2000:]}")

    def ready(self, pidfile):
        """The eighth line of that file is how the server says so; pg_ctl reads it too."""
        until = time.monotonic() + 30
        while time.monotonic() < until and self.process.poll() is None:
            with contextlib.suppress(OSError):
                lines = pidfile.read_text().splitlines()
                if len(lines) >= 8 and lines[7].strip() == "ready":
                    return True
            time.sleep(0.02)
        return False

    def stop(self):
        if self.process is not None:
            for how in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
                with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
                    self.process.send_signal(how)
                    self.process.wait(10)
                    break
        shutil.rmtree(self.folder, ignore_errors=True)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
