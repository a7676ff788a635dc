"""A throw-away PostgreSQL for tests: one cluster for the session, one empty database for each test that asks.

    def test_something(postgres_url: str) -> None: ...

The server's programs come from PATH or Debian's `/usr/lib/postgresql/*/bin`; without them these tests skip. PostgreSQL refuses to
run as root, so root starts it as `nobody`.
"""

import os
import shutil
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest


@dataclass(frozen=True, slots=True)
class Cluster:
    socket: Path  # the directory of its only way in: a Unix socket

    def url(self, database: str) -> str:
        return f"postgresql://hansa@/{database}?host={self.socket}"

    @contextmanager
    def database(self) -> Iterator[str]:
        name = f"test_{uuid.uuid4().hex}"
        self._execute(f'CREATE DATABASE "{name}"')
        yield self.url(name)
        self._execute(f'DROP DATABASE "{name}" WITH (FORCE)')

    def _execute(self, statement: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[call-overload]  # names are made above, not typed literals


def programs() -> Path | None:
    """The directory of `initdb` and `postgres`."""
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    return max((path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")), default=None)


@contextmanager
def running_cluster() -> Iterator[Cluster]:
    """Start one; skips the test when PostgreSQL is not installed."""
    directory = programs()
    if directory is None:
        pytest.skip("PostgreSQL is not installed (Debian: postgresql)")
    home = Path(tempfile.mkdtemp(prefix="hansa-pg-"))
    user = []
    if os.geteuid() == 0:
        user = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
        shutil.chown(home, "nobody", "nogroup")
    data, log = home / "data", home / "log"
    try:
        subprocess.run(
            [*user, directory / "initdb", "-D", data, "-U", "hansa", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"],
            check=True, capture_output=True, cwd="/",
        )  # fmt: skip
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(home),
            "fsync": "off",
            "max_connections": "60",
        }
        options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        with log.open("wb") as output:
            server = subprocess.Popen(
                [*user, directory / "postgres", "-D", data, *options], stdout=output, stderr=output, cwd="/"
            )
        try:
            cluster = Cluster(home)
            _await(cluster, server, log)
            yield cluster
        finally:
            server.terminate()  # "smart" shutdown would wait for clients; ours are gone
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _await(cluster: Cluster, server: "subprocess.Popen[bytes]", log: Path) -> None:
    for _ in range(300):
        try:
            psycopg.connect(cluster.url("postgres")).close()
        except psycopg.OperationalError:
            if server.poll() is not None:
                break
            time.sleep(0.1)
        else:
            return
    pytest.fail(f"PostgreSQL did not start: {log.read_text()[-2000:]}")
