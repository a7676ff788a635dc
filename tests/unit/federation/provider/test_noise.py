"""Whatever is sent, the provider answers as its protocols say, and never with a fault of its own."""

import contextlib
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request
from tests.support.provider import ALL, CHALLENGE, REDIRECT

from hansa.base.errors import HansaError
from hansa.federation.provider import scopes
from hansa.federation.provider.authorization import Destination, read
from hansa.federation.provider.devices import ALPHABET, normal
from hansa.federation.provider.errors import InvalidRequest, OAuthError, UnknownUserCode
from hansa.federation.provider.http.forms import basic, bearer, parse_pairs
from hansa.federation.provider.http.login import ACCOUNT, RESUMED, checked
from hansa.federation.provider.model import Client, GrantType
from hansa.federation.provider.parameters import Parameters

GOOD = {
    "response_type": "code",
    "client_id": "x",
    "redirect_uri": REDIRECT,
    "scope": ALL,
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}
NAMES = st.sampled_from([*GOOD, "state", "nonce", "prompt", "max_age", "audience", "resource", "login_hint", "request"])
CLIENT = Client("x", "X", True, (REDIRECT,), (), frozenset(GrantType), frozenset(scopes.KNOWN), (), False, None)  # type: ignore[arg-type]


@given(st.lists(st.tuples(NAMES, st.text(max_size=60)), max_size=8), st.sets(NAMES))
def test_any_request_is_read_or_refused_in_the_protocols_words(changes, left_out):
    pairs = [(name, value) for name, value in GOOD.items() if name not in left_out] + changes
    try:
        found = read(Destination(CLIENT, REDIRECT, None), pairs)
    except OAuthError:
        return
    assert found.challenge == CHALLENGE
    assert set(found.audiences) <= {"x"}


@given(st.text() | st.dictionaries(st.text(max_size=8), st.text(max_size=8)).map(urlencode))
def test_any_form_is_read_or_refused(text):
    try:
        pairs = parse_pairs(text)
        Parameters(pairs)
    except InvalidRequest:
        return
    assert not any(letter < " " for _, value in pairs for letter in value)


@given(st.binary(max_size=80))
def test_any_header_is_a_credential_or_refused(value):
    for given_value in (value, b"Basic " + value, b"Bearer " + value):
        request = Request({"type": "http", "headers": [(b"authorization", given_value)]})
        for reader in (basic, bearer):
            with contextlib.suppress(OAuthError):
                reader(request)


@given(st.text(max_size=60))
def test_any_text_is_a_scope_or_refused(text):
    try:
        found = scopes.parse(text)
        scopes.allowed(found, scopes.KNOWN)
    except OAuthError:
        return
    assert " ".join(found) == text or len(set(text.split(" "))) < len(text.split(" "))


@given(st.text(max_size=20) | st.text(alphabet=ALPHABET + "- ", min_size=8, max_size=10))
def test_any_typing_is_a_user_code_or_none(text):
    try:
        code = normal(text)
    except UnknownUserCode:
        return
    assert len(code) == 8
    assert set(code) <= set(ALPHABET)


@given(st.text() | st.sampled_from(RESUMED).flatmap(lambda start: st.text().map(lambda tail: start + tail)))
def test_nothing_leads_away_after_a_login(text):
    found = checked(text)
    assert found == ACCOUNT or found.startswith("/oidc/")
    assert "\n" not in found


@pytest.mark.parametrize(
    "path",
    [
        "/oidc/authorize",
        "/oidc/token",
        "/oidc/device_authorization",
        "/oidc/introspect",
        "/oidc/revoke",
        "/oidc/consent",
        "/oidc/device",
        "/oidc/login/password",
        "/oidc/login/certificate",
        "/oidc/account/revoke",
        "/oidc/account/everywhere",
        "/oidc/logout",
        "/oidc/logged-out",
        "/oidc/userinfo",
    ],
)
@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"%", b"a=b&a=c", b"=" * 60_000, b"client_id=%C0%80", b"{}"])
async def test_no_post_makes_a_fault(op, path, body):
    header = {"content-type": "application/x-www-form-urlencoded"}
    answer = await op.browser().send("POST", path, body, header)
    assert 200 <= answer.status < 500
    assert answer.location.startswith((REDIRECT, "/oidc/")) or not answer.location


def test_every_refusal_of_the_protocol_has_the_protocols_name():
    for kind in OAuthError.__subclasses__():
        error = kind("x")
        assert isinstance(error, HansaError)
        assert error.code == f"provider.{error.error}"
