"""OS-FEDERATION: identity providers, protocols and mappings that admins make, and signing on by them."""

import html
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from tests.support.issuer import CLIENT, SECRET, Upstream, upstream
from tests.support.keystone_api import NOW, URL, Api, Client, Reply

from hansa.base.database import Database
from hansa.base.migrations import upgrade
from hansa.site.issuers.settings import IssuerSettings

IDPS = "/OS-FEDERATION/identity_providers"
VO = "urn:mace:test:group:ops:role=member#aai.test"
RULES = [
    {
        "local": [
            {"user": {"name": "{0}", "email": "{1}"}, "group": {"name": "bio", "domain": {"id": "default"}}},
        ],
        "remote": [{"type": "OIDC-sub"}, {"type": "OIDC-email"}],
    }
]
DASHBOARD = "https://horizon.test/auth/websso/"


@pytest.fixture
def up() -> Iterator[Upstream]:
    with upstream() as found:
        yield found


@pytest.fixture
async def api(up: Upstream, tmp_path: Path) -> AsyncIterator[Api]:
    (tmp_path / "secret").write_text(SECRET)
    (tmp_path / "secret").chmod(0o600)
    settings = IssuerSettings(
        name="aai", issuer=up.url, audiences=frozenset({"https://site.example.org"}), namespace="urn:mace:test",
        authority="aai.test", vos=frozenset({"ops"}), client_id=CLIENT, client_secret=tmp_path / "secret",
    )  # fmt: skip
    database = Database(f"sqlite:///{tmp_path / 'site.db'}")
    await upgrade(database, "site")
    yield Api(database, issuers=[settings], dashboards=(DASHBOARD,))
    database.close()


async def sign_on(api: Api, token: str, provider: str = "aai", protocol: str = "openid") -> Reply:
    headers = {"Authorization": f"Bearer {token}"}
    return await api.client()("POST", f"{IDPS}/{provider}/protocols/{protocol}/auth", headers=headers)


async def partner(api: Api, up: Upstream, rules: Any = RULES, **provider: Any) -> Client:
    """An identity provider of an admin's making, for the configured issuer; its maker."""
    admin = await api.admin()
    made = {"enabled": True, "remote_ids": [up.url], **provider}
    assert await admin.status("PUT", f"{IDPS}/partner", {"identity_provider": made}) == 201
    assert await admin.status("PUT", "/OS-FEDERATION/mappings/m", {"mapping": {"rules": rules}}) == 201
    body = {"protocol": {"mapping_id": "m"}}
    assert await admin.status("PUT", f"{IDPS}/partner/protocols/openid", body) == 201
    return admin


