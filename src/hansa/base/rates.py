"""How often one caller may ask: a token bucket each, for the callers seen lately."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass

REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Rate:
    """`burst` requests at once, then `per_minute`. One wish of a user may be three requests: clients try both dialects."""

    burst: int = 30
    per_minute: float = 60


class RateLimit:
    """Counts in memory; callers beyond the last 10,000 are forgotten, the longest silent first. `monotonic`: seconds."""

    def __init__(self, rate: Rate, monotonic: Callable[[], float]) -> None:
        self._rate = rate
        self._monotonic = monotonic
        self._buckets: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()

    def allows(self, caller: Hashable) -> bool:
        """Take one from the caller's bucket, if there is one."""
        now = self._monotonic()
        left, at = self._buckets.pop(caller, (float(self._rate.burst), now))
        left = min(float(self._rate.burst), left + (now - at) * self._rate.per_minute / 60)
        allowed = left >= 1
        self._buckets[caller] = (left - allowed, now)
        if len(self._buckets) > REMEMBERED:
            self._buckets.popitem(last=False)
        return allowed
