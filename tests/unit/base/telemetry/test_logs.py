"""Logs are one event a line, carry the request's id, and hold no secret."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from hansa.base.errors import QuotaExceeded
from hansa.base.telemetry.logs import LogSettings, configure
from hansa.base.telemetry.redaction import HIDDEN, LIMIT, clean, clean_text

KEY = (
    ec.generate_private_key(ec.SECP256R1())
    .private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    .decode()
)


@pytest.fixture
def output() -> Iterator[io.StringIO]:
    handlers, level = list(logging.root.handlers), logging.root.level
    stream = io.StringIO()
    configure(LogSettings(format="json"), stream)
    yield stream
    logging.captureWarnings(False)
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)
    structlog.reset_defaults()


def lines(output: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.getvalue().splitlines()]


def test_an_event_is_one_json_line_with_level_logger_time_and_context(output: io.StringIO) -> None:
    with structlog.contextvars.bound_contextvars(request_id="req-1"):
        structlog.stdlib.get_logger("hansa.x").warning("disk.low", free_gib=1)
    logging.getLogger("library").error("broken %s", "pipe")
    structlog.stdlib.get_logger("hansa.x").debug("not.told")
    first, second = lines(output)
    assert first.pop("time").endswith("Z")
    assert first == {"event": "disk.low", "level": "warning", "logger": "hansa.x", "free_gib": 1, "request_id": "req-1"}
    assert (second["event"], second["logger"], second["level"]) == ("broken pipe", "library", "error")


def test_a_traceback_is_text_without_local_variables_or_secrets(output: io.StringIO) -> None:
    hidden = "sesame" + "-opens"
    try:
        raise QuotaExceeded(f"login with password={hidden} failed")
    except QuotaExceeded:
        structlog.stdlib.get_logger().exception("login.failed")
    (line,) = lines(output)
    assert "Traceback" in line["exception"]
    assert hidden not in output.getvalue()


def test_console_lines_cannot_be_forged() -> None:
    stream = io.StringIO()
    handlers, level = list(logging.root.handlers), logging.root.level
    try:
        configure(LogSettings(format="console"), stream)
        structlog.stdlib.get_logger().info("seen", agent="x\n2026-01-01 [info] forged\x1b[2J")
    finally:
        logging.captureWarnings(False)
        logging.root.handlers[:] = handlers
        logging.root.setLevel(level)
        structlog.reset_defaults()
    assert stream.getvalue().count("\n") == 1
    assert "\\x0a2026" in stream.getvalue()
    assert "\x1b[2J" not in stream.getvalue()


@pytest.mark.parametrize(
    "name",
    ["password", "user_password", "passphrase", "token", "X-Auth-Token", "access_token", "Authorization", "secret", "key",
     "private_key", "client_secret", "cookie", "credentials", "user_data", "userdata"],
)  # fmt: skip
def test_fields_with_a_secret_name_are_hidden_at_any_depth(name: str) -> None:
    assert clean({"a": [{name: "open sesame"}]}) == {"a": [{name: HIDDEN}]}


@pytest.mark.parametrize("name", ["key_name", "ssh_key", "public_key", "monkey", "keys_read", "passed", "setting"])
def test_other_fields_are_kept(name: str) -> None:
    assert clean({name: "value"}) == {name: "value"}


@pytest.mark.parametrize(
    "text",
    [
        KEY,
        KEY[: len(KEY) // 2],
        "Authorization: Basic c2VzYW1lOnNlc2FtZQ==",
        "authorization: Token abc def sesame",
        "X-Auth-Token: sesame",
        '{"x-subject-token": "sesame"}',
        "Cookie: a=1; session=sesame",
        "GET / with Bearer sesamesesame",
        "postgresql://hansa:sesame@db/hansa",
        "https://idp/token?client_secret=sesame&x=1",
        "password = sesame",
        "/v2.0/tokens/gAAAAABrAGDBW7CpsPxjmwclapT1glTH9RXeFX3LsjJEXEa2iUXqsesamesmQ",
        "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJzZXNhbWUifQ.c2VzYW1l",
    ],
)
def test_secrets_inside_texts_are_hidden(text: str) -> None:
    cleaned = clean_text(f"before {text}")
    assert cleaned.startswith("before")
    assert HIDDEN in cleaned
    for part in ("sesame", "c2VzYW1l", KEY.splitlines()[1]):
        assert part not in cleaned


def test_ordinary_sentences_stay_as_they_are() -> None:
    for text in (
        "/DC=org/CN=Alice",
        "the token has expired",
        "no password was given",
        "https://voms.example.org:8443/x?a=1",
    ):
        assert clean_text(text) == text


def test_bytes_and_floods_are_cut() -> None:
    assert clean(b"secret") == "<6 bytes>"
    assert len(str(clean("x" * 10 * LIMIT))) < LIMIT + 50


@pytest.mark.parametrize(
    "part", ["a-", "eyJ-", "gAAAA-", "token-", "://a:", "bearer ", "-----BEGIN PRIVATE KEY-----", "x-auth-token:"]
)
def test_no_text_of_a_peer_takes_long(part: str) -> None:
    """Quadratic patterns would run into the test's time limit."""
    for text in (part * 500_000, f"{part * 500_000}token", f"token={part * 500_000}"):
        assert len(clean_text(text)) < LIMIT + 50


@given(
    st.recursive(
        st.text() | st.binary() | st.integers() | st.none(), lambda c: st.lists(c) | st.dictionaries(st.text(), c)
    )
)
def test_whatever_is_logged_becomes_json(value: object) -> None:
    json.dumps(clean(value))
