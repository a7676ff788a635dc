"""One request's hold on the site: who asks, what the project's view is, and the doors to the cloud and the store."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Protocol, TypeVar
from urllib.parse import SplitResult, urlsplit

from sqlalchemy import Connection

from hansa.base.database import Database
from hansa.base.errors import BadRequest, Conflict
from hansa.cloud.model import Caller, NetworkId
from hansa.cloud.port import Cloud
from hansa.site.occi.catalogue import View
from hansa.site.occi.settings import OcciSettings
from hansa.site.occi.store import Note
from hansa.standards.occi import Category, Entity, json

T = TypeVar("T")

PUBLIC_NETWORK = "public"
"""The shared default network is `/network/public`, the name clients of the federation look for."""
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.02, 0.5  # seconds


class Dialect(Protocol):
    """A way to write application/occi+json."""

    def render_model(self, categories: Iterable[Category]) -> bytes: ...
    def render_entity(self, entity: Entity) -> bytes: ...
    def render_entities(self, entities: Iterable[Entity], *, links: bool = False) -> bytes: ...


class Session:
    """`dialect` is the JSON the client speaks, `hosts` the names (host:port) under which references mean this site."""

    def __init__(
        self,
        caller: Caller,
        cloud: Cloud,
        database: Database,
        settings: OcciSettings,
        view: View,
        reload: Callable[[], Awaitable[View]],
        hosts: frozenset[str],
        dialect: Dialect = json,
    ) -> None:
        self.caller = caller
        self.cloud = cloud
        self.settings = settings
        self.view = view
        self.hosts = hosts
        self.dialect = dialect
        self._database = database
        self._reload = reload

    async def refresh(self) -> None:
        """See what changed: templates, user mixins, tags, notes."""
        self.view = await self._reload()

    async def write(self, function: Callable[[Connection], None]) -> None:
        """Change the store, and see the change."""
        await self._database.write(function)
        await self.refresh()

    def tags(self, path: str) -> tuple[str, ...]:
        return self.view.annotations.tags.get(path, ())

    def note(self, path: str) -> Note:
        return self.view.annotations.notes.get(path, _NO_NOTE)

    async def patiently(self, change: Callable[[], Awaitable[T]]) -> T:
        """Ask for a change; while the machine is busy, ask again until the patience ends."""
        for pause in self._pauses():
            try:
                return await change()
            except Conflict as error:
                if "task" not in error.details:
                    raise
            await asyncio.sleep(pause)
        return await change()

    async def eventually(self, happened: Callable[[], Awaitable[bool]]) -> None:
        """Wait until it has happened, or until the patience ends."""
        for pause in self._pauses():
            if await happened():
                return
            await asyncio.sleep(pause)

    def _pauses(self) -> Iterator[float]:
        """Seconds to wait between looks, longer and longer, until the patience ends."""
        clock = asyncio.get_running_loop().time
        deadline, pause = clock() + self.settings.patience_seconds, _SHORTEST_PAUSE
        while clock() < deadline:
            yield pause
            pause = min(2 * pause, _LONGEST_PAUSE)

    def url(self, path: str) -> str:
        return self.settings.public_url + path

    def network_path(self, network: NetworkId) -> str:
        return f"/network/{PUBLIC_NETWORK if network == self.view.info.default_network else network}"

    def network_id(self, ident: str) -> NetworkId:
        default = self.view.info.default_network
        return default if ident == PUBLIC_NETWORK and default is not None else NetworkId(ident)

    def ident(self, reference: str, base: str) -> str:
        """The id in a reference to an entity below `base`: absolute or relative URI, or the bare id.

        BadRequest for another host, another kind, or what is no reference at all.
        """
        parts = parts_of(reference)
        if parts.netloc and parts.netloc.lower() not in self.hosts:
            raise BadRequest(f"{reference[:200]} is not an address of this site.")
        ident = parts.path.removeprefix("urn:uuid:") if not parts.scheme else parts.path.removeprefix("uuid:")
        if "/" in ident:
            ident = parts.path.removeprefix(base) if parts.path.startswith(base) else ""
        if not ident or "/" in ident or parts.query or parts.fragment:
            raise BadRequest(f"{reference[:200]} is not the address of an entity below {base}.")
        return ident


def parts_of(reference: str) -> SplitResult:
    """A URI reference taken apart. BadRequest for what is none."""
    try:
        return urlsplit(reference)
    except ValueError as error:
        raise BadRequest(f"{reference[:200]} is no URI reference.") from error


_NO_NOTE = Note()
