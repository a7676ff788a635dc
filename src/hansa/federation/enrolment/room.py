"""The room, assembled."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from starlette.routing import BaseRoute

from hansa.federation.commons import Commons
from hansa.federation.enrolment.http import routes
from hansa.federation.enrolment.service import Enrolment
from hansa.federation.enrolment.settings import EnrolmentSettings
from hansa.federation.identity.service import Identity


@asynccontextmanager
async def opened(
    commons: Commons, identity: Identity, settings: EnrolmentSettings
) -> AsyncIterator[Sequence[BaseRoute]]:
    """Its routes, while reminders and ends of time are looked after."""
    enrolment = Enrolment(commons, settings)
    await enrolment.open()
    try:
        yield routes(enrolment, identity)
    finally:
        await enrolment.close()
