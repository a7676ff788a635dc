"""From a request to tokens and back, on both databases."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests.support.federation import URL
from tests.support.provider import ALL, NATIVE, Federation, federation

from hansa.federation.membership.model import RoleGrant
from hansa.federation.provider.store import sessions as store


@pytest.fixture
async def op(tmp_path: Path, database_url: str) -> AsyncIterator[Federation]:
    async with federation(database_url, tmp_path) as found:
        yield found


async def test_a_person_logs_in_agrees_and_the_client_gets_tokens(op):
    browser = op.browser()
    page = await browser.get(op.authorization())
    assert "Log in to go on to Portal" in page.text
    answer = await browser.submit(page, "/oidc/login/password", login="alice", password="correct horse")
    page = await browser.follow(answer)
    assert "Portal asks for your permission" in page.text
    answer = await browser.submit(page, "/oidc/consent", decision="allow")
    assert (answer.query["state"], answer.query["iss"]) == ("st-1", URL)
    tokens = (await op.redeem(answer.query["code"])).json
    assert (tokens["token_type"], tokens["expires_in"], tokens["scope"]) == ("Bearer", 3600, ALL)
    identity = await op.read(tokens["id_token"])
    assert (identity["iss"], identity["aud"], identity["sub"]) == (URL, "portal", op.alice.uid)
    assert (identity["nonce"], identity["amr"]) == ("no-1", ["pwd"])
    assert identity["email"] == "alice@example.org"
    access = await op.read(tokens["access_token"])
    assert (access["aud"], access["client_id"], access["sub"]) == ("portal", "portal", op.alice.uid)


async def test_what_was_agreed_to_is_not_asked_again(op):
    browser = await op.logged_in()
    await op.code(browser)
    answer = await browser.get(op.authorization(scope="openid email"))
    assert answer.status == 303
    assert "code" in answer.query


async def test_tokens_say_what_the_person_is_in_which_vo(op):
    vo = op.grid.vo
    await op.commons.registry.add_group(vo, f"/{vo}/bio")
    await op.commons.registry.join(vo, op.member, f"/{vo}/bio")
    await op.commons.registry.grant(vo, op.member, RoleGrant(f"/{vo}/bio", "vm_operator"))
    access = await op.read((await op.tokens())["access_token"])
    told = [
        f"urn:geant:example.org:group:{vo}:role=member#aai.example.org",
        f"urn:geant:example.org:group:{vo}:bio:role=member#aai.example.org",
        f"urn:geant:example.org:group:{vo}:bio:role=vm_operator#aai.example.org",
    ]
    assert access["eduperson_entitlement"] == access["entitlements"] == told
    assert (access["wlcg.groups"], access["wlcg.ver"]) == ([f"/{vo}", f"/{vo}/bio"], "1.0")


async def test_a_used_code_is_refused_and_its_tokens_end(op):
    code = await op.code(await op.logged_in())
    tokens = (await op.redeem(code)).json
    again = await op.redeem(code)
    assert (again.status, again.json["error"]) == (400, "invalid_grant")
    assert (await op.called("/oidc/introspect", token=tokens["access_token"])).json == {"active": False}
    refreshed = await op.token(grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    assert refreshed.json["error"] == "invalid_grant"


async def test_a_refresh_token_is_used_once_and_a_second_time_ends_all(op):
    first = (await op.tokens())["refresh_token"]
    second = (await op.token(grant_type="refresh_token", refresh_token=first)).json
    assert second["refresh_token"] != first
    third = (await op.token(grant_type="refresh_token", refresh_token=second["refresh_token"])).json
    assert (await op.token(grant_type="refresh_token", refresh_token=first)).json["error"] == "invalid_grant"
    latest = await op.token(grant_type="refresh_token", refresh_token=third["refresh_token"])
    assert latest.json["error"] == "invalid_grant"
    assert (await op.called("/oidc/introspect", token=third["access_token"])).json == {"active": False}


async def test_a_device_gets_its_tokens_when_its_person_has_agreed(op):
    client, _ = await op.provider.clients.register(NATIVE)
    asked = (await op.browser().post("/oidc/device_authorization", {"client_id": "cli", "scope": ALL})).json
    form = {"grant_type": "urn:ietf:params:oauth:grant-type:device_code", "device_code": asked["device_code"]}
    assert (await op.token(client, **form)).json["error"] == "authorization_pending"
    browser = await op.logged_in()
    page = await browser.get(asked["verification_uri"])
    page = await browser.submit(page, "/oidc/device", user_code=asked["user_code"].lower())
    assert "Connect Command line?" in page.text
    done = await browser.submit(page, "/oidc/device", decision="allow")
    assert "connected" in done.text
    op.grid.now += timedelta(seconds=5)
    tokens = (await op.token(client, **form)).json
    assert {"access_token", "id_token", "refresh_token"} <= tokens.keys()
    assert (await op.token(client, **form)).json["error"] == "invalid_grant"


async def test_what_is_over_is_swept_and_nothing_else(op):
    kept = (await op.tokens())["refresh_token"]
    await op.code(await op.logged_in())
    op.grid.now += timedelta(days=1)
    swept = await op.commons.database.write(lambda c: store.sweep(c, op.grid.now))
    assert swept == 3  # two sessions, a code's grant
    assert (await op.token(grant_type="refresh_token", refresh_token=kept)).status == 200


async def test_all_this_survives_a_restart(op, tmp_path):
    tokens = await op.tokens()
    again = op.restarted(tmp_path)
    assert (await again.called("/oidc/introspect", token=tokens["access_token"])).json["active"]
    answer = await again.token(grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    assert answer.status == 200
