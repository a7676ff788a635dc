"""Hansa's front before a real Keystone, on loopback with real TLS; and a client that speaks JSON to it."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.keystone import Answer
from tests.support.pki import Grid, write_credential
from tests.support.ports import free_port
from tests.support.real_keystone import Distribution, RealKeystone, real_keystone

from hansa.base.config import load
from hansa.base.serving import running
from hansa.client.http import Http, tls_context
from hansa.site.identity.policy import parse_policy
from hansa.site.openstack.wrapper.admin import Admin
from hansa.site.openstack.wrapper.apply import Applying, Change
from hansa.site.openstack.wrapper.mapping import wanted
from hansa.site.openstack.wrapper.server import assembled
from hansa.site.openstack.wrapper.settings import WrapperConfig
from hansa.standards.x509 import Credential

POLICY = {
    "fedcloud.egi.eu": {"tenant": "fedcloud"},
    "/fedcloud.egi.eu/ops/Role=lcgadmin": {"tenant": "operations", "roles": ["member", "reader"]},
}
CONFIG = """\
[front]
public_url = "https://localhost:{port}"
backend = "{backend}"
secret = "{secret}"
[[listeners]]
name = "public"
port = {port}
tls = {{ certificate = "hostcert.pem", key = "hostkey.pem" }}
[identity]
trust_dir = "certificates"
vomsdir = "vomsdir"
policy = "voms.json"
bans = "bans"
[telemetry]
audit = "audit.log"
"""


@dataclass
class Fronted:
    """`home` has the front's configuration and the grid's files."""

    home: Path
    grid: Grid
    url: str
    keystone: RealKeystone

    async def request(
        self,
        method: str,
        path: str,
        document: Any = None,
        *,
        credential: Credential | None = None,
        token: str | None = None,
        subject: str | None = None,
        headers: dict[str, str] | None = None,
        body: bytes | None = None,
        direct: bool = False,
    ) -> Answer:
        """One request; `direct`: to Keystone itself, past the front."""
        proxy = write_credential(self.home / "proxy.pem", credential) if credential else None
        tls = tls_context(certificates=self.home / "certificates", proxy=proxy)
        sent_headers = {"Content-Type": "application/json", **(headers or {})}
        sent_headers |= {"X-Auth-Token": token} if token else {}
        sent_headers |= {"X-Subject-Token": subject} if subject else {}
        sent = json.dumps(document).encode() if document is not None else body

        def ask() -> Answer:
            with Http(self.keystone.url if direct else self.url, tls=tls) as http:
                reply = http.request(method, path, headers=sent_headers, body=sent)
            found = {name.lower(): value for name, value in reply.headers}
            return Answer(
                reply.status, found.get("x-subject-token"), json.loads(reply.body) if reply.body else None, found
            )

        return await asyncio.to_thread(ask)

    def audit(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.home / "audit.log").read_text().splitlines()]


@asynccontextmanager
async def fronted(distribution: Distribution, home: Path, grid: Grid) -> AsyncIterator[Fronted]:
    """The grid's clock must be the real one."""
    grid.write(home)
    (home / "voms.json").write_text(json.dumps(POLICY))
    (home / "bans").write_text("")
    inner = home / "keystone"
    inner.mkdir()
    async with real_keystone(distribution, inner) as keystone:
        port = free_port()
        config = CONFIG.format(port=port, backend=keystone.url, secret=keystone.secret)
        (home / "keystone.toml").write_text(config)
        await keystone_changes(keystone, POLICY, dry=False)
        loaded = load(home / "keystone.toml", WrapperConfig, {})
        with assembled(loaded) as app:
            async with running(app, [each.listener() for each in loaded.listeners]):
                yield Fronted(home, grid, f"https://localhost:{port}", keystone)


async def keystone_changes(keystone: RealKeystone, policy: Mapping[str, Any], *, dry: bool = True) -> list[Change]:
    """What the policy asks to change there; done unless `dry`."""

    def look() -> list[Change]:
        with Admin(keystone.environment) as admin:
            return Applying(admin, wanted(parse_policy(json.dumps(policy).encode())), dry=dry).run()

    return await asyncio.to_thread(look)
