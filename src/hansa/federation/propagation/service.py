"""What can be done with the feed: read on as a site, and keep the register of sites."""

import asyncio
import re
from collections import Counter as Tally
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import urlsplit

import orjson
from prometheus_client import Counter, Gauge
from sqlalchemy import Connection

from hansa.base.database import Database
from hansa.base.telemetry.metrics import REGISTRY
from hansa.federation.membership.model import Credential
from hansa.federation.membership.store import vos as vo_store
from hansa.federation.propagation import store
from hansa.federation.propagation.bell import Bell
from hansa.federation.propagation.errors import InvalidSite, NoSuchSite, NotReady, SiteExists, TooManyWaiting
from hansa.federation.propagation.model import Delivery, Place, Site, Status
from hansa.standards.errors import StandardError
from hansa.standards.jwt import Key, KeySet
from hansa.standards.memberfeed import (
    MAX_MEMBERS,
    Gone,
    Kind,
    Page,
    Wish,
    render_entry,
    render_page,
    scope_of,
    sign_document,
)

PAGE_BYTES = 512 * 1024
"""Entries of a page, together; one may be longer by its last entry."""
LONGEST_WAIT = 55.0
WAITING = 8
"""Requests that one site may have open."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")

pages = Counter("hansa_feed_pages", "Documents given to sites.", ["kind", "way"], registry=REGISTRY)
waiting = Gauge("hansa_feed_waiting", "Sites that wait for news.", registry=REGISTRY)
behind = Gauge("hansa_feed_sites_behind", "Sites that have not confirmed everything, as last seen.", registry=REGISTRY)


@dataclass(frozen=True, slots=True)
class _Found:
    """A page, and the entries to stand in it as they were stored."""

    page: Page
    texts: tuple[bytes, ...]

    @property
    def is_empty(self) -> bool:
        return not self.texts and self.page.kind is Kind.CHANGES


class Feed:
    """`issuer`: the federation's public address, which documents name. `key` gives the present key."""

    def __init__(
        self, database: Database, clock: Callable[[], datetime], bell: Bell, key: Callable[[], Key], issuer: str
    ) -> None:
        self._database = database
        self._clock = clock
        self._bell = bell
        self._key = key
        self._issuer = issuer
        self._open: Tally[str] = Tally()
        self._seen: dict[str, Delivery] = {}

    async def document(self, site: Site, wish: Wish, *, wait: float = 0.0, way: str = "pull") -> bytes:
        """The next page for that site, signed, as an answer to that wish; at the latest after `wait` seconds, without news.

        Raises NotReady, TooManyWaiting.
        """
        with self._one_more(site), self._bell.listening(site.vos) as rung:
            found = await self._page(site, wish)
            if found.is_empty and wait > 0:
                await _rings(rung, min(wait, LONGEST_WAIT))
                found = await self._page(site, wish)
        self._note(site, wish)
        pages.labels(found.page.kind.value, way).inc()
        text = render_page(found.page, found.texts)
        return sign_document(
            text, self._key(), issuer=self._issuer, audience=site.name, nonce=wish.nonce, now=self._clock()
        )

    async def _page(self, site: Site, wish: Wish) -> "_Found":
        return await self._database.read(lambda connection: _page(connection, site, wish))

    @contextmanager
    def _one_more(self, site: Site) -> Iterator[None]:
        if self._open[site.name] >= WAITING:
            raise TooManyWaiting(f"{site.name} has {WAITING} requests open; one is enough.")
        self._open[site.name] += 1
        waiting.inc()
        try:
            yield
        finally:
            waiting.dec()
            self._open[site.name] -= 1

    # Where the sites are

    def _note(self, site: Site, wish: Wish) -> None:
        """What a site asks for next is what it has; written down by `save`, many at once."""
        before = self._seen.get(site.name, Delivery(site.name))
        self._seen[site.name] = replace(
            before,
            lineage=wish.lineage,
            confirmed=wish.after,
            seen=self._clock(),
            failures=0,
            error="",
            next_attempt=None,
        )

    async def note_failure(self, delivery: Delivery) -> None:
        """A push that was not taken: at once, so that it is not forgotten by a restart."""
        self._seen.pop(delivery.site, None)
        await self._database.write(lambda connection: store.save_deliveries(connection, [delivery]))

    async def save(self) -> None:
        """Write down where the sites are."""
        told, self._seen = list(self._seen.values()), {}
        if told:
            await self._database.write(lambda connection: store.save_deliveries(connection, told))

    async def keep(self, interval: float = 2.0) -> None:
        """For ever; and count those that are behind."""
        while True:
            await asyncio.sleep(interval)
            await self.save()
            behind.set(sum(1 for each in await self.statuses() if each.lag.entries))

    # The register

    async def add_site(self, site: Site) -> Site:
        """Raises InvalidSite, SiteExists."""
        _check(site)
        site = replace(site, created=self._clock(), vos=tuple(sorted(set(site.vos))))

        def add(connection: Connection) -> None:
            if store.site(connection, site.name) is not None:
                raise SiteExists(f"There is a site {site.name} already.")
            _check_vos(connection, site.vos)
            store.insert_site(connection, site)

        await self._database.write(add)
        return site

    async def set_vos(self, name: str, vos: Sequence[str]) -> Site:
        """Other VOs than before: the site begins anew. Raises NoSuchSite, InvalidSite."""

        def change(connection: Connection) -> Site:
            _known(connection, name)
            _check_vos(connection, vos)
            store.set_vos(connection, name, sorted(set(vos)))
            return _known(connection, name)

        return await self._database.write(change)

    async def remove_site(self, name: str) -> None:
        def remove(connection: Connection) -> None:
            if not store.delete_site(connection, name):
                raise _no_site(name)

        await self._database.write(remove)

    async def site(self, name: str) -> Site:
        return await self._database.read(lambda connection: _known(connection, name))

    async def sites(self) -> list[Site]:
        return await self._database.read(store.load_sites)

    async def sites_of(self, holder: Credential) -> list[Site]:
        return await self._database.read(lambda connection: store.sites_of_certificate(connection, holder))

    async def delivery(self, name: str) -> Delivery:
        found = await self._database.read(store.load_deliveries)
        return self._seen.get(name) or found.get(name) or Delivery(name)

    async def statuses(self) -> list[Status]:
        """Every site with what it lacks."""
        return await self._database.read(self._statuses)

    def _statuses(self, connection: Connection) -> list[Status]:
        place, deliveries = store.place(connection), store.load_deliveries(connection)
        found = []
        for site in store.load_sites(connection):
            delivery = self._seen.get(site.name) or deliveries[site.name]
            counts = place is not None and delivery.lineage == place.lineage
            found.append(Status(site, delivery, store.lag(connection, site.vos, delivery.confirmed if counts else 0)))
        return found


