"""Logging in and out, and what keeps guessers and other sites from it."""

from datetime import timedelta

import pytest
from structlog.testing import capture_logs
from tests.support.federation import URL, Request
from tests.support.provider import ALL, NATIVE, Federation

from hansa.base.errors import Forbidden, Unauthenticated
from hansa.federation.identity.service import Identity
from hansa.standards.x509 import ProxyPolicy

PASSWORD = "/oidc/login/password"
CERTIFICATE = "/oidc/login/certificate"


async def attempt(op: Federation, login: str = "alice", password: str = "wrong", **given: str) -> int:
    browser = op.browser(**given)
    page = await browser.get("/oidc/login")
    return (await browser.submit(page, PASSWORD, login=login, password=password)).status


@pytest.mark.parametrize(
    ("login", "password"),
    [
        ("alice", "wrong"),
        ("alice", ""),
        ("nobody", "correct horse"),
        ("", ""),
        ("alice", "x" * 2000),
        ("alice' --", "x"),
    ],
)
async def test_a_wrong_login_and_a_wrong_password_look_the_same(op, login, password):
    browser = op.browser()
    page = await browser.get("/oidc/login")
    answer = await browser.submit(page, PASSWORD, login=login, password=password)
    assert answer.status == 401
    assert "Login or password is wrong." in answer.text
    assert not any("session" in name for name in browser.cookies)


async def test_a_login_is_locked_after_ten_wrong_passwords_and_opens_again(op):
    for number in range(10):
        assert await attempt(op, address=f"192.0.2.{number}") == 401
    assert await attempt(op, password="correct horse", address="192.0.2.99") == 429
    op.grid.now += timedelta(minutes=15)
    assert await attempt(op, password="correct horse", address="192.0.2.99") == 303


async def test_a_login_that_nobody_has_is_locked_the_same_way(op):
    for number in range(10):
        assert await attempt(op, login="nobody", address=f"192.0.2.{number}") == 401
    assert await attempt(op, login="nobody", address="192.0.2.99") == 429


async def test_a_right_password_forgets_the_wrong_ones(op):
    for number in range(9):
        await attempt(op, address=f"192.0.2.{number}")
    assert await attempt(op, password="correct horse") == 303
    assert await attempt(op) == 401
    assert await attempt(op, password="correct horse") == 303


async def test_one_address_tries_only_so_often(op):
    statuses = [await attempt(op, login=f"user{number}") for number in range(22)]
    assert statuses[:20] == [401] * 20
    assert 429 in statuses[20:]


async def test_failures_are_told_to_the_audit_log_without_the_password(op):
    with capture_logs() as lines:
        await attempt(op, password="hunter2 secret")
    (line,) = [each for each in lines if each["event"] == "provider.login_refused"]
    assert (line["login"], line["code"], line["client"]) == ("alice", "provider.login_refused", "192.0.2.1")
    assert "hunter2" not in str(lines)


async def test_a_session_is_new_after_each_login(op):
    browser = await op.logged_in()
    before = dict(browser.cookies)
    page = await browser.get("/oidc/login")
    await browser.submit(page, PASSWORD, login="alice", password="correct horse")
    assert browser.cookies != before
    old = op.browser(cookies=before)
    assert "Log in" in (await old.get("/oidc/account")).text


async def test_a_cookie_that_somebody_planted_becomes_no_session(op):
    browser = op.browser(cookies={"__Host-hansa-session": "planted"})
    page = await browser.get("/oidc/login")
    await browser.submit(page, PASSWORD, login="alice", password="correct horse")
    assert browser.cookies["__Host-hansa-session"] != "planted"


async def test_cookies_are_the_hosts_alone_and_out_of_reach_of_scripts(op):
    browser = op.browser()
    page = await browser.get("/oidc/login")
    answer = await browser.submit(page, PASSWORD, login="alice", password="correct horse")
    cookies = [value for response in (page, answer) for name, value in response.headers if name == "set-cookie"]
    assert len(cookies) == 3
    for cookie in cookies:
        assert cookie.startswith("__Host-hansa-")
        parts = cookie.lower().split("; ")
        assert {"httponly", "secure", "path=/", "samesite=lax"} <= set(parts)
        assert not any(part.startswith("domain") for part in parts)


async def test_a_session_ends_after_eight_hours(op):
    browser = await op.logged_in()
    op.grid.now += timedelta(hours=8)
    assert "Log in" in (await browser.get("/oidc/account")).text


