"""Who is calling the federation, and what the table of rules lets them do."""

from collections.abc import AsyncIterator

import pytest
from structlog.testing import capture_logs
from tests.support.federation import URL, Request, commons
from tests.support.pki import BASE, Grid, rsa_key
from tests.support.voms import holder

from hansa.base.errors import Forbidden, Unauthenticated
from hansa.federation.commons import Commons
from hansa.federation.identity.model import Caller, Operators, Proof
from hansa.federation.identity.rules import RULES, Right, Target, allowed
from hansa.federation.identity.service import Identity
from hansa.federation.membership.errors import CredentialSuspended
from hansa.federation.membership.model import Details, RoleGrant, Subject
from hansa.standards.x509 import Name, ProxyPolicy, issue

VO = "fedcloud.egi.eu"


@pytest.fixture
def grid() -> Grid:
    return Grid()


@pytest.fixture
async def federation(database_url: str, grid: Grid) -> AsyncIterator[Commons]:
    operators = Operators(frozenset({holder(grid.user("Operator"))}))
    async with commons(database_url, grid, operators) as found:
        yield found


@pytest.fixture
def identity(federation: Commons) -> Identity:
    return Identity(federation)


async def member(federation: Commons, grid: Grid, name: str, *roles: RoleGrant) -> str:
    found = await federation.registry.add_member(VO, holder(grid.user(name)), name=name)
    for role in roles:
        if role.group not in found.groups:
            found = await federation.registry.join(VO, found.id, role.group)
        found = await federation.registry.grant(VO, found.id, role)
    return found.person.uid


async def test_a_member_is_known_by_certificate(federation, identity, grid):
    uid = await member(federation, grid, "Alice")
    caller = await identity.caller(Request(grid.user("Alice")).scope())
    assert caller.person is not None
    assert (caller.person.uid, caller.actor, caller.operator) == (uid, uid, False)
    assert [each.vo for each in caller.held] == [VO]


async def test_a_proxy_is_its_user(federation, identity, grid):
    uid = await member(federation, grid, "Alice")
    caller = await identity.caller(Request(grid.proxy(grid.user("Alice")), "POST").scope())
    assert caller.actor == uid


async def test_a_stranger_with_a_good_certificate_is_a_caller_without_person(identity, grid):
    caller = await identity.caller(Request(grid.user("Stranger")).scope())
    assert caller.person is None
    assert caller.credential == holder(grid.user("Stranger"))
    assert caller.actor == holder(grid.user("Stranger")).subject.rfc4514()


async def test_no_credential_at_all_is_refused_and_noted(identity):
    with capture_logs() as logs, pytest.raises(Unauthenticated) as refused:
        await identity.caller(Request().scope())
    assert refused.value.details["reason"] == "identity.no_credential"
    (line,) = (line for line in logs if line["event"] == "federation.refused")
    assert (line["code"], line["client"]) == ("unauthenticated", "192.0.2.1")


async def test_a_certificate_of_an_unknown_authority_is_refused(identity):
    grid = Grid()
    grid.authority = issue.create_authority(
        Name.of(*BASE, ("CN", "Another CA")), rsa_key("another"), now=grid.now, serial=1
    )
    with pytest.raises(Unauthenticated) as refused:
        await identity.caller(Request(grid.user("Alice")).scope())
    assert str(refused.value.details["reason"]).startswith("x509.")


async def test_a_limited_proxy_may_look_but_not_change(federation, identity, grid):
    await member(federation, grid, "Alice")
    limited = grid.proxy(grid.user("Alice"), policy=ProxyPolicy.LIMITED)
    assert (await identity.caller(Request(limited).scope())).is_limited
    with pytest.raises(Forbidden) as refused:
        await identity.caller(Request(limited, "POST").scope())
    assert refused.value.details["reason"] == "identity.read_only"


async def test_a_suspended_certificate_is_not_taken_for_a_strangers(federation, identity, grid):
    uid = await member(federation, grid, "Alice")
    (known,) = await federation.registry.credentials(uid)
    await federation.registry.suspend_credential(uid, known.id, "key lost")
    with pytest.raises(CredentialSuspended, match="key lost"):
        await identity.caller(Request(grid.user("Alice")).scope())


