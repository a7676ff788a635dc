"""A Keystone face over a fresh directory."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.support.keystone_api import Api, Client, keystone_api


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Api]:
    async with keystone_api(f"sqlite:///{tmp_path / 'site.db'}") as found:
        yield found


@pytest.fixture
async def admin(api: Api) -> Client:
    return await api.admin()
