"""One call, one serialisable transaction, durable, on both engines."""

import asyncio
import stat
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import Column, Connection, Integer, MetaData, String, Table, func, insert, select, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from hansa.base.database import Database, UtcDateTime
from hansa.base.errors import BackendDown, CapacityExceeded, ConfigurationError

metadata = MetaData()
things = Table(
    "thing",
    metadata,
    Column("name", String(20), primary_key=True),
    Column("count", Integer, nullable=False, default=0),
    Column("seen", UtcDateTime),
)


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    asyncio.run(database.write(metadata.create_all))
    yield database
    database.close()


def count(connection: Connection) -> int:
    return connection.execute(select(func.count()).select_from(things)).scalar_one()


async def test_a_write_is_seen_by_the_next_read(db: Database) -> None:
    await db.write(lambda c: c.execute(insert(things).values(name="a")))
    assert await db.read(count) == 1


def _adding(name: str) -> Callable[[Connection], object]:
    return lambda connection: connection.execute(insert(things).values(name=name))


async def test_a_generation_ends_with_anybodys_write_and_with_no_read(db: Database, database_url: str) -> None:
    other = Database(database_url)
    try:
        seen = [db.generation()]
        await db.read(count)
        assert db.generation() == seen[0]
        for name, writer in {"a": db, "b": other, "c": db}.items():
            await writer.write(_adding(name))
            seen.append(db.generation())
    finally:
        other.close()
    assert len(set(seen)) == 4 if db.is_sqlite else set(seen) == {None}


async def test_a_closed_database_has_no_generation(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'closed.db'}")
    assert database.generation() is not None
    database.close()
    assert database.generation() is None


async def test_a_write_that_raises_changes_nothing(db: Database) -> None:
    def fail(connection: Connection) -> None:
        connection.execute(insert(things).values(name="a"))
        raise LookupError("changed my mind")

    with pytest.raises(LookupError):
        await db.write(fail)
    assert await db.read(count) == 0


async def test_a_read_cannot_write(db: Database) -> None:
    with pytest.raises(Exception, match=r"(?i)read.?only|does not answer"):
        await db.read(lambda c: c.execute(insert(things).values(name="a")))
    await db.write(lambda c: c.execute(insert(things).values(name="a")))
    assert await db.read(count) == 1


async def test_a_broken_rule_of_the_schema_reaches_the_store(db: Database) -> None:
    await db.write(lambda c: c.execute(insert(things).values(name="a")))
    with pytest.raises(IntegrityError):
        await db.write(lambda c: c.execute(insert(things).values(name="a")))


async def test_concurrent_read_modify_write_loses_no_update(db: Database) -> None:
    await db.write(lambda c: c.execute(insert(things).values(name="a", count=0)))

    def increment(connection: Connection) -> None:
        seen = connection.execute(select(things.c.count).where(things.c.name == "a")).scalar_one()
        connection.execute(update(things).values(count=seen + 1))

    await asyncio.gather(*(db.write(increment) for _ in range(40)))
    assert await db.read(lambda c: c.execute(select(things.c.count)).scalar_one()) == 40


async def test_two_processes_lose_no_update(db: Database, database_url: str) -> None:
    await db.write(lambda c: c.execute(insert(things).values(name="a", count=0)))
    script = (
        "import asyncio, sys\n"
        "from hansa.base.database import Database\n"
        "def increment(c):\n"
        "    seen = c.exec_driver_sql('SELECT count FROM thing').scalar_one()\n"
        "    c.exec_driver_sql(f'UPDATE thing SET count = {seen + 1}')\n"
        "async def main():\n"
        "    for _ in range(20): await db.write(increment)\n"
        "db = Database(sys.argv[1])\n"
        "asyncio.run(main())\n"
        "db.close()\n"
    )
    others = [await asyncio.create_subprocess_exec(sys.executable, "-c", script, database_url) for _ in range(2)]
    assert [await other.wait() for other in others] == [0, 0]
    assert await db.read(lambda c: c.execute(select(things.c.count)).scalar_one()) == 40


async def test_times_come_back_as_utc(db: Database) -> None:
    noon = datetime(2026, 1, 2, 12, 0, 0, 123456, tzinfo=timezone(timedelta(hours=9)))
    await db.write(lambda c: c.execute(insert(things).values(name="a", seen=noon)))
    seen = await db.read(lambda c: c.execute(select(things.c.seen)).scalar_one())
    assert seen == noon
    assert seen.tzinfo is UTC


async def test_a_naive_time_is_refused(db: Database) -> None:
    with pytest.raises(Exception, match="time zone"):
        await db.write(lambda c: c.execute(insert(things).values(name="a", seen=datetime(2026, 1, 2))))  # noqa: DTZ001


async def test_sqlite_is_set_for_durability_and_privacy(tmp_path: Path) -> None:
    path = tmp_path / "new" / "site.db"
    db = Database(f"sqlite:///{path}")
    try:
        pragmas = {
            name: await db.read(lambda c, name=name: c.exec_driver_sql(f"PRAGMA {name}").scalar_one())
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
        await db.write(metadata.create_all)
        modes = {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    finally:
        db.close()
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
    assert modes == {0o600}


@pytest.mark.parametrize("url", ["", "nonsense", "sqlite://", "sqlite:///:memory:", "mysql://localhost/x"])
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="sqlite:///PATH"):
        Database(url)


async def test_an_engine_that_is_away_is_backend_down(tmp_path: Path) -> None:
    db = Database(f"postgresql://hansa@/x?host={tmp_path}")
    try:
        with pytest.raises(BackendDown):
            await db.read(count)
    finally:
        db.close()


def test_a_password_is_not_shown() -> None:
    db = Database("postgresql://hansa:secret@localhost/x")
    db.close()
    assert "secret" not in repr(db)


async def test_a_full_disk_is_said_to_be_full_and_reads_go_on(tmp_path: Path) -> None:
    db = Database(f"sqlite:///{tmp_path / 'full.db'}")
    try:
        await db.write(metadata.create_all)
        await db.write(lambda c: c.exec_driver_sql("PRAGMA max_page_count=1"))  # no page more than there are
        with pytest.raises(CapacityExceeded, match="full"):
            await db.write(lambda c: c.execute(insert(things), [{"name": f"{n:020}"} for n in range(1000)]))
        assert await db.read(count) == 0
    finally:
        db.close()


async def test_a_damaged_file_is_backend_down(tmp_path: Path) -> None:
    (tmp_path / "bad.db").write_bytes(b"not a database" * 1000)
    db = Database(f"sqlite:///{tmp_path / 'bad.db'}")
    try:
        with pytest.raises(BackendDown):
            await db.read(count)
    finally:
        db.close()


async def test_a_mistake_in_a_statement_is_not_taken_for_an_engine_that_is_away(db: Database) -> None:
    with pytest.raises(DBAPIError, match="nowhere"):
        await db.read(lambda c: c.exec_driver_sql("SELECT 1 FROM nowhere"))


async def test_a_server_that_was_restarted_is_reached_again(postgres_url: str) -> None:
    db, other = Database(postgres_url), Database(postgres_url)
    kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"

    def cut_off(connection: Connection) -> None:
        connection.exec_driver_sql("SELECT pg_sleep(0)")
        asyncio.run_coroutine_threadsafe(other.write(lambda c: c.exec_driver_sql(kill)), loop).result()
        connection.exec_driver_sql("SELECT 1")

    loop = asyncio.get_running_loop()
    try:
        await db.write(metadata.create_all)
        with pytest.raises(BackendDown):
            await db.write(cut_off)
        assert await db.read(count) == 0
    finally:
        db.close()
        other.close()