@pytest.mark.parametrize(
    ("origin", "taken"), [(URL, True), ("https://evil.example.net", False), ("null", False), (f"{URL}.evil.net", False)]
)
async def test_a_page_of_another_site_cannot_spend_the_browsers_certificate(identity, grid, origin, taken):
    request = Request(grid.user("Alice"), "POST", {"Origin": origin})
    if taken:
        assert await identity.caller(request.scope())
        return
    with pytest.raises(Forbidden) as refused:
        await identity.caller(request.scope())
    assert refused.value.details["reason"] == "identity.cross_site"


async def test_operators_are_configured_by_certificate_or_uid(federation, identity, grid):
    assert (await identity.caller(Request(grid.user("Operator")).scope())).operator
    limited = grid.proxy(grid.user("Operator"), policy=ProxyPolicy.LIMITED)
    assert not (await identity.caller(Request(limited).scope())).operator


async def test_other_rooms_prove_callers_after_the_certificate(federation, grid):
    anna = await federation.registry.add_person(Details("Anna"))

    async def bearer(scope):
        shown = dict(scope["headers"]).get(b"authorization")
        return Proof(anna, Subject("https://idp.example.org", "1")) if shown == b"Bearer good" else None

    identity = Identity(federation, [bearer])
    assert (await identity.caller(Request(headers={"Authorization": "Bearer good"}).scope())).person == anna
    stranger = Request(grid.user("Stranger"), headers={"Authorization": "Bearer good"})
    assert (await identity.caller(stranger.scope())).person is None
    with pytest.raises(Unauthenticated):
        await identity.caller(Request(headers={"Authorization": "Bearer bad"}).scope())


async def test_the_table_decides_and_a_refusal_is_noted(federation, identity, grid):
    await member(federation, grid, "Boss", RoleGrant(f"/{VO}", "VO-Admin"))
    await member(federation, grid, "Alice")
    target = Target(vo=VO)
    assert await identity.authorise(Request(grid.user("Boss"), "POST").scope(), "member:suspend", target)
    with capture_logs() as logs, pytest.raises(Forbidden, match="administrators of the VO") as refused:
        await identity.authorise(Request(grid.user("Alice"), "POST").scope(), "member:suspend", target)
    assert refused.value.details["reason"] == "identity.not_allowed"
    assert [line["action"] for line in logs if line["event"] == "federation.refused"] == ["member:suspend"]


async def test_an_admin_of_one_vo_is_nobody_in_another(federation, identity, grid):
    await federation.registry.create_vo("ops")
    await member(federation, grid, "Boss", RoleGrant(f"/{VO}", "VO-Admin"))
    with pytest.raises(Forbidden):
        await identity.authorise(Request(grid.user("Boss")).scope(), "member:list", Target(vo="ops"))


async def test_vo_admin_in_a_group_below_runs_no_vo(federation, identity, grid):
    await federation.registry.add_group(VO, f"/{VO}/a")
    await member(federation, grid, "Boss", RoleGrant(f"/{VO}/a", "VO-Admin"))
    with pytest.raises(Forbidden):
        await identity.authorise(Request(grid.user("Boss")).scope(), "member:suspend", Target(vo=VO))


async def test_a_suspended_admin_runs_nothing(federation, identity, grid):
    uid = await member(federation, grid, "Boss", RoleGrant(f"/{VO}", "VO-Admin"))
    await federation.registry.suspend(VO, uid, "audit")
    with pytest.raises(Forbidden):
        await identity.authorise(Request(grid.user("Boss")).scope(), "member:list", Target(vo=VO))


async def test_a_group_manager_manages_the_group_and_those_below(federation, identity, grid):
    for path in ("a", "a/b", "ab"):
        await federation.registry.add_group(VO, f"/{VO}/{path}")
    await member(federation, grid, "Manager", RoleGrant(f"/{VO}/a", "Group-Manager"))
    caller = await identity.caller(Request(grid.user("Manager")).scope())
    joins = {
        path: allowed(caller, "group:join", Target(VO, f"/{VO}{path}")) for path in ("", "/a", "/a/b", "/ab", "/a/b/c")
    }
    assert joins == {"": False, "/a": True, "/a/b": True, "/ab": False, "/a/b/c": True}


def test_strangers_get_only_what_is_anyones():
    stranger = Caller(None, None, operator=False, is_limited=False)
    target = Target(VO, f"/{VO}", "6f9619ff-8b86-4011-b42d-00c04fc964ff")
    assert {action for action in RULES if allowed(stranger, action, target)} == {
        action for action, rights in RULES.items() if Right.ANYONE in rights
    }
    assert {action for action in RULES if allowed(stranger, action, Target())} <= {"vo:list", "aup:read"}
