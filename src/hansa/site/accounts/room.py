"""The room, put together: what `site.server` and the commands open."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from ssl import SSLContext

from starlette.routing import BaseRoute

from hansa.base.database import Database
from hansa.base.errors import ConfigurationError
from hansa.base.telemetry.audit import AuditLog
from hansa.base.watch import Watched
from hansa.client.http import tls_context
from hansa.cloud.port import Cloud
from hansa.site.accounts.follower import Follower
from hansa.site.accounts.http import routes
from hansa.site.accounts.keeper import Keeper
from hansa.site.accounts.machines import Machines, VosOf
from hansa.site.accounts.service import Accounts
from hansa.site.accounts.settings import AccountsSettings
from hansa.site.accounts.standing import StandingCheck
from hansa.standards.errors import StandardError
from hansa.standards.jwt import Key, KeySet

LOOK_SECONDS = 30.0
"""Between two looks at what is due."""


def utc_now() -> datetime:
    return datetime.now(UTC)


class Room:
    """`certificates`: the directory of authorities by which the federation's server is known."""

    def __init__(
        self,
        settings: AccountsSettings,
        database: Database,
        clock: Callable[[], datetime],
        audit: AuditLog,
        *,
        site: str,
        certificates: Path | None,
    ) -> None:
        self._settings = settings
        self._database = database
        self._clock = clock
        self._audit = audit
        self._certificates = certificates
        keys = _watched_keys(settings.keys)
        self.accounts = Accounts(
            database,
            clock,
            audit,
            site=site,
            federation=settings.federation,
            keys=lambda: keys.current,
            brake=settings.limits,
        )
        self.follower = Follower(
            self.accounts,
            clock,
            site=site,
            federation=settings.federation,
            tls=self._tls,
            key=self._token_key(),
            wait=settings.wait,
        )
        max_age = settings.max_age_hours
        self.standing = StandingCheck(
            database,
            clock,
            lambda: self.accounts.generation,
            mode=settings.mode,
            max_age=None if max_age is None else timedelta(hours=max_age),
        )

    @asynccontextmanager
    async def running(self, cloud: Cloud, vos_of: VosOf) -> AsyncIterator[Sequence[BaseRoute]]:
        """The feed is followed and the machines are looked after while the block lasts. Our routes, if documents are pushed."""
        settings = self._settings
        keeper = Keeper(
            self._database,
            self._clock,
            self._audit,
            Machines(cloud, vos_of, settings.on_removal),
            grace=timedelta(days=settings.grace_days),
            action=settings.on_removal,
        )
        jobs = [keeper.run(LOOK_SECONDS), self._watch_status()]
        if settings.way == "poll":
            jobs.append(self.follower.run())
        tasks = [asyncio.create_task(job) for job in jobs]
        try:
            yield routes(self.accounts) if settings.way == "push" else []
        finally:
            for task in tasks:
                task.cancel()
            for task in tasks:
                with suppress(asyncio.CancelledError):
                    await task

    async def _watch_status(self) -> None:
        """Keeps the gauges true."""
        while True:
            await self.accounts.status()
            await asyncio.sleep(5)

    def _tls(self) -> SSLContext:
        settings = self._settings
        key = settings.key if settings.certificate else None
        return tls_context(certificates=self._certificates, proxy=settings.certificate, key=key)

    def _token_key(self) -> Key | None:
        if self._settings.certificate is not None or self._settings.key is None:
            return None
        try:
            return Key.from_pem(self._settings.key.read_bytes())
        except (OSError, StandardError) as error:
            raise ConfigurationError(
                f"{self._settings.key} is no key to sign with: {error}.", key="accounts.key"
            ) from error


def _watched_keys(path: Path) -> Watched[KeySet]:
    try:
        return Watched([path], _keys)
    except (OSError, StandardError) as error:
        raise ConfigurationError(f"{path} holds no key set: {error}.", key="accounts.keys") from error


def _keys(files: Mapping[str, bytes]) -> KeySet:
    (content,) = files.values()
    return KeySet.parse(content)
