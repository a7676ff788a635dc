"""Tokens: what they carry, how long they live, which keys open them, and everything that ends them early."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet, MultiFernet
from hypothesis import given
from hypothesis import strategies as st

from hansa.base.database import Database
from hansa.base.errors import ConfigurationError, Forbidden, Unauthenticated
from hansa.base.migrations import upgrade
from hansa.cloud.model import READ_ONLY
from hansa.site.identity import Federation, Grant, Identity, Membership, Principal
from hansa.site.identity.passwords import LocalUser, Scrypt
from hansa.site.identity.policy import parse_policy
from hansa.site.identity.token import TOKEN_MAX, Token, seal, unseal
from hansa.site.identity.token_keys import ensure_keys, parse_keys, rotate_keys
from hansa.site.identity.tokens import Tokens

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LIFE = timedelta(hours=1)
RING = MultiFernet([Fernet(Fernet.generate_key())])
MEMBER = Principal("X509:<I>CN=ca<S>CN=u", "/CN=u", frozenset({"CN=u"}), (Membership("ops", ("/ops", "/ops/bio")),))
ALICE_GRANT = Grant("p-alice", frozenset({"admin"}))
ALICE = Principal("local:alice", "alice", frozenset({"local:alice"}), grant=ALICE_GRANT)


def local_user(digest: bytes = bytes(32), project: str = "p-alice") -> LocalUser:
    return LocalUser("alice", Scrypt(10, 8, 1, bytes(16), digest), Grant(project, frozenset({"admin"})))


class Site:
    """The snapshots that an operator changes, and the tokens of a site that looks at them."""

    def __init__(self, database: Database) -> None:
        self.now = NOW
        self.policy = parse_policy(b'{"ops": {"tenant": "p-ops"}, "/ops/bio": {"tenant": "p-bio"}}')
        self.bans: frozenset[str] = frozenset()
        self.users = {"alice": local_user()}
        self.tokens = Tokens(lambda: RING, lambda: self.users, database, lambda: self.now, LIFE)
        self.identity = Identity(
            [self.tokens], policy=lambda: self.policy, bans=lambda: self.bans, audit=lambda event, /, **fields: None
        )

    def token(self, principal: Principal = MEMBER, project: str | None = "p-ops", parent: Token | None = None) -> str:
        return self.tokens.issue(principal, project, "mapped", parent)[0]

    async def reason(self, token: str, method: str = "GET") -> str:
        with pytest.raises((Unauthenticated, Forbidden)) as caught:
            await self.identity.caller(scope(token, method=method))
        assert token not in str(caught.value)
        return str(caught.value.details["reason"])


def scope(*tokens: str, method: str = "GET", scheme: str = "https") -> dict[str, Any]:
    headers = [(b"x-auth-token", token.encode("latin-1")) for token in tokens]
    client = ("192.0.2.9", 4711)
    return {"type": "http", "method": method, "path": "/", "scheme": scheme, "client": client, "headers": headers}


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    database = Database(f"sqlite:///{tmp_path / 'site.db'}")
    await upgrade(database, "site")
    yield Site(database)
    database.close()


class TestUse:
    async def test_the_bearer_works_in_the_project_of_the_token(self, site: Site) -> None:
        for project, fqan in (("p-ops", "/ops"), ("p-bio", "/ops/bio")):
            caller = await site.identity.caller(scope(site.token(project=project)))
            assert (caller.project, caller.fqan, caller.vo) == (project, fqan, "ops")
            assert (caller.user, caller.not_after) == (MEMBER.user, NOW + LIFE)

    async def test_a_limited_proxy_gives_a_token_that_only_reads(self, site: Site) -> None:
        token = site.token(replace(MEMBER, limited=True))
        assert READ_ONLY in (await site.identity.caller(scope(token))).roles
        assert await site.reason(token, "POST") == "identity.read_only"

    async def test_an_unscoped_token_opens_no_face(self, site: Site) -> None:
        assert await site.reason(site.token(project=None)) == "identity.unscoped"

    async def test_two_tokens_are_refused(self, site: Site) -> None:
        with pytest.raises(Unauthenticated) as caught:
            await site.identity.caller(scope(site.token(), site.token()))
        assert caught.value.details["reason"] == "identity.malformed"

    async def test_a_token_over_plain_http_is_refused(self, site: Site) -> None:
        with pytest.raises(Unauthenticated) as caught:
            await site.identity.caller(scope(site.token(), scheme="http"))
        assert caught.value.details["reason"] == "identity.insecure"

    async def test_a_request_without_a_token_shows_none(self, site: Site) -> None:
        assert await site.tokens(scope()) is None


class TestEnd:
    async def test_it_ends_with_its_life(self, site: Site) -> None:
        token = site.token()
        site.now += LIFE - timedelta(seconds=1)
        await site.identity.caller(scope(token))
        site.now += timedelta(seconds=1)
        assert await site.reason(token) == "identity.token_expired"

    async def test_it_never_outlives_the_credential(self, site: Site) -> None:
        token = site.token(replace(MEMBER, not_after=NOW + timedelta(minutes=5)))
        site.now += timedelta(minutes=5)
        assert await site.reason(token) == "identity.token_expired"

    async def test_it_never_outlives_the_token_it_was_given_for(self, site: Site) -> None:
        unscoped = await site.tokens.read(site.token(project=None))
        site.now += timedelta(minutes=50)
        _, scoped = site.tokens.issue(unscoped.principal, "p-ops", "token", unscoped)
        assert scoped.expires == unscoped.expires
        assert scoped.methods == ("token", "mapped")
        assert scoped.audit_ids[1] == unscoped.audit_ids[0]

    async def test_none_is_given_for_an_expired_credential(self, site: Site) -> None:
        with pytest.raises(Unauthenticated):
            site.token(replace(MEMBER, not_after=NOW))

    async def test_a_revoked_token_is_refused_and_others_are_not(self, site: Site) -> None:
        revoked, other = site.token(), site.token()
        for _ in range(2):
            await site.tokens.revoke(unseal(revoked, RING))
        assert await site.reason(revoked) == "identity.token_revoked"
        await site.identity.caller(scope(other))

    async def test_a_token_that_was_used_before_is_refused_once_another_process_revokes_it(
        self, site: Site, tmp_path: Path
    ) -> None:
        token = site.token()
        for _ in range(2):
            await site.identity.caller(scope(token))
        database = Database(f"sqlite:///{tmp_path / 'site.db'}")
        try:
            await Site(database).tokens.revoke(unseal(token, RING))
        finally:
            database.close()
        assert await site.reason(token) == "identity.token_revoked"

    async def test_a_ban_counts_at_once(self, site: Site) -> None:
        token = site.token()
        site.bans = MEMBER.names
        assert await site.reason(token) == "identity.banned"

    async def test_a_project_taken_out_of_the_policy_is_closed_to_its_tokens(self, site: Site) -> None:
        token = site.token(project="p-bio")
        site.policy = parse_policy(b'{"ops": {"tenant": "p-ops"}}')
        assert await site.reason(token) == "identity.foreign_project"

    async def test_a_token_for_somebody_elses_project_opens_nothing(self, site: Site) -> None:
        assert await site.reason(site.token(project="p-alice")) == "identity.foreign_project"

    async def test_a_local_users_token_follows_the_users_file(self, site: Site) -> None:
        token = site.token(replace(ALICE, stamp=local_user().stamp), "p-alice")
        assert (await site.identity.caller(scope(token))).roles == {"admin"}
        site.users = {"alice": local_user(project="elsewhere")}
        assert await site.reason(token) == "identity.foreign_project"

    @pytest.mark.parametrize("users", [{}, {"alice": local_user(b"another password".ljust(32))}])
    async def test_a_local_user_who_is_gone_or_has_a_new_password_keeps_no_token(
        self, site: Site, users: dict[str, LocalUser]
    ) -> None:
        token = site.token(replace(ALICE, stamp=local_user().stamp), "p-alice")
        site.users = users
        assert await site.reason(token) == "identity.token_revoked"


class TestSeal:
    @given(st.text(max_size=40), st.booleans(), st.lists(st.text(max_size=20), max_size=5))
    def test_a_token_reads_back(self, name: str, limited: bool, fqans: list[str]) -> None:
        bearer = replace(MEMBER, display=name, limited=limited, memberships=(Membership("v", tuple(fqans)),), stamp="s")
        scoped = replace(bearer, project="p", not_after=NOW, groups=("g",), federation=Federation("idp", "openid"))
        token = Token(scoped, ("mapped",), NOW, NOW, ("a", "b"), "d", True, {"trust": "t"})
        assert unseal(seal(token, RING), RING) == token

    @given(st.text(max_size=300) | st.binary(max_size=300).map(lambda data: data.decode("latin-1")))
    def test_what_is_not_ours_is_refused(self, text: str) -> None:
        with pytest.raises(Unauthenticated):
            unseal(text, RING)

    def test_no_character_can_be_changed(self) -> None:
        text = seal(Token(replace(MEMBER, not_after=NOW), ("mapped",), NOW, NOW, ("a",)), RING)
        for at in range(0, len(text) - 1, 7):
            other = "A" if text[at] != "A" else "B"
            with pytest.raises(Unauthenticated):
                unseal(text[:at] + other + text[at + 1 :], RING)

    def test_an_overlong_one_is_refused_unread(self) -> None:
        with pytest.raises(Unauthenticated):
            unseal("g" * (TOKEN_MAX + 1), RING)

    def test_memberships_without_effect_are_left_out(self) -> None:
        policy = parse_policy(b'{"/ops/bio/Role=x": {"tenant": "p"}}')
        kept = policy.relevant(Membership("ops", ("/ops", "/ops/a", "/ops/b", "/ops/bio/Role=x/Capability=NULL")))
        assert kept == Membership("ops", ("/ops", "/ops/bio/Role=x/Capability=NULL"))


def ring(directory: Path) -> MultiFernet:
    return parse_keys({path.name: path.read_bytes() for path in directory.iterdir()})


class TestKeys:
    def test_the_first_start_makes_a_staged_and_a_primary_key_that_nobody_else_reads(self, tmp_path: Path) -> None:
        ensure_keys(tmp_path / "keys")
        before = {path.name: path.read_bytes() for path in (tmp_path / "keys").iterdir()}
        assert set(before) == {"0", "1"}
        assert {path.stat().st_mode & 0o777 for path in (tmp_path / "keys").iterdir()} == {0o600}
        ensure_keys(tmp_path / "keys")
        assert {path.name: path.read_bytes() for path in (tmp_path / "keys").iterdir()} == before

    def test_a_rotation_promotes_the_staged_key_and_keeps_three(self, tmp_path: Path) -> None:
        directory = tmp_path / "keys"
        ensure_keys(directory)
        staged = (directory / "0").read_bytes()
        assert rotate_keys(directory) == 2
        assert (directory / "2").read_bytes() == staged
        assert [rotate_keys(directory) for _ in range(3)] == [3, 4, 5]
        assert {path.name for path in directory.iterdir()} == {"0", "4", "5"}

    def test_a_token_survives_one_rotation_and_not_two(self, tmp_path: Path) -> None:
        directory = tmp_path / "keys"
        ensure_keys(directory)
        before = ring(directory)
        text = seal(Token(replace(MEMBER, not_after=NOW), ("mapped",), NOW, NOW, ("a",)), before)
        rotate_keys(directory)
        unseal(text, ring(directory))
        rotated = seal(Token(replace(MEMBER, not_after=NOW), ("mapped",), NOW, NOW, ("a",)), ring(directory))
        unseal(rotated, before)  # a host that has not seen the rotation yet
        rotate_keys(directory)
        with pytest.raises(Unauthenticated):
            unseal(text, ring(directory))

    def test_keys_that_others_can_read_are_refused(self, tmp_path: Path) -> None:
        ensure_keys(tmp_path / "keys")
        (tmp_path / "keys" / "1").chmod(0o640)
        with pytest.raises(ConfigurationError, match="open to others"):
            ensure_keys(tmp_path / "keys")

    @pytest.mark.parametrize("files", [{}, {"0": b"secret-but-no-key"}, {"x": Fernet.generate_key()}])
    def test_what_is_no_key_is_refused_and_not_shown(self, files: dict[str, bytes]) -> None:
        with pytest.raises(ConfigurationError) as caught:
            parse_keys(files)
        assert "secret" not in str(caught.value)
