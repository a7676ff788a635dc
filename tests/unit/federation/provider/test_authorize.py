"""The authorization endpoint: what it takes, where it sends answers, whom it asks what."""

from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest
from tests.support.federation import URL
from tests.support.provider import ALL, CHALLENGE, NATIVE, REDIRECT, Federation, set_password

from hansa.federation.membership.model import Details
from hansa.federation.provider.clients import Wanted


@pytest.mark.parametrize(
    "change",
    [
        {"client_id": None},
        {"client_id": "nobody"},
        {"client_id": "x" * 65},
        {"redirect_uri": None},
        {"redirect_uri": "https://evil.example/callback"},
        {"redirect_uri": f"{REDIRECT}/"},
        {"redirect_uri": f"{REDIRECT}?next=https://evil.example"},
        {"redirect_uri": REDIRECT.replace("https", "http")},
        {"redirect_uri": f"{REDIRECT}@evil.example"},
        {"redirect_uri": "javascript:alert(1)"},
    ],
)
async def test_a_wrong_client_or_address_is_told_to_the_person_and_sent_nowhere(op, change):
    for browser in (op.browser(), await op.logged_in()):
        answer = await browser.get(op.authorization(**change))
        assert (answer.status, answer.location) == (400, "")
        assert "not known to the federation" in answer.text


@pytest.mark.parametrize("name", ["client_id", "redirect_uri"])
async def test_two_clients_or_addresses_are_none(op, name):
    twice = dict(parse_qsl(urlsplit(op.authorization()).query))[name]
    answer = await op.browser().get(f"{op.authorization()}&{name}={twice}")
    assert (answer.status, answer.location) == (400, "")


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"code_challenge": CHALLENGE[:-1] + "="}, "invalid_request"),
        ({"scope": None}, "invalid_scope"),
        ({"scope": "storage.read:/"}, "invalid_scope"),
        ({"audience": "https://other.example"}, "invalid_target"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"prompt": "create"}, "invalid_request"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"max_age": "9" * 5000}, "invalid_request"),
        ({"request": "eyJhbGciOiJub25lIn0.e30."}, "request_not_supported"),
        ({"request_uri": "https://evil.example/request"}, "request_uri_not_supported"),
        ({"nonce": "x" * 9000}, "invalid_request"),
    ],
)
async def test_other_faults_are_told_to_the_client_with_state_and_issuer(op, change, error):
    answer = await op.browser().get(op.authorization(**change))
    assert answer.status == 303
    assert answer.location.startswith(f"{REDIRECT}?")
    assert (answer.query["error"], answer.query["state"], answer.query["iss"]) == (error, "st-1", URL)


async def test_a_parameter_twice_is_refused(op):
    answer = await op.browser().get(f"{op.authorization()}&nonce=other")
    assert answer.query["error"] == "invalid_request"
    assert "code" not in answer.query


async def test_control_characters_are_refused_whatever_they_are_in(op):
    answer = await op.browser().get(f"{op.authorization()}&login_hint=a%0d%0aSet-Cookie:x")
    assert (answer.status, answer.location) == (400, "")


async def test_a_request_may_be_posted(op):
    form = dict(parse_qsl(urlsplit(op.authorization()).query))
    page = await op.browser().post("/oidc/authorize", form)
    assert "Log in to go on" in page.text


@pytest.mark.parametrize("state", [None, "", "a&code=evil", "x y+z/ü", "s" * 2000])
async def test_the_state_comes_back_as_it_was(op, state):
    answer = await op.allowed(await op.logged_in(), state=state)
    assert answer.query.get("state") == (state or None)
    assert len(answer.query["code"]) == 43


async def test_refusing_is_told_to_the_client(op):
    browser = await op.logged_in()
    page = await browser.get(op.authorization())
    answer = await browser.submit(page, "/oidc/consent", decision="deny")
    assert (answer.query["error"], answer.query["state"]) == ("access_denied", "st-1")
    page = await browser.get(op.authorization())
    assert "asks for your permission" in page.text


