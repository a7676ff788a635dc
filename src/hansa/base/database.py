"""The database: SQLite in a file by default, PostgreSQL when a component grows.

    db = Database("sqlite:////var/lib/hansa/site.db")      # or postgresql://user@host/name
    rows = await db.read(lambda connection: connection.execute(select(servers)).all())
    await db.write(lambda connection: connection.execute(insert(servers).values(id=...)))

A store is a set of plain functions on a `Connection`; `read` and `write` run one of them in a worker thread, as one
transaction. Writes are serialisable on both engines: SQLite has one writer at a time (`BEGIN IMMEDIATE`), PostgreSQL
refuses a write that saw something another one changed, and `write` then calls the function again. So a function given to
`write` must do nothing but work on its connection. When `write` has returned, the change survives power loss.

Tables are made by migrations: see `hansa.base.migrations`.
"""

import asyncio
import contextvars
import os
import random
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import structlog
from sqlalchemy import URL, Connection, DateTime, Dialect, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.types import TypeDecorator

from hansa.base.errors import BackendDown, CapacityExceeded, ConfigurationError, HansaError
from hansa.base.telemetry.metrics import database_retries, database_seconds

T = TypeVar("T")
log = structlog.stdlib.get_logger(__name__)

BUSY_SECONDS = 30
"""How long a write waits for another process that writes to the same SQLite file."""

ATTEMPTS = 12
AWAY = ("08", "53", "57", "58")  # connection, resources, operator's intervention, system
AWAY_SQLITE = ("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_IOERR", "SQLITE_CANTOPEN", "SQLITE_CORRUPT", "SQLITE_NOTADB")
RETRIED = frozenset({"40001", "40P01"})  # PostgreSQL: serialization_failure, deadlock_detected


class Database:
    """One component's database. `threads` bounds concurrent reads (and writes, on PostgreSQL).

    Raises ConfigurationError for a URL that is neither engine. `read` and `write` raise what the function raises, and
    BackendDown or CapacityExceeded when the engine does not answer or has no room. Cancelling a call does not undo it: the
    transaction ends in its thread.
    """

    def __init__(self, url: str, *, threads: int = 8) -> None:
        self._engine = _engine(_parse(url), threads)
        self.is_sqlite = self._engine.dialect.name == "sqlite"
        self._readers = ThreadPoolExecutor(threads, "database-read")
        self._writers = ThreadPoolExecutor(1, "database-write") if self.is_sqlite else self._readers
        self._watcher = _watcher(Path(str(self._engine.url.database))) if self.is_sqlite else None

    def __repr__(self) -> str:
        return f"Database({self._engine.url.render_as_string(hide_password=True)!r})"

    async def read(self, function: Callable[[Connection], T]) -> T:
        """`function` on one consistent state of the database; it cannot write."""
        with database_seconds.labels("read").time():
            return await self._run(self._readers, lambda: self._attempt(function, write=False))

    async def write(self, function: Callable[[Connection], T]) -> T:
        """`function` in one serialisable transaction, durable on return, rolled back if it raises. It may run more than once."""
        with database_seconds.labels("write").time():
            return await self._run(self._writers, lambda: self._retry(function))

    def generation(self) -> int | None:
        """Differs from every earlier one if anybody, in any process, has committed a write since; costs some microseconds.

        None where the engine cannot tell that without being asked over the wire (PostgreSQL), or not now.
        """
        if self._watcher is None:
            return None
        try:
            (version,) = self._watcher.execute("PRAGMA data_version").fetchone()
        except sqlite3.Error:
            return None
        return int(version)

    def close(self) -> None:
        """Let running transactions end and release every connection and file."""
        if self._watcher is not None:
            self._watcher.close()
        self._readers.shutdown()
        self._writers.shutdown()
        self._engine.dispose()

    async def _run(self, pool: ThreadPoolExecutor, call: Callable[[], T]) -> T:
        context = contextvars.copy_context()
        return await asyncio.get_running_loop().run_in_executor(pool, lambda: context.run(call))

    def _retry(self, function: Callable[[Connection], T]) -> T:
        for attempt in range(ATTEMPTS):
            try:
                return self._attempt(function, write=True)
            except DBAPIError as error:
                if getattr(error.orig, "sqlstate", None) not in RETRIED:
                    raise
                cause = error
            database_retries.inc()
            time.sleep(random.uniform(0, 0.005 * 2 ** min(attempt, 6)))  # noqa: S311  # spreads rivals, is no secret
        raise BackendDown("The database is too busy with conflicting changes; try again.", retry_after=1) from cause

    def _attempt(self, function: Callable[[Connection], T], *, write: bool) -> T:
        with _engine_errors(), self._engine.connect() as plain:
            connection = plain.execution_options(**self._options(write=write))
            with connection.begin():
                return function(connection)

    def _options(self, *, write: bool) -> dict[str, Any]:
        if self.is_sqlite:
            return {"hansa_write": write}
        if write:
            return {"isolation_level": "SERIALIZABLE"}
        return {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}


