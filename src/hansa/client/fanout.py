"""Ask many sites at once: answers as they come, and what could not be asked as data, never as an exception."""

import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from hansa.base.errors import HansaError
from hansa.base.i18n import _
from hansa.client.errors import Timeout
from hansa.client.profile import Site
from hansa.standards.errors import StandardError

T = TypeVar("T")
SLOW_AFTER = 2.0


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """What one site said."""

    site: Site
    value: T


@dataclass(frozen=True, slots=True)
class Failure:
    """Why one site is missing from the result."""

    site: Site
    error: HansaError | StandardError


@dataclass(frozen=True, slots=True)
class Gathered(Generic[T]):
    """In the order of the sites asked."""

    answers: tuple[Answer[T], ...]
    failures: tuple[Failure, ...]


def ask_all(
    sites: Sequence[Site],
    ask: Callable[[Site], T],
    *,
    deadline: float = 60.0,
    on_slow: Callable[[Sequence[Site]], None] | None = None,
) -> Gathered[T]:
    """Call `ask` for every site in its own thread; who has not answered after `deadline` seconds is a Failure.

    `on_slow` hears once, after two seconds, who is still missing. Threads are daemons: a dead site never holds the program.
    """
    results: queue.SimpleQueue[tuple[int, T | HansaError | StandardError | BaseException]] = queue.SimpleQueue()

    def run(index: int, site: Site) -> None:
        try:
            results.put((index, ask(site)))
        except BaseException as error:  # noqa: BLE001 - carried to the caller's thread
            results.put((index, error))

    for index, site in enumerate(sites):
        threading.Thread(target=run, args=(index, site), daemon=True, name=f"ask {site.name}").start()
    return _collect(sites, results, time.monotonic(), deadline, on_slow)


def _collect(
    sites: Sequence[Site],
    results: "queue.SimpleQueue[tuple[int, T | HansaError | StandardError | BaseException]]",
    started: float,
    deadline: float,
    on_slow: Callable[[Sequence[Site]], None] | None,
) -> Gathered[T]:
    answers: dict[int, Answer[T]] = {}
    failures: dict[int, Failure] = {}
    waiting = set(range(len(sites)))
    while waiting:
        limit = SLOW_AFTER if on_slow else deadline
        try:
            index, value = results.get(timeout=max(0.0, min(limit, deadline) - (time.monotonic() - started)))
        except queue.Empty:
            if on_slow and deadline > SLOW_AFTER:
                on_slow([sites[i] for i in sorted(waiting)])
                on_slow = None
                continue
            break
        waiting.discard(index)
        match value:
            case HansaError() | StandardError():
                failures[index] = Failure(sites[index], value)
            case BaseException():
                raise value
            case _:
                answers[index] = Answer(sites[index], value)
    for index in waiting:
        message = _("{site} did not answer within {seconds:g} seconds.").format(
            site=sites[index].name, seconds=deadline
        )
        failures[index] = Failure(sites[index], Timeout(message))
    return Gathered(tuple(answers[i] for i in sorted(answers)), tuple(failures[i] for i in sorted(failures)))
