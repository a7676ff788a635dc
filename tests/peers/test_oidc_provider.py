"""A site takes the tokens of an OpenID Provider that nobody here wrote (panva's oidc-provider), and refuses what it should."""

import asyncio
import re
import secrets
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from keystoneauth1 import session
from keystoneauth1.exceptions.http import Unauthorized
from keystoneauth1.identity import v3
from tests.support.keystone import KeystoneSite, running_keystone
from tests.support.oidc_provider import (
    AUDIENCE,
    ROBOT,
    ROBOT_SECRET,
    SITE,
    SITE_SECRET,
    Browser,
    OidcProvider,
    oidc_provider,
)
from tests.support.pki import Grid

from hansa.client.oidc import Client, Guard, Issuer, Web, begin, finish
from hansa.standards.jwt import JwtError

pytestmark = pytest.mark.peer
CLAIMS = {"eduperson_entitlement": ["urn:mace:egi.eu:group:fedcloud.egi.eu:role=member#aai.egi.eu"]}
AUTH = "/v3/OS-FEDERATION/identity_providers/aai/protocols/openid/auth"
DASHBOARD = "https://horizon.example.org/auth/websso/"


class Ticks:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def provider() -> Iterator[OidcProvider]:
    with oidc_provider(CLAIMS) as found:
        yield found


@pytest.fixture
def ticks() -> Ticks:
    return Ticks()


@pytest.fixture
def issuer(provider: OidcProvider, ticks: Ticks) -> Issuer:
    client = Client(SITE, SITE_SECRET)
    return Issuer(provider.url, Web(Guard(loopback=True)), lambda: datetime.now(UTC), client=client, monotonic=ticks)


@pytest.fixture
async def site(provider: OidcProvider, tmp_path: Path) -> AsyncIterator[KeystoneSite]:
    (tmp_path / "secret").write_text(SITE_SECRET)
    (tmp_path / "secret").chmod(0o600)
    settings: dict[str, Any] = {
        "name": "aai",
        "issuer": provider.url,
        "audiences": [AUDIENCE, f"{AUDIENCE}/opaque"],
        "namespace": "urn:mace:egi.eu",
        "authority": "aai.egi.eu",
        "vos": ["fedcloud.egi.eu"],
        "client_id": SITE,
        "client_secret": tmp_path / "secret",
        "scopes": ["openid", "groups"],
    }
    grid = Grid(now=datetime.now(UTC))
    async with running_keystone(tmp_path, grid, issuers=[settings], trusted_dashboards=[DASHBOARD]) as found:
        yield found


async def refused(site: KeystoneSite, token: str) -> str:
    """The reason of the audit log."""
    answer = await site.request("POST", AUTH, bearer=token)
    assert answer.status == 401
    return str(site.site.audit()[-1]["reason"])


async def test_a_token_opens_both_faces_of_the_site(provider: OidcProvider, site: KeystoneSite) -> None:
    token = provider.token()
    occi = await site.site.request("GET", "/-/", headers={"Authorization": f"Bearer {token}"})
    assert occi.status == 200
    unscoped = await site.request("POST", AUTH, bearer=token)
    assert (unscoped.status, unscoped.body["token"]["user"]["name"]) == (201, ROBOT)
    projects = (await site.request("GET", "/v3/auth/projects", token=unscoped.token)).body["projects"]
    assert [each["name"] for each in projects] == ["fedcloud"]


async def test_a_token_for_another_service_is_refused(provider: OidcProvider, site: KeystoneSite) -> None:
    assert await refused(site, provider.token("https://other.example.org")) == "identity.audience"


async def test_a_token_with_another_signature_is_refused(provider: OidcProvider, site: KeystoneSite) -> None:
    head, body, _signature = provider.token().split(".")
    other = provider.token().split(".")[2]
    assert await refused(site, f"{head}.{body}.{other}") == "jwt.signature"


async def test_keys_may_rotate(provider: OidcProvider, issuer: Issuer, ticks: Ticks) -> None:
    old = provider.token()
    await issuer.verify(old)
    provider.rotate()
    ticks.now += 31
    assert (await issuer.verify(provider.token()))["sub"] == ROBOT
    with pytest.raises(JwtError) as caught:
        await issuer.verify(old)
    assert caught.value.code == "jwt.unknown_key"


