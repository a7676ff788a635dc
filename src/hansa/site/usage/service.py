"""Follows the cloud's events with a durable cursor, and answers what was used."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from functools import partial

import structlog

from hansa.base.database import Database
from hansa.base.errors import BadRequest, Forbidden
from hansa.cloud.model import ADMIN, Caller, ServerEvent
from hansa.cloud.port import Cloud
from hansa.site.usage import store
from hansa.site.usage.model import MachineUse

CHUNK = 500
"""Events read and recorded in one transaction."""
LIMIT = 1000
"""Machines or events in one answer."""

log = structlog.stdlib.get_logger(__name__)


class Usage:
    """An event is recorded exactly once: it and the cursor that passes over it are the same row."""

    def __init__(self, database: Database, cloud: Cloud, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._cloud = cloud
        self._one_at_a_time = asyncio.Lock()
        self.clock = clock

    async def follow(self) -> int:
        """Record all that happened until now; how many events were new."""
        count = 0
        async with self._one_at_a_time:
            cursor = await self._database.read(store.cursor)
            while told := await self._cloud.events(after=cursor, limit=CHUNK):
                await self._database.write(partial(store.record, told=told))
                count, cursor = count + len(told), told[-1].sequence
        return count

    async def run(self, interval: float) -> None:
        """Follow for ever; what fails is tried again after the interval (seconds)."""
        while True:
            try:
                await self.follow()
            except Exception as error:  # the site serves on; nothing is lost, the cursor stays
                log.error("usage.follow_failed", exc_info=error)
            await asyncio.sleep(interval)

    async def vos_of(self, servers: Collection[str]) -> Mapping[str, str | None]:
        """By which VO's membership machines were started, as far as it was recorded."""
        await self.follow()
        return await self._database.read(lambda c: store.vos_of(c, servers))

    async def machines(
        self, caller: Caller, *, all_projects: bool = False, limit: int = LIMIT, offset: int = 0
    ) -> Sequence[MachineUse]:
        """What the machines of the caller's project have used, living and gone, with all that happened before the call."""
        project = _project(caller, all_projects=all_projects)
        _check_page(limit, offset)
        await self.follow()
        return await self._database.read(lambda c: store.list_machines(c, project, limit=limit, offset=offset))

    async def events(
        self, caller: Caller, *, all_projects: bool = False, after: int = 0, limit: int = LIMIT
    ) -> Sequence[ServerEvent]:
        """What happened to the machines of the caller's project since the event `after`."""
        project = _project(caller, all_projects=all_projects)
        _check_page(limit, after)
        await self.follow()
        return await self._database.read(lambda c: store.list_events(c, project, later_than=after, limit=limit))


def _project(caller: Caller, *, all_projects: bool) -> str | None:
    if not all_projects:
        return caller.project
    if ADMIN not in caller.roles:
        raise Forbidden(f'Only the role "{ADMIN}" may see the use of all projects.')
    return None


def _check_page(limit: int, start: int) -> None:
    if not 1 <= limit <= LIMIT or start < 0:
        raise BadRequest(f"limit is from 1 to {LIMIT}, offset and after count from 0.", field="limit")
