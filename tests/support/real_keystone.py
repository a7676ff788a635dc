"""A real Keystone with Hansa's gate inside, on loopback, with files and a SQLite database of its own.

`DEBIAN` is the package's under uwsgi as Debian runs it, `PYPI` that of the environment of tests/support/openstack.py.
"""

import asyncio
import os
import sqlite3
import subprocess
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.support.openstack import openstack
from tests.support.ports import free_port

from hansa.client.http import Http
from hansa.site.openstack.wrapper.install import ensure_secret, install

ADMIN_PASSWORD = "top-secret-of-the-test"
CONF = """\
[DEFAULT]
log_file = {home}/keystone.log
[auth]
methods = password,token,mapped,application_credential
mapped = hansa
[cache]
enabled = false
[credential]
key_repository = {home}/credential-keys
[database]
connection = sqlite:///{home}/keystone.db
[fernet_tokens]
key_repository = {home}/fernet-keys
[mapped]
remote_id_attribute = HANSA_IDENTITY_PROVIDER
[token]
expiration = 3600
"""
SERVE = """\
import os
from werkzeug.serving import WSGIRequestHandler, run_simple
from hansa_keystone.wsgi import application
run_simple("127.0.0.1", int(os.environ["PORT"]), application, threaded=True)
"""


@dataclass(frozen=True)
class Distribution:
    """How to run a Keystone of one origin. `server` is a command; the environment has PORT and PYTHONPATH."""

    name: str
    manage: str
    server: Sequence[str]


def debian() -> Distribution:
    """Skips where the packages are not."""
    probe = [Path("/usr/bin/keystone-manage"), Path("/usr/bin/uwsgi"), Path("/usr/lib/uwsgi/plugins/python3_plugin.so")]
    if not all(path.exists() for path in probe):
        pytest.skip("Debian's Keystone is not installed (python3-keystone uwsgi-plugin-python3)")
    uwsgi = ["/usr/bin/uwsgi", "--plugin", "python3", "--master", "--die-on-term", "--processes", "1", "--threads", "4"]
    options = ["--http-socket", "127.0.0.1:$PORT", "--buffer-size", "65535", "--module", "hansa_keystone.wsgi"]
    return Distribution("debian", "/usr/bin/keystone-manage", [*uwsgi, *options, "--add-header", "Connection: close"])


def pypi() -> Distribution:
    """Skips where the environment is not."""
    found = openstack()
    return Distribution("pypi", found.program("keystone-manage"), [found.python, "-c", SERVE])


DISTRIBUTIONS = {"debian": debian, "pypi": pypi}


@dataclass(frozen=True)
class RealKeystone:
    """`url` is where it listens itself; `secret` what the front needs."""

    home: Path
    url: str
    secret: Path
    pid: int

    @property
    def environment(self) -> Mapping[str, str]:
        """For clients: the administrator."""
        return {
            "OS_AUTH_URL": f"{self.url}/v3",
            "OS_USERNAME": "admin",
            "OS_PASSWORD": ADMIN_PASSWORD,
            "OS_PROJECT_NAME": "admin",
            "OS_USER_DOMAIN_NAME": "Default",
            "OS_PROJECT_DOMAIN_NAME": "Default",
        }


@asynccontextmanager
async def real_keystone(distribution: Distribution, home: Path, conf: str = CONF) -> AsyncIterator[RealKeystone]:
    port = free_port()
    (home / "keystone.conf").write_text(conf.format(home=home))
    install(home / "inside")
    ensure_secret(home / "keystone.secret")
    environment = {
        "PATH": os.defpath,
        "PORT": str(port),
        "HOME": str(home),
        "OS_KEYSTONE_CONFIG_DIR": str(home),
        "PYTHONPATH": str(home / "inside"),
        "HANSA_KEYSTONE_SECRET_FILE": str(home / "keystone.secret"),
    }
    url = f"http://127.0.0.1:{port}"
    await asyncio.to_thread(_prepare, distribution, home, url, environment)
    log = (home / "server.log").open("wb")
    command = [part.replace("$PORT", str(port)) for part in distribution.server]
    server = await asyncio.create_subprocess_exec(*command, env=environment, stdout=log, stderr=log, cwd=home)
    try:
        await _ready(url, server, home)
        yield RealKeystone(home, url, home / "keystone.secret", server.pid)
    finally:
        log.close()
        if server.returncode is None:
            server.terminate()
        await asyncio.wait_for(server.wait(), 20)


def _prepare(distribution: Distribution, home: Path, url: str, environment: Mapping[str, str]) -> None:
    manage = [distribution.manage, "--config-file", str(home / "keystone.conf")]
    user = ["--keystone-user", str(os.getuid()), "--keystone-group", str(os.getgid())]
    (home / "fernet-keys").mkdir(0o700)
    (home / "credential-keys").mkdir(0o700)
    bootstrap = ["--bootstrap-password", ADMIN_PASSWORD, "--bootstrap-public-url", f"{url}/v3"]
    for command in (
        ["db_sync"],
        ["fernet_setup", *user],
        ["credential_setup", *user],
        ["bootstrap", *bootstrap, "--bootstrap-region-id", "here"],
    ):
        done = subprocess.run([*manage, *command], env=dict(environment), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    with closing(sqlite3.connect(home / "keystone.db")) as database:
        database.execute("PRAGMA journal_mode = WAL")  # Keystone 22 reads by one connection while it writes by another


async def _ready(url: str, server: asyncio.subprocess.Process, home: Path) -> None:
    def ask() -> bool:
        try:
            with Http(url, timeout=10) as http:
                return http.request("GET", "/v3").status == 200
        except Exception:  # noqa: BLE001  # not yet
            return False

    async with asyncio.timeout(60):
        while not await asyncio.to_thread(ask):
            assert server.returncode is None, (home / "server.log").read_text()
            await asyncio.sleep(0.2)
