"""Local users: the users file, passwords over HTTP Basic, and the way from a request to a Caller."""

import asyncio
import base64
import contextlib
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hansa.base.errors import ConfigurationError, Forbidden, HansaError, TooManyRequests, Unauthenticated
from hansa.base.passwords import hash_password
from hansa.site.identity import Grant, Identity, Membership, Principal
from hansa.site.identity.basic import ATTEMPTS, REMEMBERED, WAITING, Basic
from hansa.site.identity.model import Scope
from hansa.site.identity.passwords import LocalUser, Scrypt, parse_users, user_line
from hansa.site.identity.policy import parse_policy

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HASH = "$scrypt$ln=15,r=8,p=1$MDEyMzQ1Njc4OWFiY2RlZg$puHF8wsl4P5tR3JANsCleZiOQes+05KY2PoHbUEpMGQ"  # of "correct horse"
LINE = user_line("alice", HASH, "ops", ("admin", "other"))
POLICY = parse_policy(b'{"ops": {"tenant": "p-ops"}}')


def scope(
    password: str | None = None, *, method: str = "GET", https: bool = True, client: str = "192.0.2.9"
) -> dict[str, Any]:
    headers = []
    if password is not None:
        headers.append((b"authorization", b"Basic " + base64.b64encode(password.encode())))
    return {
        "type": "http",
        "method": method,
        "path": "/compute/",
        "scheme": "https" if https else "http",
        "client": (client, 4711),
        "headers": headers,
    }


class Audit:
    def __init__(self) -> None:
        self.lines: list[tuple[str, dict[str, object]]] = []

    def __call__(self, event: str, /, **fields: object) -> None:
        self.lines.append((event, fields))


class Fixed:
    """An authenticator whose credential everybody shows."""

    challenge = None

    def __init__(self, principal: Principal) -> None:
        self.principal = principal

    async def __call__(self, scope: Scope) -> Principal | None:
        return self.principal


def identity(
    *authenticators: Any, bans: frozenset[str] = frozenset(), audit: Audit | None = None, **options: Any
) -> Identity:
    return Identity(authenticators, policy=lambda: POLICY, bans=lambda: bans, audit=audit or Audit(), **options)


@pytest.fixture
def users() -> dict[str, LocalUser]:
    return dict(parse_users(LINE.encode()))


@pytest.fixture
def basic(users: dict[str, LocalUser]) -> Basic:
    return Basic(lambda: users, lambda: NOW)


class TestUsersFile:
    def test_a_line_reads_back(self) -> None:
        users = parse_users(b"# operators\n\n" + LINE.encode() + b"\n" + user_line("bob", HASH, "p").encode())
        assert (users["alice"].grant, users["bob"].grant) == (Grant("ops", frozenset({"admin", "other"})), Grant("p"))
        assert users["alice"].hash.matches(b"correct horse")
        assert not users["alice"].hash.matches(b"correct horsf")

    def test_a_hash_never_shows_itself(self, users: dict[str, LocalUser]) -> None:
        assert HASH.rsplit("$", 1)[1] not in repr(users["alice"])

    @pytest.mark.parametrize(
        "line",
        [
            "alice",
            "alice:secret:ops",
            f":{HASH}:ops",
            f"a b:{HASH}:ops",
            f"alice:{HASH}:",
            f"alice:{HASH.replace('ln=15', 'ln=30')}:ops",
            f"alice:{HASH.replace('ln=15', 'ln=1')}:ops",
            f"alice:{HASH}:ops\nalice:{HASH}:ops",
        ],
    )
    def test_anything_else_is_refused_and_not_shown(self, line: str) -> None:
        with pytest.raises(ConfigurationError) as caught:
            parse_users(line.encode())
        assert "secret" not in caught.value.message
        assert "Line" in caught.value.message

    def test_a_name_that_would_break_the_file_is_refused(self) -> None:
        with pytest.raises(ConfigurationError):
            user_line("eve:x", HASH, "ops")