@pytest.mark.parametrize("cookie", ["", "x", "x" * 200, "ü"])
async def test_other_cookies_are_no_session(op, cookie):
    browser = op.browser(cookies={"__Host-hansa-session": cookie})
    assert "Log in" in (await browser.get("/oidc/account")).text


async def test_a_login_form_of_another_browser_is_refused(op):
    """Else a site could log people in as somebody else."""
    page = await op.browser().get("/oidc/login")
    answer = await op.browser().submit(page, PASSWORD, login="alice", password="correct horse")
    assert answer.status == 403


@pytest.mark.parametrize(
    "resume",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "/oidc/authorize",
        "/oidc/authorizeX?",
        "/api/v1/vos",
        "javascript:alert(1)",
        "/oidc/authorize?\r\nSet-Cookie: x",
        "",
    ],
)
async def test_a_login_leads_to_our_own_pages_only(op, resume):
    browser = op.browser()
    page = await browser.get("/oidc/login")
    answer = await browser.submit(page, PASSWORD, login="alice", password="correct horse", resume=resume)
    assert answer.location in ("/oidc/account", "")
    assert answer.status in (303, 400)


async def test_after_a_wrong_password_the_request_goes_on(op):
    browser = op.browser()
    page = await browser.get(op.authorization())
    page = await browser.submit(page, PASSWORD, login="alice", password="wrong")
    assert page.header("content-security-policy").endswith("'self' https://portal.example.org")
    answer = await browser.submit(page, PASSWORD, login="alice", password="correct horse")
    assert "asks for your permission" in (await browser.follow(answer)).text


class TestCertificates:
    async def test_a_registered_certificate_logs_in(self, op: Federation) -> None:
        browser = op.browser(user=op.grid.user())
        page = await browser.get(op.authorization())
        answer = await browser.follow(await browser.submit(page, CERTIFICATE))
        answer = await browser.submit(answer, "/oidc/consent", decision="allow")
        tokens = (await op.redeem(answer.query["code"])).json
        assert (await op.read(tokens["id_token"]))["amr"] == ["x509"]

    async def test_it_is_offered_only_where_one_is_shown(self, op: Federation) -> None:
        page = await op.browser().get("/oidc/login")
        assert [form.action for form in page.forms] == [PASSWORD]

    async def test_a_proxy_logs_in_and_a_limited_one_does_not(self, op: Federation) -> None:
        alice = op.grid.user()
        for proxy, status in ((op.grid.proxy(alice), 303), (op.grid.proxy(alice, policy=ProxyPolicy.LIMITED), 401)):
            browser = op.browser(user=proxy)
            assert (await browser.submit(await browser.get("/oidc/login"), CERTIFICATE)).status == status

    async def test_a_stranger_does_not(self, op: Federation) -> None:
        browser = op.browser(user=op.grid.user("Stranger"))
        answer = await browser.submit(await browser.get("/oidc/login"), CERTIFICATE)
        assert (answer.status, "belongs to nobody" in answer.text) == (401, True)

    async def test_an_expired_certificate_does_not(self, op: Federation) -> None:
        browser = op.browser(user=op.grid.user())
        op.grid.now += timedelta(days=3650)
        answer = await browser.submit(await browser.get("/oidc/login"), CERTIFICATE)
        assert answer.status == 401

    async def test_a_suspended_certificate_does_not(self, op: Federation) -> None:
        (known,) = await op.commons.registry.credentials(op.alice.uid)
        await op.commons.registry.suspend_credential(op.alice.uid, known.id, "lost laptop")
        browser = op.browser(user=op.grid.user())
        answer = await browser.submit(await browser.get("/oidc/login"), CERTIFICATE)
        assert (answer.status, "lost laptop" in answer.text) == (401, True)


