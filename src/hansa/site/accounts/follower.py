"""Asks the federation for its feed, waits for news, and asks again: one connection from inside the site, for ever."""

import asyncio
import random
import ssl
from collections.abc import Callable
from datetime import datetime, timedelta
from urllib.parse import urlencode

import structlog

from hansa.base.errors import HansaError
from hansa.client.http import Http
from hansa.site.accounts.errors import NoFeed
from hansa.site.accounts.model import Outcome
from hansa.site.accounts.service import Accounts
from hansa.standards.jwt import Key, sign
from hansa.standards.memberfeed import MEDIA_TYPE, SITE_TOKEN_TYPE, Wish

PAGES = "/feed/v1/pages"
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 60.0
PATIENCE = 30.0
"""Seconds beyond the wait before we give up on an answer."""
log = structlog.stdlib.get_logger(__name__)


class Follower:
    """`tls` makes the client's context, with our host certificate in it; `key` signs tokens where there is none."""

    def __init__(
        self,
        accounts: Accounts,
        clock: Callable[[], datetime],
        *,
        site: str,
        federation: str,
        tls: Callable[[], ssl.SSLContext],
        key: Key | None,
        wait: float,
    ) -> None:
        self._accounts = accounts
        self._clock = clock
        self._site = site
        self._federation = federation
        self._tls = tls
        self._key = key
        self._wait = wait

    async def run(self) -> None:
        """For ever; while the federation is away we try again, ever more seldom."""
        failures = 0
        while True:
            try:
                await self.once()
                failures = 0
            except Exception as error:  # what we know stays, and serves on
                failures += 1
                reason = error.message if isinstance(error, HansaError) else repr(error)
                log.warning("accounts.feed_failed", failures=failures, error=reason, exc_info=_is_fault(error))
                await asyncio.sleep(_pause(failures))

    async def once(self, *, wait: float | None = None, dry_run: bool = False) -> Outcome:
        """One question, one page. Raises NoFeed, DocumentRefused, OutOfPlace, Diverged, and errors of the client."""
        wish = await self._accounts.wish()
        wait = self._wait if wait is None else wait
        tls = self._tls() if self._federation.startswith("https:") else None
        with Http(self._federation, tls=tls, timeout=wait + PATIENCE) as http:
            try:
                text = await asyncio.to_thread(self._ask, http, wish, wait)
            except asyncio.CancelledError:
                http.abort()  # the thread would wait for news that nobody wants any more
                raise
        return await self._accounts.receive(text, wish, dry_run=dry_run)

    def _ask(self, http: Http, wish: Wish, wait: float) -> bytes:
        query = urlencode({**wish.fields(), "site": self._site, "wait": f"{wait:g}"})
        headers = {"Accept": MEDIA_TYPE}
        if self._key is not None:
            headers["Authorization"] = f"Bearer {self._token(self._key)}"
        reply = http.request("GET", f"{PAGES}?{query}", headers=headers)
        if reply.status != 200 or reply.media_type != MEDIA_TYPE:
            raise NoFeed(f"The federation answered {reply.status}: {reply.body[:300].decode('utf-8', 'replace')}.")
        return reply.body

    def _token(self, key: Key) -> str:
        now = self._clock()
        claims = {
            "iss": self._site,
            "sub": self._site,
            "aud": self._federation + PAGES,
            "iat": int(now.timestamp()),
            "exp": int((now + timedelta(minutes=1)).timestamp()),
        }
        return sign(claims, key, SITE_TOKEN_TYPE)


def _pause(failures: int) -> float:
    longest = min(FIRST_PAUSE * (1 << min(failures - 1, 20)), LONGEST_PAUSE)
    return longest * random.uniform(0.5, 1)  # noqa: S311  # spreads sites, is no secret


def _is_fault(error: Exception) -> bool:
    return not isinstance(error, HansaError)
