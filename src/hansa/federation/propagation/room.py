"""The room, put together: what `federation.server` opens."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from ssl import SSLContext

from starlette.routing import BaseRoute

from hansa.base.errors import ConfigurationError
from hansa.federation.commons import Commons
from hansa.federation.config import FederationConfig
from hansa.federation.propagation.bell import Bell
from hansa.federation.propagation.caller import SiteCaller
from hansa.federation.propagation.http import PAGES, routes
from hansa.federation.propagation.projection import Projection
from hansa.federation.propagation.push import Pusher
from hansa.federation.propagation.register import Register
from hansa.federation.propagation.service import Feed
from hansa.federation.propagation.settings import FeedSettings
from hansa.standards.errors import StandardError
from hansa.standards.jwt import Key, KeySet


@asynccontextmanager
async def opened(
    commons: Commons, settings: FeedSettings, tls: Callable[[], SSLContext]
) -> AsyncIterator[Sequence[BaseRoute]]:
    """The routes of the feed while the block lasts; meanwhile the registry is followed and documents are pushed.

    `tls` makes the context with which sites are pushed to. Raises ConfigurationError for a key that does not serve.
    """
    key = read_key(settings.key)
    keys = _published(settings)
    bell = Bell()
    register = Register(commons.database, commons.clock)
    feed = Feed(commons.database, register, commons.clock, bell, lambda: key, commons.url)
    projection = Projection(commons.database, commons.clock, bell, commons.url)
    tasks = [
        asyncio.create_task(projection.run(settings.interval)),
        asyncio.create_task(feed.keep()),
        asyncio.create_task(Pusher(feed, register, commons.clock, tls).run()),
    ]
    try:
        yield routes(feed, SiteCaller(register, commons, commons.url + PAGES), keys)
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task
        await feed.save()


def published_keys(config: FederationConfig) -> KeySet:
    """What sites verify documents with. ConfigurationError if there is no feed, or a key does not serve."""
    if config.feed is None:
        raise ConfigurationError("The federation has no feed: it needs the table feed.", key="feed")
    return _published(config.feed)


def _published(settings: FeedSettings) -> KeySet:
    return KeySet(tuple(read_key(path).public() for path in (settings.key, *settings.other_keys)))


def read_key(path: Path) -> Key:
    try:
        return Key.from_pem(path.read_bytes())
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}.", key="feed.key") from error
    except StandardError as error:
        raise ConfigurationError(f"{path}: {error.reason}.", key="feed.key") from error
