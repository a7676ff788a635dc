"""Logins kept between commands: private, renewed once, and never lost by two commands at a time."""

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hansa.client.errors import NoCredential
from hansa.client.logins import Login, Logins, ProxyWish

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
ISSUER = "https://federation.example.org"


def login(minutes: int = 60, *, refresh: str | None = "r1") -> Login:
    return Login(ISSUER, "hansa", "a1", NOW + timedelta(minutes=minutes), "openid", refresh)


def never(_login: Login) -> Login:
    raise AssertionError("a token in time needs no renewal")


@pytest.fixture
def logins(tmp_path: Path) -> Logins:
    return Logins(tmp_path / "state")


def test_what_is_kept_is_found_again_and_private(logins: Logins, tmp_path: Path) -> None:
    logins.keep(login())
    assert Logins(tmp_path / "state").of(ISSUER) == login()
    assert (tmp_path / "state/logins.json").stat().st_mode & 0o777 == 0o600
    assert logins.fresh(ISSUER, never, NOW) == login()


def test_tokens_are_no_part_of_a_logins_representation() -> None:
    assert "a1" not in repr(login())
    assert "r1" not in repr(login())


def test_a_token_about_to_end_is_renewed_and_keeps_its_refresh_token(logins: Logins) -> None:
    logins.keep(login(minutes=0))
    renewed = replace(login(), access="a2", refresh=None)
    assert logins.fresh(ISSUER, lambda _old: renewed, NOW) == replace(renewed, refresh="r1")
    assert logins.of(ISSUER) == replace(renewed, refresh="r1")


def test_two_commands_at_once_renew_once(logins: Logins, tmp_path: Path) -> None:
    logins.keep(login(minutes=0))
    asked: list[str | None] = []

    def renew(old: Login) -> Login:
        asked.append(old.refresh)
        return replace(login(), access="a2", refresh="r2")

    threads = [
        threading.Thread(target=lambda: Logins(tmp_path / "state").fresh(ISSUER, renew, NOW)) for _each in range(8)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join(10)
    assert asked == ["r1"]


@pytest.mark.parametrize("kept", [None, login(minutes=0, refresh=None)])
def test_without_a_way_to_renew_the_user_is_told_to_log_in(logins: Logins, kept: Login | None) -> None:
    if kept:
        logins.keep(kept)
    with pytest.raises(NoCredential) as told:
        logins.fresh(ISSUER, never, NOW)
    assert told.value.details["next"] == "hansa login"


def test_a_forgotten_login_is_gone_and_others_stay(logins: Logins) -> None:
    other = replace(login(), issuer="https://other.example.org")
    logins.keep(login())
    logins.keep(other)
    logins.forget(ISSUER)
    assert logins.all() == (other,)


def test_the_wish_for_a_proxy_is_kept(logins: Logins) -> None:
    assert logins.proxy is None
    logins.keep_proxy(ProxyWish(("fedcloud.egi.eu",), 12))
    assert logins.proxy == ProxyWish(("fedcloud.egi.eu",), 12)
    logins.keep_proxy(None)
    assert logins.proxy is None


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{",
        '{"providers": {"https://federation.example.org": {"client": 1}}}',
        '{"providers": []}',
        '{"proxy": {"vos": 3}}',
    ],
)
def test_a_damaged_file_is_as_good_as_no_login(logins: Logins, tmp_path: Path, content: str) -> None:
    logins.keep(login())
    (tmp_path / "state/logins.json").write_text(content)
    assert logins.of(ISSUER) is None
    assert logins.proxy is None
