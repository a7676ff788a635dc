"""Tokens: who may redeem what, how long they live, and what ends them."""

import asyncio
import base64
from datetime import timedelta

import pytest
from tests.support.federation import URL
from tests.support.provider import ALL, NATIVE, REDIRECT, Federation, set_password
from tests.support.provider import basic as authorization

from hansa.federation.membership.model import Details
from hansa.federation.provider.clients import Wanted
from hansa.standards.jwt import verify


async def inspected(op: Federation, token: str) -> bool:
    return bool((await op.called("/oidc/introspect", token=token)).json["active"])


@pytest.mark.parametrize(
    "change",
    [
        {"code_verifier": "w" * 43},
        {"code_verifier": "v" * 42},
        {"code_verifier": "v" * 129},
        {"redirect_uri": "https://portal.example.org/other"},
    ],
)
async def test_a_code_has_one_chance(op, change):
    code = await op.code(await op.logged_in())
    assert (await op.redeem(code, **change)).json["error"] == "invalid_grant"
    assert (await op.redeem(code)).json["error"] == "invalid_grant"


@pytest.mark.parametrize("missing", ["code", "redirect_uri", "code_verifier", "grant_type"])
async def test_all_that_belongs_to_a_code_must_be_there(op, missing):
    code = await op.code(await op.logged_in())
    answer = await op.redeem(code, **{missing: None})
    assert (answer.status, answer.json["error"]) == (400, "invalid_request")
    assert missing in answer.json["error_description"]


async def test_a_code_is_its_clients_alone(op):
    other, secret = await op.provider.clients.register(Wanted("Other", redirect_uris=(REDIRECT,)))
    code = await op.code(await op.logged_in())
    assert (await op.redeem(code, other, secret=secret)).json["error"] == "invalid_grant"
    assert (await op.redeem(code)).status == 200


async def test_a_code_waits_two_minutes(op):
    browser = await op.logged_in()
    early, late = await op.code(browser), await op.code(browser)
    op.grid.now += timedelta(seconds=119)
    assert (await op.redeem(early)).status == 200
    op.grid.now += timedelta(seconds=1)
    assert (await op.redeem(late)).json["error"] == "invalid_grant"


async def test_of_two_at_once_one_gets_tokens_and_they_end(op):
    code = await op.code(await op.logged_in())
    answers = await asyncio.gather(*(op.redeem(code) for _ in range(4)))
    assert sorted(answer.status for answer in answers) == [200, 400, 400, 400]
    (good,) = [answer.json for answer in answers if answer.status == 200]
    assert not await inspected(op, good["access_token"])


