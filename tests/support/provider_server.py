"""`hansa federation serve`'s application with its OpenID Provider on a real socket with TLS, and a person at a browser."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import requests
from tests.support.browser import Answer
from tests.support.pki import Grid
from tests.support.ports import free_port
from tests.support.provider import made_keys
from tests.support.voms import holder, write_config

from hansa.base.config import load
from hansa.base.database import Database
from hansa.base.serving import running
from hansa.base.telemetry.audit import AuditLog
from hansa.federation.config import FederationConfig
from hansa.federation.membership.model import Details, Person, RoleGrant
from hansa.federation.membership.service import Membership
from hansa.federation.provider.clients import Clients, Wanted
from hansa.federation.server import assembled

PASSWORD = "correct horse"
NAMESPACE = "urn:geant:example.org"
AUTHORITY = "localhost"


@dataclass
class Served:
    """`ca`: a file with the authority that the server's certificate is from. Alice is `vm_operator` in /VO."""

    url: str
    ca: Path
    grid: Grid
    registry: Membership
    clients: Clients
    alice: Person
    member: int

    async def register(self, **wanted: Any) -> tuple[str, str]:
        """Identifier and secret (empty for a public client) of a new client."""
        client, secret = await self.clients.register(Wanted(**wanted))
        return client.id, secret or ""

    @property
    def entitlement(self) -> str:
        return f"{NAMESPACE}:group:{self.grid.vo}:role=vm_operator#{AUTHORITY}"


@asynccontextmanager
async def served(home: Path) -> AsyncIterator[Served]:
    grid = Grid(now=datetime.now(UTC).replace(microsecond=0), port=free_port())
    port = free_port()
    config = write_config(grid, home, grid.port)
    made_keys(home)
    config.write_text(f"""{config.read_text()}
[web]
public_url = "https://localhost:{port}"
[[web.listeners]]
name = "web"
port = {port}
tls = {{certificate = "hostcert.pem", key = "hostkey.pem"}}
[provider]
keys = "{home}/keys"
namespace = "{NAMESPACE}"
authority = "{AUTHORITY}"
""")
    settings = load(config, FederationConfig, {})
    ca = home / "ca.pem"
    ca.write_bytes(next((home / "certificates").glob("*.pem")).read_bytes())
    async with assembled(settings) as federation, running(federation.app, federation.listeners):
        registry = federation.registry
        await registry.create_vo(grid.vo)
        alice = await registry.add_person(
            Details("Alice Example", "Alice", "Example", "alice@example.org", True, "alice"), [holder(grid.user())]
        )
        await registry.set_password(alice.uid, PASSWORD.encode())
        member = (await registry.admit(grid.vo, alice.uid)).id
        await registry.grant(grid.vo, member, RoleGrant(f"/{grid.vo}", "vm_operator"))
        database = Database(settings.database.url)
        try:
            clients = Clients(database, lambda: datetime.now(UTC), AuditLog())
            yield Served(f"https://localhost:{port}", ca, grid, registry, clients, alice, member)
        finally:
            database.close()


@dataclass
class AtBrowser:
    """A person at a browser; every call waits for the network."""

    ca: Path
    session: requests.Session = field(default_factory=requests.Session)

    def get(self, url: str) -> Answer:
        return self._answer(self.session.get(url, verify=str(self.ca), allow_redirects=False, timeout=30))

    def submit(self, page: Answer, action: str, **filled: str) -> Answer:
        form = page.form(action)
        url = urljoin(page.url, form.action)
        reply = self.session.post(url, form.fields | filled, verify=str(self.ca), allow_redirects=False, timeout=30)
        return self._answer(reply)

    def log_in(self, page: Answer) -> Answer:
        return self.submit(page, "/oidc/login/password", login="alice", password=PASSWORD)

    def _answer(self, reply: requests.Response) -> Answer:
        headers = [(name.lower(), value) for name, value in reply.headers.items()]
        return Answer(reply.url, reply.status_code, headers, reply.content)