class TestLogout:
    async def test_a_client_with_the_persons_id_token_logs_out_and_gets_them_back(self, op: Federation) -> None:
        browser = await op.logged_in()
        tokens = (await op.redeem(await op.code(browser))).json
        back = "post_logout_redirect_uri=https://portal.example.org/out&state=s1"
        answer = await browser.get(f"/oidc/logout?id_token_hint={tokens['id_token']}&{back}")
        assert answer.location == "https://portal.example.org/out?state=s1"
        assert "Log in" in (await browser.get("/oidc/account")).text

    async def test_without_it_the_person_is_asked(self, op: Federation) -> None:
        browser = await op.logged_in()
        page = await browser.get("/oidc/logout?client_id=portal")
        assert "Log out of the federation?" in page.text
        assert "Alice" in (await browser.get("/oidc/account")).text
        answer = await browser.submit(page, "/oidc/logged-out")
        assert "logged out" in answer.text
        assert "Log in" in (await browser.get("/oidc/account")).text

    @pytest.mark.parametrize("uri", ["https://evil.example/", "https://portal.example.org/out/", "//evil.example"])
    async def test_nobody_is_sent_to_an_address_that_is_not_registered(self, op: Federation, uri: str) -> None:
        for browser in (op.browser(), await op.logged_in()):
            answer = await browser.get(f"/oidc/logout?client_id=portal&post_logout_redirect_uri={uri}")
            assert answer.location == ""

    async def test_an_id_token_of_another_client_does_not_count_for_this_one(self, op: Federation) -> None:
        tokens = await op.tokens()
        await op.provider.clients.register(NATIVE)
        back = "post_logout_redirect_uri=https://portal.example.org/out"
        answer = await op.browser().get(f"/oidc/logout?id_token_hint={tokens['id_token']}&client_id=cli&{back}")
        assert answer.location == ""


class TestDevices:
    async def begun(self, op: Federation) -> dict[str, str]:
        await op.provider.clients.register(NATIVE)
        answer = await op.browser().post("/oidc/device_authorization", {"client_id": "cli", "scope": ALL})
        return dict(answer.json)

    async def asks(self, op: Federation, code: str) -> str:
        form = {"grant_type": "urn:ietf:params:oauth:grant-type:device_code", "device_code": code, "client_id": "cli"}
        return str((await op.browser().post("/oidc/token", form)).json.get("error", "tokens"))

    async def test_codes_are_easy_to_type(self, op: Federation) -> None:
        asked = await self.begun(op)
        assert len(asked["user_code"]) == 9
        assert set(asked["user_code"]) <= set("BCDFGHJKLMNPQRSTVWXZ-")
        browser = await op.logged_in()
        page = await browser.get(asked["verification_uri_complete"])
        assert page.form("/oidc/device").fields["user_code"] == asked["user_code"]
        typed = asked["user_code"].replace("-", " ").lower()
        page = await browser.submit(page, "/oidc/device", user_code=typed)
        assert "Only" not in page.text
        assert "Connect Command line?" in page.text

    async def test_refusing_ends_it(self, op: Federation) -> None:
        asked = await self.begun(op)
        browser = await op.logged_in()
        page = await browser.submit(await browser.get("/oidc/device"), "/oidc/device", user_code=asked["user_code"])
        page = await browser.submit(page, "/oidc/device", decision="deny")
        assert "got nothing" in page.text
        form = {"device_code": asked["device_code"], "client_id": "cli"}
        form["grant_type"] = "urn:ietf:params:oauth:grant-type:device_code"
        answer = await op.browser().post("/oidc/token", form)
        assert (answer.status, answer.json["error"]) == (400, "access_denied")
        assert await self.asks(op, asked["device_code"]) == "invalid_grant"

    async def test_asking_too_often_makes_it_slower(self, op: Federation) -> None:
        code = (await self.begun(op))["device_code"]
        assert await self.asks(op, code) == "authorization_pending"
        op.grid.now += timedelta(seconds=4)
        assert await self.asks(op, code) == "slow_down"
        op.grid.now += timedelta(seconds=9)
        assert await self.asks(op, code) == "slow_down"
        op.grid.now += timedelta(seconds=15)
        assert await self.asks(op, code) == "authorization_pending"

    async def test_it_waits_ten_minutes(self, op: Federation) -> None:
        asked = await self.begun(op)
        op.grid.now += timedelta(minutes=10)
        assert await self.asks(op, asked["device_code"]) == "expired_token"
        browser = await op.logged_in()
        page = await browser.submit(await browser.get("/oidc/device"), "/oidc/device", user_code=asked["user_code"])
        assert page.status == 404

    async def test_guessing_is_slow(self, op: Federation) -> None:
        await self.begun(op)
        browser = await op.logged_in()
        page = await browser.get("/oidc/device")
        statuses = [
            (await browser.submit(page, "/oidc/device", user_code=f"BBBB-BBB{letter}")).status
            for letter in "BCDFGHJKLMNP"
        ]
        assert statuses[:10] == [404] * 10
        assert statuses[-1] == 429

    async def test_one_address_begins_only_so_often(self, op: Federation) -> None:
        await op.provider.clients.register(NATIVE)
        form = {"client_id": "cli", "scope": "openid"}
        answers = [await op.browser().post("/oidc/device_authorization", form) for _ in range(64)]
        assert [answer.status for answer in answers[:60]] == [200] * 60
        assert "slow_down" in [answer.json.get("error") for answer in answers[60:]]
        other = await op.browser(address="192.0.2.2").post("/oidc/device_authorization", form)
        assert other.status == 200

    async def test_an_answer_counts_once(self, op: Federation) -> None:
        asked = await self.begun(op)
        browser = await op.logged_in()
        page = await browser.submit(await browser.get("/oidc/device"), "/oidc/device", user_code=asked["user_code"])
        await browser.submit(page, "/oidc/device", decision="allow")
        assert (await browser.submit(page, "/oidc/device", decision="allow")).status == 404

    async def test_another_site_answers_nothing(self, op: Federation) -> None:
        asked = await self.begun(op)
        browser = await op.logged_in()
        answer = await browser.post("/oidc/device", {"user_code": asked["user_code"], "decision": "allow"})
        assert answer.status == 403
        assert await self.asks(op, asked["device_code"]) == "authorization_pending"

    async def test_who_is_in_no_vo_connects_nothing(self, op: Federation) -> None:
        asked = await self.begun(op)
        browser = await op.logged_in()
        await op.commons.registry.remove(op.grid.vo, op.member)
        page = await browser.submit(await browser.get("/oidc/device"), "/oidc/device", user_code=asked["user_code"])
        assert page.status == 403

    async def test_a_device_code_is_its_clients_alone(self, op: Federation) -> None:
        asked = await self.begun(op)
        form = {"grant_type": "urn:ietf:params:oauth:grant-type:device_code", "device_code": asked["device_code"]}
        assert (await op.token(**form)).json["error"] == "unauthorized_client"