class TestSigningOn:
    @pytest.mark.parametrize("protocol", ["openid", "oidc"])
    async def test_a_member_gets_an_unscoped_token_then_one_for_the_project_of_the_vo(
        self, api: Api, up: Upstream, protocol: str
    ) -> None:
        reply = await sign_on(api, up.token(NOW, entitlements=[VO]), protocol=protocol)
        assert reply.status == 201
        token = reply.body["token"]
        assert token["methods"] == [protocol]
        assert token["user"]["OS-FEDERATION"] == {
            "identity_provider": {"id": "aai"},
            "protocol": {"id": protocol},
            "groups": [{"id": "ops"}],
        }
        assert "project" not in token
        client = api.client(reply.token)
        (project,) = (await client("GET", "/auth/projects")).body["projects"]
        assert project["name"] == "p-ops"
        wish = {
            "identity": {"methods": ["token"], "token": {"id": reply.token}},
            "scope": {"project": {"id": project["id"]}},
        }
        scoped = await api.client()("POST", "/auth/tokens", {"auth": wish})
        assert scoped.status == 201
        assert scoped.body["token"]["project"]["name"] == "p-ops"
        assert scoped.body["token"]["methods"] == ["token", protocol]
        assert scoped.body["token"]["user"]["OS-FEDERATION"]["identity_provider"] == {"id": "aai"}
        await client("GET", "/auth/projects")

    async def test_no_token_outlives_the_one_it_was_given_for(self, api: Api, up: Upstream) -> None:
        ends = int((NOW + timedelta(minutes=7)).timestamp())
        reply = await sign_on(api, up.token(NOW, entitlements=[VO], exp=ends))
        assert reply.body["token"]["expires_at"].startswith("2026-01-01T00:07:00")

    @pytest.mark.parametrize(
        ("claims", "reason"),
        [
            ({"entitlements": ["urn:mace:test:group:ops:role=member#evil"]}, "identity.foreign_authority"),
            ({"aud": "elsewhere"}, "identity.audience"),
            ({"iss": "https://evil.example.org"}, "identity.unknown_issuer"),
        ],
    )
    async def test_every_other_token_is_401_with_its_reason_in_the_audit_log(
        self, api: Api, up: Upstream, claims: Any, reason: str
    ) -> None:
        reply = await sign_on(api, up.token(NOW, **({"entitlements": [VO]} | claims)))
        assert reply.status == 401
        assert api.audit[-1][0] == "identity.refused"
        assert api.audit[-1][1]["reason"] == reason

    @pytest.mark.parametrize(("provider", "protocol"), [("aai", "saml2"), ("other", "openid"), ("egi.eu", "mapped")])
    async def test_what_there_is_not_is_404(self, api: Api, up: Upstream, provider: str, protocol: str) -> None:
        assert (await sign_on(api, up.token(NOW, entitlements=[VO]), provider, protocol)).status == 404

    async def test_without_a_token_it_is_401(self, api: Api) -> None:
        assert await api.client().status("GET", f"{IDPS}/aai/protocols/openid/auth") == 401

    async def test_a_ban_counts_at_once(self, api: Api, up: Upstream) -> None:
        reply = await sign_on(api, up.token(NOW, entitlements=[VO]))
        api.bans = frozenset({f"{up.url} alice"})
        assert await api.client(reply.token).status("GET", "/auth/projects") == 401
        assert (await sign_on(api, up.token(NOW, entitlements=[VO]))).status == 401


