"""Fixtures that many rooms use."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from tests.support import postgres

os.environ["LANGUAGE"] = "en"  # whatever the developer reads, tests compare English
pytest.register_assert_rewrite("hansa.cloud.conformance")

# A busy machine is no failure: no test looks at the clock, and hypothesis must not either.
settings.register_profile("hansa", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("hansa")


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[postgres.Cluster]:
    with postgres.running_cluster() as cluster:
        yield cluster


@pytest.fixture
def postgres_url(postgres_cluster: postgres.Cluster) -> Iterator[str]:
    with postgres_cluster.database() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database on each engine: a test that asks for it runs twice."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'test.db'}"
    return str(request.getfixturevalue("postgres_url"))