async def test_the_consent_page_says_what_is_asked_and_what_is_new_is_asked_again(op):
    browser = await op.logged_in()
    page = await browser.get(op.authorization(scope="openid email"))
    assert "e-mail" in page.text
    assert "groups and roles" not in page.text
    await browser.submit(page, "/oidc/consent", decision="allow")
    page = await browser.get(op.authorization(scope="openid email entitlements"))
    assert "groups and roles" in page.text


async def test_the_consent_form_is_read_again_and_believed_in_nothing(op):
    browser = await op.logged_in()
    page = await browser.get(op.authorization())
    query = dict(parse_qsl(page.form("/oidc/consent").fields["request"]))
    for changes in ({"redirect_uri": "https://evil.example/"}, {"client_id": "nobody"}):
        forged = "&".join(f"{name}={value}" for name, value in (query | changes).items())
        answer = await browser.submit(page, "/oidc/consent", decision="allow", request=forged)
        assert (answer.status, answer.location) == (400, "")
    forged = "&".join(f"{name}={value}" for name, value in query.items() if name != "code_challenge")
    answer = await browser.submit(page, "/oidc/consent", decision="allow", request=forged)
    assert answer.query["error"] == "invalid_request"


async def test_consent_without_a_session_leads_to_the_login(op):
    browser = await op.logged_in()
    page = await browser.get(op.authorization())
    op.grid.now += timedelta(hours=9)
    answer = await browser.submit(page, "/oidc/consent", decision="allow")
    assert answer.status == 403


@pytest.mark.parametrize("token", ["", "x", "ü", None])
async def test_a_consent_that_another_site_posts_is_refused(op, token):
    browser = await op.logged_in()
    page = await browser.get(op.authorization())
    form = page.form("/oidc/consent").fields | {"decision": "allow"}
    form = form | {"form_token": token} if token is not None else {k: v for k, v in form.items() if k != "form_token"}
    answer = await browser.post("/oidc/consent", form)
    assert (answer.status, answer.location) == (403, "")


async def test_a_form_of_another_browser_is_refused(op):
    page = await (await op.logged_in()).get(op.authorization())
    other = await op.logged_in()
    answer = await other.submit(page, "/oidc/consent", decision="allow")
    assert answer.status == 403


async def test_a_trusted_client_asks_for_no_consent(op):
    client, _ = await op.provider.clients.register(Wanted("Own", redirect_uris=(REDIRECT,), trusted=True))
    answer = await (await op.logged_in()).get(op.authorization(client))
    assert "code" in answer.query


async def test_an_application_on_the_persons_machine_asks_each_time(op):
    """Another program may listen there (RFC 8252 §8.6)."""
    client, _ = await op.provider.clients.register(NATIVE)
    browser = await op.logged_in()
    where = "http://127.0.0.1:49152/callback"
    await op.code(browser, client, redirect_uri=where)
    page = await browser.get(op.authorization(client, redirect_uri=where))
    assert "asks for your permission" in page.text


class TestPrompt:
    async def test_none_shows_no_page(self, op: Federation) -> None:
        answer = await op.browser().get(op.authorization(prompt="none"))
        assert answer.query["error"] == "login_required"
        browser = await op.logged_in()
        assert (await browser.get(op.authorization(prompt="none"))).query["error"] == "consent_required"
        await op.code(browser)
        assert "code" in (await browser.get(op.authorization(prompt="none"))).query

    async def test_login_asks_again_and_once(self, op: Federation) -> None:
        browser = await op.logged_in()
        await op.code(browser)
        op.grid.now += timedelta(minutes=1)
        page = await browser.get(op.authorization(prompt="login"))
        answer = await browser.submit(page, "/oidc/login/password", login="alice", password="correct horse")
        answer = await browser.follow(answer)
        tokens = (await op.redeem(answer.query["code"])).json
        assert (await op.read(tokens["id_token"]))["auth_time"] == op.grid.now.timestamp()

    async def test_consent_asks_though_it_was_given(self, op: Federation) -> None:
        browser = await op.logged_in()
        await op.code(browser)
        page = await browser.get(op.authorization(prompt="consent"))
        assert "asks for your permission" in page.text
        assert "code" in (await browser.submit(page, "/oidc/consent", decision="allow")).query

    async def test_an_old_login_is_not_enough_for_max_age(self, op: Federation) -> None:
        browser = await op.logged_in()
        await op.code(browser)
        op.grid.now += timedelta(seconds=61)
        assert "code" in (await browser.get(op.authorization(max_age="61"))).query
        assert "Log in to go on" in (await browser.get(op.authorization(max_age="60"))).text
        assert (await browser.get(op.authorization(max_age="60", prompt="none"))).query["error"] == "login_required"