class TestProvidersOfAdmins:
    async def test_a_mapping_makes_a_user_with_groups(self, api: Api, up: Upstream) -> None:
        await partner(api, up)
        group = await api.directory.groups.create("bio", extra={})
        project = await api.directory.projects.create("laboratory")
        await api.assign("member", group, project)
        up.people[token := up.token(NOW, email="a@example.org")] = {"sub": "alice"}
        reply = await sign_on(api, token, "partner")
        user = reply.body["token"]["user"]
        assert (user["name"], user["OS-FEDERATION"]["groups"]) == ("alice", [{"id": group.id}])
        (found,) = (await api.client(reply.token)("GET", "/auth/projects")).body["projects"]
        assert found["name"] == "laboratory"

    async def test_claims_that_only_userinfo_has_count_whatever_the_token_says(self, api: Api, up: Upstream) -> None:
        await partner(api, up)
        up.people[token := up.token(NOW, entitlements=[VO])] = {"sub": "alice", "email": "a@example.org"}
        assert (await sign_on(api, token)).status == 201  # by the issuer's own identity provider, without userinfo
        assert (await sign_on(api, token, "partner")).status == 201

    async def test_rules_may_mean_a_user_of_the_directory(self, api: Api, up: Upstream) -> None:
        local = {"user": {"name": "{0}", "type": "local", "domain": {"id": "default"}}}
        await partner(api, up, [{"local": [local], "remote": [{"type": "OIDC-sub"}]}])
        user, project = await api.user("alice"), await api.directory.projects.create("staff")
        await api.assign("member", user, project)
        up.people[token := up.token(NOW)] = {"sub": "alice"}
        reply = await sign_on(api, token, "partner")
        assert reply.body["token"]["user"]["id"] == user.id
        (found,) = (await api.client(reply.token)("GET", "/auth/projects")).body["projects"]
        assert found["name"] == "staff"
        up.people[token := up.token(NOW, sub="nobody")] = {"sub": "nobody"}
        assert (await sign_on(api, token, "partner")).status == 401

    async def test_whom_no_rule_fits_stays_out(self, api: Api, up: Upstream) -> None:
        await partner(api, up)
        up.people[token := up.token(NOW, entitlements=[VO])] = {"sub": "alice"}
        assert (await sign_on(api, token, "partner")).status == 401
        assert api.audit[-1][1]["reason"] == "mapping.no_match"

    async def test_its_issuer_must_be_one_of_its_remote_ids(self, api: Api, up: Upstream) -> None:
        await partner(api, up, remote_ids=["https://other.example.org"])
        assert (await sign_on(api, up.token(NOW, email="a@example.org"), "partner")).status == 401
        assert api.audit[-1][1]["reason"] == "identity.unknown_issuer"

    async def test_a_disabled_one_is_403_and_its_tokens_end(self, api: Api, up: Upstream) -> None:
        admin = await partner(api, up)
        up.people[token := up.token(NOW, email="a@example.org")] = {"sub": "alice"}
        given = (await sign_on(api, token, "partner")).token
        assert await api.client(given).status("GET", "/auth/projects") == 200
        changed = await admin("PATCH", f"{IDPS}/partner", {"identity_provider": {"enabled": False}})
        assert changed.body["identity_provider"]["enabled"] is False
        assert (await sign_on(api, token, "partner")).status == 403
        assert await api.client(given).status("GET", "/auth/projects") == 401

    async def test_removing_it_ends_its_tokens(self, api: Api, up: Upstream) -> None:
        admin = await partner(api, up)
        up.people[token := up.token(NOW, email="a@example.org")] = {"sub": "alice"}
        given = (await sign_on(api, token, "partner")).token
        assert await admin.status("DELETE", f"{IDPS}/partner") == 204
        assert await api.client(given).status("GET", "/auth/projects") == 401
        assert await admin.status("GET", f"{IDPS}/partner/protocols/openid") == 404

    async def test_projects_of_the_rules_are_made_and_assigned(self, api: Api, up: Upstream) -> None:
        local = {"user": {"name": "{0}"}, "projects": [{"name": "{0}s-own", "roles": [{"name": "member"}]}]}
        await partner(api, up, [{"local": [local], "remote": [{"type": "OIDC-sub"}]}])
        await api.role("member")
        up.people[token := up.token(NOW)] = {"sub": "alice"}
        for _ in range(2):
            reply = await sign_on(api, token, "partner")
        (found,) = (await api.client(reply.token)("GET", "/auth/projects")).body["projects"]
        assert found["name"] == "alices-own"

    async def test_a_role_that_is_not_there_makes_nothing(self, api: Api, up: Upstream) -> None:
        local = {"user": {"name": "{0}"}, "projects": [{"name": "new", "roles": [{"name": "nobody-knows"}]}]}
        await partner(api, up, [{"local": [local], "remote": [{"type": "OIDC-sub"}]}])
        up.people[token := up.token(NOW)] = {"sub": "alice"}
        assert (await sign_on(api, token, "partner")).status == 401
        assert await api.directory.projects.named("default", "new") is None

    async def test_since_version_3_what_the_rules_no_longer_give_is_taken_back(self, api: Api, up: Upstream) -> None:
        local = {"user": {"name": "{0}"}, "projects_json": "{1}", "domain": {"id": "default"}}
        remote = [{"type": "OIDC-sub"}, {"type": "OIDC-projects"}]
        admin = await partner(api, up, [{"local": [], "remote": [{"type": "x"}]}])
        document = {"rules": [{"local": [local], "remote": remote}], "schema_version": "3.0"}
        assert await admin.status("PATCH", "/OS-FEDERATION/mappings/m", {"mapping": document}) == 200
        await api.role("member")
        names = []
        for listed in (
            '[{"name": "a", "roles": [{"name": "member"}]}]',
            '[{"name": "b", "roles": [{"name": "member"}]}]',
        ):
            up.people[token := up.token(NOW, projects=listed)] = {"sub": "alice"}
            reply = await sign_on(api, token, "partner")
            found = (await api.client(reply.token)("GET", "/auth/projects")).body["projects"]
            names.append([each["name"] for each in found])
        assert names == [["a"], ["b"]]

    async def test_the_banned_are_given_no_project(self, api: Api, up: Upstream) -> None:
        local = {"user": {"name": "{0}"}, "projects": [{"name": "new", "roles": []}]}
        await partner(api, up, [{"local": [local], "remote": [{"type": "OIDC-sub"}]}])
        api.bans = frozenset({f"{up.url} alice"})
        up.people[token := up.token(NOW)] = {"sub": "alice"}
        assert (await sign_on(api, token, "partner")).status == 401
        assert await api.directory.projects.named("default", "new") is None


