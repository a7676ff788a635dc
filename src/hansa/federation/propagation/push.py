"""Pushes the feed to sites that cannot ask for it: the same documents, POSTed to the site's address.

The site answers every POST, also an empty one, with its wish: its place in the feed and the nonce of the next document. So the
place is the site's own, nothing is sent twice for long, and an old document that somebody sends again is refused.
"""

import asyncio
import random
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import orjson
import structlog
from prometheus_client import Counter

from hansa.base.errors import HansaError
from hansa.base.telemetry.metrics import REGISTRY
from hansa.client.errors import BadReply
from hansa.client.http import Http, Reply
from hansa.federation.propagation.model import Site
from hansa.federation.propagation.register import Register
from hansa.federation.propagation.service import Feed
from hansa.standards.memberfeed import MEDIA_TYPE, FeedError, Wish

TIMEOUT = 60.0
HEARTBEAT = 25.0
"""Seconds after which a site is told that nothing happened."""
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=1), timedelta(minutes=10)
LOOK_SECONDS = 5.0
"""Between two looks at the register of sites."""

failures = Counter("hansa_feed_push_failures", "Documents that a site did not take.", registry=REGISTRY)
log = structlog.stdlib.get_logger(__name__)


class Pusher:
    """One task for each site with an address. `tls` makes the client's context, at every connection anew."""

    def __init__(
        self, feed: Feed, register: Register, clock: Callable[[], datetime], tls: Callable[[], ssl.SSLContext]
    ) -> None:
        self._feed = feed
        self._register = register
        self._clock = clock
        self._tls = tls
        self._tasks: dict[Site, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """For ever, following the register: a site whose entry changed begins anew."""
        try:
            while True:
                await self._look()
                await asyncio.sleep(LOOK_SECONDS)
        finally:
            await self._stop(list(self._tasks))

    async def _look(self) -> None:
        wanted = {site for site in await self._register.sites() if site.url is not None}
        await self._stop([site for site in self._tasks if site not in wanted])
        for site in wanted - self._tasks.keys():
            self._tasks[site] = asyncio.create_task(self._follow(site))

    async def _stop(self, sites: list[Site]) -> None:
        tasks = [self._tasks.pop(site) for site in sites]
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task

    async def _follow(self, site: Site) -> None:
        delivery = await self._feed.delivery(site)
        if delivery.next_attempt is not None:  # a restart is no reason to try earlier
            await asyncio.sleep(max((delivery.next_attempt - self._clock()).total_seconds(), 0))
        tries = delivery.failures
        while True:
            try:
                wish = await self._post(site, b"")
                while True:
                    wish = await self._post(site, await self._feed.document(site, wish, wait=HEARTBEAT, way="push"))
                    tries = 0
            except Exception as error:  # noqa: BLE001  # whatever it is, the site's place stays and we come again
                tries += 1
                await asyncio.sleep(await self._failed(site, tries, error))

    async def _failed(self, site: Site, tries: int, error: Exception) -> float:
        pause = _pause(tries) * random.uniform(0.75, 1.25)  # noqa: S311  # spreads sites, is no secret
        failures.inc()
        told = error.message if isinstance(error, HansaError) else "It failed; the log says why."
        log.warning(
            "feed.push_failed", site=site.name, tries=tries, error=told, exc_info=not isinstance(error, HansaError)
        )
        before = await self._feed.delivery(site)
        later = self._clock() + pause
        await self._feed.note_failure(replace(before, failures=tries, error=told, next_attempt=later))
        return pause.total_seconds()

    async def _post(self, site: Site, document: bytes) -> Wish:
        """What the site wishes after that. Raises HansaError."""
        parts = urlsplit(str(site.url))
        tls = self._tls() if parts.scheme == "https" else None
        with Http(str(site.url), tls=tls, timeout=TIMEOUT) as http:
            try:
                reply = await asyncio.to_thread(_exchange, http, parts.path or "/", document)
            except asyncio.CancelledError:
                http.abort()
                raise
        if reply.status not in (200, 409):
            raise BadReply(f"{site.name} answered {reply.status}.")
        try:
            fields = orjson.loads(reply.body)
            return Wish.parse(fields if isinstance(fields, dict) else {})
        except (ValueError, FeedError) as error:
            raise BadReply(f"{site.name} does not say where it stands.") from error


def _exchange(http: Http, path: str, document: bytes) -> Reply:
    return http.request("POST", path, headers={"Content-Type": MEDIA_TYPE}, body=document)


def _pause(tries: int) -> timedelta:
    return min(FIRST_PAUSE * (1 << min(tries - 1, 20)), LONGEST_PAUSE)
