"""The feed: what a site is told next."""

import asyncio
from collections import Counter as Tally
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import count

import structlog
from prometheus_client import Counter, Gauge
from sqlalchemy import Connection

from hansa.base.database import Database
from hansa.base.errors import HansaError
from hansa.base.telemetry.metrics import REGISTRY
from hansa.federation.propagation import store
from hansa.federation.propagation.bell import Bell
from hansa.federation.propagation.errors import NotReady, TooManyWaiting
from hansa.federation.propagation.model import Delivery, Place, Site
from hansa.federation.propagation.register import Register
from hansa.standards.jwt import Key
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
SAVE_SECONDS = 2.0
LOOK_EVERY = 15

pages = Counter("hansa_feed_pages", "Documents given to sites.", ["kind", "way"], registry=REGISTRY)
waiting = Gauge("hansa_feed_waiting", "Sites that wait for news.", registry=REGISTRY)
log = structlog.stdlib.get_logger(__name__)
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
        self,
        database: Database,
        register: Register,
        clock: Callable[[], datetime],
        bell: Bell,
        key: Callable[[], Key],
        issuer: str,
    ) -> None:
        self._database = database
        self._register = register
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
            self._note(site, wish)
            found = await self._page(site, wish)
            if found.is_empty and wait > 0:
                await _rings(rung, min(wait, LONGEST_WAIT))
                found = await self._page(site, wish)
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
        await self._register.save([delivery])

    async def delivery(self, site: Site) -> Delivery:
        return self._seen.get(site.name) or await self._register.delivery(site.name)

    async def save(self) -> None:
        """Write down where the sites are."""
        told, self._seen = list(self._seen.values()), {}
        if told:
            await self._register.save(told)

    async def keep(self) -> None:
        """For ever; and count those that are behind."""
        for look in count():
            await asyncio.sleep(SAVE_SECONDS)
            try:
                await self.save()
                if look % LOOK_EVERY == 0:
                    behind.set(sum(1 for each in await self._register.statuses() if each.lag.entries))
            except HansaError as error:  # told again in a moment
                log.warning("feed.places_not_saved", error=error.message)


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
