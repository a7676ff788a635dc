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
    async with running_keystone(tmp_path, Grid(now=datetime.now(UTC)), region="RegionOne") as running:
        yield running


@pytest.fixture
def user(keystone: KeystoneSite) -> Client:
    return by_password(openstack(), keystone.url, keystone.anchors(), USER, PASSWORD, USER_PROJECT)


@pytest.fixture
def admin(user: Client) -> Client:
    return user.but(USERNAME="root")


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


async def test_the_services_of_the_seed_are_registered(keystone: KeystoneSite, admin: Client) -> None:
    """The modern guide's lines for the image service, and the project in an address."""
    service = await admin.json("service", "create", "--name", "glance", "--description", "OpenStack Image", "image")
    for interface in ("public", "internal", "admin"):
        made = await admin.json(
            "endpoint", "create", "--region", "RegionOne", "image", interface, "http://controller:9292/$(project_id)s"
        )
        assert (made["service_id"], made["interface"]) == (service["id"], interface)
    assert "RegionOne" in {each["Region"] for each in await admin.json("region", "list")}
    shown = await admin.json("catalog", "show", "image")
    project = (await admin.json("token", "issue"))["project_id"]
    assert {each["url"] for each in shown["endpoints"]} == {f"http://controller:9292/{project}"}
    await admin("service", "delete", "glance")
    assert {each["Service Type"] for each in await admin.json("endpoint", "list")} == {"identity", "occi"}


async def test_a_user_may_not_register_services(user: Client) -> None:
    with pytest.raises(Failed, match="identity:create_service"):
        await user("service", "create", "image")


async def test_ec2_keys_are_kept(user: Client) -> None:
    token = await user.json("token", "issue")
    made = await user.json("ec2", "credentials", "create")
    assert (made["user_id"], made["project_id"]) == (token["user_id"], token["project_id"])
    assert [each["Access"] for each in await user.json("ec2", "credentials", "list")] == [made["access"]]
    assert (await user.json("ec2", "credentials", "show", made["access"]))["secret"] == made["secret"]
    assert [each["Type"] for each in await user.json("credential", "list")] == ["ec2"]
    await user("ec2", "credentials", "delete", made["access"])


async def test_policies_are_kept(admin: Client, tmp_path: Path) -> None:
    (tmp_path / "rules.json").write_text("{}")
    made = await admin.json("policy", "create", "--type", "application/json", str(tmp_path / "rules.json"))
    assert [each["ID"] for each in await admin.json("policy", "list")] == [made["id"]]
    await admin("policy", "delete", made["id"])


async def test_an_application_credential_is_made_and_used(keystone: KeystoneSite, user: Client) -> None:
    made = await user.json("application", "credential", "create", "--role", "member", "robot")
    by_secret = user.but(
        AUTH_TYPE="v3applicationcredential",
        APPLICATION_CREDENTIAL_ID=made["ID"],
        APPLICATION_CREDENTIAL_SECRET=made["Secret"],
        USERNAME=None,
        PASSWORD=None,
        PROJECT_NAME=None,
        USER_DOMAIN_NAME=None,
        PROJECT_DOMAIN_NAME=None,
    )
    issued = await by_secret.json("token", "issue")
    assert await keystone.occi(issued["id"]) == 200
    listed = await user.json("application", "credential", "list")
    assert [each["Name"] for each in listed] == ["robot"]
    await user("application", "credential", "delete", "robot")
    with pytest.raises(Failed, match="application credential"):
        await by_secret("token", "issue")
