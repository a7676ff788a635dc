"""Timing of short, pure operations."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timing:
    """Milliseconds a call: best and median by the clock, and processor time on average."""

    best: float
    median: float
    processor: float
    calls: int


def measure(call: Callable[[], object], *, seconds: float = 1.0) -> Timing:
    """Call over and over for about `seconds`; a few calls before do not count."""
    for _ in range(5):
        call()
    times: list[float] = []
    processor = time.process_time()
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    processor = time.process_time() - processor
    return Timing(min(times) * 1e3, statistics.median(times) * 1e3, processor / len(times) * 1e3, len(times))
