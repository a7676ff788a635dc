"""Enrolment's tests run on both databases."""

from collections.abc import AsyncIterator

import pytest
from tests.support.enrolment import Office
from tests.support.enrolment import office as an_office
from tests.support.pki import Grid


@pytest.fixture
def grid() -> Grid:
    return Grid()


@pytest.fixture
async def office(database_url: str, grid: Grid) -> AsyncIterator[Office]:
    async with an_office(database_url, grid) as found:
        yield found
