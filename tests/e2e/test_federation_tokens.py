"""The federation's own tokens at a site: one membership, one policy, at both faces and with a browser; a suspension ends them."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import requests
from tests.support.keystone import KeystoneSite, running_keystone, token_v3
from tests.support.ports import free_port
from tests.support.provider_server import AUTHORITY, NAMESPACE, AtBrowser, Served, served

from hansa.federation.provider.model import GrantType

AUDIENCE = "https://site.example"
DASHBOARD = "https://horizon.example/auth/websso/"
IDP = "/v3/OS-FEDERATION/identity_providers/federation/protocols/openid/auth"


@dataclass
class World:
    op: Served
    site: KeystoneSite
    public: str

    async def token(self) -> str:
        """Alice's, by device flow, for the site."""
        return await asyncio.to_thread(self._token)

    def _token(self) -> str:
        op, form = self.op, {"client_id": self.public, "scope": "openid eduperson_entitlement"}
        device = requests.post(f"{op.url}/oidc/device_authorization", form, verify=str(op.ca), timeout=30).json()
        person = AtBrowser(op.ca)
        answer = person.log_in(person.get(device["verification_uri_complete"]))
        page = person.submit(person.get(f"{op.url}{answer.location}"), "/oidc/device")
        person.submit(page, "/oidc/device", decision="allow")
        form = {
            "client_id": self.public,
            "device_code": device["device_code"],
            "grant_type": "urn:ietf:params:oauth:grant-type:device_code",
        }
        return str(requests.post(f"{op.url}/oidc/token", form, verify=str(op.ca), timeout=30).json()["access_token"])

    async def occi(self, token: str) -> int:
        return (await self.site.site.request("GET", "/-/", headers={"Authorization": f"Bearer {token}"})).status

    def reason(self) -> str:
        return str(self.site.site.audit()[-1]["reason"])


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    (tmp_path / "op").mkdir()
    (tmp_path / "site").mkdir()
    async with served(tmp_path / "op") as op:
        public, _ = await op.register(
            name="Command line", confidential=False, grants=frozenset({GrantType.DEVICE}), audiences=(AUDIENCE,)
        )
        port = free_port()
        back = f"https://localhost:{port}/v3/auth/OS-FEDERATION/oidc/callback"
        site_client, secret = await op.register(name="The site", redirect_uris=(back,), audiences=(AUDIENCE,))
        (tmp_path / "site" / "secret").write_text(secret)
        (tmp_path / "site" / "secret").chmod(0o600)
        issuer: dict[str, Any] = {
            "name": "federation",
            "issuer": op.url,
            "audiences": [AUDIENCE],
            "namespace": NAMESPACE,
            "authority": AUTHORITY,
            "vos": [op.grid.vo],
            "client_id": site_client,
            "client_secret": tmp_path / "site" / "secret",
            "introspection": "always",
            "scopes": ["openid", "eduperson_entitlement"],
            "ca_file": op.ca,
        }
        async with running_keystone(
            tmp_path / "site", op.grid, issuers=[issuer], port=port, trusted_dashboards=[DASHBOARD]
        ) as site:
            yield World(op, site, public)


async def test_a_member_works_with_a_token_where_a_proxy_would_work(world: World) -> None:
    token = await world.token()
    assert await world.occi(token) == 200
    unscoped = await world.site.request("POST", IDP, bearer=token)
    assert (unscoped.status, unscoped.body["token"]["user"]["name"]) == (201, world.op.alice.uid)
    (project,) = (await world.site.request("GET", "/v3/auth/projects", token=unscoped.token)).body["projects"]
    scoped = await world.site.request("POST", "/v3/auth/tokens", token_v3(unscoped.token or "", project["id"]))
    assert (project["name"], scoped.status) == ("fedcloud", 201)
    assert await world.site.occi(scoped.token or "") == 200


async def test_a_suspended_member_s_tokens_are_refused(world: World) -> None:
    token = await world.token()
    await world.op.registry.suspend(world.op.grid.vo, world.op.member, "incident")
    assert await world.occi(token) == 401
    assert world.reason() == "identity.token_inactive"


async def test_a_token_for_another_service_is_refused(world: World) -> None:
    world.public, _ = await world.op.register(
        name="Other", confidential=False, grants=frozenset({GrantType.DEVICE}), audiences=("https://other.example",)
    )
    assert await world.occi(await world.token()) == 401
    assert world.reason() in ("identity.audience", "identity.token_inactive")


async def test_a_browser_logs_in_at_the_federation_and_brings_a_token_to_the_dashboard(world: World) -> None:
    query = urlencode({"origin": DASHBOARD})
    begun = await world.site.fetch(f"/v3/auth/OS-FEDERATION/websso/openid?{query}")
    assert begun.status == 302, begun.body

    def at_the_federation() -> str:
        person = AtBrowser(world.op.ca)
        answer = person.log_in(person.get(begun.header("Location") or ""))
        answer = person.get(f"{world.op.url}{answer.location}")
        return person.submit(answer, "/oidc/consent", decision="allow").location

    returned = await asyncio.to_thread(at_the_federation)
    assert returned.startswith(f"{world.site.url}/v3/auth/OS-FEDERATION/oidc/callback?")
    cookie = (begun.header("Set-Cookie") or "").partition(";")[0]
    page = await world.site.fetch(returned.removeprefix(world.site.url), {"Cookie": cookie})
    assert page.status == 200, page.body
    token = re.search(rb'name="token" id="token" value="([^"]+)"', page.body)
    assert token is not None
    projects = (await world.site.request("GET", "/v3/auth/projects", token=token[1].decode())).body["projects"]
    assert [each["name"] for each in projects] == ["fedcloud"]
