"""Keystone at a site, over real TLS: who gets which token, what it opens, and how it ends."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.support.keystone import (
    PASSWORD,
    USER,
    USER_PROJECT,
    VOMS_SIGN_ON,
    KeystoneSite,
    password_v3,
    running_keystone,
    token_v3,
)
from tests.support.pki import VO, Grid, write_credential

from hansa.client.http import tls_context
from hansa.client.keystone import Password, tokens
from hansa.standards.voms import ac_extension
from hansa.standards.x509 import Credential, ProxyPolicy


@pytest.fixture(scope="module")
def grid() -> Grid:
    return Grid(now=datetime.now(UTC))


@pytest.fixture
def proxy(grid: Grid) -> Credential:
    return grid.voms_proxy(grid.user(), f"/{VO}", f"/{VO}/Role=VO-Admin")


@pytest.fixture
async def keystone(grid: Grid, tmp_path: Path) -> AsyncIterator[KeystoneSite]:
    async with running_keystone(tmp_path, grid) as running:
        yield running


async def scoped(keystone: KeystoneSite, **who: str) -> str:
    answer = await keystone.request("POST", "/v3/auth/tokens", password_v3(**who))
    assert answer.token, answer.body
    return answer.token


class TestDiscovery:
    async def test_the_occi_face_sends_strangers_to_keystone(self, keystone: KeystoneSite) -> None:
        for method in ("GET", "HEAD"):
            reply = await keystone.site.request(method, "/-/")
            assert (reply.status, reply.header("WWW-Authenticate")) == (401, f"Keystone uri='{keystone.url}'")

    async def test_the_root_lists_both_versions_whatever_the_client_accepts(self, keystone: KeystoneSite) -> None:
        root = await keystone.request("GET", "/")
        values = {each["id"]: each for each in root.body["versions"]["values"]}
        assert (root.status, list(values)) == (300, ["v3.14", "v2.0"])
        assert values["v3.14"]["links"] == [{"rel": "self", "href": f"{keystone.url}/v3/"}]

    @pytest.mark.parametrize("path", ["/v3", "/v3/", "/v2.0", "/v2.0/"])
    async def test_a_version_tells_of_itself(self, keystone: KeystoneSite, path: str) -> None:
        answer = await keystone.request("GET", path)
        assert answer.status == 200
        assert answer.body["version"]["links"][0]["href"].rstrip("/") == keystone.url + path.rstrip("/")

    @pytest.mark.parametrize(("method", "path", "status"), [("GET", "/v4", 404), ("PUT", "/v3/auth/tokens", 405)])
    async def test_errors_have_keystones_form(
        self, keystone: KeystoneSite, method: str, path: str, status: int
    ) -> None:
        answer = await keystone.request(method, path)
        assert answer.status == answer.body["error"]["code"] == status
        assert answer.body["error"].keys() == {"code", "title", "message"}

    async def test_the_other_faces_are_not_there(self, keystone: KeystoneSite, proxy: Credential) -> None:
        for path in ("/compute/", "/hansa/v1/usage"):
            assert (await keystone.request("GET", path, credential=proxy)).status == 404


class TestVersion2:
    """The walk of rOCCI and pOCCI, request by request."""

    async def test_a_proxy_gets_a_token_for_its_project(self, keystone: KeystoneSite, proxy: Credential) -> None:
        wish: dict[str, Any] = {"auth": {"voms": True}}
        unscoped = await keystone.request("POST", "/v2.0/tokens", wish, credential=proxy)
        assert unscoped.status == 200
        access = unscoped.body["access"]
        assert "tenant" not in access["token"]
        token = access["token"]["id"]
        assert await keystone.occi(token) == 401
        listing = await keystone.request("GET", "/v2.0/tenants", token=token, credential=proxy)
        assert [tenant["name"] for tenant in listing.body["tenants"]] == ["management", "fedcloud"]
        wish["auth"]["tenantName"] = "fedcloud"
        access = (await keystone.request("POST", "/v2.0/tokens", wish, credential=proxy)).body["access"]
        assert access["token"]["tenant"]["name"] == "fedcloud"
        assert {service["type"] for service in access["serviceCatalog"]} == {"identity", "occi"}
        assert await keystone.occi(access["token"]["id"]) == 200

    async def test_an_unscoped_token_is_exchanged_for_a_scoped_one(
        self, keystone: KeystoneSite, proxy: Credential
    ) -> None:
        wish = {"auth": {"voms": True}}
        token = (await keystone.request("POST", "/v2.0/tokens", wish, credential=proxy)).body["access"]["token"]["id"]
        exchange = {"auth": {"token": {"id": token}, "tenantName": "management"}}
        answer = await keystone.request("POST", "/v2.0/tokens", exchange)
        assert answer.body["access"]["user"]["name"] == "/DC=org/DC=example/O=people/CN=Alice Example"
        assert await keystone.occi(answer.body["access"]["token"]["id"]) == 200

    async def test_a_local_user_signs_on_with_a_password(self, keystone: KeystoneSite) -> None:
        proof = {"passwordCredentials": {"username": USER, "password": PASSWORD}, "tenantName": USER_PROJECT}
        answer = await keystone.request("POST", "/v2.0/tokens", {"auth": proof})
        assert await keystone.occi(answer.body["access"]["token"]["id"]) == 200

    async def test_a_project_that_is_not_the_vos_is_refused(self, keystone: KeystoneSite, proxy: Credential) -> None:
        wish = {"auth": {"voms": True, "tenantName": USER_PROJECT}}
        assert (await keystone.request("POST", "/v2.0/tokens", wish, credential=proxy)).status == 401

    async def test_without_a_proxy_voms_is_a_bad_request(self, keystone: KeystoneSite) -> None:
        answer = await keystone.request("POST", "/v2.0/tokens", {"auth": {"voms": True}})
        assert (answer.status, answer.body["error"]["code"]) == (400, 400)

    async def test_a_proxy_without_a_vo_and_a_foreign_vo_are_refused(self, grid: Grid, keystone: KeystoneSite) -> None:
        answer = await keystone.request("POST", "/v2.0/tokens", {"auth": {"voms": True}}, credential=grid.user())
        assert answer.status == 401
        assert keystone.site.audit()[-1]["reason"] == "identity.no_vo"


class TestOurClient:
    async def test_it_signs_on_with_a_proxy(self, keystone: KeystoneSite, proxy: Credential) -> None:
        directory = keystone.site.directory
        tls = tls_context(certificates=directory / "certificates", proxy=write_credential(directory / "p.pem", proxy))
        for project in ("fedcloud", "management"):
            (token,) = await asyncio.to_thread(
                lambda name: list(tokens(keystone.url, tls=tls, timeout=20, project=name)), project
            )
            assert await keystone.occi(token) == 200

    async def test_it_signs_on_with_a_password(self, keystone: KeystoneSite) -> None:
        tls = tls_context(certificates=keystone.site.directory / "certificates")
        login = Password(USER, PASSWORD)
        (token,) = await asyncio.to_thread(lambda: list(tokens(keystone.url, tls=tls, timeout=20, login=login)))
        assert await keystone.occi(token) == 200


class TestVersion3:
    @pytest.mark.parametrize("method", ["GET", "POST"])
    async def test_a_proxy_gets_an_unscoped_token_and_then_a_scoped_one(
        self, keystone: KeystoneSite, proxy: Credential, method: str
    ) -> None:
        unscoped = await keystone.request(method, VOMS_SIGN_ON, credential=proxy)
        assert unscoped.status == 201
        assert unscoped.token
        assert unscoped.body["token"]["user"]["OS-FEDERATION"]["protocol"] == {"id": "mapped"}
        assert "project" not in unscoped.body["token"]
        listing = await keystone.request("GET", "/v3/auth/projects", token=unscoped.token)
        ids = {project["name"]: project["id"] for project in listing.body["projects"]}
        assert list(ids) == ["management", "fedcloud"]
        for name, identifier in ids.items():
            answer = await keystone.request("POST", "/v3/auth/tokens", token_v3(unscoped.token, identifier))
            assert answer.status == 201
            assert answer.token
            assert answer.body["token"]["project"]["name"] == name
            assert answer.body["token"]["methods"] == ["token", "mapped"]
            assert answer.body["token"]["expires_at"] == unscoped.body["token"]["expires_at"]
            assert await keystone.occi(answer.token) == 200

    async def test_the_token_ends_with_the_attribute_certificate(self, grid: Grid, keystone: KeystoneSite) -> None:
        user = grid.user()
        ac = grid.ac(user, f"/{VO}", lifetime=timedelta(minutes=10))
        short = grid.proxy(user, extensions=[ac_extension([ac])])
        answer = await keystone.request("POST", VOMS_SIGN_ON, credential=short)
        expires = datetime.fromisoformat(answer.body["token"]["expires_at"])
        assert expires == (grid.now + timedelta(minutes=10)).replace(microsecond=0)

    async def test_a_limited_proxy_gets_a_token_that_only_reads(self, grid: Grid, keystone: KeystoneSite) -> None:
        limited = grid.proxy(grid.voms_proxy(grid.user(), f"/{VO}"), policy=ProxyPolicy.LIMITED)
        unscoped = await keystone.request("POST", VOMS_SIGN_ON, credential=limited)
        assert unscoped.token
        listing = await keystone.request("GET", "/v3/auth/projects", token=unscoped.token)
        wish = token_v3(unscoped.token, listing.body["projects"][0]["id"])
        answer = await keystone.request("POST", "/v3/auth/tokens", wish)
        assert answer.token
        assert [role["name"] for role in answer.body["token"]["roles"]] == ["read-only"]
        assert await keystone.occi(answer.token) == 200
        reply = await keystone.site.request("POST", "/compute/", headers={"X-Auth-Token": answer.token}, body=b"")
        assert reply.status == 403

    async def test_another_provider_or_protocol_is_not_there(self, keystone: KeystoneSite, proxy: Credential) -> None:
        for changed in (VOMS_SIGN_ON.replace("egi.eu", "x"), VOMS_SIGN_ON.replace("mapped", "openid")):
            assert (await keystone.request("POST", changed, credential=proxy)).status == 404

    async def test_a_local_user_signs_on_by_name_or_id(self, keystone: KeystoneSite) -> None:
        wish = password_v3()
        answer = await keystone.request("POST", "/v3/auth/tokens", wish)
        assert (answer.status, answer.body["token"]["methods"]) == (201, ["password"])
        assert {service["type"] for service in answer.body["token"]["catalog"]} == {"identity", "occi"}
        wish["auth"]["identity"]["password"]["user"] = {"id": answer.body["token"]["user"]["id"], "password": PASSWORD}
        assert (await keystone.request("POST", "/v3/auth/tokens?nocatalog", wish)).status == 201

    @pytest.mark.parametrize(
        "wish", [password_v3("wrong"), password_v3(user="nobody"), password_v3(project="fedcloud")]
    )
    async def test_a_wrong_proof_or_project_is_refused(self, keystone: KeystoneSite, wish: Any) -> None:
        answer = await keystone.request("POST", "/v3/auth/tokens", wish)
        assert (answer.status, answer.token) == (401, None)
        assert answer.headers["www-authenticate"] == f"Keystone uri='{keystone.url}'"

    async def test_a_token_to_exchange_that_is_none_is_not_found(self, keystone: KeystoneSite) -> None:
        answer = await keystone.request("POST", "/v3/auth/tokens", token_v3("T", "x"))
        assert (answer.status, answer.token) == (404, None)
        assert keystone.site.audit()[-1]["reason"] == "identity.token"

    async def test_a_depth_bomb_is_a_bad_request(self, keystone: KeystoneSite) -> None:
        assert (await keystone.request("POST", "/v3/auth/tokens", body=b'{"a":' * 9_000)).status == 400

    async def test_domains_are_empty_and_the_catalogue_needs_a_project(self, keystone: KeystoneSite) -> None:
        token = await scoped(keystone)
        assert (await keystone.request("GET", "/v3/auth/domains", token=token)).body["domains"] == []
        catalogue = (await keystone.request("GET", "/v3/auth/catalog", token=token)).body["catalog"]
        assert keystone.site.url + "/" in {end["url"] for service in catalogue for end in service["endpoints"]}
        unscoped = await keystone.request("POST", "/v3/auth/tokens", password_v3(project=None))
        assert (await keystone.request("GET", "/v3/auth/catalog", token=unscoped.token)).status == 403


class TestTokens:
    async def test_a_bearer_sees_and_revokes_his_token(self, keystone: KeystoneSite) -> None:
        token = await scoped(keystone)
        shown = await keystone.request("GET", "/v3/auth/tokens", token=token, subject=token)
        assert (shown.status, shown.token, shown.body["token"]["user"]["name"]) == (200, token, USER)
        assert (await keystone.request("HEAD", "/v3/auth/tokens", token=token, subject=token)).status == 200
        assert (await keystone.request("DELETE", "/v3/auth/tokens", token=token, subject=token)).status == 204
        assert (await keystone.request("GET", "/v3/auth/tokens", token=token, subject=token)).status == 401
        assert await keystone.occi(token) == 401

    async def test_a_token_is_its_bearers_and_an_admins_business(
        self, keystone: KeystoneSite, proxy: Credential
    ) -> None:
        theirs = await scoped(keystone)
        stranger = (await keystone.request("POST", VOMS_SIGN_ON, credential=proxy)).token
        for method in ("GET", "DELETE"):
            answer = await keystone.request(method, "/v3/auth/tokens", token=stranger, subject=theirs)
            assert answer.status == 403
        admin = await scoped(keystone, user="root")
        assert (await keystone.request("GET", "/v3/auth/tokens", token=admin, subject=theirs)).status == 200
        assert (await keystone.request("GET", "/v3/auth/tokens", token=admin, subject="nonsense")).status == 404

    async def test_a_ban_ends_every_token_at_once(self, grid: Grid, keystone: KeystoneSite, proxy: Credential) -> None:
        token = (await keystone.request("POST", VOMS_SIGN_ON, credential=proxy)).token
        bans = keystone.site.directory / "bans"
        bans.write_text(grid.name("Alice Example").slash())
        for _ in range(100):  # the file is looked at every two seconds
            answer = await keystone.request("GET", "/v3/auth/projects", token=token)
            if answer.status != 200:
                break
            await asyncio.sleep(0.1)
        assert (answer.status, keystone.site.audit()[-1]["reason"]) == (401, "identity.banned")
        assert (await keystone.request("POST", VOMS_SIGN_ON, credential=proxy)).status == 401

    async def test_no_token_and_no_password_reaches_the_log(self, keystone: KeystoneSite) -> None:
        token = await scoped(keystone)
        await keystone.request("GET", "/v3/auth/tokens", token=token, subject=token)
        await keystone.request("POST", "/v3/auth/tokens", password_v3("my-wrong-password"))
        log = repr(keystone.site.log)
        assert "identity.token_issued" in log
        assert token not in log
        assert PASSWORD not in log
        assert "my-wrong-password" not in log

    async def test_tokens_survive_a_restart(self, grid: Grid, tmp_path: Path) -> None:
        async with running_keystone(tmp_path, grid) as first:
            token = await scoped(first)
        async with running_keystone(tmp_path, grid) as second:
            assert await second.occi(token) == 200
