"""The views of all projects, remembered for a while: templates change hourly, requests come by the second."""

import asyncio
import itertools
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from weakref import WeakValueDictionary

from hansa.base.database import Database
from hansa.cloud.model import Caller, ProjectId
from hansa.cloud.port import Cloud
from hansa.site.occi.catalogue import View, annotate, build_view
from hansa.site.occi.store import read_annotations

_PROJECTS = 1000


@dataclass(frozen=True, slots=True)
class _Remembered:
    view: View
    sources: tuple[Any, ...]
    asked: int
    until: float


class Views:
    """`seconds` is how old a view may be. Changes made through this process are seen at once."""

    def __init__(
        self, cloud: Cloud, database: Database, *, seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._cloud = cloud
        self._database = database
        self._seconds = seconds
        self._clock = clock
        self._views: OrderedDict[ProjectId, _Remembered] = OrderedDict()
        self._asking: WeakValueDictionary[ProjectId, asyncio.Lock] = WeakValueDictionary()
        self._numbers = itertools.count()

    async def view(self, caller: Caller) -> View:
        """The remembered view, or a new one; of many requests that find it stale, one asks for all."""
        known = self._fresh(caller.project)
        if known is not None:
            return known
        asking = self._asking.setdefault(caller.project, asyncio.Lock())
        async with asking:
            return self._fresh(caller.project) or await self.reload(caller)

    def _fresh(self, project: ProjectId) -> View | None:
        known = self._views.get(project)
        return known.view if known is not None and self._clock() < known.until else None

    async def reload(self, caller: Caller) -> View:
        """Ask the cloud and the store. What did not change keeps its model, and with it every rendering made of it."""
        asked, until = next(self._numbers), self._clock() + self._seconds
        info = await self._cloud.info()
        images = tuple(await self._cloud.images(caller))
        flavors = tuple(await self._cloud.flavors(caller))
        annotations = await self._database.read(lambda connection: read_annotations(connection, caller.project))
        sources = (info, images, flavors, annotations.mixins)
        known = self._views.get(caller.project)
        if known is not None and known.sources == sources:
            view = annotate(known.view, annotations)
        else:
            view = build_view(self._cloud, info, images, flavors, annotations)
        if known is None or known.asked < asked:  # else a later question was answered sooner
            self._remember(caller.project, _Remembered(view, sources, asked, until))
        return view

    def _remember(self, project: ProjectId, found: _Remembered) -> None:
        self._views[project] = found
        self._views.move_to_end(project)
        if len(self._views) > _PROJECTS:
            self._views.popitem(last=False)
