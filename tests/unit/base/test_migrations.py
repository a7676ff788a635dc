"""Tables come with the program, once, whoever starts first."""

import asyncio
import sys

import pytest
from sqlalchemy import Connection, inspect

from hansa.base.database import Database
from hansa.base.errors import ConfigurationError
from hansa.base.migrations import upgrade

UPGRADE = (
    "import asyncio, sys\n"
    "from hansa.base.database import Database\n"
    "from hansa.base.migrations import upgrade\n"
    "db = Database(sys.argv[1])\n"
    "asyncio.run(upgrade(db, sys.argv[2]))\n"
    "db.close()\n"
)


def tables(connection: Connection) -> set[str]:
    return set(inspect(connection).get_table_names())


@pytest.mark.parametrize("component", ["site", "federation"])
async def test_upgrading_twice_is_upgrading_once(database_url: str, component: str) -> None:
    db = Database(database_url)
    try:
        await upgrade(db, component)
        before = await db.read(tables)
        await upgrade(db, component)
        assert await db.read(tables) == before
        assert f"{component}_version" in before
    finally:
        db.close()


async def test_both_components_may_share_a_database(database_url: str) -> None:
    db = Database(database_url)
    try:
        await upgrade(db, "site")
        await upgrade(db, "federation")
        assert {"site_version", "federation_version", "base_version"} <= await db.read(tables)
    finally:
        db.close()


async def test_processes_that_start_together_wait_for_each_other(database_url: str) -> None:
    others = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", UPGRADE, database_url, "site") for _ in range(3)
    ]
    assert [await other.wait() for other in others] == [0, 0, 0]


async def test_a_database_from_the_future_is_refused(database_url: str) -> None:
    db = Database(database_url)
    try:
        await upgrade(db, "site")
        await db.write(lambda c: c.exec_driver_sql("INSERT INTO site_version VALUES ('usage_9999')"))
        with pytest.raises(ConfigurationError, match="usage_9999"):
            await upgrade(db, "site")
    finally:
        db.close()
