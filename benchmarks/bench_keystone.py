"""Our Keystone face beside the real one, in one run: what a token costs the server, in processor time.

Each operation is one request on a connection of its own, over plain HTTP on loopback; the client's time does not count. The real
ones run as is usual: uwsgi, one process with four threads, Fernet tokens, SQLite; ours is one process.
Passwords cost the same in both: scrypt with the same parameters; none is used twice, for we remember a proved one for a minute.
"""

import asyncio
import base64
import hashlib
import http.client
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.support.openstack import openstack
from tests.support.pki import Grid
from tests.support.ports import free_port
from tests.support.real_keystone import ADMIN_PASSWORD, CONF, DISTRIBUTIONS, Distribution, RealKeystone, real_keystone
from tests.support.site_process import CONFIG, MEMORY

from benchmarks.processor import of_tree
from benchmarks.result import Result
from hansa.site.identity.passwords import user_line
from hansa.site.openstack.wrapper.admin import Admin

AIM = 10.0
USERS = 14
"""Each proves a password once: fewer than the rate limit of one address minds."""
PASSWORD = "correct horse"
CACHES = {"": "", ", cache in memory": "[cache]\nenabled = true\nbackend = dogpile.cache.memory\n"}
"""As installed it has none that keeps anything; sites that look after it add one."""
FACE = """\
[keystone]
public_url = "http://127.0.0.1:{port}"
[[keystone.listeners]]
name = "keystone"
port = {port}
"""
SCRYPT = """\
[identity]
password_hash_algorithm = scrypt
password_hash_rounds = 15
scrypt_block_size = 8
scrypt_parallelism = 1
"""


@dataclass(frozen=True)
class Peer:
    """A Keystone to ask. `project` is where everybody works; `pid` is the process whose tree is counted."""

    name: str
    port: int
    pid: int
    admin: str
    admin_project: str
    project: str


def run() -> list[Result]:
    found: dict[str, dict[str, float]] = {}
    with _ours() as peer:
        found["Hansa"] = _measured(peer, 1000)
    try:
        for distribution in _distributions():
            for name, cache in CACHES.items():
                found[f"{distribution.name}{name}"] = asyncio.run(_real(distribution, cache))
    except pytest.skip.Exception as missing:
        print(f"keystone: {missing}")
    return list(_results(found))


def _results(found: dict[str, dict[str, float]]) -> Iterator[Result]:
    ours = found["Hansa"]
    for operation in ours:
        for name, costs in found.items():
            yield Result(f"{operation}, {name}", costs[operation], "ms", None, "processor time of the server")
        for name, costs in found.items():
            if name != "Hansa":
                aim = None if "password" in operation else AIM
                yield Result(f"{operation}: Hansa beside {name}", costs[operation] / ours[operation], "×", aim)


def _distributions() -> Iterator[Distribution]:
    """PyPI's in the environment of OpenStack's programs, and Debian's, both under Debian's uwsgi."""
    debian = DISTRIBUTIONS["debian"]()
    server = list(debian.server)
    module = server.index("hansa_keystone.wsgi")
    pypi = openstack()
    packages = next(
        pypi.directory.parent.glob("lib/python3*/site-packages")
    )  # of the same minor version as uwsgi's Python
    current = [*server[:module], "keystone.wsgi.api", *server[module + 1 :], "--pythonpath", str(packages)]
    yield Distribution("Keystone 30", pypi.program("keystone-manage"), current)
    script = ["--wsgi-file", "/usr/bin/keystone-wsgi-public"]
    yield Distribution("Keystone 22", debian.manage, [*server[: module - 1], *script, *server[module + 1 :]])


@contextmanager
def _ours() -> Iterator[Peer]:
    with tempfile.TemporaryDirectory(prefix="hansa-bench-") as place:
        home, port = Path(place), free_port()
        Grid(now=datetime.now(UTC)).write(home)
        (home / "voms.json").write_text("{}")
        names = ["root", *(f"user{number}" for number in range(USERS))]
        hashed = _scrypt(PASSWORD)
        roles = {"root": ("admin",)}
        lines = [user_line(name, hashed, "work", roles.get(name, ())) for name in names]
        (home / "users").write_text("\n".join(lines) + "\n")
        rest = MEMORY + FACE.format(port=port)
        (home / "site.toml").write_text(CONFIG.format(port=free_port(), directory=home, rest=rest))
        environment = {
            **os.environ,
            "HANSA_IDENTITY__USERS": str(home / "users"),
            "HANSA_IDENTITY__TOKENS__KEYS": str(home / "token-keys"),
        }
        command = [sys.executable, "-m", "hansa.cli.main", "site", "serve", "--config", str(home / "site.toml")]
        with (home / "log").open("wb") as log:
            server = subprocess.Popen(command, env=environment, stderr=log)
        try:
            _until_open(port)
            answer, token = _issue(port, "root", PASSWORD, {"name": "work", "domain": {"id": "default"}})
            project = answer["token"]["project"]["id"]
            yield Peer("Hansa", port, server.pid, token, project, project)
        finally:
            server.terminate()
            server.wait(20)