class TestBasic:
    async def test_the_right_password_gives_a_caller(self, basic: Basic) -> None:
        caller = await identity(basic).caller(scope("alice:correct horse"))
        assert (caller.user, caller.display, caller.project) == ("local:alice", "alice", "ops")
        assert caller.roles == {"admin", "other"}

    @pytest.mark.parametrize("given", ["alice:wrong", "alice:", "bob:correct horse", ":"])
    async def test_a_wrong_one_gives_none(self, basic: Basic, given: str) -> None:
        with pytest.raises(Unauthenticated) as caught:
            await identity(basic).caller(scope(given))
        assert caught.value.details["reason"] == "identity.password"

    @pytest.mark.parametrize("header", [b"Basic", b"Basic ", b"Basic !!", b"Basic /w==", b"Basic YWxpY2U="])
    async def test_nonsense_is_refused(self, basic: Basic, header: bytes) -> None:
        with pytest.raises(Unauthenticated) as caught:
            await identity(basic).caller({**scope(), "headers": [(b"authorization", header)]})
        assert caught.value.details["reason"] in ("identity.malformed", "identity.no_credential")

    async def test_a_password_over_plain_http_is_refused(self, basic: Basic) -> None:
        with pytest.raises(Unauthenticated) as caught:
            await identity(basic).caller(scope("alice:correct horse", https=False))
        assert caught.value.details["reason"] == "identity.insecure"
        assert await identity(basic).caller(scope("alice:correct horse", https=False, client="127.0.0.1"))

    async def test_a_changed_users_file_counts_at_once(self, users: dict[str, LocalUser]) -> None:
        current = [users]
        basic = Basic(lambda: current[0], lambda: NOW)
        assert await basic(scope("alice:correct horse"))
        current[0] = {}
        with pytest.raises(Unauthenticated):
            await basic(scope("alice:correct horse"))

    async def test_a_proved_password_is_remembered_a_while(self, users: dict[str, LocalUser]) -> None:
        now = [NOW]
        basic = Basic(lambda: users, lambda: now[0])
        first = await basic(scope("alice:correct horse"))
        assert await basic(scope("alice:correct horse")) is first
        now[0] += REMEMBERED + timedelta(seconds=1)
        again = await basic(scope("alice:correct horse"))
        assert again == first
        assert again is not first

    async def test_a_flood_of_guesses_is_turned_away(self) -> None:
        cheap = Scrypt(10, 8, 1, bytes(16), bytes(32))
        users = {"alice": LocalUser("alice", cheap, Grant("ops"))}
        basic = Basic(lambda: users, lambda: NOW)
        guesses = (basic(scope(f"alice:{number}")) for number in range(WAITING + 10))
        outcomes = await asyncio.gather(*guesses, return_exceptions=True)
        kinds = Counter(type(outcome).__name__ for outcome in outcomes)
        assert kinds == {"Unauthenticated": WAITING, "BackendDown": 10}

    async def test_who_guesses_on_is_told_to_wait_and_nobody_else_is(self) -> None:
        cheap = Scrypt(10, 8, 1, bytes(16), bytes(32))
        users = {"alice": LocalUser("alice", cheap, Grant("ops"))}
        service = identity(basic := Basic(lambda: users, lambda: NOW))
        outcomes = []
        for _ in range(2 * ATTEMPTS.burst):  # the bucket refills a little while we guess
            try:
                await service.caller(scope("alice:x"))
            except HansaError as error:
                outcomes.append((type(error), error.details["reason"]))
        assert outcomes[: ATTEMPTS.burst] == [(Unauthenticated, "identity.password")] * ATTEMPTS.burst
        assert (TooManyRequests, "identity.attempts") in outcomes
        with pytest.raises(Unauthenticated):
            await basic(scope("bob:x"))
        with pytest.raises(Unauthenticated):
            await basic(scope("alice:x", client="192.0.2.10"))


MEMBER = Principal("u", "/CN=u", frozenset({"CN=u"}), (Membership("ops", ("/ops",)),), not_after=NOW)


