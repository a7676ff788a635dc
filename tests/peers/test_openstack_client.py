"""OpenStack's own command line against our Keystone."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.support.keystone import PASSWORD, USER, USER_PROJECT, KeystoneSite, running_keystone
from tests.support.openstack import Client, Failed, by_password, openstack
from tests.support.pki import Grid

pytestmark = pytest.mark.peer


@pytest.fixture
async def keystone(tmp_path: Path) -> AsyncIterator[KeystoneSite]:
    async with running_keystone(tmp_path, Grid(now=datetime.now(UTC))) as running:
        yield running


@pytest.fixture
def user(keystone: KeystoneSite) -> Client:
    return by_password(openstack(), keystone.url, keystone.anchors(), USER, PASSWORD, USER_PROJECT)


async def test_a_token_is_issued_and_revoked(keystone: KeystoneSite, user: Client) -> None:
    issued = await user.json("token", "issue")
    assert await keystone.occi(issued["id"]) == 200
    await user("token", "revoke", issued["id"])
    assert await keystone.occi(issued["id"]) == 401


async def test_a_wrong_password_is_told(user: Client) -> None:
    with pytest.raises(Failed, match="password is wrong"):
        await user.but(PASSWORD="no")("token", "issue")


async def test_the_catalogue_is_listed(keystone: KeystoneSite, user: Client) -> None:
    services = {each["Type"]: each["Endpoints"] for each in await user.json("catalog", "list")}
    assert {each["url"] for each in services["identity"]} == {f"{keystone.url}/v3"}
    assert services["occi"]
