"""The room, put together: what `federation.server` opens."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from ssl import SSLContext

from starlette.routing import BaseRoute

from hansa.base.errors import ConfigurationError
from hansa.federation.commons import Commons
from hansa.federation.propagation.bell import Bell
from hansa.federation.propagation.caller import SiteCaller
from hansa.federation.propagation.http import PAGES, routes
from hansa.federation.propagation.projection import Projection
from hansa.federation.propagation.push import Pusher
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
    keys = KeySet((key.public(), *(read_key(path).public() for path in settings.other_keys)))
    bell = Bell()
    feed = Feed(commons.database, commons.clock, bell, lambda: key, commons.url)
    projection = Projection(commons.database, commons.clock, bell)
    tasks = [
        asyncio.create_task(projection.run(settings.interval)),
        asyncio.create_task(feed.keep()),
        asyncio.create_task(Pusher(feed, commons.clock, tls).run()),
    ]
    try:
        yield routes(feed, SiteCaller(feed, commons, commons.url + PAGES), keys)
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task
        await feed.save()


def read_key(path: Path) -> Key:
    try:
        return Key.from_pem(path.read_bytes())
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}.", key="feed.key") from error
    except StandardError as error:
        raise ConfigurationError(f"{path}: {error.reason}.", key="feed.key") from error