async def _rings(rung: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await rung.wait()
    except TimeoutError:
        return


def _page(connection: Connection, site: Site, wish: Wish) -> _Found:
    place = store.place(connection)
    if place is None or not place.ready:
        raise NotReady("The feed is not whole yet: the registry is being read for the first time.", retry_after=5)
    anew = _begins_anew(place, site, wish)
    after = 0 if anew else wish.after
    rows = store.rows(connection, site.vos, after, MAX_MEMBERS + 1)
    texts, size = list[bytes](), 0
    for row in rows[:MAX_MEMBERS]:
        texts.append(row.text if row.text is not None else render_entry(Gone(row.vo, row.uid)))
        size += len(texts[-1])
        if size >= PAGE_BYTES:
            break
    more = len(texts) < len(rows)
    page = Page(
        kind=Kind.SNAPSHOT if anew or wish.snapshot else Kind.CHANGES,
        lineage=place.lineage,
        vos=site.vos,
        previous=after,
        sequence=rows[len(texts) - 1].sequence if more else place.sequence,
        head=place.sequence,
        more=more,
        state=None if more else store.digest(connection, site.vos),
        told=(),
    )
    return _Found(page, tuple(texts))


def _begins_anew(place: Place, site: Site, wish: Wish) -> bool:
    """Another numbering, other VOs, a future that never was, or a past that is forgotten."""
    return (
        wish.lineage != place.lineage
        or wish.scope != scope_of(site.vos)
        or wish.after > place.sequence
        or (wish.after < place.horizon and not wish.snapshot)
    )


def _known(connection: Connection, name: str) -> Site:
    found = store.site(connection, name)
    if found is None:
        raise _no_site(name)
    return found


def _no_site(name: str) -> NoSuchSite:
    return NoSuchSite(f"There is no site {name}.")


def _check_vos(connection: Connection, vos: Sequence[str]) -> None:
    known = {name for _, name in vo_store.names(connection)}
    for vo in vos:
        if vo not in known:
            raise InvalidSite(f"There is no VO {vo}.", field="vos")


def _check(site: Site) -> None:
    if not _NAME.fullmatch(site.name):
        raise InvalidSite("A site's name consists of letters, digits, '.', '_' and '-'.", field="name")
    if not site.vos:
        raise InvalidSite("A site supports at least one VO.", field="vos")
    if site.certificate is None and site.jwk is None and site.url is None:
        raise InvalidSite(
            "A site needs a certificate or a key to prove itself with, or an address to push to.", field="certificate"
        )
    if site.jwk is not None:
        _check_jwk(site.jwk)
    if site.url is not None:
        _check_url(site.url)


def _check_jwk(text: str) -> None:
    if not site_keys(text).keys:
        raise InvalidSite("The key is no public key (JWK) for signatures.", field="jwk")


def site_keys(text: str) -> KeySet:
    """The key that a site is registered with, as a set. Raises InvalidSite."""
    try:
        return KeySet.parse(b'{"keys":[%s]}' % orjson.dumps(orjson.loads(text)))
    except (StandardError, ValueError) as error:
        raise InvalidSite("The key is no public key (JWK) for signatures.", field="jwk") from error


def _check_url(url: str) -> None:
    parts = urlsplit(url)
    local = parts.hostname in ("localhost", "127.0.0.1", "::1")
    if not parts.hostname or not (parts.scheme == "https" or (parts.scheme == "http" and local)) or parts.username:
        raise InvalidSite("Documents are pushed to an https:// address.", field="url")