class TestMembership:
    async def test_somebody_in_no_vo_gets_a_page_and_no_code(self, op: Federation) -> None:
        bob = await op.commons.registry.add_person(Details("Bob", login="bob"))
        await set_password(op.commons, bob)
        browser = op.browser()
        page = await browser.get(op.authorization())
        answer = await browser.submit(page, "/oidc/login/password", login="bob", password="correct horse")
        page = await browser.follow(answer)
        assert page.status == 403
        assert "member of no virtual organisation" in page.text
        assert (await browser.get(op.authorization(prompt="none"))).query["error"] == "access_denied"
        account = await browser.get("/oidc/account")
        assert (account.status, "Bob" in account.text) == (200, True)

    async def test_a_suspended_member_gets_no_code_even_when_the_page_was_open(self, op: Federation) -> None:
        browser = await op.logged_in()
        page = await browser.get(op.authorization())
        await op.commons.registry.suspend(op.grid.vo, op.member, "incident")
        answer = await browser.submit(page, "/oidc/consent", decision="allow")
        assert answer.status == 403
        assert "code=" not in answer.location

    async def test_a_group_that_the_person_is_not_in_is_denied(self, op: Federation) -> None:
        browser = await op.logged_in()
        answer = await browser.get(op.authorization(scope="openid wlcg.groups:/fedcloud.egi.eu/admins"))
        assert answer.query["error"] == "access_denied"


async def test_pages_keep_other_sites_out(op):
    page = await op.browser().get(op.authorization())
    policy = page.header("content-security-policy")
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert policy.endswith("form-action 'self' https://portal.example.org")
    assert page.header("x-frame-options") == "DENY"
    assert page.header("cache-control") == "no-store"
    assert page.header("x-content-type-options") == "nosniff"
    assert "<script" not in page.body.decode()


async def test_what_others_wrote_is_escaped(op):
    client, _ = await op.provider.clients.register(Wanted("<b>Evil</b> & Co", redirect_uris=(REDIRECT,)))
    page = await op.browser().get(op.authorization(client, login_hint='"><script>alert(1)</script>'))
    assert "<b>" not in page.body.decode()
    assert "<script" not in page.body.decode()
    assert "<b>Evil</b> & Co" in page.text


async def test_pages_speak_korean_to_koreans(op):
    page = await op.browser(language="ko-KR,ko;q=0.9,en;q=0.8").get(op.authorization())
    assert "Portal 이용을 위한 로그인" in page.text
    assert page.header("content-language") == "ko"
    assert "Log in" in (await op.browser(language="fr").get(op.authorization())).text


async def test_scopes_that_the_client_may_not_have_are_left_out_and_the_answer_says_so(op):
    client, secret = await op.provider.clients.register(
        Wanted("X", redirect_uris=(REDIRECT,), scopes=frozenset({"openid", "email"}))
    )
    code = await op.code(await op.logged_in(), client, scope=ALL)
    tokens = (await op.redeem(code, client, secret=secret)).json
    assert tokens["scope"] == "openid email"
    assert "refresh_token" not in tokens
