"""The views of all projects, remembered for a while: templates change hourly, requests come by the second."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

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

    async def view(self, caller: Caller) -> View:
        known = self._views.get(caller.project)
        if known is not None and self._clock() < known.until:
            return known.view
        return await self.reload(caller)

    async def reload(self, caller: Caller) -> View:
        """Ask the cloud and the store. What did not change keeps its model, and with it every rendering made of it."""
        until = self._clock() + self._seconds
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
        self._views[caller.project] = _Remembered(view, sources, until)
        self._views.move_to_end(caller.project)
        if len(self._views) > _PROJECTS:
            self._views.popitem(last=False)
        return view
