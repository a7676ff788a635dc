"""Logging in at an OpenID Provider: the device flow as it goes well and badly, renewal, revocation, hostile answers."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

import pytest
from tests.support.replay import Peer, Said, replaying

from hansa.base.errors import BackendDown
from hansa.client.errors import BadReply, Timeout
from hansa.client.logins import Login
from hansa.client.oauth import DEVICE_GRANT, LoginRefused, OAuth

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
DISCOVERY = ("GET", "/.well-known/openid-configuration")
TOKENS = {"access_token": "a1", "token_type": "Bearer", "expires_in": 3600, "refresh_token": "r1", "scope": "openid"}
DEVICE = {
    "device_code": "d1",
    "user_code": "WDJB-MJHT",
    "verification_uri": "https://op.example.org/device",
    "verification_uri_complete": "https://op.example.org/device?user_code=WDJB-MJHT",
    "expires_in": 600,
    "interval": 5,
}


class Time:
    """A clock that sleeping moves."""

    def __init__(self) -> None:
        self.now = NOW
        self.naps: list[float] = []

    def __call__(self) -> datetime:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.now += timedelta(seconds=seconds)


def said(document: object, status: int = 200) -> Said:
    return Said(json.dumps(document), "application/json", status)


def refusal(error: str) -> Said:
    return said({"error": error}, 400)


@pytest.fixture
def peer() -> Iterator[Peer]:
    with replaying({}) as running:
        names = ("token", "device_authorization", "revocation", "userinfo")
        endpoints = {f"{name}_endpoint": f"{running.url}/{name}" for name in names}
        running.answers[DISCOVERY] = said({"issuer": running.url, **endpoints})
        running.answers["POST", "/device_authorization"] = said(DEVICE)
        yield running


@pytest.fixture
def oauth(peer: Peer) -> OAuth:
    return OAuth(peer.url, "hansa", timeout=5)


def form(peer: Peer, index: int = -1) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(peer.asked[index].body.decode()).items()}


def log_in(oauth: OAuth, time: Time) -> Login:
    return oauth.wait(oauth.start("openid", NOW), time, time.sleep)


def test_a_login_confirmed_in_the_browser(peer: Peer, oauth: OAuth) -> None:
    peer.answers["POST", "/token"] = [refusal("authorization_pending"), said(TOKENS)]
    time = Time()
    pending = oauth.start("openid offline_access", NOW)
    assert (pending.user_code, pending.address) == ("WDJB-MJHT", DEVICE["verification_uri_complete"])
    assert form(peer) == {"client_id": "hansa", "scope": "openid offline_access"}
    login = oauth.wait(pending, time, time.sleep)
    assert login == Login(peer.url, "hansa", "a1", NOW + timedelta(seconds=10 + 3600), "openid", "r1")
    assert form(peer) == {"grant_type": DEVICE_GRANT, "device_code": "d1", "client_id": "hansa"}
    assert "d1" not in repr(pending)


def test_a_provider_that_wants_us_slower_is_obeyed(peer: Peer, oauth: OAuth) -> None:
    peer.answers["POST", "/token"] = [refusal("slow_down"), refusal("authorization_pending"), said(TOKENS)]
    time = Time()
    log_in(oauth, time)
    assert time.naps == [5, 10, 10]


@pytest.mark.parametrize("error", ["access_denied", "expired_token", "invalid_client", "something_new"])
def test_a_refused_login_is_told(peer: Peer, oauth: OAuth, error: str) -> None:
    peer.answers["POST", "/token"] = refusal(error)
    with pytest.raises(LoginRefused) as refused:
        log_in(oauth, Time())
    assert refused.value.details["error"] == error


def test_waiting_ends(peer: Peer, oauth: OAuth) -> None:
    peer.answers["POST", "/token"] = refusal("authorization_pending")
    time = Time()
    with pytest.raises(Timeout):
        log_in(oauth, time)
    assert sum(time.naps) == DEVICE["expires_in"]


def test_a_provider_without_device_flow_is_told(peer: Peer, oauth: OAuth) -> None:
    peer.answers[DISCOVERY] = said({"issuer": peer.url, "token_endpoint": f"{peer.url}/token"})
    with pytest.raises(LoginRefused):
        oauth.start("openid", NOW)


def test_renewal_shows_the_refresh_token(peer: Peer, oauth: OAuth) -> None:
    peer.answers["POST", "/token"] = said({**TOKENS, "access_token": "a2"})
    old = Login(peer.url, "hansa", "a1", NOW, "openid", "r0")
    assert oauth.refresh(old, NOW).access == "a2"
    assert form(peer) == {"grant_type": "refresh_token", "refresh_token": "r0", "client_id": "hansa"}


def test_an_ended_login_says_so(peer: Peer, oauth: OAuth) -> None:
    peer.answers["POST", "/token"] = refusal("invalid_grant")
    with pytest.raises(LoginRefused, match="ended") as refused:
        oauth.refresh(Login(peer.url, "hansa", "a1", NOW, "openid", "stolen"), NOW)
    assert "stolen" not in str(refused.value.details)


def test_logging_out_ends_the_login_at_the_provider(peer: Peer, oauth: OAuth) -> None:
    peer.answers["POST", "/revocation"] = Said("")
    login = Login(peer.url, "hansa", "a1", NOW, "openid", "r1")
    assert oauth.revoke(login)
    assert form(peer)["token"] == "r1"
    assert oauth.revoke(replace(login, refresh=None))
    assert form(peer)["token"] == "a1"


def test_userinfo_is_asked_with_the_token(peer: Peer, oauth: OAuth) -> None:
    peer.answers["GET", "/userinfo"] = said({"sub": "1234", "name": "김민준"})
    assert oauth.userinfo(Login(peer.url, "hansa", "a1", NOW))["name"] == "김민준"
    assert peer.asked[-1].headers["Authorization"] == "Bearer a1"


@pytest.mark.parametrize(
    "document",
    [{"issuer": "https://evil.example.org", "token_endpoint": "https://evil.example.org/"}, {}, [], {"issuer": 3}],
)
def test_a_discovery_document_of_somebody_else_is_refused(peer: Peer, oauth: OAuth, document: object) -> None:
    peer.answers[DISCOVERY] = said(document)
    with pytest.raises(BadReply):
        oauth.start("openid", NOW)


@pytest.mark.parametrize(
    "answer",
    [
        {},
        [],
        {**TOKENS, "token_type": "mac"},
        {**TOKENS, "access_token": ""},
        {**TOKENS, "access_token": "x" * 20_000},
        {**TOKENS, "expires_in": "soon"},
        {**TOKENS, "refresh_token": 7},
    ],
)
def test_nonsense_instead_of_tokens_is_refused(peer: Peer, oauth: OAuth, answer: object) -> None:
    peer.answers["POST", "/token"] = said(answer)
    with pytest.raises(BadReply):
        log_in(oauth, Time())


@pytest.mark.parametrize(
    "change", [{"verification_uri": "javascript:alert(1)"}, {"device_code": None}, {"expires_in": "?"}]
)
def test_nonsense_instead_of_a_code_is_refused(peer: Peer, oauth: OAuth, change: dict[str, object]) -> None:
    peer.answers["POST", "/device_authorization"] = said({**DEVICE, **change})
    with pytest.raises(BadReply):
        oauth.start("openid", NOW)


def test_a_provider_in_trouble_is_no_refusal(peer: Peer, oauth: OAuth) -> None:
    peer.answers["POST", "/token"] = said({}, 503)
    with pytest.raises(BackendDown):
        log_in(oauth, Time())
