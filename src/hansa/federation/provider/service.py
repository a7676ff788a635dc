"""The provider, assembled: its routes, and what keeps its tables small."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import structlog
from starlette.routing import BaseRoute

from hansa.base.errors import HansaError
from hansa.federation.commons import Commons
from hansa.federation.identity.model import Authenticator
from hansa.federation.provider.authenticators import authenticators
from hansa.federation.provider.clients import Clients
from hansa.federation.provider.desk import Desk
from hansa.federation.provider.devices import Devices
from hansa.federation.provider.granting import Granting
from hansa.federation.provider.http import discovery
from hansa.federation.provider.http.account import AccountPages
from hansa.federation.provider.http.authorize import Authorizing
from hansa.federation.provider.http.browser import Browser
from hansa.federation.provider.http.device import DevicePages
from hansa.federation.provider.http.endpoints import Endpoints
from hansa.federation.provider.http.login import LoginPages
from hansa.federation.provider.sessions import Sessions
from hansa.federation.provider.settings import ProviderSettings
from hansa.federation.provider.signing import watched
from hansa.federation.provider.store import sessions as store
from hansa.federation.provider.tokens import Tokens
from hansa.federation.provider.upstream.service import upstreams

SWEEP_SECONDS = 600
log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Provider:
    desk: Desk
    clients: Clients
    tokens: Tokens
    authenticators: Sequence[Authenticator]
    routes: Sequence[BaseRoute]


@asynccontextmanager
async def opened(commons: Commons, settings: ProviderSettings) -> AsyncIterator[Provider]:
    """The provider at work. Raises ConfigurationError for unusable keys."""
    provider = assembled(commons, settings)
    async with sweeping(commons):
        yield provider


def assembled(commons: Commons, settings: ProviderSettings) -> Provider:
    """Raises ConfigurationError for unusable keys, and for identity providers that cannot be used."""
    keys = watched(settings.keys)
    desk = Desk(commons, settings, lambda: keys.current)
    clients = Clients(commons.database, commons.clock, commons.audit)
    tokens, sessions = Tokens(desk), Sessions(desk)
    granting = Granting(desk, tokens)
    devices = Devices(desk, granting)
    browser = Browser(sessions)
    logins = LoginPages(desk, browser, upstreams(desk, browser))
    routes = [
        *discovery.routes(desk),
        *Endpoints(desk, clients, tokens, granting, devices).routes(),
        *Authorizing(desk, clients, tokens, granting, browser, logins).routes(),
        *DevicePages(desk, clients, tokens, devices, browser, logins).routes(),
        *AccountPages(desk, clients, granting, browser, logins).routes(),
        *logins.routes(),
        *browser.routes(),
    ]
    return Provider(desk, clients, tokens, authenticators(desk, tokens, sessions), routes)


@asynccontextmanager
async def sweeping(commons: Commons) -> AsyncIterator[None]:
    """Rows of what is over are deleted now and then; nothing hangs on when."""
    task = asyncio.create_task(_sweep(commons))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _sweep(commons: Commons) -> None:
    while True:
        try:
            await commons.database.write(lambda connection: store.sweep(connection, commons.clock()))
        except HansaError as error:
            log.warning("provider.not_swept", code=error.code)
        await asyncio.sleep(SWEEP_SECONDS)
