"""What the federation's rooms share, on a throw-away database and grid, for tests of one room."""

import json
from collections.abc import AsyncIterator, Mapping, MutableMapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from cryptography.hazmat.primitives.serialization import Encoding
from tests.support.pki import Grid

from hansa.base.database import Database
from hansa.base.mail import MailSettings, configured
from hansa.base.migrations import upgrade
from hansa.base.serving.gate import App
from hansa.base.telemetry.audit import AuditLog
from hansa.federation.commons import Commons
from hansa.federation.identity.model import NOBODY, Operators
from hansa.federation.membership.service import Membership
from hansa.standards.x509 import ChainPolicy, Credential

URL = "https://federation.example.org"


@asynccontextmanager
async def commons(database_url: str, grid: Grid, operators: Operators = NOBODY) -> AsyncIterator[Commons]:
    """The grid's VO is there; the clock stands at the grid's `now`."""
    database = Database(database_url)
    try:
        await upgrade(database, "federation")
        registry = Membership(database, lambda: grid.now)
        await registry.create_vo(grid.vo)
        trust = grid.trust()
        mail = configured(MailSettings(), database, lambda: grid.now)  # never opened: nothing is delivered
        yield Commons(
            database, registry, lambda: grid.now, AuditLog(), lambda: trust, ChainPolicy(), URL, mail, operators
        )
    finally:
        database.close()


@dataclass
class Request:
    """A request as the TLS front passes it on."""

    user: Credential | None = None
    method: str = "GET"
    headers: dict[str, str] = field(default_factory=dict)
    target: str = "/api/v1/vos"

    def scope(self) -> dict[str, Any]:
        chain = [each.public_bytes(Encoding.PEM).decode() for each in self.user.chain] if self.user else []
        path, _, query = self.target.partition("?")
        return {
            "type": "http",
            "http_version": "1.1",
            "scheme": "https",
            "root_path": "",
            "method": self.method,
            "path": unquote(path),
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "client": ("192.0.2.1", 4711),
            "headers": [(name.lower().encode(), value.encode()) for name, value in self.headers.items()],
            "extensions": {"tls": {"client_cert_chain": chain}} if chain else {},
        }


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


async def ask(app: App, request: Request, document: object = None) -> Answer:
    """Send a request, with a JSON document if there is one, to an application."""
    sent: list[MutableMapping[str, Any]] = []
    body = b""
    if document is not None:
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        request.headers.setdefault("content-type", "application/json")

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    await app(request.scope(), receive, send)
    headers = {name.decode().lower(): value.decode() for name, value in sent[0]["headers"]}
    return Answer(sent[0]["status"], headers, b"".join(message.get("body", b"") for message in sent[1:]))