class TestKeeping:
    async def test_what_is_configured_stands_there_and_cannot_be_changed(self, api: Api, up: Upstream) -> None:
        admin = await api.admin()
        (found,) = (await admin("GET", IDPS)).body["identity_providers"]
        assert (found["id"], found["enabled"], found["remote_ids"]) == ("aai", True, [up.url])
        assert found["links"]["protocols"] == f"{URL}/v3{IDPS}/aai/protocols"
        protocols = (await admin("GET", f"{IDPS}/aai/protocols")).body["protocols"]
        assert [(each["id"], each["mapping_id"]) for each in protocols] == [("openid", "aai"), ("oidc", "aai")]
        (mapping,) = (await admin("GET", "/OS-FEDERATION/mappings")).body["mappings"]
        assert mapping["id"] == "aai"
        for path, kind in ((f"{IDPS}/aai", "identity_provider"), (f"{IDPS}/aai/protocols/openid", "protocol")):
            body = {kind: {"mapping_id": "aai"} if kind == "protocol" else {"enabled": False}}
            assert await admin.status("PATCH", path, body) == 403
            assert await admin.status("DELETE", path) == 403
            assert await admin.status("PUT", path, body) == 409
        rules = {"mapping": {"rules": RULES}}
        assert [await admin.status(verb, "/OS-FEDERATION/mappings/aai", rules) for verb in ("PATCH", "PUT")] == [
            403,
            409,
        ]

    async def test_an_identity_provider_is_made_read_changed_and_removed(self, api: Api) -> None:
        admin = await api.admin()
        reply = await admin(
            "PUT", f"{IDPS}/x", {"identity_provider": {"description": "d", "remote_ids": ["https://b", "https://a"]}}
        )
        assert (reply.status, reply.body["identity_provider"]) == (
            201,
            {
                "id": "x",
                "enabled": False,
                "description": "d",
                "domain_id": "default",
                "authorization_ttl": None,
                "remote_ids": ["https://a", "https://b"],
                "links": {"self": f"{URL}/v3{IDPS}/x", "protocols": f"{URL}/v3{IDPS}/x/protocols"},
            },
        )
        changed = await admin("PATCH", f"{IDPS}/x", {"identity_provider": {"remote_ids": [], "description": None}})
        assert changed.body["identity_provider"]["remote_ids"] == []
        assert [each["id"] for each in (await admin("GET", f"{IDPS}?enabled=false")).body["identity_providers"]] == [
            "x"
        ]
        assert await admin.status("DELETE", f"{IDPS}/x") == 204
        assert await admin.status("GET", f"{IDPS}/x") == 404
        assert await admin.status("DELETE", f"{IDPS}/x") == 404
        assert await admin.status("PATCH", f"{IDPS}/x", {"identity_provider": {"enabled": True}}) == 404

    async def test_one_remote_id_is_one_identity_providers(self, api: Api) -> None:
        admin = await api.admin()
        body = {"identity_provider": {"remote_ids": ["https://a"]}}
        assert [await admin.status("PUT", f"{IDPS}/{name}", body) for name in ("x", "x", "y")] == [201, 409, 409]

    @pytest.mark.parametrize(
        ("path", "document", "status"),
        [
            (f"{IDPS}/x", {"identity_provider": {"secret": 1}}, 400),
            (f"{IDPS}/x", {"identity_provider": {"enabled": "yes"}}, 400),
            (f"{IDPS}/x", {"identity_provider": {"remote_ids": "https://a"}}, 400),
            (f"{IDPS}/x", {"identity_provider": {"remote_ids": [""]}}, 400),
            (f"{IDPS}/x", {"identity_provider": {"authorization_ttl": -1}}, 400),
            (f"{IDPS}/x", {"identity_provider": {"domain_id": "nowhere"}}, 404),
            (f"{IDPS}/" + "x" * 65, {"identity_provider": {}}, 400),
            (f"{IDPS}/aai/protocols/x", {"protocol": {}}, 400),
            (f"{IDPS}/aai/protocols/x", {"protocol": {"mapping_id": "none"}}, 400),
            (f"{IDPS}/none/protocols/x", {"protocol": {"mapping_id": "aai"}}, 404),
            ("/OS-FEDERATION/mappings/x", {"mapping": {"rules": []}}, 400),
            ("/OS-FEDERATION/mappings/x", {"mapping": {"rules": RULES, "schema_version": "9"}}, 400),
            ("/OS-FEDERATION/mappings/x", {"mapping": {"rules": RULES, "more": 1}}, 400),
            ("/OS-FEDERATION/mappings/x", {"mapping": {}}, 400),
            ("/OS-FEDERATION/service_providers/x", {"service_provider": {"auth_url": "https://a"}}, 400),
            ("/OS-FEDERATION/service_providers/x", {"service_provider": {"auth_url": "a", "sp_url": "b"}}, 400),
        ],
    )
    async def test_what_cannot_be_meant_is_refused(self, api: Api, path: str, document: Any, status: int) -> None:
        assert await (await api.admin()).status("PUT", path, document) == status

    async def test_a_mapping_is_made_read_changed_and_removed(self, api: Api) -> None:
        admin, path = await api.admin(), "/OS-FEDERATION/mappings/m"
        made = await admin("PUT", path, {"mapping": {"rules": RULES}})
        assert (made.status, made.body["mapping"]["rules"], made.body["mapping"]["schema_version"]) == (
            201,
            RULES,
            "1.0",
        )
        assert await admin.status("PUT", path, {"mapping": {"rules": RULES}}) == 409
        changed = await admin("PATCH", path, {"mapping": {"rules": RULES, "schema_version": "2.0"}})
        assert changed.body["mapping"]["schema_version"] == "2.0"
        assert await admin.status("DELETE", path) == 204
        assert await admin.status("GET", path) == 404

    async def test_service_providers_are_kept(self, api: Api) -> None:
        admin, path = await api.admin(), "/OS-FEDERATION/service_providers/s"
        made = {"auth_url": "https://a.test/v3", "sp_url": "https://a.test/saml", "description": "A"}
        reply = await admin("PUT", path, {"service_provider": made})
        assert reply.status == 201
        assert reply.body["service_provider"] == made | {
            "id": "s",
            "enabled": False,
            "relay_state_prefix": "ss:mem:",
            "links": {"self": f"{URL}/v3{path}"},
        }
        changed = await admin("PATCH", path, {"service_provider": {"enabled": True}})
        assert changed.body["service_provider"]["enabled"] is True
        listed = (await admin("GET", "/OS-FEDERATION/service_providers")).body["service_providers"]
        assert [each["id"] for each in listed] == ["s"]
        assert await admin.status("DELETE", path) == 204

    @pytest.mark.parametrize("path", [IDPS, f"{IDPS}/aai", f"{IDPS}/aai/protocols", "/OS-FEDERATION/mappings"])
    async def test_only_admins_see_it(self, api: Api, path: str) -> None:
        user, project = await api.user("bob"), await api.directory.projects.create("p")
        await api.assign("member", user, project)
        assert await api.client(api.token(user, project)).status("GET", path) == 403
        assert await api.client().status("GET", path) == 401


