"""One provider for each test, on SQLite; `test_flows.py` runs on both engines."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.support.provider import Federation, federation

from hansa.base.database import Database
from hansa.base.migrations import upgrade


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with its tables, made once: migrations take longer than most tests."""
    path = tmp_path_factory.mktemp("migrated") / "empty.db"
    database = Database(f"sqlite:///{path}")
    asyncio.run(upgrade(database, "federation"))
    database.close()
    return path


@pytest.fixture
async def op(tmp_path: Path, migrated: Path) -> AsyncIterator[Federation]:
    shutil.copy(migrated, tmp_path / "test.db")
    async with federation(f"sqlite:///{tmp_path / 'test.db'}", tmp_path) as found:
        yield found