class TestService:
    async def test_without_a_credential_nobody_comes_in(self, basic: Basic) -> None:
        audit = Audit()
        service = identity(basic, audit=audit)
        with pytest.raises(Unauthenticated) as caught:
            await service.caller(scope(method="POST"))
        assert caught.value.details["reason"] == "identity.no_credential"
        assert service.challenges == ('Basic realm="Hansa", charset="UTF-8"',)
        ((event, fields),) = audit.lines
        assert (event, fields["reason"], fields["client"]) == (
            "identity.refused",
            "identity.no_credential",
            "192.0.2.9",
        )
        assert "authorization" not in str(fields)

    async def test_a_member_gets_the_project_of_the_policy(self) -> None:
        caller = await identity(Fixed(MEMBER)).caller(scope())
        assert (caller.project, caller.vo, caller.fqan, caller.not_after) == ("p-ops", "ops", "/ops", NOW)

    @pytest.mark.parametrize(
        ("principal", "reason"),
        [
            (Principal("u", "u", frozenset()), "identity.no_vo"),
            (Principal("u", "u", frozenset(), (Membership("else", ("/else",)),)), "identity.foreign_vo"),
        ],
    )
    async def test_strangers_are_forbidden(self, principal: Principal, reason: str) -> None:
        with pytest.raises(Forbidden) as caught:
            await identity(Fixed(principal)).caller(scope())
        assert caught.value.details["reason"] == reason

    async def test_the_banned_stay_out_whatever_their_vo_says(self) -> None:
        audit = Audit()
        with pytest.raises(Forbidden) as caught:
            await identity(Fixed(MEMBER), bans=frozenset({"CN=u"}), audit=audit).caller(scope())
        assert caught.value.details["reason"] == "identity.banned"
        assert audit.lines[0][1]["user"] == "u"

    async def test_a_limited_credential_reads_and_does_not_write(self) -> None:
        limited = Principal("u", "u", frozenset(), MEMBER.memberships, limited=True)
        assert "read-only" in (await identity(Fixed(limited)).caller(scope())).roles
        for method in ("POST", "PUT", "DELETE", "PATCH"):
            with pytest.raises(Forbidden) as caught:
                await identity(Fixed(limited)).caller(scope(method=method))
            assert caught.value.details["reason"] == "identity.read_only"
        assert await identity(Fixed(limited)).caller(scope(method="POST"), write=False)

    @pytest.mark.parametrize(
        "origin", [b"https://evil.example", b"null", b"", b"https://cloud.example:8787.evil.example"]
    )
    async def test_a_page_of_another_site_changes_nothing(self, origin: bytes) -> None:
        for method, refused in (("POST", True), ("DELETE", True), ("GET", False)):
            asked = scope(method=method) | {"headers": [(b"host", b"cloud.example:8787"), (b"origin", origin)]}
            with pytest.raises(Forbidden) if refused else contextlib.nullcontext():
                assert await identity(Fixed(MEMBER)).caller(asked)

    async def test_our_own_page_may(self) -> None:
        headers = [(b"host", b"cloud.example:8787"), (b"origin", b"https://cloud.example:8787")]
        assert await identity(Fixed(MEMBER)).caller(scope(method="POST") | {"headers": headers})

    async def test_projects_are_made_once_and_only_for_the_admitted(self) -> None:
        made: list[str] = []

        async def ensure(project: str) -> None:
            made.append(project)

        service = identity(Fixed(MEMBER), ensure_project=ensure)
        await service.caller(scope())
        await service.caller(scope())
        stranger = identity(Fixed(Principal("u", "u", frozenset())), ensure_project=ensure)
        with pytest.raises(HansaError):
            await stranger.caller(scope())
        assert made == ["p-ops"]

    async def test_writes_leave_an_audit_line(self) -> None:
        audit = Audit()
        await identity(Fixed(MEMBER), audit=audit).caller(scope())
        assert audit.lines == []
        await identity(Fixed(MEMBER), audit=audit).caller(scope(method="POST"))
        assert [(event, fields["project"]) for event, fields in audit.lines] == [("identity.accepted", "p-ops")]


ARGON2 = hash_password(b"correct horse")


async def test_new_lines_are_argon2id_and_stand_beside_those_of_before() -> None:
    users = parse_users(f"{user_line('alice', ARGON2, 'ops')}\n{user_line('bob', HASH, 'ops')}\n".encode())
    assert ARGON2.startswith("$argon2id$")
    for name in users:
        assert users[name].hash.matches(b"correct horse")
        assert not users[name].hash.matches(b"wrong")
        assert ARGON2 not in repr(users[name])
    assert users["alice"].stamp != users["bob"].stamp


@pytest.mark.parametrize(
    "damaged",
    [
        ARGON2.replace("argon2id", "argon2i"),
        re.sub(r"m=\d+", "m=9999999", ARGON2),
        re.sub(r"t=\d+", "t=99", ARGON2),
        re.sub(r"p=\d+", "p=99", ARGON2),
        ARGON2.rpartition("$")[0],
    ],
    ids=["kind", "memory", "passes", "lanes", "cut off"],
)
def test_a_hash_that_would_cost_too_much_or_is_another_kind_is_no_line(damaged: str) -> None:
    with pytest.raises(ConfigurationError):
        user_line("alice", damaged, "ops")