class TestBrowser:
    async def begun(self, api: Api, address: str, **query: str) -> Reply:
        return await api.client()("GET", f"/auth/OS-FEDERATION/{address}?{urlencode(query)}")

    async def back(self, api: Api, cookie: str, query: Mapping[str, str]) -> Reply:
        headers = {"Cookie": cookie}
        return await api.client()("GET", f"/auth/OS-FEDERATION/oidc/callback?{urlencode(query)}", headers=headers)

    @pytest.mark.parametrize("address", ["websso/openid", "identity_providers/aai/protocols/openid/websso"])
    async def test_a_browser_goes_to_the_issuer_and_comes_back_to_the_dashboard_with_a_token(
        self, api: Api, up: Upstream, address: str
    ) -> None:
        sent = await self.begun(api, address, origin=DASHBOARD)
        assert sent.status == 302
        asked = {name: values[0] for name, values in parse_qs(urlsplit(sent.headers["location"]).query).items()}
        assert sent.headers["location"].startswith(f"{up.url}/authorize?")
        assert asked["redirect_uri"] == f"{URL}/v3/auth/OS-FEDERATION/oidc/callback"
        cookie = sent.headers["set-cookie"]
        assert {"HttpOnly", "Secure", "SameSite=lax", "Path=/v3/auth/OS-FEDERATION"} <= set(cookie.split("; "))
        identity = up.token(NOW, typ="JWT", aud=CLIENT, nonce=asked["nonce"])
        up.answers["/token"] = (200, {"access_token": "at", "id_token": identity})
        up.people["at"] = {"sub": "alice", "eduperson_entitlement": [VO]}
        page = await self.back(api, cookie.partition(";")[0], {"code": "c", "state": asked["state"]})
        assert page.status == 200
        text = page.raw.decode()
        assert f'action="{DASHBOARD}"' in text
        assert "form-action https://horizon.test" in page.headers["content-security-policy"]
        assert page.headers["cache-control"] == "no-store"
        token = html.unescape(re.findall(r'id="token" value="([^"]+)"', text)[0])
        (project,) = (await api.client(token)("GET", "/auth/projects")).body["projects"]
        assert project["name"] == "p-ops"

    @pytest.mark.parametrize(
        "origin", ["https://evil.test/", DASHBOARD + "x", DASHBOARD.upper(), "javascript:alert(1)"]
    )
    async def test_nobody_is_sent_on_to_an_address_that_is_not_trusted(self, api: Api, origin: str) -> None:
        assert (await self.begun(api, "websso/openid", origin=origin)).status == 401

    async def test_an_origin_must_be_named(self, api: Api) -> None:
        assert (await self.begun(api, "websso/openid")).status == 400

    async def test_a_protocol_without_a_page_is_told(self, api: Api) -> None:
        assert (await self.begun(api, "websso/saml2", origin=DASHBOARD)).status == 400

    @pytest.mark.parametrize("cookie", ["", "hansa-websso=x", "hansa-websso=gAAAAA"])
    async def test_who_began_nothing_here_is_refused(self, api: Api, cookie: str) -> None:
        assert (await self.back(api, cookie, {"code": "c", "state": "s"})).status == 401
        assert api.audit[-1][1]["reason"] == "identity.websso"

    async def test_a_log_in_may_not_take_for_ever(self, api: Api) -> None:
        sent = await self.begun(api, "websso/openid", origin=DASHBOARD)
        api.now += timedelta(minutes=11)
        assert (await self.back(api, sent.headers["set-cookie"].partition(";")[0], {"code": "c"})).status == 401
        assert api.audit[-1][1]["reason"] == "identity.websso"

    async def test_another_answer_than_to_this_browser_is_refused(self, api: Api, up: Upstream) -> None:
        cookie = (await self.begun(api, "websso/openid", origin=DASHBOARD)).headers["set-cookie"].partition(";")[0]
        assert (await self.back(api, cookie, {"code": "c", "state": "stolen"})).status == 401
        assert api.audit[-1][1]["reason"] == "oidc.state"
        assert "/token" not in up.asked
