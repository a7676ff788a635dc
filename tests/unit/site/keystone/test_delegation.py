"""Application credentials and trusts: what somebody gives on never exceeds, and never outlives, what he has."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.base.database import Database
from hansa.base.errors import BadRequest, Conflict, Forbidden, NotFound, TooManyRequests, Unauthenticated
from hansa.base.migrations import upgrade
from hansa.site.keystone.delegation import AccessRule, Applications, Trusts, store
from hansa.site.keystone.delegation.applications import Maker, Wanted
from hansa.site.keystone.delegation.trusts import Wanted as WantedTrust

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
HOUR = timedelta(hours=1)


@dataclass
class Roster:
    """Users, and who has which roles in which project: what delegation asks of a directory."""

    users: set[str] = field(default_factory=lambda: {"alice", "bob", "carol"})
    held: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)
    closed: set[str] = field(default_factory=set)
    now: datetime = NOW

    async def lasting_roles(self, user: str, project: str) -> Mapping[str, str] | None:
        if project in self.closed:
            return None
        return self.held.get((user, project), {}) if user in self.users else {}

    async def is_there(self, user: str) -> bool:
        return user in self.users

    def clock(self) -> datetime:
        return self.now


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    db = Database(database_url)
    await upgrade(db, "site")
    yield db
    db.close()


@pytest.fixture
def roster() -> Roster:
    return Roster(held={("alice", "p1"): {"r1": "member", "r2": "reader", "r3": "admin"}})


@pytest.fixture
def applications(database: Database, roster: Roster) -> Applications:
    return Applications(database, roster.clock, roster)


@pytest.fixture
def trusts(database: Database, roster: Roster) -> Trusts:
    return Trusts(database, roster.clock, roster)


ALICE = Maker("alice", "p1", frozenset({"member", "reader"}))


async def test_a_program_signs_on_with_the_roles_of_the_token_that_made_its_credential(
    applications: Applications,
) -> None:
    made, secret = await applications.create(ALICE, Wanted("robot"))
    assert made.roles == ("r1", "r2")
    assert await applications.prove(secret.encode(), "::1", identifier=made.id) == made
    assert await applications.prove(secret.encode(), "::1", user="alice", name="robot") == made
    bounds = await applications.bounds(made)
    assert (bounds.user, bounds.project, bounds.roles) == ("alice", "p1", {"member", "reader"})
    assert secret not in repr(made)
    assert secret not in made.secret_hash


async def test_a_secret_of_the_users_own_is_hashed_as_a_password(applications: Applications) -> None:
    made, secret = await applications.create(ALICE, Wanted("robot", secret="correct horse"))
    assert secret == "correct horse"
    assert made.secret_hash.startswith("$argon2id$")
    assert await applications.prove(b"correct horse", None, identifier=made.id) == made


@pytest.mark.parametrize("secret", [None, "correct horse"])
async def test_a_wrong_secret_and_an_unknown_credential_are_told_alike(
    applications: Applications, secret: str | None
) -> None:
    made, _ = await applications.create(ALICE, Wanted("robot", secret=secret))
    told = set()
    for who in (
        {"identifier": made.id},
        {"identifier": "0" * 32},
        {"user": "alice", "name": "robot"},
        {"user": "x", "name": "y"},
    ):
        with pytest.raises(Unauthenticated) as refused:
            await applications.prove(b"wrong", None, **who)
        told.add((refused.value.message, refused.value.details["reason"]))
    assert len(told) == 1


async def test_guessing_is_slowed_down(applications: Applications) -> None:
    made, secret = await applications.create(ALICE, Wanted("robot"))
    for _ in range(100):
        await applications.prove(secret.encode(), "::1", identifier=made.id)
    with pytest.raises(TooManyRequests):
        await applications.prove(secret.encode(), "::1", identifier=made.id)
    await applications.prove(secret.encode(), "::2", identifier=made.id)


async def test_roles_that_the_token_or_the_user_lacks_cannot_be_given_on(
    applications: Applications, roster: Roster
) -> None:
    with pytest.raises(Forbidden, match="r3"):  # an admin, whose token is a member's only
        await applications.create(ALICE, Wanted("robot", roles=("r3",)))
    with pytest.raises(Forbidden, match="r9"):
        await applications.create(ALICE, Wanted("robot", roles=("r9",)))
    with pytest.raises(BadRequest, match="at least one role"):
        await applications.create(ALICE, Wanted("robot", roles=()))
    with pytest.raises(Forbidden, match="come from your credential"):  # a VO's member: nothing here lasts
        await applications.create(replace(ALICE, user="bob"), Wanted("robot"))


async def test_it_ends_at_its_time(applications: Applications, roster: Roster) -> None:
    made, secret = await applications.create(ALICE, Wanted("robot", expires=NOW + HOUR))
    assert (await applications.bounds(made)).until == NOW + HOUR
    roster.now += HOUR
    with pytest.raises(Unauthenticated):
        await applications.prove(secret.encode(), None, identifier=made.id)
    with pytest.raises(BadRequest, match="has passed"):
        await applications.create(ALICE, Wanted("late", expires=NOW))


async def test_it_dies_with_a_role_of_its_user_and_does_not_come_back(
    applications: Applications, roster: Roster
) -> None:
    made, secret = await applications.create(ALICE, Wanted("robot"))
    role = roster.held["alice", "p1"].pop("r1")
    with pytest.raises(Unauthenticated):
        await applications.held(made.id)
    roster.held["alice", "p1"]["r1"] = role
    with pytest.raises(Unauthenticated):
        await applications.prove(secret.encode(), None, identifier=made.id)


async def test_it_dies_with_its_user_and_rests_with_its_project(applications: Applications, roster: Roster) -> None:
    made, _ = await applications.create(ALICE, Wanted("robot"))
    roster.closed.add("p1")
    with pytest.raises(Unauthenticated):
        await applications.held(made.id)
    roster.closed.clear()
    assert (await applications.held(made.id))[0] == made
    roster.users.remove("alice")
    with pytest.raises(Unauthenticated):
        await applications.held(made.id)


async def test_a_restricted_credential_makes_no_other_and_none_makes_a_greater(applications: Applications) -> None:
    parent, _ = await applications.create(ALICE, Wanted("parent"))
    with pytest.raises(Forbidden, match="restricted"):
        await applications.create(replace(ALICE, parent=parent), Wanted("child"))
    free, _ = await applications.create(ALICE, Wanted("free", unrestricted=True, expires=NOW + HOUR))
    child, _ = await applications.create(replace(ALICE, parent=free), Wanted("child", expires=NOW + 2 * HOUR))
    assert child.expires == NOW + HOUR
    bound = replace(free, access_rules=(RULE,))
    with pytest.raises(Forbidden, match="access rules"):
        await applications.create(replace(ALICE, parent=bound), Wanted("other"))


async def test_a_name_is_one_credentials_of_a_user_and_others_do_not_see_it(
    applications: Applications, roster: Roster
) -> None:
    roster.held["bob", "p1"] = {"r1": "member"}
    made, _ = await applications.create(ALICE, Wanted("robot"))
    await applications.create(replace(ALICE, user="bob"), Wanted("robot"))
    with pytest.raises(Conflict):
        await applications.create(ALICE, Wanted("robot"))
    with pytest.raises(NotFound):
        await applications.get("bob", made.id)
    with pytest.raises(NotFound):
        await applications.remove("bob", made.id)
    assert await applications.listed("alice") == [made]


RULE = AccessRule("", "compute", "/v2.1/servers/*/ips", "GET")


async def test_an_access_rule_is_kept_for_the_next_credential_and_stays_while_one_has_it(
    applications: Applications,
) -> None:
    first, _ = await applications.create(ALICE, Wanted("one", access_rules=[RULE]))
    second, _ = await applications.create(ALICE, Wanted("two", access_rules=[RULE]))
    assert first.access_rules == second.access_rules
    (rule,) = await applications.rules("alice")
    third, _ = await applications.create(ALICE, Wanted("three", access_rules=[AccessRule(rule.id, "", "", "")]))
    assert third.access_rules == (rule,)
    with pytest.raises(Forbidden, match="has that rule"):
        await applications.remove_rule("alice", rule.id)
    for each in (first, second, third):
        await applications.remove("alice", each.id)
    await applications.remove_rule("alice", rule.id)
    assert await applications.rules("alice") == []


async def test_an_empty_list_of_rules_is_none(applications: Applications) -> None:
    made, _ = await applications.create(ALICE, Wanted("free", access_rules=[]))
    assert (await applications.get("alice", made.id)).access_rules is None


@pytest.mark.parametrize(
    "rule",
    [
        AccessRule("", "compute", "servers", "GET"),
        AccessRule("", "compute", "/x", "get"),
        AccessRule("", "", "/x", "GET"),
    ],
)
async def test_a_rule_that_is_none_is_refused(applications: Applications, rule: AccessRule) -> None:
    with pytest.raises(BadRequest, match="access rule"):
        await applications.create(ALICE, Wanted("robot", access_rules=[rule]))


@pytest.mark.parametrize(
    ("pattern", "path", "allowed"),
    [
        ("/v2.1/servers/*/ips", "/v2.1/servers/1/ips", True),
        ("/v2.1/servers/{id}/ips", "/v2.1/servers/1/ips", True),
        ("/v2.1/servers/*/ips", "/v2.1/servers/1/2/ips", False),
        ("/v2.1/servers/*/ips", "/v2.1/servers//ips", False),
        ("/v2.1/**", "/v2.1/servers/1/2/ips", True),
        ("/v2.1/**", "/v2x1/servers", False),
        ("/a.b", "/aXb", False),
        ("/a", "/a/", False),
        ("/a", "/a\n", False),
    ],
)
def test_what_an_access_rule_allows(pattern: str, path: str, allowed: bool) -> None:
    rule = AccessRule("1", "compute", pattern, "GET")
    assert rule.allows("compute", "GET", path) == allowed
    assert not rule.allows("compute", "DELETE", path)
    assert not rule.allows("image", "GET", path)


@given(st.text(alphabet="/ab*{}.\\[", max_size=20), st.text(alphabet="/ab*{}.\\[", max_size=20))
def test_any_text_is_a_pattern(pattern: str, path: str) -> None:
    AccessRule("1", "s", pattern, "GET").allows("s", "GET", path)


TRUST = WantedTrust("alice", "bob", "p1", ("r1",), impersonation=True)


async def test_a_trustee_acts_for_the_trustor_with_the_roles_of_the_trust(trusts: Trusts) -> None:
    made = await trusts.create(TRUST)
    _, bounds = await trusts.use(made.id, "bob")
    assert (bounds.user, bounds.project, bounds.roles) == ("alice", "p1", {"member"})
    plain = await trusts.create(replace(TRUST, impersonation=False))
    assert (await trusts.use(plain.id, "bob"))[1].user == "bob"
    with pytest.raises(Unauthenticated):
        await trusts.use(made.id, "carol")


async def test_only_roles_that_the_trustor_has_can_be_trusted_to_somebody_who_is_there(trusts: Trusts) -> None:
    with pytest.raises(NotFound, match="role: r9"):
        await trusts.create(replace(TRUST, roles=("r1", "r9")))
    with pytest.raises(NotFound, match="role"):
        await trusts.create(replace(TRUST, trustor="carol"))
    with pytest.raises(NotFound, match="user"):
        await trusts.create(replace(TRUST, trustee="nobody"))
    with pytest.raises(Forbidden, match="At least one role"):
        await trusts.create(replace(TRUST, roles=()))


async def test_a_trust_rests_while_its_trustor_lacks_a_role_or_either_is_gone(trusts: Trusts, roster: Roster) -> None:
    made = await trusts.create(TRUST)
    for user in ("alice", "bob"):
        roster.users.remove(user)
        with pytest.raises(Unauthenticated):
            await trusts.held(made.id)
        roster.users.add(user)
    del roster.held["alice", "p1"]["r1"]
    with pytest.raises(Unauthenticated):
        await trusts.use(made.id, "bob")


async def test_a_trust_ends_at_its_time_and_after_its_uses(trusts: Trusts, roster: Roster) -> None:
    twice = await trusts.create(replace(TRUST, remaining_uses=2))
    await trusts.use(twice.id, "bob")
    await trusts.use(twice.id, "bob")
    with pytest.raises(Unauthenticated):
        await trusts.use(twice.id, "bob")
    assert (await trusts.held(twice.id, is_counted=False))[0].remaining_uses == 0  # the tokens go on
    timed = await trusts.create(replace(TRUST, expires=NOW + HOUR))
    roster.now += HOUR
    with pytest.raises(NotFound):
        await trusts.get(timed.id)
    with pytest.raises(BadRequest, match="has passed"):
        await trusts.create(replace(TRUST, expires=NOW))


async def test_a_trust_that_follows_is_never_more_than_the_one_before(trusts: Trusts) -> None:
    first = await trusts.create(replace(TRUST, roles=("r1", "r2"), allow_redelegation=True, expires=NOW + HOUR))
    assert first.redelegation_count == 3
    wanted = replace(TRUST, trustee="carol", parent=first.id)
    for too_much in (
        replace(wanted, roles=("r1", "r3")),
        replace(wanted, roles=()),
        replace(wanted, project="p2"),
        replace(wanted, expires=NOW + 2 * HOUR),
        replace(wanted, remaining_uses=1),
        replace(wanted, allow_redelegation=True, redelegation_count=3),
    ):
        with pytest.raises(Forbidden):
            await trusts.create(too_much)
    second = await trusts.create(replace(wanted, allow_redelegation=True))
    assert (second.expires, second.redelegation_count, second.redelegated_from) == (NOW + HOUR, 2, first.id)
    assert (await trusts.use(second.id, "carol"))[1].until == NOW + HOUR


async def test_a_trust_without_redelegation_or_impersonation_passes_neither_on(trusts: Trusts) -> None:
    last = await trusts.create(TRUST)
    with pytest.raises(Forbidden, match="may not be redelegated"):
        await trusts.create(replace(TRUST, trustee="carol", parent=last.id))
    plain = await trusts.create(replace(TRUST, impersonation=False, allow_redelegation=True))
    with pytest.raises(Forbidden, match="impersonate"):
        await trusts.create(replace(TRUST, trustee="carol", parent=plain.id))
    with pytest.raises(Forbidden, match="At most"):
        await trusts.create(replace(TRUST, allow_redelegation=True, redelegation_count=4))
    with pytest.raises(BadRequest, match="number of uses"):
        await trusts.create(replace(TRUST, allow_redelegation=True, remaining_uses=1))


async def test_a_chain_ends_with_its_first_trust(trusts: Trusts) -> None:
    first = await trusts.create(replace(TRUST, allow_redelegation=True))
    second = await trusts.create(replace(TRUST, trustee="carol", parent=first.id))
    await trusts.remove(first.id)
    with pytest.raises(Unauthenticated):
        await trusts.held(second.id)
    assert await trusts.listed() == []


async def test_a_user_who_goes_takes_delegations_along(
    database: Database, applications: Applications, trusts: Trusts
) -> None:
    await applications.create(ALICE, Wanted("robot", access_rules=[RULE]))
    await trusts.create(TRUST)
    await database.write(lambda connection: store.forget_user(connection, "bob"))
    assert (await trusts.listed(), len(await applications.listed("alice"))) == ([], 1)
    await database.write(lambda connection: store.forget_user(connection, "alice"))
    assert (await applications.listed("alice"), await applications.rules("alice")) == ([], [])
