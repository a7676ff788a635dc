"""The gate inside Keystone's Python, and the seal that the front puts on an assertion."""

import sys
import zlib
from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.base.errors import Unauthenticated
from hansa.site.openstack.wrapper.assertion import Assertion, seal
from hansa.site.openstack.wrapper.install import INSIDE

sys.path.insert(0, str(INSIDE))
from hansa_keystone import gate  # as Keystone's Python imports it

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
PATH = "/v3/OS-FEDERATION/identity_providers/egi.eu/protocols/mapped/auth"
SECRET, OLDER = b"a" * 64, b"b" * 64
ASSERTION = Assertion(PATH, {"VOMS_VO": "fedcloud.egi.eu"}, NOW + timedelta(hours=1))


def through(
    environ: dict[str, Any],
    *,
    secrets: tuple[bytes, ...] = (SECRET, OLDER),
    now: datetime = NOW,
    keep: tuple[str, ...] = (),
) -> tuple[str, dict[str, Any]]:
    """The status, and what Keystone's application saw of the request."""
    seen: dict[str, Any] = {}
    status = "200 OK"

    def keystone(inner: dict[str, Any], _start: object) -> list[bytes]:
        seen.update(inner)
        return []

    def start(given_status: str, _headers: object) -> None:
        nonlocal status
        status = given_status

    guarded = gate.Gate(keystone, lambda: list(secrets), keep, now.timestamp)
    list(guarded({"PATH_INFO": PATH, **environ}, start))
    return status, seen


def sealed(secret: bytes = SECRET, now: datetime = NOW, assertion: Assertion = ASSERTION) -> dict[str, str]:
    return {gate.HEADER: seal(assertion, secret, now).decode()}


def test_what_the_front_sealed_reaches_keystone():
    status, seen = through(sealed())
    assert status == "200 OK"
    assert seen == {
        "PATH_INFO": PATH,
        "VOMS_VO": "fedcloud.egi.eu",
        gate.NOT_AFTER: int(ASSERTION.not_after.timestamp()),
    }


def test_an_older_secret_opens_until_it_is_removed():
    assert through(sealed(OLDER))[0] == "200 OK"
    assert through(sealed(OLDER), secrets=(SECRET,))[0] == "401 Unauthorized"


@pytest.mark.parametrize("minutes", [-1.1, 1.1])
def test_a_seal_is_good_for_a_minute_in_both_directions(minutes):
    assert through(sealed(now=NOW + timedelta(minutes=minutes)))[0] == "401 Unauthorized"
    assert through(sealed(now=NOW + timedelta(minutes=minutes * 0.9)))[0] == "200 OK"


def test_a_seal_is_good_at_its_address_alone():
    status, seen = through({**sealed(), "PATH_INFO": "/v3/auth/tokens"})
    assert (status, seen) == ("401 Unauthorized", {})


def test_two_assertions_joined_by_a_server_are_none():
    one = sealed()[gate.HEADER]
    assert through({gate.HEADER: f"{one},{one}"})[0] == "401 Unauthorized"


@given(st.data())
def test_a_changed_seal_never_opens(data):
    text = sealed()[gate.HEADER]
    at = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.characters(codec="latin-1").filter(lambda character: character != text[at]))
    assert through({gate.HEADER: text[:at] + other + text[at + 1 :]})[0] == "401 Unauthorized"


@given(st.text(alphabet=st.characters(codec="latin-1"), max_size=200))
def test_anything_else_never_opens(text):
    assert through({gate.HEADER: text})[0] == "401 Unauthorized"


def test_a_bomb_under_a_good_seal_does_not_unfold():
    body = b"v1." + urlsafe_b64encode(zlib.compress(b" " * 10_000_000, 9))[:7000]
    with pytest.raises(gate.Refused):
        gate.opened(body.decode() + "." + "0" * 64, [SECRET], NOW.timestamp())


@pytest.mark.parametrize(
    "name",
    [
        "HTTP_VOMS_FQANS",
        "HTTP_X_VOMS_FQANS",
        "HTTP_HTTP_GRST_CRED_0",
        "HTTP_GRST_VOMS_FQANS",
        "HTTP_SSL_CLIENT_S_DN",
        "HTTP_OIDC_ISS",
        "HTTP_REMOTE_USER",
        "HTTP_X_REMOTE_USER",
        "HTTP_X_CLIENT_CERT",
        "HTTP_AUTH_TYPE",
        "HTTP_MELLON_NAME_ID",
        "VOMS_FQANS",
        "REDIRECT_VOMS_FQANS",
        "HANSA_IDENTITY_PROVIDER",
    ],
)
def test_what_looks_like_an_identity_does_not_reach_keystone(name):
    assert through({name: "x"})[1] == {"PATH_INFO": PATH}
    assert name not in through({name: "x", **sealed(assertion=Assertion(PATH, {}, NOW))})[1]


@pytest.mark.parametrize(
    "name", ["HTTP_USER_AGENT", "HTTP_X_AUTH_TOKEN", "HTTP_X_SUBJECT_TOKEN", "HTTP_HOST", "REMOTE_USER"]
)
def test_what_does_not_stays(name):
    """`REMOTE_USER` without `HTTP_` is the web server's own word."""
    assert through({name: "x"})[1][name] == "x"


def test_headers_that_the_web_server_scrubs_itself_may_be_kept():
    assert "HTTP_OIDC_ISS" in through({"HTTP_OIDC_ISS": "x"}, keep=("OIDC",))[1]
    assert "HTTP_VOMS_VO" not in through({"HTTP_VOMS_VO": "x"}, keep=("OIDC",))[1]


def test_an_assertion_that_outgrows_a_header_is_refused_by_the_front():
    fqans = ";".join(f"/vo/{number * 7919 % 100_003:x}-{number}" for number in range(3000))
    with pytest.raises(Unauthenticated, match="too many groups"):
        seal(Assertion(PATH, {"VOMS_FQANS": fqans}, NOW), SECRET, NOW)


def test_the_secret_file_is_read_again_and_must_be_closed_to_others(tmp_path: Path):
    path = tmp_path / "secret"
    path.write_bytes(SECRET + b"\n")
    path.chmod(0o640)
    secrets = gate.SecretFile(str(path))
    assert secrets() == [SECRET]
    path.write_bytes(OLDER + b"\n" + SECRET + b"\n")
    assert secrets() == [OLDER, SECRET]
    path.chmod(0o644)
    with pytest.raises(RuntimeError, match="open to everybody"):
        gate.SecretFile(str(path))
    path.chmod(0o640)
    path.write_bytes(b"short")
    with pytest.raises(RuntimeError, match="32 characters"):
        gate.SecretFile(str(path))
