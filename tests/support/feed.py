"""A registry and the feed over it, without sockets: what a site would read."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from tests.support.memberfeed import feed_key, key_set

from hansa.base.database import Database
from hansa.base.migrations import upgrade
from hansa.federation.membership.model import Credential, Member
from hansa.federation.membership.service import Membership
from hansa.federation.propagation.bell import Bell
from hansa.federation.propagation.model import Site
from hansa.federation.propagation.projection import Projection
from hansa.federation.propagation.register import Register
from hansa.federation.propagation.service import Feed
from hansa.site.accounts.model import Brake, Filter, Outcome
from hansa.site.accounts.service import Accounts
from hansa.standards.jwt import Key
from hansa.standards.memberfeed import Entry, Gone, Kind, Page, Wish, open_document, scope_of, state_digest
from hansa.standards.x509 import Name

ISSUER = "https://federation.example.org"
CA = Name.of(("DC", "org"), ("CN", "Test CA"))
BEGIN = datetime(2026, 5, 1, 12, tzinfo=UTC)


def credential(number: int) -> Credential:
    return Credential(Name.of(("DC", "org"), ("CN", f"Member {number}")), CA)


@dataclass
class Side:
    """The federation's side. Time goes by hand."""

    database: Database
    registry: Membership
    projection: Projection
    register: Register
    feed: Feed
    bell: Bell
    key: Key
    time: datetime = BEGIN

    def now(self) -> datetime:
        return self.time

    def later(self, **amount: float) -> None:
        self.time += timedelta(**amount)

    async def member(self, number: int, vo: str = "demo") -> Member:
        return await self.registry.add_member(vo, credential(number), name=f"Member {number}")

    async def site(self, name: str = "SITE-A", *vos: str, url: str | None = None) -> Site:
        site = Site(name, self.time, vos or ("demo",), credential(9_000_000), url=url)
        return await self.register.add(site)

    async def document(self, site: Site, wish: Wish, wait: float = 0) -> bytes:
        await self.projection.settle()
        return await self.feed.document(site, wish, wait=wait)


@asynccontextmanager
async def federation_side(url: str, *vos: str) -> AsyncIterator[Side]:
    database = Database(url)
    try:
        await upgrade(database, "federation")
        side: Side

        def now() -> datetime:
            return side.now()

        bell, key = Bell(), feed_key()
        registry = Membership(database, now)
        projection = Projection(database, now, bell)
        register = Register(database, now)
        feed = Feed(database, register, now, bell, lambda: key, ISSUER)
        side = Side(database, registry, projection, register, feed, bell, key)
        for vo in () if await registry.vos() else vos or ("demo",):
            await registry.create_vo(vo)
        yield side
    finally:
        database.close()


@dataclass
class Reader:
    """The simplest reader that there can be: a dictionary of entries, in memory."""

    side: Side
    site: Site
    held: dict[tuple[str, str], tuple[Entry, int]] = field(default_factory=dict)
    wish: Wish = field(default_factory=lambda: Wish("nonce-number-000000"))
    pages: list[Page] = field(default_factory=list)

    async def read(self) -> list[Page]:
        """All there is; checks what every reader should."""
        self.pages = []
        seen: set[tuple[str, str]] = set()
        while True:
            asked = self.wish
            text = await self.side.document(self.site, asked)
            page = open_document(
                text,
                key_set(self.side.key),
                issuer=ISSUER,
                audience=self.site.name,
                nonce=asked.nonce,
                now=self.side.now(),
            ).page
            self.pages.append(page)
            seen |= self._apply(page)
            self.wish = Wish(
                f"nonce-number-{len(self.pages):06}",
                page.sequence,
                page.lineage,
                scope_of(page.vos),
                page.more and page.kind is Kind.SNAPSHOT,
            )
            if not page.more:
                if page.kind is Kind.SNAPSHOT:
                    self.held = {key: value for key, value in self.held.items() if key in seen}
                assert state_digest(0, added=[digest for _, digest in self.held.values()]) == page.state
                return self.pages

    def _apply(self, page: Page) -> set[tuple[str, str]]:
        for each in page.told:
            key = (each.entry.vo, each.entry.uid)
            if isinstance(each.entry, Gone):
                self.held.pop(key, None)
            else:
                self.held[key] = (each.entry, each.digest)
        return {(each.entry.vo, each.entry.uid) for each in page.told}

    def entries(self) -> list[Entry]:
        return sorted((entry for entry, _ in self.held.values()), key=lambda entry: (entry.vo, entry.name))


@dataclass
class SiteSide:
    """A site's accounts on a database of their own, following a `Side` without sockets."""

    side: Side
    site: Site
    database: Database
    accounts: Accounts
    log: list[dict[str, object]]

    async def follow(self, *, pages: int | None = None) -> list[Outcome]:
        """Until there is nothing new, or so many pages."""
        outcomes: list[Outcome] = []
        while pages is None or len(outcomes) < pages:
            wish = await self.accounts.wish()
            outcomes.append(await self.accounts.receive(await self.side.document(self.site, wish), wish))
            if not outcomes[-1].more:
                break
        return outcomes

    async def standings(self) -> dict[str, str]:
        """uid -> standing, of everybody in the first VO."""
        return {each.uid: each.standing.value for each in await self.accounts.every(Filter(vo=self.site.vos[0]))}

    def events(self, name: str) -> list[dict[str, object]]:
        return [line for line in self.log if line["event"] == name]


@asynccontextmanager
async def site_side(side: Side, url: str, site: Site, brake: Brake | None = None) -> AsyncIterator[SiteSide]:
    database = Database(url)
    try:
        await upgrade(database, "site")
        log: list[dict[str, object]] = []
        accounts = Accounts(
            database,
            side.now,
            lambda event, /, **fields: log.append({"event": event, **fields}),
            site=site.name,
            federation=ISSUER,
            keys=lambda: key_set(side.key),
            brake=brake or Brake(percent=100),
        )
        yield SiteSide(side, site, database, accounts, log)
    finally:
        database.close()
