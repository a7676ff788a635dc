"""Wakes those who wait for news of their VOs."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager


class Bell:
    """In one event loop."""

    def __init__(self) -> None:
        self._listening: defaultdict[str, set[asyncio.Event]] = defaultdict(set)

    @contextmanager
    def listening(self, vos: Iterable[str]) -> Iterator[asyncio.Event]:
        """An event that is set when one of these VOs has news from now on."""
        rung, names = asyncio.Event(), list(vos)
        for name in names:
            self._listening[name].add(rung)
        try:
            yield rung
        finally:
            for name in names:
                self._listening[name].discard(rung)
                if not self._listening[name]:
                    del self._listening[name]

    def ring(self, vos: Iterable[str]) -> None:
        for name in vos:
            for event in self._listening.get(name, ()):
                event.set()
