"""One registry: a member logs in from a terminal, and the token opens a site until the VO says no more."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.support.keystone import KeystoneSite, running_keystone, token_v3
from tests.support.provider_server import AUTHORITY, NAMESPACE, AtBrowser, Served, served

from hansa.client.http import tls_context
from hansa.client.logins import Login
from hansa.client.oauth import LoginRefused, OAuth
from hansa.federation.provider.model import GrantType

SIGN_ON = "/v3/OS-FEDERATION/identity_providers/federation/protocols/openid/auth"
SCOPE = "openid profile entitlements offline_access"
AUDIENCE = "https://site.example.org"


@dataclass
class World:
    op: Served
    site: KeystoneSite
    oauth: OAuth

    async def login(self) -> Login:
        """`hansa login --method device`, and the person at a browser."""
        pending = await asyncio.to_thread(self.oauth.start, SCOPE, datetime.now(UTC))
        await asyncio.to_thread(self._agree, pending.address or "")
        return await asyncio.to_thread(self.oauth.wait, pending, lambda: datetime.now(UTC), lambda _seconds: None)

    def _agree(self, address: str) -> None:
        person = AtBrowser(self.op.ca)
        answer = person.log_in(person.get(address))
        page = person.submit(person.get(f"{self.op.url}{answer.location}"), "/oidc/device")
        person.submit(page, "/oidc/device", decision="allow")


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    homes = tmp_path / "federation", tmp_path / "site"
    for home in homes:
        home.mkdir()
    async with AsyncExitStack() as stack:
        op = await stack.enter_async_context(served(homes[0]))
        grants = frozenset({GrantType.DEVICE, GrantType.REFRESH})
        client, _ = await op.register(name="hansa", confidential=False, grants=grants, audiences=(AUDIENCE,))
        asking, secret = await op.register(
            name="A site", grants=frozenset({GrantType.CLIENT}), scopes=frozenset({"x"}), audiences=(AUDIENCE,)
        )
        (homes[1] / "secret").write_text(secret)
        (homes[1] / "secret").chmod(0o600)
        issuer = {
            "name": "federation",
            "issuer": op.url,
            "audiences": [AUDIENCE],
            "namespace": NAMESPACE,
            "authority": AUTHORITY,
            "vos": [op.grid.vo],
            "client_id": asking,
            "client_secret": homes[1] / "secret",
            "introspection": "always",
            "ca_file": op.ca,
        }
        site = await stack.enter_async_context(running_keystone(homes[1], op.grid, issuers=[issuer]))
        yield World(op, site, OAuth(op.url, client, tls=tls_context(certificates=homes[0] / "certificates")))


async def test_a_member_comes_from_login_to_a_project_and_is_out_when_suspended(world: World) -> None:
    login = await world.login()
    signed_on = await world.site.request("POST", SIGN_ON, bearer=login.access)
    assert signed_on.status == 201, signed_on.body
    projects = (await world.site.request("GET", "/v3/auth/projects", token=signed_on.token)).body["projects"]
    (project,) = [each for each in projects if each["name"] == "fedcloud"]
    assert signed_on.token
    scoped = await world.site.request("POST", "/v3/auth/tokens", token_v3(signed_on.token, project["id"]))
    assert scoped.status == 201, scoped.body

    renewed = await asyncio.to_thread(world.oauth.refresh, login, datetime.now(UTC))
    await world.op.registry.suspend(world.op.grid.vo, world.op.member, "incident")
    refused = await world.site.request("POST", SIGN_ON, bearer=renewed.access)
    assert refused.status == 401
    with pytest.raises(LoginRefused):
        await asyncio.to_thread(world.oauth.refresh, renewed, datetime.now(UTC))


async def test_logging_out_ends_what_was_given(world: World) -> None:
    login = await world.login()
    assert await asyncio.to_thread(world.oauth.revoke, login)
    assert (await world.site.request("POST", SIGN_ON, bearer=login.access)).status == 401
