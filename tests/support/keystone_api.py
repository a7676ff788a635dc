"""The Keystone face of a site without sockets: its directory on a database, tokens as they are needed, and a client."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.fernet import Fernet, MultiFernet

from hansa.base.database import Database
from hansa.base.migrations import upgrade
from hansa.site.directory import Assignment, Directory, Group, Kind, Project, Role, Target, User
from hansa.site.directory.configured import Configured
from hansa.site.directory.model import SYSTEM
from hansa.site.directory.settings import PasswordSettings
from hansa.site.directory.signing import principal_of
from hansa.site.identity import Identity, Principal
from hansa.site.identity.passwords import LocalUser
from hansa.site.identity.policy import Policy, parse_policy
from hansa.site.identity.tokens import Tokens
from hansa.site.issuers import Bearer
from hansa.site.issuers.settings import IssuerSettings, make_providers
from hansa.site.openstack.identity import http
from hansa.site.openstack.identity.assembly import make_desk
from hansa.site.openstack.identity.render import Place

URL = "https://keystone.test:5000"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
POLICY = {"ops": {"tenant": "p-ops"}}


@dataclass
class Reply:
    status: int
    headers: Mapping[str, str]
    raw: bytes

    @property
    def body(self) -> Any:
        return json.loads(self.raw)

    @property
    def token(self) -> str:
        return self.headers["x-subject-token"]


@dataclass
class Client:
    """Requests with one token, or with none."""

    app: Any
    token: str | None = None

    async def __call__(
        self,
        method: str,
        target: str,
        document: Any = None,
        *,
        body: bytes | None = None,
        subject: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """`target`: path and query below `/v3`; `document` goes as JSON, `body` as it is."""
        path, _, query = f"/v3{target}".partition("?")
        lines = [(b"host", b"elsewhere.test")]
        lines += [(b"x-auth-token", self.token.encode())] if self.token else []
        lines += [(b"x-subject-token", subject.encode())] if subject else []
        lines += [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()]
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": query.encode(),
            "headers": lines,
            "scheme": "https",
            "client": ("192.0.2.9", 4711),
            "server": ("elsewhere.test", 443),
        }
        content = body if body is not None else (json.dumps(document).encode() if document is not None else b"")
        events = [{"type": "http.request", "body": content, "more_body": False}]
        sent: list[Any] = []

        async def receive() -> Any:
            return events.pop(0) if events else {"type": "http.disconnect"}

        async def send(event: Any) -> None:
            sent.append(event)

        await self.app(scope, receive, send)
        start, *rest = sent
        told = {name.decode(): value.decode() for name, value in start["headers"]}
        return Reply(start["status"], told, b"".join(event.get("body", b"") for event in rest))

    async def made(self, path: str, kind: str, /, **members: Any) -> Any:
        """What a POST made."""
        reply = await self("POST", path, {kind: members})
        assert reply.status == 201, reply.raw
        return reply.body[kind]

    async def status(self, method: str, target: str, document: Any = None) -> int:
        return (await self(method, target, document)).status


@dataclass
class Api:
    """The face, what stands behind it, and what an operator changes."""

    database: Database
    rules: PasswordSettings = field(default_factory=PasswordSettings)
    now: datetime = NOW
    policy: Policy = field(default_factory=lambda: parse_policy(json.dumps(POLICY).encode()))
    users: dict[str, LocalUser] = field(default_factory=dict)
    issuers: Sequence[IssuerSettings] = ()
    dashboards: tuple[str, ...] = ()
    bans: frozenset[str] = frozenset()
    audit: list[tuple[str, dict[str, object]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.directory = Directory(self.database, lambda: self.now, self.rules)
        self.directory.follow(lambda: (self.policy, self.users), self._configured)
        ring = MultiFernet([Fernet(Fernet.generate_key())])
        self.tokens = Tokens(lambda: ring, lambda: self.users, self.database, lambda: self.now, timedelta(hours=1))
        bearer = Bearer(make_providers(self.issuers, lambda: self.now), self.directory, lambda: self.now)
        self.identity = Identity(
            [self.tokens, bearer],
            policy=lambda: self.policy,
            bans=lambda: self.bans,
            audit=lambda event, /, **fields: self.audit.append((event, fields)),
            assignments=self.directory,
        )
        place = Place(URL, "https://cloud.test:8787", "TEST", "egi.eu", self.dashboards)
        desk = make_desk(
            self.identity, self.tokens, self.directory, place, self.database, lambda: self.now, lambda: ring
        )
        self.keystone = desk.keystone
        self.app = http.app(desk)

    def _configured(self) -> Configured:
        return Configured(
            frozenset(entry.tenant for entry in self.policy.entries.values()),
            frozenset({"member"}),
            frozenset(self.users),
        )

    def client(self, token: str | None = None) -> Client:
        return Client(self.app, token)

    async def role(self, name: str) -> Role:
        return await self.directory.roles.named(name) or await self.directory.roles.create(name, options={}, extra={})

    async def assign(
        self, role: str, actor: User | Group, target: Project | Target, *, is_inherited: bool = False
    ) -> None:
        kind = Kind.USER if isinstance(actor, User) else Kind.GROUP
        if isinstance(target, Project):
            target = Target(Kind.DOMAIN if target.is_domain else Kind.PROJECT, target.id)
        found = await self.role(role)
        await self.directory.roles.assign(Assignment(found.id, kind, actor.id, target, is_inherited))

    async def user(self, name: str, **rest: Any) -> User:
        return await self.directory.users.create(name, **{"options": {}, "extra": {}, **rest})

    def token(self, user: User, target: Project | Target | None = None) -> str:
        """As if the user had signed on; whether the token is good for anything is asked when it is used."""
        return self.token_of(principal_of(user), target)

    def token_of(self, principal: Principal, target: Project | Target | None = None) -> str:
        project = target.key if isinstance(target, Project) and not target.is_domain else None
        domain = target.id if isinstance(target, Project) and target.is_domain else None
        text, _ = self.tokens.issue(
            replace(principal, project=None), project, "password", domain=domain, is_system=target == SYSTEM
        )
        return text

    async def admin(self) -> Client:
        """Somebody with the role `admin` on a project."""
        user, project = await self.user("root"), await self.directory.projects.create("root")
        await self.assign("admin", user, project)
        return self.client(self.token(user, project))

    async def sign_on(self, user: User, password: str, scope: Any = None) -> Reply:
        identity = {"methods": ["password"], "password": {"user": {"id": user.id, "password": password}}}
        return await self.client()("POST", "/auth/tokens", {"auth": {"identity": identity, "scope": scope}})


@asynccontextmanager
async def keystone_api(url: str, **settings: Any) -> AsyncIterator[Api]:
    database = Database(url)
    try:
        await upgrade(database, "site")
        yield Api(database, **settings)
    finally:
        database.close()
