"""A value that is fetched from elsewhere and kept for a while."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import structlog

from hansa.base.errors import BackendDown, HansaError
from hansa.standards.errors import StandardError

T = TypeVar("T")
log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Ages:
    """Seconds. `young`: not fetched again; `old`: used while it cannot be fetched; `pause`: least time between two attempts."""

    young: float = 600
    old: float = 86_400
    pause: float = 30


class Fresh(Generic[T]):
    """`load` blocks, and runs in a thread; at most one at a time. `what` names it in the log; `monotonic` gives seconds."""

    def __init__(self, what: str, load: Callable[[], T], monotonic: Callable[[], float], ages: Ages) -> None:
        self._what = what
        self._load = load
        self._monotonic = monotonic
        self._ages = ages
        self._lock = asyncio.Lock()
        self._value: T | None = None
        self._fetched = self._tried = -float("inf")

    async def get(self, *, newer: bool = False) -> T:
        """The value; with `newer` it is fetched now if the last attempt was long enough ago. Raises BackendDown."""
        if self._value is not None and not self._is_due(newer=newer):
            return self._value
        if self._value is not None and self._lock.locked() and not self._is_old():
            return self._value
        async with self._lock:
            if self._is_due(newer=newer):
                await self._fetch()
        if self._value is None or self._is_old():
            raise BackendDown(f"{self._what} cannot be had now; try again in a minute.", retry_after=self._ages.pause)
        return self._value

    async def _fetch(self) -> None:
        self._tried = self._monotonic()
        try:
            value = await asyncio.to_thread(self._load)
        except (HansaError, StandardError) as error:
            log.warning("oidc.not_fetched", what=self._what, error=str(error))
            return
        self._fetched = self._monotonic()
        self._value = value

    def _is_due(self, *, newer: bool) -> bool:
        now = self._monotonic()
        return now - self._tried >= self._ages.pause and (newer or now - self._fetched >= self._ages.young)

    def _is_old(self) -> bool:
        return self._monotonic() - self._fetched >= self._ages.old
