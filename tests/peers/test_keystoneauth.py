"""OpenStack's own sign-on library takes our tokens to the OCCI face: password, token, and a VOMS proxy by v3 federation."""

import asyncio
import warnings
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.support.keystone import PASSWORD, USER, USER_PROJECT, KeystoneSite, password_v3, running_keystone
from tests.support.pki import VO, Grid, write_credential

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # its own dependencies' deprecations
    keystoneauth1 = pytest.importorskip("keystoneauth1", reason="keystoneauth1 is not installed")
    from keystoneauth1 import exceptions, session
    from keystoneauth1.identity import generic, v2, v3

pytestmark = pytest.mark.peer


class VomsSignOn(v3.FederationBaseAuth):
    """What EGI's plug-in does: an empty POST, with the proxy as the session's certificate."""

    def get_unscoped_auth_ref(self, session: session.Session) -> object:
        answer = session.post(self.federated_token_url, authenticated=False)
        return keystoneauth1.access.create(answer)


class OldVomsSignOn(v2.Auth):
    """What EGI's plug-in does with v2.0."""

    def get_auth_data(self, headers: object = None) -> dict[str, bool]:
        return {"voms": True}


@pytest.fixture
async def keystone(tmp_path: Path) -> AsyncIterator[KeystoneSite]:
    async with running_keystone(tmp_path, Grid(now=datetime.now(UTC))) as running:
        yield running


def ask(site: KeystoneSite, auth: object, cert: Path | None = None) -> tuple[str, str]:
    """The project and the media type of the OCCI face's answer, found through the catalogue."""
    opened = session.Session(auth=auth, verify=str(site.anchors()), cert=str(cert) if cert else None)
    try:
        answer = opened.get("/-/", endpoint_filter={"service_type": "occi"}, headers={"Accept": "text/plain"})
        return opened.get_project_id() or "", answer.headers["Content-Type"]
    finally:
        opened.session.close()


async def test_a_password_signs_on(keystone: KeystoneSite) -> None:
    auth = generic.Password(
        auth_url=keystone.url,
        username=USER,
        password=PASSWORD,
        user_domain_name="Default",
        project_name=USER_PROJECT,
        project_domain_name="Default",
    )
    project, media = await asyncio.to_thread(ask, keystone, auth)
    assert project
    assert media.startswith("text/plain")
    exchanged = generic.Token(auth_url=keystone.url, token=auth.get_token(None), project_id=project)
    assert await asyncio.to_thread(ask, keystone, exchanged) == (project, media)


async def test_a_wrong_password_is_refused(keystone: KeystoneSite) -> None:
    auth = generic.Password(auth_url=keystone.url, username=USER, password="no", user_domain_id="default")
    with pytest.raises(exceptions.Unauthorized, match="wrong"):
        await asyncio.to_thread(ask, keystone, auth)


async def test_a_proxy_signs_on(keystone: KeystoneSite) -> None:
    grid = keystone.site.grid
    proxy = write_credential(keystone.site.directory / "p.pem", grid.voms_proxy(grid.user(), f"/{VO}"))
    auth = VomsSignOn(
        auth_url=f"{keystone.url}/v3",
        identity_provider="egi.eu",
        protocol="mapped",
        project_name="fedcloud",
        project_domain_name="Default",
    )
    project, media = await asyncio.to_thread(ask, keystone, auth, proxy)
    assert project
    assert media.startswith("text/plain")


async def test_a_proxy_signs_on_at_the_old_version(keystone: KeystoneSite) -> None:
    grid = keystone.site.grid
    proxy = write_credential(keystone.site.directory / "p.pem", grid.voms_proxy(grid.user(), f"/{VO}"))
    auth = OldVomsSignOn(f"{keystone.url}/v2.0", tenant_name="fedcloud")
    project, media = await asyncio.to_thread(ask, keystone, auth, proxy)
    assert project
    assert media.startswith("text/plain")


async def test_an_application_credential_signs_on(keystone: KeystoneSite) -> None:
    signed = await keystone.request("POST", "/v3/auth/tokens", password_v3())
    told = signed.body["token"]
    made = await keystone.request(
        "POST",
        f"/v3/users/{told['user']['id']}/application_credentials",
        {"application_credential": {"name": "robot"}},
        token=signed.token,
    )
    credential = made.body["application_credential"]
    for named in (
        {"application_credential_id": credential["id"]},
        {"application_credential_name": "robot", "username": USER, "user_domain_name": "Default"},
    ):
        auth = v3.ApplicationCredential(
            auth_url=f"{keystone.url}/v3", application_credential_secret=credential["secret"], **named
        )
        project, _ = await asyncio.to_thread(ask, keystone, auth)
        assert project == told["project"]["id"]


async def test_a_trust_is_used(keystone: KeystoneSite) -> None:
    alice = await keystone.request("POST", "/v3/auth/tokens", password_v3())
    root = await keystone.request("POST", "/v3/auth/tokens", password_v3(user="root"))
    trust = {
        "trustor_user_id": root.body["token"]["user"]["id"],
        "trustee_user_id": alice.body["token"]["user"]["id"],
        "project_id": root.body["token"]["project"]["id"],
        "impersonation": True,
        "roles": [{"name": "member"}],
    }
    made = await keystone.request("POST", "/v3/OS-TRUST/trusts", {"trust": trust}, token=root.token)
    auth = generic.Password(
        auth_url=keystone.url,
        username=USER,
        password=PASSWORD,
        user_domain_name="Default",
        trust_id=made.body["trust"]["id"],
    )
    project, media = await asyncio.to_thread(ask, keystone, auth)
    assert project == trust["project_id"]
    assert media.startswith("text/plain")
