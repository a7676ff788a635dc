"""OpenStack's own integration tests of Keystone, at a site of ours: every test that applies passes."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.support.keystone import running_keystone
from tests.support.openstack import openstack
from tests.support.pki import Grid
from tests.support.tempest_tests import LOCKOUT, every_test, listed, run

pytestmark = [pytest.mark.peer, pytest.mark.slow]
LIST = Path(__file__).with_name("tempest_identity.txt")


async def test_the_list_knows_every_test_and_why_not(tmp_path: Path) -> None:
    applicable, excluded = listed(LIST)
    assert sorted([*applicable, *excluded]) == await every_test(openstack(), tmp_path)
    assert all(excluded.values())


async def test_every_test_that_applies_passes(tmp_path: Path) -> None:
    originals = openstack()
    applicable, _ = listed(LIST)
    async with running_keystone(
        tmp_path, Grid(now=datetime.now(UTC)), passwords=LOCKOUT, bootstrapped=True
    ) as keystone:
        outcomes = await run(originals, keystone, tmp_path, applicable)
    bad = [f"{each.test}: {each.outcome}: {each.why}" for each in outcomes if each.outcome != "passed"]
    assert not bad, "\n".join(bad)
    assert sorted(each.test for each in outcomes) == sorted(applicable)
