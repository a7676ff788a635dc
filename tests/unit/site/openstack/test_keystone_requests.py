"""What signs on and what does not even read: the bodies of `POST /v3/auth/tokens` and `POST /v2.0/tokens`."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.base.errors import BadRequest, TooLarge
from hansa.site.openstack.identity.requests import (
    MAX_BYTES,
    ByCertificate,
    ByPassword,
    ByToken,
    DomainScope,
    ProjectScope,
    SystemScope,
    Wanted,
    Wish,
    parse_v2,
    parse_v3,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
NAMES = st.sampled_from(
    ["auth", "identity", "methods", "token", "password", "user", "scope", "project", "voms", "id", "name"]
)
NEARLY = st.recursive(
    st.sampled_from([True, "x", ["token"], ["password"], None, 1]),
    lambda inner: st.dictionaries(NAMES, inner, max_size=4),
)


def encoded(document: Any) -> bytes:
    return json.dumps(document).encode()


def v3(identity: Any, **rest: Any) -> bytes:
    return encoded({"auth": {"identity": identity, **rest}})


DEFAULT = DomainScope(id="default")
TOKEN = {"methods": ["token"], "token": {"id": "T"}}


@pytest.mark.parametrize(
    ("auth", "wish"),
    [
        ({"voms": True}, Wish(ByCertificate())),
        ({"voms": True, "tenantName": "t"}, Wish(ByCertificate(), ProjectScope(name="t", domain=DEFAULT))),
        ({"token": {"id": "T"}, "tenantId": "i"}, Wish(ByToken("T"), ProjectScope(id="i"))),
        ({"passwordCredentials": {"username": "u", "password": "p"}}, Wish(ByPassword(b"p", name="u"))),
        ({"passwordCredentials": {"userId": "u", "password": "p"}}, Wish(ByPassword(b"p", id="u"))),
    ],
)
def test_sign_ons_of_version_2_are_read(auth: Any, wish: Wish) -> None:
    assert parse_v2(encoded({"auth": auth})) == wish


@pytest.mark.parametrize("voms", ["true", 1, False, None, [], {}])
def test_voms_must_be_true_and_nothing_else(voms: Any) -> None:
    with pytest.raises(BadRequest, match="'voms' must be set to true"):
        parse_v2(encoded({"auth": {"voms": voms}}))


@pytest.mark.parametrize(
    ("scope", "wanted"),
    [
        ({"project": {"id": "i"}}, ProjectScope(id="i")),
        ({"project": {"name": "n", "domain": {"id": "other"}}}, ProjectScope(name="n", domain=DomainScope(id="other"))),
        ({"project": {"name": "n", "domain": {"name": "D"}}}, ProjectScope(name="n", domain=DomainScope(name="D"))),
        ({"domain": {"id": "default"}}, DEFAULT),
        ({"domain": {"name": "Default"}}, DomainScope(name="Default")),
        ({"system": {"all": True}}, SystemScope()),
    ],
)
def test_scopes_of_version_3_are_read(scope: Any, wanted: Wanted) -> None:
    assert parse_v3(v3(TOKEN, scope=scope)) == Wish(ByToken("T"), wanted)


@pytest.mark.parametrize("scope", ["unscoped", {"unscoped": {}}])
def test_who_wants_no_scope_gets_none_by_default_either(scope: Any) -> None:
    assert parse_v3(v3(TOKEN, scope=scope)) == Wish(ByToken("T"), is_unscoped=True)


@pytest.mark.parametrize(
    "scope", [{"system": {}}, {"system": {"all": "true"}}, {"domain": {}}, {"project": {"name": "n"}}, {}]
)
def test_half_a_scope_is_none(scope: Any) -> None:
    with pytest.raises(BadRequest):
        parse_v3(v3(TOKEN, scope=scope))


def test_a_user_is_of_a_domain() -> None:
    user = {"name": "u", "domain": {"id": "other"}, "password": "p"}
    proof = parse_v3(v3({"methods": ["password"], "password": {"user": user}})).proof
    assert proof == ByPassword(b"p", name="u", domain=DomainScope(id="other"))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"nothing",
        b"[]",
        b'{"auth": "x"}',
        b'{"auth": ' * 6_000,
        b"[" * 60_000,
        b'{"auth": ' + b"9" * 60_000 + b"}",
        b'{"auth": {"identity": {"methods": ["oauth1"]}}}',
        b'{"auth": {"identity": {"methods": ["token"], "token": {"id": 5}}}}',
        b'{"auth": {"identity": {"methods": ["token"], "token": {"id": "T"}}, "scope": {"project": {}}}}',
        b'{"auth": {"identity": {"methods": ["token"], "token": {"id": "\xff"}}}}',
        b'{"auth": {"tenantName": 7, "voms": true}}',
    ],
)
def test_what_cannot_be_right_is_refused(body: bytes) -> None:
    for parse in (parse_v2, parse_v3):
        with pytest.raises(BadRequest):
            parse(body)


def test_a_long_body_is_refused_unread() -> None:
    with pytest.raises(TooLarge):
        parse_v3(b" " * (MAX_BYTES + 1))


@given(st.binary(max_size=200) | (JSON | NEARLY).map(encoded))
def test_no_body_breaks_the_reader(body: bytes) -> None:
    for parse in (parse_v2, parse_v3):
        with contextlib.suppress(BadRequest):
            assert isinstance(parse(body), Wish)


def test_secrets_do_not_show() -> None:
    assert "T-secret" not in repr(Wish(ByToken("T-secret")))
    assert "p-secret" not in repr(ByPassword(b"p-secret", name="u"))
