"""One provider for each test, on SQLite; `test_flows.py` runs on both engines."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.support.provider import Federation, federation


@pytest.fixture
async def op(tmp_path: Path) -> AsyncIterator[Federation]:
    async with federation(f"sqlite:///{tmp_path / 'test.db'}", tmp_path) as found:
        yield found