async def test_a_public_client_proves_itself_by_its_verifier(op):
    client, _ = await op.provider.clients.register(NATIVE)
    where = "http://127.0.0.1:49152/callback"
    code = await op.code(await op.logged_in(), client, redirect_uri=where)
    tokens = (await op.redeem(code, client, redirect_uri=where)).json
    assert (await op.read(tokens["access_token"]))["aud"] == URL
    refreshed = await op.token(client, grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    assert refreshed.status == 200


async def test_tokens_are_never_kept_by_caches(op):
    answer = await op.redeem(await op.code(await op.logged_in()))
    assert answer.header("cache-control") == "no-store"


async def test_an_independent_reader_of_our_own_accepts_the_id_token(op):
    tokens = await op.tokens()
    claims = verify(tokens["id_token"], await op.keys(), now=op.grid.now, issuer=URL, audience="portal", typ="JWT")
    assert claims["auth_time"] == op.grid.now.timestamp()


async def test_an_id_token_is_no_access_token(op):
    tokens = await op.tokens()
    answer = await op.browser().get("/oidc/userinfo", authorization=f"Bearer {tokens['id_token']}")
    assert (answer.status, answer.json["error"]) == (401, "invalid_token")
    assert not await inspected(op, tokens["id_token"])


class TestLife:
    async def test_an_access_token_lives_an_hour(self, op: Federation) -> None:
        tokens = await op.tokens()
        op.grid.now += timedelta(seconds=3599)
        assert await inspected(op, tokens["access_token"])
        op.grid.now += timedelta(seconds=1)
        assert not await inspected(op, tokens["access_token"])

    async def test_it_never_outlives_the_membership(self, op: Federation) -> None:
        await op.commons.registry.set_until(op.grid.vo, op.member, op.grid.now + timedelta(minutes=5))
        tokens = await op.tokens()
        claims = await op.read(tokens["access_token"])
        assert (tokens["expires_in"], claims["exp"] - claims["iat"]) == (300, 300)
        op.grid.now += timedelta(minutes=5)
        answer = await op.token(grant_type="refresh_token", refresh_token=tokens["refresh_token"])
        assert answer.json["error"] == "invalid_grant"

    async def test_a_refresh_token_waits_thirty_days(self, op: Federation) -> None:
        token = (await op.tokens())["refresh_token"]
        op.grid.now += timedelta(days=29)
        token = (await op.token(grant_type="refresh_token", refresh_token=token)).json["refresh_token"]
        op.grid.now += timedelta(days=30)
        answer = await op.token(grant_type="refresh_token", refresh_token=token)
        assert answer.json["error"] == "invalid_grant"

    async def test_without_offline_access_there_is_no_refresh_token(self, op: Federation) -> None:
        assert "refresh_token" not in await op.tokens(scope="openid entitlements")


class TestEnd:
    @pytest.mark.parametrize("what", ["suspend", "remove", "expire"])
    async def test_tokens_of_those_who_leave_are_worth_nothing_at_once(self, op: Federation, what: str) -> None:
        tokens = await op.tokens()
        registry, vo = op.commons.registry, op.grid.vo
        if what == "suspend":
            await registry.suspend(vo, op.member, "incident")
        elif what == "remove":
            await registry.remove(vo, op.member)
        else:
            await registry.set_until(vo, op.member, op.grid.now)
        assert not await inspected(op, tokens["access_token"])
        assert not await inspected(op, tokens["refresh_token"])
        answer = await op.browser().get("/oidc/userinfo", authorization=f"Bearer {tokens['access_token']}")
        assert answer.status == 401
        answer = await op.token(grant_type="refresh_token", refresh_token=tokens["refresh_token"])
        assert answer.json["error"] == "invalid_grant"

    async def test_a_refresh_says_what_the_person_is_now(self, op: Federation) -> None:
        vo = op.grid.vo
        await op.commons.registry.add_group(vo, f"/{vo}/bio")
        await op.commons.registry.join(vo, op.member, f"/{vo}/bio")
        tokens = await op.tokens(scope=f"openid offline_access wlcg.groups:/{vo}/bio")
        assert (await op.read(tokens["access_token"]))["wlcg.groups"] == [f"/{vo}/bio", f"/{vo}"]
        await op.commons.registry.leave(vo, op.member, f"/{vo}/bio")
        new = (await op.token(grant_type="refresh_token", refresh_token=tokens["refresh_token"])).json
        assert new["scope"] == "openid offline_access"
        assert "wlcg.groups" not in await op.read(new["access_token"])

    async def test_a_client_takes_back_a_refresh_token_and_all_ends(self, op: Federation) -> None:
        tokens = await op.tokens()
        assert (await op.called("/oidc/revoke", token=tokens["refresh_token"])).status == 200
        assert not await inspected(op, tokens["access_token"])
        answer = await op.token(grant_type="refresh_token", refresh_token=tokens["refresh_token"])
        assert answer.json["error"] == "invalid_grant"

    async def test_a_client_takes_back_an_access_token_and_it_alone_ends(self, op: Federation) -> None:
        tokens = await op.tokens()
        for _ in range(2):
            assert (await op.called("/oidc/revoke", token=tokens["access_token"])).status == 200
        assert not await inspected(op, tokens["access_token"])
        assert (await op.token(grant_type="refresh_token", refresh_token=tokens["refresh_token"])).status == 200

    async def test_nobody_takes_back_what_is_anothers(self, op: Federation) -> None:
        tokens = await op.tokens()
        other, secret = await op.provider.clients.register(Wanted("Other", redirect_uris=(REDIRECT,)))
        for token in (tokens["access_token"], tokens["refresh_token"], "unknown"):
            assert (await op.called("/oidc/revoke", other, secret, token=token)).status == 200
        assert await inspected(op, tokens["access_token"])
        assert await inspected(op, tokens["refresh_token"])

    async def test_a_person_takes_back_what_an_application_was_given(self, op: Federation) -> None:
        browser = await op.logged_in()
        tokens = (await op.redeem(await op.code(browser))).json
        page = await browser.get("/oidc/account")
        assert "Portal" in page.text
        await browser.submit(page, "/oidc/account/revoke")
        assert not await inspected(op, tokens["access_token"])
        assert "Portal" not in (await browser.get("/oidc/account")).text

    async def test_after_a_lost_computer_a_person_ends_everything(self, op: Federation) -> None:
        tokens, lost = await op.tokens(), await op.logged_in()
        browser = await op.logged_in()
        answer = await browser.submit(await browser.get("/oidc/account"), "/oidc/account/everywhere")
        assert "logged out" in answer.text
        assert not await inspected(op, tokens["access_token"])
        for each in (lost, browser):
            assert "Log in" in (await each.get("/oidc/account")).text
        refused = await browser.post("/oidc/account/everywhere", {})
        assert refused.status == 403

    async def test_a_person_takes_back_nothing_of_anothers(self, op: Federation) -> None:
        tokens = await op.tokens()
        grant = (await op.read(tokens["access_token"]))["jti"].partition(".")[0]
        bob = await op.commons.registry.add_person(Details("Bob", login="bob"))
        await set_password(op.commons, bob)
        browser = op.browser()
        page = await browser.get("/oidc/login")
        await browser.submit(page, "/oidc/login/password", login="bob", password="correct horse")
        page = await browser.get("/oidc/account")
        form = page.form("/oidc/logged-out").fields
        await browser.post("/oidc/account/revoke", form | {"grant": grant})
        assert await inspected(op, tokens["access_token"])


class TestInspection:
    async def test_it_says_what_the_token_says(self, op: Federation) -> None:
        tokens = await op.tokens()
        told = (await op.called("/oidc/introspect", token=tokens["access_token"])).json
        assert told["scope"] == ALL
        assert (told["sub"], told["username"], told["client_id"]) == (op.alice.uid, "alice", "portal")
        assert told["email"] == "alice@example.org"

    async def test_a_service_sees_tokens_that_are_for_it_and_no_others(self, op: Federation) -> None:
        tokens = await op.tokens()
        own, secret = await op.provider.clients.register(
            Wanted("Site", redirect_uris=(REDIRECT,), audiences=("portal",))
        )
        other, hidden = await op.provider.clients.register(Wanted("Site", redirect_uris=(REDIRECT,)))
        token = tokens["access_token"]
        assert (await op.called("/oidc/introspect", own, secret, token=token)).json["active"]
        assert (await op.called("/oidc/introspect", other, hidden, token=token)).json == {"active": False}
        refresh = tokens["refresh_token"]
        assert (await op.called("/oidc/introspect", own, secret, token=refresh)).json == {"active": False}

    async def test_a_public_client_may_not_look(self, op: Federation) -> None:
        await op.provider.clients.register(NATIVE)
        answer = await op.browser().post("/oidc/introspect", {"token": "x", "client_id": "cli"})
        assert answer.json["error"] == "unauthorized_client"

    @pytest.mark.parametrize("token", ["x", "a.b.c", "x" * 8000, "ü"])
    async def test_what_is_no_token_is_not_active(self, op: Federation, token: str) -> None:
        assert (await op.called("/oidc/introspect", token=token)).json == {"active": False}


class TestUserinfo:
    async def test_it_tells_what_was_asked_for(self, op: Federation) -> None:
        token = (await op.tokens(scope="openid email"))["access_token"]
        answer = await op.browser().get("/oidc/userinfo", authorization=f"Bearer {token}")
        assert answer.json == {"sub": op.alice.uid, "email": "alice@example.org", "email_verified": True}
        posted = await op.browser().post("/oidc/userinfo", {}, authorization=f"bearer {token}")
        assert posted.json == answer.json

    async def test_without_openid_it_tells_nothing(self, op: Federation) -> None:
        tokens = await op.tokens(scope="email")
        assert "id_token" not in tokens
        answer = await op.browser().get("/oidc/userinfo", authorization=f"Bearer {tokens['access_token']}")
        assert (answer.status, answer.json["error"]) == (403, "insufficient_scope")

    @pytest.mark.parametrize(
        "header", ["", "Bearer", "Bearer ", "Bearer a b", "Basic eDp5", "Bearer é", "Bearer a.b.c"]
    )
    async def test_without_a_token_it_asks_for_one(self, op: Federation, header: str) -> None:
        answer = await op.browser().get("/oidc/userinfo", authorization=header)
        assert answer.status == 401
        assert answer.header("www-authenticate").startswith("Bearer ")

    async def test_a_token_in_the_address_is_not_read(self, op: Federation) -> None:
        token = (await op.tokens())["access_token"]
        assert (await op.browser().get(f"/oidc/userinfo?access_token={token}")).status == 401


class TestForgery:
    async def test_another_key_makes_no_token(self, op: Federation) -> None:
        header, payload, signature = (await op.tokens())["access_token"].split(".")
        raw = base64.urlsafe_b64decode(signature + "==")
        changed = base64.urlsafe_b64encode(bytes([raw[0] ^ 1]) + raw[1:]).decode().rstrip("=")
        assert not await inspected(op, f"{header}.{payload}.{changed}")

    async def test_the_body_of_a_request_is_a_form(self, op: Federation) -> None:
        header = {"authorization": authorization("portal", op.secret), "content-type": "application/json"}
        answer = await op.browser().send("POST", "/oidc/token", b'{"grant_type": "x"}', header)
        assert (answer.status, answer.json["error"]) == (400, "invalid_request")

    @pytest.mark.parametrize(
        "body", [b"a=%ff", b"token=a&token=b", b"token=%00", b"&".join([b"a%d=1" % n for n in range(100)])]
    )
    async def test_odd_forms_are_refused(self, op: Federation, body: bytes) -> None:
        header = {"authorization": authorization("portal", op.secret)}
        header["content-type"] = "application/x-www-form-urlencoded"
        answer = await op.browser().send("POST", "/oidc/introspect", body, header)
        assert (answer.status, answer.json["error"]) == (400, "invalid_request")