class TestCallers:
    """What proves a caller of the federation's own services."""

    async def called(self, op: Federation, method: str = "GET", **headers: str) -> str:
        identity = Identity(op.commons, op.provider.authenticators)
        caller = await identity.caller(Request(method=method, headers=headers).scope())
        return caller.actor

    async def token(self, op: Federation, **changes: str) -> str:
        client, _ = await op.provider.clients.register(NATIVE)
        where = "http://127.0.0.1:49152/callback"
        code = await op.code(await op.logged_in(), client, redirect_uri=where, **changes)
        return str((await op.redeem(code, client, redirect_uri=where)).json["access_token"])

    async def test_a_token_made_for_the_federation_is_its_person(self, op: Federation) -> None:
        token = await self.token(op)
        assert await self.called(op, "POST", authorization=f"Bearer {token}") == op.alice.uid

    async def test_a_token_made_for_another_service_is_not(self, op: Federation) -> None:
        token = (await op.tokens())["access_token"]
        with pytest.raises(Unauthenticated) as caught:
            await self.called(op, authorization=f"Bearer {token}")
        assert caught.value.details["reason"] == "jwt.audience"

    @pytest.mark.parametrize("header", ["Bearer", "Bearer x", "bearer a.b.c", "BEARER \x00"])
    async def test_a_bad_token_is_refused_and_nothing_else_is_tried(self, op: Federation, header: str) -> None:
        browser = await op.logged_in()
        cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
        with pytest.raises(Unauthenticated):
            await self.called(op, authorization=header, cookie=cookie)

    async def test_a_session_is_its_person_and_not_for_other_sites(self, op: Federation) -> None:
        browser = await op.logged_in()
        cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
        assert await self.called(op, cookie=cookie) == op.alice.uid
        assert await self.called(op, "POST", cookie=cookie, origin=URL) == op.alice.uid
        with pytest.raises(Forbidden):
            await self.called(op, "POST", cookie=cookie, origin="https://evil.example")

    async def test_a_session_of_somebody_erased_is_nobody(self, op: Federation) -> None:
        browser = await op.logged_in()
        await op.commons.registry.remove(op.grid.vo, op.member)
        await op.commons.registry.erase_person(op.alice.uid)
        assert "Log in" in (await browser.get("/oidc/account")).text
        cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
        with pytest.raises(Unauthenticated):
            await self.called(op, cookie=cookie)
