"""The OCCI face over a cloud in memory, and a client that speaks ASGI to it without a socket."""

import base64
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from hansa.base.database import Database
from hansa.base.errors import Unauthenticated
from hansa.base.migrations import upgrade
from hansa.cloud.drivers.memory import Delays, MemoryCloud
from hansa.cloud.model import Caller, Flavor, FlavorId, Image, ImageId, Network, NetworkId, ProjectId
from hansa.cloud.port import Cloud
from hansa.site.occi import http
from hansa.site.occi.settings import OcciSettings

IMAGE = Image(ImageId("11111111-aaaa-4bbb-8ccc-000000000001"), "Ubuntu 22.04, LTS", 1 << 20)
OTHER_IMAGE = Image(ImageId("11111111-aaaa-4bbb-8ccc-000000000002"), 'tiny; "odd" name', 1 << 20)
SMALL = Flavor(FlavorId("f-small"), "m1.small", 1, 2048, 10)
MEDIUM = Flavor(FlavorId("f-medium"), "m1.medium", 2, 4096, 20)
ODD = Flavor(FlavorId("f-odd"), "m1.odd", 2, 3686, 20)
NETWORK = Network(NetworkId("net-default"), "default", cidr="10.0.0.0/16", gateway="10.0.0.1")
IMAGES = (IMAGE, OTHER_IMAGE)
FLAVORS = (SMALL, MEDIUM, ODD)
ROOT = "http://cloud.test:8787"
SETTINGS = OcciSettings(public_url=ROOT, patience_seconds=0)

OS_TPL = "http://schemas.openstack.org/template/os#" + IMAGE.id
RESOURCE_TPL = "http://schemas.openstack.org/template/resource#m1-small"


@dataclass
class Clock:
    """Time that passes only when it is told to; each look is a microsecond later, so that creation has an order."""

    time: datetime = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.time += timedelta(microseconds=1)
        return self.time

    def monotonic(self) -> float:
        return self.time.timestamp()

    def pass_(self, **span: float) -> None:
        self.time += timedelta(**span)


def memory_cloud(clock: Clock, *, quota: dict[str, int] | None = None, delays: Delays = Delays()) -> MemoryCloud:  # noqa: B008
    return MemoryCloud(
        clock=clock,
        flavors=FLAVORS,
        images=IMAGES,
        networks=(NETWORK,),
        quota=quota,
        delays=delays,
    )


async def by_name(scope: http.Scope) -> Caller:
    """Basic authentication where the user's name is also the project; no password is looked at."""
    header = dict(scope["headers"]).get(b"authorization", b"").decode()
    if not header.startswith("Basic "):
        raise Unauthenticated("Give a user name.", reason="credential.none")
    user = base64.b64decode(header.removeprefix("Basic ")).decode().partition(":")[0]
    return Caller(user=user, project=ProjectId(user))


@dataclass(frozen=True)
class Reply:
    status: int
    headers: list[tuple[str, str]]
    body: bytes = b""

    def header(self, name: str) -> str | None:
        found = [value for key, value in self.headers if key == name.lower()]
        assert len(found) <= 1, f"{name} stands {len(found)} times"
        return found[0] if found else None

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def lines(self) -> list[str]:
        return self.text.split("\n")


@dataclass
class Client:
    """Requests as `alice` unless another user (or None) is named."""

    app: http.App
    user: str | None = "alice"
    headers: Sequence[tuple[str, str]] = field(default=())

    async def __call__(
        self, method: str, target: str, body: str | bytes = b"", headers: Sequence[tuple[str, str]] = (), **short: str
    ) -> Reply:
        """`short`: accept, content_type."""
        path, _, query = target.removeprefix(ROOT).partition("?")
        assert path.startswith("/"), target
        fields = [*self.headers, *headers]
        fields += [(name.replace("_", "-"), value) for name, value in short.items()]
        if self.user is not None:
            fields.append(("authorization", "Basic " + base64.b64encode(f"{self.user}:x".encode()).decode()))
        if not any(name.lower() == "host" for name, _ in fields):
            fields.append(("host", "cloud.test:8787"))
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": query.encode(),
            "headers": [(name.lower().encode(), value.encode()) for name, value in fields],
        }
        content = body.encode() if isinstance(body, str) else body
        events = [{"type": "http.request", "body": content, "more_body": False}]
        sent: list[Any] = []

        async def receive() -> Any:
            return events.pop(0) if events else {"type": "http.disconnect"}

        async def send(event: Any) -> None:
            sent.append(event)

        await self.app(scope, receive, send)
        start, *rest = sent
        told = [(name.decode(), value.decode()) for name, value in start["headers"]]
        return Reply(start["status"], told, b"".join(event.get("body", b"") for event in rest))

    async def machine(self, *more: str, **short: str) -> str:
        """Make a machine with these further lines; its path."""
        body = "\n".join([line(COMPUTE, "kind"), *more])
        reply = await self("POST", "/compute/", body, content_type="text/plain", **short)
        assert reply.status == 201, reply.text
        return urlsplit(reply.header("location") or "").path

    async def state(self, path: str) -> str:
        reply = await self("GET", path)
        (found,) = [entry for entry in reply.lines if "occi.compute.state=" in entry]
        return found.partition('="')[2].rstrip('"')


COMPUTE = "http://schemas.ogf.org/occi/infrastructure#compute"


def line(type_id: str, class_: str) -> str:
    scheme, _, term = type_id.rpartition("#")
    return f'Category: {term}; scheme="{scheme}#"; class="{class_}"'


@asynccontextmanager
async def site_database(directory: Path) -> AsyncIterator[Database]:
    """A migrated database; the tables are made once and copied after that."""
    path = directory / "site.db"
    if _migrated:
        path.write_bytes(_migrated[0])
        path.chmod(0o600)
    database = Database(f"sqlite:///{path}")
    try:
        if not _migrated:
            await upgrade(database, "site")
            database.close()
            _migrated.append(path.read_bytes())
            database = Database(f"sqlite:///{path}")
        yield database
    finally:
        database.close()


_migrated: list[bytes] = []


@asynccontextmanager
async def face(cloud: Cloud, directory: Path, clock: Clock, settings: OcciSettings = SETTINGS) -> AsyncIterator[Client]:
    async with site_database(directory) as database:
        yield Client(http.app(cloud, by_name, settings, database, clock=clock.monotonic))
