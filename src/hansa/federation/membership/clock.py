"""Looks after the registry while the federation serves: every ten minutes it notes what time alone has done."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

import structlog

from hansa.base.errors import HansaError
from hansa.federation.membership.service import Membership

log = structlog.stdlib.get_logger(__name__)
EVERY = timedelta(minutes=10)


@asynccontextmanager
async def swept(registry: Membership, every: timedelta = EVERY) -> AsyncIterator[None]:
    """Sweep now and then, in the background. Several processes may: a change is noted once."""
    task = asyncio.create_task(_sweep(registry, every))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _sweep(registry: Membership, every: timedelta) -> None:
    while True:
        try:
            while done := await registry.sweep():
                log.info("membership.swept", changes=done)
        except HansaError as error:
            log.warning("membership.not_swept", error=error.message)
        await asyncio.sleep(every.total_seconds())
