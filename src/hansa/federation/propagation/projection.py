"""Follows the registry's history and keeps what sites are told up to date: one numbered entry for each member.

What happened is only a hint whom to look at; what is told is what the registry says now. So a hint may come twice or late, and a
scan of a whole VO is the same work with everybody in it. Every step is one transaction with its place: a crash repeats nothing.
"""

import asyncio
import secrets
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

import structlog
from prometheus_client import Counter, Histogram
from sqlalchemy import Connection

from hansa.base.database import Database
from hansa.base.telemetry.metrics import REGISTRY, SECONDS
from hansa.federation.membership.model import Change
from hansa.federation.membership.store import changes as change_store
from hansa.federation.membership.store import vos as vo_store
from hansa.federation.propagation import store
from hansa.federation.propagation.bell import Bell
from hansa.federation.propagation.source import entries_of, text_of, uids_after
from hansa.standards.memberfeed import Entry, digest_of

CHUNK = 500
"""Changes, or members of a scan, in one transaction."""
FORGET_AFTER = timedelta(days=30)
TIDY_SECONDS = 3600.0
_NO_MEMBER = frozenset({"vo.created", "group.added"})
"""What happens to a VO and changes nothing about its members."""

updates = Counter("hansa_feed_updates", "Members whose entry in the feed changed.", registry=REGISTRY)
seconds = Histogram(
    "hansa_feed_delay_seconds",
    "From a change in the registry to its entry in the feed.",
    registry=REGISTRY,
    buckets=SECONDS,
)
log = structlog.stdlib.get_logger(__name__)


class Projection:
    """`bell` rings for the VOs that have news, also those that another process found. `issuer`: of our members' tokens."""

    def __init__(self, database: Database, clock: Callable[[], datetime], bell: Bell, issuer: str = "") -> None:
        self._issuer = issuer
        self._database = database
        self._clock = clock
        self._bell = bell
        self._rung = 0
        self._tidied = float("-inf")

    async def run(self, interval: float) -> None:
        """For ever. `interval`: seconds between two looks at the history when nothing happens."""
        while True:
            try:
                await self.settle()
                await self._tidy()
            except Exception as error:  # the place in the history stays: nothing is lost
                log.error("feed.projection_failed", exc_info=error)
            await asyncio.sleep(interval)

    async def settle(self) -> None:
        """Until nothing is left to do."""
        while await self.step():
            pass

    async def step(self) -> bool:
        """Take over the next changes, or the next piece of a scan; False if there was nothing."""
        if not await self._database.read(_has_work):
            await self._ring()
            return False
        changes = await self._database.write(self._work)
        for change in changes:
            seconds.observe(max((self._clock() - change.at).total_seconds(), 0))
        await self._ring()
        return True

    def _work(self, connection: Connection) -> Sequence[Change]:
        if store.place(connection) is None:
            self._begin(connection)
        changes = change_store.after(connection, store.cursor(connection), CHUNK)
        if changes:
            self._take_over(connection, changes)
            return changes
        if scan := store.next_scan(connection):
            self._scan(connection, *scan)
        if store.next_scan(connection) is None:
            store.set_ready(connection)
        return ()

    def _begin(self, connection: Connection) -> None:
        vos = [name for _, name in vo_store.names(connection)]
        store.begin(connection, secrets.token_urlsafe(18), change_store.latest(connection), vos)

    def _take_over(self, connection: Connection, changes: Sequence[Change]) -> None:
        affected: dict[str, set[str]] = {}
        for change in changes:
            if change.vo is None:
                continue
            if change.person is not None:
                affected.setdefault(change.vo, set()).add(change.person)
            elif change.event not in _NO_MEMBER:
                store.ask_scan(connection, change.vo)
        for vo in sorted(affected):
            self._tell(connection, vo, affected[vo])
        store.set_cursor(connection, changes[-1].seq)

    def _scan(self, connection: Connection, vo: str, position: str) -> None:
        members = uids_after(connection, vo, position, CHUNK)
        told = store.present(connection, vo, position, CHUNK)
        # Both lists are complete only up to the end of the shorter full one.
        ends = [each[-1] for each in (members, told) if len(each) == CHUNK]
        end = min(ends, default=None)
        self._tell(connection, vo, {uid for uid in (*members, *told) if end is None or uid <= end})
        if end is None:
            store.finish_scan(connection, vo)
        else:
            store.move_scan(connection, vo, end)

    def _tell(self, connection: Connection, vo: str, uids: Iterable[str]) -> None:
        asked = sorted(uids)
        found = entries_of(connection, vo, asked, self._clock(), self._issuer)
        told = {uid: _rendered(found.get(uid)) for uid in asked}
        updates.inc(len(store.put(connection, vo, told, self._clock())))

    async def _ring(self) -> None:
        """Also for what another process has taken over."""
        place, vos = await self._database.read(lambda c: _news(c, self._rung))
        if place > self._rung:
            self._rung = place
            self._bell.ring(vos)

    async def _tidy(self) -> None:
        if time.monotonic() - self._tidied < TIDY_SECONDS:
            return
        self._tidied = time.monotonic()
        await self._database.write(lambda c: store.forget(c, self._clock() - FORGET_AFTER))


def _rendered(entry: Entry | None) -> tuple[bytes | None, int]:
    if entry is None:
        return None, 0
    text = text_of(entry)
    return text, digest_of(text)


def _has_work(connection: Connection) -> bool:
    if (place := store.place(connection)) is None or not place.ready:
        return True
    return change_store.latest(connection) > store.cursor(connection) or store.next_scan(connection) is not None


def _news(connection: Connection, after: int) -> tuple[int, set[str]]:
    place = store.place(connection)
    if place is None or place.sequence <= after:
        return after, set()
    return place.sequence, store.changed_vos(connection, after)
