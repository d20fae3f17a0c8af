"""A PostgreSQL server of the tests' own: started from the installed programs, with passwords, stopped at the end."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

PASSWORD = "pa:ss/w@rd %41"
_OPTIONS = ("fsync=off", "full_page_writes=off", "shared_buffers=64MB", "timezone=America/New_York")


@dataclass
class Postgres:
    """A running server with a database `shop`; `reader` may only log in until somebody grants it more."""

    programs: Path
    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None
    connection: Any = None

    @property
    def uri(self) -> str:
        """As a configuration has it."""
        return f"postgresql://reader@127.0.0.1:{self.port}/shop"

    def run(self, sql: str) -> list[tuple[Any, ...]]:
        """Run statements as the owner, each committed; returns the rows of the last, if it has any."""
        with self._as_owner().cursor() as cursor:
            for statement in (part for part in sql.split(";") if part.strip()):
                cursor.execute(statement)
            return list(cursor.fetchall()) if cursor.description else []

    def _as_owner(self) -> Any:
        from adbc_driver_postgresql import dbapi

        if self.connection is None:
            owner = f"postgresql://owner@127.0.0.1:{self.port}/shop"
            self.connection = dbapi.connect(owner, autocommit=True)
        return self.connection

    def start(self) -> None:
        command = [*_as_somebody_else(), str(self.programs / "postgres"), "-D", str(self.folder / "data")]
        options = [f"port={self.port}", "listen_addresses=127.0.0.1", f"unix_socket_directories={self.folder}"]
        for option in (*options, *_OPTIONS):
            command += ["-c", option]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        ready = [str(self.programs / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        while subprocess.run(ready, check=False).returncode:
            assert self.process.poll() is None, (self.folder / "log").read_text()

    def stop(self) -> None:
        """At once, as a crash: connections break."""
        assert self.process is not None
        if self.connection is not None:
            self.connection.close()
            self.connection = None
        self.process.send_signal(3)  # SIGQUIT
        self.process.wait()


@contextmanager
def running() -> Iterator[Postgres]:
    """Start a server, or skip the test if PostgreSQL is not installed."""
    programs = _programs()
    folder = Path(tempfile.mkdtemp(prefix="postgres-", dir="/tmp"))
    try:
        if _as_somebody_else():
            shutil.chown(folder, _other_user())
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            server = Postgres(programs, folder, free.getsockname()[1])
        init = [str(programs / "initdb"), "-D", str(folder / "data"), "-U", "owner", "-E", "UTF8", "--no-locale",
                "--no-sync", "--auth=trust"]  # fmt: skip
        subprocess.run([*_as_somebody_else(), *init], check=True, capture_output=True)
        access = "host all owner 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n"
        (folder / "data" / "pg_hba.conf").write_text(access)
        server.start()
        try:
            create = [str(programs / "createdb"), "-h", "127.0.0.1", "-p", str(server.port), "-U", "owner", "shop"]
            subprocess.run(create, check=True)
            server.run(f"CREATE ROLE reader LOGIN PASSWORD '{PASSWORD}'")
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder)


def _programs() -> Path:
    on_path = [Path(found).resolve().parent] if (found := shutil.which("initdb")) else []
    for folder in (*on_path, *sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)):
        if all((folder / name).exists() for name in ("initdb", "postgres", "createdb", "pg_isready")):
            return folder
    reason = "PostgreSQL is not installed: no initdb on the PATH or in /usr/lib/postgresql"
    if os.environ.get("RESEGMENT_REQUIRE_POSTGRES") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


def _other_user() -> str:
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def _as_somebody_else() -> list[str]:
    """PostgreSQL refuses to run as root."""
    if os.geteuid():
        return []
    return ["setpriv", f"--reuid={_other_user()}", "--clear-groups", "--pdeathsig=KILL"]
