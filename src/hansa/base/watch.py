"""Files that an operator changes while we run: trust anchors, CRLs, vomsdir, keys, policies.

`Watched.current` is an immutable snapshot built from the files by a pure function. It is never older than `interval`
seconds: the first look after that compares size, inode and times of every file (600 files: 1.5 ms) and rebuilds if something
changed. A snapshot is swapped in whole or not at all. If reading or building fails, the last good one stays and the
failure is logged once for each state of the files, so that a half-copied CRL neither opens nor closes the gates.
"""

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from stat import S_ISDIR
from typing import Generic, TypeVar

import structlog

from hansa.base.telemetry.metrics import watch_failures

T = TypeVar("T")
Signature = Mapping[str, tuple[str, int, int, int, int]]
log = structlog.stdlib.get_logger(__name__)


class Watched(Generic[T]):
    """`paths` are files and directories; `build` gets their contents.

    Keys: of a file given by itself its name; of a directory's members, at any depth, their paths relative to it
    (`dteam/voms.example.org.lsc`). Hidden members are left out, links are followed. The constructor raises what reading
    (OSError) or `build` raises, and ValueError if two files would have the same key. Safe to use from several threads.
    """

    def __init__(
        self,
        paths: Iterable[str | Path],
        build: Callable[[Mapping[str, bytes]], T],
        *,
        interval: float = 2.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._paths = tuple(Path(path) for path in paths)
        self._build = build
        self._interval = interval
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._checked = monotonic()
        self._signature = _signature(self._paths)
        self._failure = ""
        self._snapshot = build(_read(self._signature))

    @property
    def current(self) -> T:
        if self._monotonic() - self._checked >= self._interval:
            self.refresh()
        return self._snapshot

    def refresh(self) -> bool:
        """Look now; True if a new snapshot was swapped in. While another thread looks, this one keeps the old snapshot."""
        if not self._lock.acquire(blocking=False):
            return False
        try:
            self._checked = self._monotonic()
            return self._rebuild()
        except Exception as error:  # noqa: BLE001  # whatever `build` raises, the last good snapshot serves on
            self._report(error)
            return False
        finally:
            self._lock.release()

    def _rebuild(self) -> bool:
        signature = _signature(self._paths)
        if signature == self._signature:
            return False
        files = _read(signature)
        if _signature(self._paths) != signature:
            return False  # still being written: the next look takes it
        self._signature = signature
        self._snapshot = self._build(files)
        self._failure = ""
        log.info("watch.reloaded", paths=[str(path) for path in self._paths], files=len(files))
        return True

    def _report(self, error: Exception) -> None:
        failure = f"{type(error).__name__}: {error}"
        if failure != self._failure:
            self._failure = failure
            watch_failures.inc()
            log.error("watch.rebuild_failed", paths=[str(path) for path in self._paths], error=failure)


def _signature(paths: Iterable[Path]) -> Signature:
    found: dict[str, tuple[str, int, int, int, int]] = {}
    for key, path, stat in _members(paths):
        if key in found:
            raise ValueError(f"two watched files are called {key}: {found[key][0]} and {path}")
        found[key] = (path, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)
    return found


def _members(paths: Iterable[Path]) -> Iterator[tuple[str, str, os.stat_result]]:
    for path in paths:
        stat = path.stat()
        if S_ISDIR(stat.st_mode):
            yield from _inside(str(path), "")
        else:
            yield path.name, str(path), stat


def _inside(folder: str, prefix: str) -> Iterator[tuple[str, str, os.stat_result]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir():
                yield from _inside(entry.path, f"{prefix}{entry.name}/")
            elif entry.is_file():
                yield f"{prefix}{entry.name}", entry.path, entry.stat()


def _read(signature: Signature) -> Mapping[str, bytes]:
    return {key: Path(signature[key][0]).read_bytes() for key in sorted(signature)}
