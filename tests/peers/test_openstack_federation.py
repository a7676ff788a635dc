"""OpenStack's own command line sets up an identity provider at our Keystone, and somebody signs on by it."""

import json
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.support.issuer import Upstream, upstream
from tests.support.keystone import PASSWORD, KeystoneSite, running_keystone
from tests.support.openstack import Client, Failed, by_password, openstack
from tests.support.pki import Grid

pytestmark = pytest.mark.peer
AUDIENCE = "https://site.example.org"
RULES = [
    {
        "local": [{"user": {"name": "{0}"}, "group": {"name": "biologists", "domain": {"name": "Default"}}}],
        "remote": [{"type": "OIDC-sub"}, {"type": "OIDC-groups", "any_one_of": ["biology"]}],
    }
]


@pytest.fixture
def up() -> Iterator[Upstream]:
    with upstream() as found:
        yield found


@pytest.fixture
async def site(up: Upstream, tmp_path: Path) -> AsyncIterator[KeystoneSite]:
    issuer = {"name": "aai", "issuer": up.url, "audiences": [AUDIENCE], "wlcg_groups": True, "vos": ["none"]}
    async with running_keystone(tmp_path, Grid(now=datetime.now(UTC)), issuers=[issuer], bootstrapped=True) as found:
        yield found


@pytest.fixture
def admin(site: KeystoneSite) -> Client:
    return by_password(openstack(), site.url, site.anchors(), "admin", PASSWORD, "admin")


def bearer(admin: Client, token: str, project: str | None) -> Client:
    return admin.but(
        AUTH_TYPE="v3oidcaccesstoken", IDENTITY_PROVIDER="partner", PROTOCOL="openid", ACCESS_TOKEN=token,
        USERNAME=None, PASSWORD=None, USER_DOMAIN_NAME=None, PROJECT_NAME=project,
    )  # fmt: skip


async def test_an_admin_sets_up_a_partner_and_its_people_sign_on(
    admin: Client, up: Upstream, site: KeystoneSite, tmp_path: Path
) -> None:
    rules = tmp_path / "rules.json"
    rules.write_text(json.dumps(RULES))
    await admin("group", "create", "biologists")
    await admin("project", "create", "laboratory")
    await admin("role", "add", "--group", "biologists", "--project", "laboratory", "member")
    made = await admin.json("identity", "provider", "create", "--remote-id", up.url, "partner")
    assert (made["id"], made["enabled"], made["remote_ids"]) == ("partner", True, [up.url])
    await admin("mapping", "create", "--rules", str(rules), "partner-rules")
    protocol = await admin.json(
        "federation", "protocol", "create", "--identity-provider", "partner", "--mapping", "partner-rules", "openid"
    )
    assert (protocol["id"], protocol["mapping"]) == ("openid", "partner-rules")

    token = up.token(datetime.now(UTC), groups=["biology", "x"])
    up.people[token] = {"sub": "alice"}
    issued = await bearer(admin, token, "laboratory").json("token", "issue")
    assert await site.occi(issued["id"]) == 200
    stranger = up.token(datetime.now(UTC), sub="bob", groups=["chemistry"])
    up.people[stranger] = {"sub": "bob"}
    with pytest.raises(Failed, match="no mapping rule fits"):
        await bearer(admin, stranger, "laboratory")("token", "issue")

    await admin("identity", "provider", "set", "--disable", "partner")
    with pytest.raises(Failed, match="disabled"):
        await bearer(admin, token, "laboratory")("token", "issue")
    assert await site.occi(issued["id"]) == 401


async def test_what_there_is_is_listed_changed_and_removed(admin: Client, up: Upstream, tmp_path: Path) -> None:
    rules = tmp_path / "rules.json"
    rules.write_text(json.dumps(RULES))
    assert {each["ID"] for each in await admin.json("identity", "provider", "list")} == {"aai", "egi.eu"}
    shown = await admin.json("federation", "protocol", "list", "--identity-provider", "aai")
    assert {each["id"] for each in shown} == {"openid", "oidc"}
    await admin("mapping", "create", "--rules", str(rules), "m")
    await admin("mapping", "set", "--rules", str(rules), "m")
    assert (await admin.json("mapping", "show", "m"))["id"] == "m"
    await admin("mapping", "delete", "m")
    assert {each["ID"] for each in await admin.json("mapping", "list")} == {"aai", "voms"}
    urls = ["--auth-url", "https://other.example.org/v3", "--service-provider-url", "https://other.example.org/saml"]
    await admin("service", "provider", "create", *urls, "other")
    assert {each["ID"] for each in await admin.json("service", "provider", "list")} == {"other"}
    await admin("service", "provider", "delete", "other")
    with pytest.raises(Failed, match="configuration"):
        await admin("identity", "provider", "delete", "aai")