async def _real(distribution: Distribution, cache: str) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="hansa-bench-") as place:
        conf = CONF.replace("mapped = hansa\n", "").replace("[cache]\nenabled = false\n", cache) + SCRYPT
        async with real_keystone(distribution, Path(place), conf) as keystone:
            return await asyncio.to_thread(_asked, distribution.name, keystone)


def _asked(name: str, keystone: RealKeystone) -> dict[str, float]:
    with Admin(keystone.environment) as admin:
        project = admin.make("POST", "/projects", {"project": {"name": "work", "domain_id": "default"}})["project"][
            "id"
        ]
        member = admin.named("roles", "member")
        assert member
        for number in range(USERS):
            user = {"name": f"user{number}", "domain_id": "default", "password": PASSWORD}
            made = admin.make("POST", "/users", {"user": user})["user"]["id"]
            admin.make("PUT", f"/projects/{project}/users/{made}/roles/{member['id']}")
    port = int(keystone.url.rpartition(":")[2])
    answer, token = _issue(port, "admin", ADMIN_PASSWORD, {"name": "admin", "domain": {"id": "default"}})
    own = answer["token"]["project"]["id"]
    return _measured(Peer(name, port, keystone.pid, token, own, project), 200)


def _measured(peer: Peer, times: int) -> dict[str, float]:
    """Milliseconds of the server's processor for each operation."""
    tokens: list[str] = []
    users = iter(range(USERS))
    project = {"id": peer.project}

    def by_password() -> None:
        tokens.append(_issue(peer.port, f"user{next(users)}", PASSWORD, project)[1])

    password = _cost(peer, by_password, USERS - 4, before=4)
    by_token = {
        "identity": {"methods": ["token"], "token": {"id": peer.admin}},
        "scope": {"project": {"id": peer.admin_project}},
    }
    rescope = _cost(peer, lambda: _ask(peer.port, "POST", "/v3/auth/tokens", {"auth": by_token}), times)
    shown = {"X-Auth-Token": peer.admin}
    some = iter(range(10_000_000))

    def validate() -> None:
        subject = tokens[next(some) % len(tokens)]
        _ask(peer.port, "GET", "/v3/auth/tokens", headers={**shown, "X-Subject-Token": subject})

    return {
        "a token for a token": rescope,
        "a token is validated": _cost(peer, validate, times),
        "a token for a password": password,
    }


def _cost(peer: Peer, call: Callable[[], object], times: int, *, before: int = 20) -> float:
    for _ in range(before):
        call()
    began = of_tree(peer.pid)
    for _ in range(times):
        call()
    return (of_tree(peer.pid) - began) / times * 1e3


def _issue(port: int, user: str, password: str, project: dict[str, Any]) -> tuple[Any, str]:
    who = {"name": user, "domain": {"id": "default"}, "password": password}
    identity = {"methods": ["password"], "password": {"user": who}}
    answer, token = _ask(
        port, "POST", "/v3/auth/tokens", {"auth": {"identity": identity, "scope": {"project": project}}}
    )
    assert token
    return answer, token


def _ask(
    port: int, method: str, path: str, document: Any = None, headers: dict[str, str] | None = None
) -> tuple[Any, str | None]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        sent = json.dumps(document).encode() if document is not None else None
        connection.request(method, path, sent, {"Content-Type": "application/json", **(headers or {})})
        reply = connection.getresponse()
        body = reply.read()
        assert reply.status in (200, 201), (reply.status, body)
        return json.loads(body), reply.getheader("X-Subject-Token")
    finally:
        connection.close()


def _until_open(port: int) -> None:
    for _ in range(300):
        try:
            _ask(port, "GET", "/v3")
        except OSError:
            time.sleep(0.1)
            continue
        return
    raise AssertionError(f"nothing listens on port {port}")


def _scrypt(password: str) -> str:
    """A line of before, at the cost of Keystone's own hashes."""
    salt = secrets.token_bytes(16)
    digest = hashlib.scrypt(password.encode(), salt=salt, n=2**15, r=8, p=1, maxmem=2**26, dklen=32)
    encoded = (base64.b64encode(each).decode().rstrip("=") for each in (salt, digest))
    return "$scrypt$ln=15,r=8,p=1$" + "$".join(encoded)
