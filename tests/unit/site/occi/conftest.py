"""A face over a cloud in memory for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.support.occi import Client, Clock, face, memory_cloud

from hansa.cloud.drivers.memory import MemoryCloud


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cloud(clock: Clock) -> MemoryCloud:
    return memory_cloud(clock)


@pytest.fixture
async def occi(cloud: MemoryCloud, clock: Clock, tmp_path: Path) -> AsyncIterator[Client]:
    async with face(cloud, tmp_path, clock) as client:
        yield client