async def test_an_opaque_token_is_introspected_until_it_is_revoked(provider: OidcProvider, issuer: Issuer) -> None:
    token = provider.token(f"{AUDIENCE}/opaque")
    said = await issuer.introspect(token)
    assert said is not None
    assert (said["client_id"], said["aud"]) == (ROBOT, f"{AUDIENCE}/opaque")
    provider.revoke(token)
    assert await issuer.introspect(token) is None


async def test_a_person_s_opaque_token_works_and_an_invented_one_does_not(
    provider: OidcProvider, issuer: Issuer, site: KeystoneSite
) -> None:
    url, attempt = await begin(
        issuer,
        "https://localhost/callback",
        ["openid", "groups"],
        lambda: secrets.token_urlsafe(32),
        resource=f"{AUDIENCE}/opaque",
    )
    back = Browser().log_in(url, "alice")
    login = await finish(issuer, attempt, dict(parse_qsl(urlsplit(back).query)))
    assert login.claims["sub"] == "alice"
    answer = await site.request("POST", AUTH, bearer=login.access_token)
    assert (answer.status, answer.body["token"]["user"]["name"]) == (201, "alice")
    assert await refused(site, login.access_token[:-1] + "~") == "identity.token_inactive"


async def test_a_browser_logs_in_there_and_brings_a_token_to_the_dashboard(
    provider: OidcProvider, site: KeystoneSite
) -> None:
    provider.send_back_to(f"{site.url}/v3/auth/OS-FEDERATION/oidc/callback")
    begun = f"/v3/auth/OS-FEDERATION/identity_providers/aai/protocols/openid/websso?{urlencode({'origin': DASHBOARD})}"
    sent = await site.fetch(begun)
    assert sent.status == 302
    back = await asyncio.to_thread(Browser().log_in, sent.header("Location") or "", "alice")
    assert back.startswith(site.url)
    cookie = (sent.header("Set-Cookie") or "").partition(";")[0]
    page = await site.fetch(back.removeprefix(site.url), {"Cookie": cookie})
    assert page.status == 200, (page.body, site.site.audit()[-1])
    found = re.search(rb'action="([^"]+)".*?name="token" id="token" value="([^"]+)"', page.body, re.DOTALL)
    assert found is not None
    assert found[1].decode() == DASHBOARD
    projects = (await site.request("GET", "/v3/auth/projects", token=found[2].decode())).body["projects"]
    assert [each["name"] for each in projects] == ["fedcloud"]
    again = await site.fetch(back.removeprefix(site.url), {"Cookie": cookie})
    assert again.status == 401  # a code is good once


async def test_keystoneauth_signs_on_with_an_access_token(provider: OidcProvider, site: KeystoneSite) -> None:
    plugin = v3.OidcAccessToken(
        auth_url=f"{site.url}/v3", identity_provider="aai", protocol="openid", access_token=provider.token(),
        project_name="fedcloud", project_domain_name="Default",
    )  # fmt: skip
    await scoped(plugin, site)


async def test_keystoneauth_gets_a_token_as_a_client_and_signs_on(provider: OidcProvider, site: KeystoneSite) -> None:
    plugin = v3.OidcClientCredentials(
        auth_url=f"{site.url}/v3", identity_provider="aai", protocol="openid", client_id=ROBOT,
        client_secret=ROBOT_SECRET, scope="groups", discovery_endpoint=f"{provider.url}/.well-known/openid-configuration",
        project_name="fedcloud", project_domain_name="Default",
    )  # fmt: skip
    await scoped(plugin, site)


async def test_keystoneauth_is_told_that_a_token_is_refused(provider: OidcProvider, site: KeystoneSite) -> None:
    plugin = v3.OidcAccessToken(
        auth_url=f"{site.url}/v3", identity_provider="aai", protocol="openid", access_token=provider.token("https://other"),
    )  # fmt: skip
    with pytest.raises(Unauthorized):
        await scoped(plugin, site)


async def scoped(plugin: Any, site: KeystoneSite) -> None:
    """A token for the project of the VO."""
    client = session.Session(auth=plugin, verify=str(site.anchors()))
    access = await asyncio.to_thread(plugin.get_access, client)
    assert access.project_name == "fedcloud"
    assert access.is_federated