class UtcDateTime(TypeDecorator[datetime]):
    """A column of aware UTC datetimes, the same on both engines. A naive value is a TypeError."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise TypeError("a stored time needs a time zone")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError:
        parsed = None
    engine = parsed.get_backend_name() if parsed else None
    if parsed and engine in ("postgresql", "postgres"):
        return parsed.set(drivername="postgresql+psycopg")
    if parsed and engine == "sqlite" and parsed.database and parsed.database != ":memory:":
        return parsed
    raise ConfigurationError(
        "The database URL must be sqlite:///PATH (four slashes for an absolute path) or postgresql://USER@HOST/NAME.",
        key="database.url",
    )


def _engine(url: URL, threads: int) -> Engine:
    if url.get_backend_name() == "sqlite":
        _create_private(Path(str(url.database)))
        engine = create_engine(url, pool_size=threads + 1, max_overflow=0, connect_args={"timeout": BUSY_SECONDS})
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    return create_engine(
        url, pool_size=threads, max_overflow=0, pool_pre_ping=True, connect_args={"connect_timeout": 10}
    )


def _watcher(path: Path) -> sqlite3.Connection:
    """A connection that never writes: `PRAGMA data_version` counts what all others commit. It must not wait, for it is asked
    in the event loop."""
    watcher = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
    watcher.execute("PRAGMA query_only=ON")
    return watcher


def _create_private(path: Path) -> None:
    """The file holds credentials' hashes and user data: nobody else may read it. WAL files inherit its mode."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))


def _prepare_sqlite(raw: Any, _record: object) -> None:
    raw.isolation_level = None  # the driver's own implicit BEGIN would come too late and too weak
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        raw.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    write = connection.get_execution_options().get("hansa_write", False)
    connection.exec_driver_sql(f"PRAGMA query_only={'OFF' if write else 'ON'}")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


@contextmanager
def _engine_errors() -> Iterator[None]:
    """An engine that is full or does not answer is told from what a statement did wrong, which is the store's business."""
    try:
        yield
    except DBAPIError as error:
        trouble = _trouble(error)
        if trouble is None:
            raise
        log.exception("database.trouble")
        raise trouble from error


def _trouble(error: DBAPIError) -> HansaError | None:
    state = getattr(error.orig, "sqlstate", None)  # PostgreSQL's; None where a connection broke
    name = getattr(error.orig, "sqlite_errorname", None)
    if name == "SQLITE_FULL" or state == "53100":
        return CapacityExceeded("The disk of the database is full.")
    broken = name is None and isinstance(error, OperationalError | InterfaceError)
    away = name.startswith(AWAY_SQLITE) if name else broken and (state is None or state.startswith(AWAY))
    return BackendDown("The database does not answer; see the server's log.", retry_after=5) if away else None
