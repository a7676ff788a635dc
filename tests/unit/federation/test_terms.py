"""What time alone does to a membership: grace, expiry, policies to accept, groups that end."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.base.database import Database
from hansa.base.errors import BadRequest
from hansa.base.migrations import upgrade
from hansa.federation.membership.errors import AlreadyExists, NoPolicy, NoSuchGroup
from hansa.federation.membership.model import Credential, Details, MemberState, RoleGrant, VoProfile
from hansa.federation.membership.service import Membership
from hansa.federation.membership.terms import Terms
from hansa.standards.x509 import Name

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
VO = "fedcloud.egi.eu"
ANNA = Credential(Name.parse("/DC=org/O=people/CN=Anna"), Name.parse("/DC=org/CN=Test CA"))
DAY = timedelta(days=1)


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def registry(database_url: str, clock: Clock) -> AsyncIterator[Membership]:
    db = Database(database_url)
    await upgrade(db, "federation")
    registry = Membership(db, clock)
    await registry.create_vo(VO)
    yield registry
    db.close()


async def anna(registry: Membership) -> str:
    return (await registry.add_member(VO, ANNA, name="Anna")).person.uid


async def events(registry: Membership) -> list[str]:
    return [each.event for each in await registry.changes(0)]


async def test_a_membership_lasts_as_long_as_the_vo_says_unless_told_otherwise(registry):
    await registry.set_profile(VO, VoProfile(membership_days=365))
    uid = await anna(registry)
    assert (await registry.member(VO, uid)).until == NOW + 365 * DAY
    other = await registry.add_person(Details("Other"))
    assert (await registry.admit(VO, other.uid, until=None)).until is None


async def test_grace_lets_work_go_on_beyond_the_end(registry, clock):
    await registry.set_profile(VO, VoProfile(membership_days=10, grace_days=7))
    uid = await anna(registry)
    states = {}
    for days in (9, 10, 16, 17):
        clock.now = NOW + days * DAY
        (held,) = await registry.memberships_of(uid)
        standing = await registry.standing(VO, ANNA)
        assert standing is not None
        assert standing.state is held.state is (await registry.member(VO, uid)).state
        assert standing.ends == held.ends == NOW + 17 * DAY
        states[days] = (held.state, held.current)
    assert states == {
        9: (MemberState.ACTIVE, True),
        10: (MemberState.GRACE, True),
        16: (MemberState.GRACE, True),
        17: (MemberState.EXPIRED, False),
    }


async def test_a_suspended_member_is_suspended_also_after_the_end(registry, clock):
    await registry.set_profile(VO, VoProfile(membership_days=10))
    uid = await anna(registry)
    await registry.suspend(VO, uid, "audit")
    clock.now += 11 * DAY
    assert (await registry.member(VO, uid)).state is MemberState.SUSPENDED


async def test_expiry_is_noted_once_and_again_after_renewal(registry, clock):
    uid = await anna(registry)
    await registry.set_until(VO, uid, NOW + DAY)
    clock.now += 2 * DAY
    assert await registry.sweep() == 1
    assert await registry.sweep() == 0
    assert (await events(registry))[-1] == "member.expired"
    await registry.set_until(VO, uid, clock.now + DAY)
    clock.now += 2 * DAY
    assert await registry.sweep() == 1


async def test_who_has_expired_long_ago_is_removed_if_the_vo_wants_it(registry, clock):
    await registry.set_profile(VO, VoProfile(membership_days=10, grace_days=7, removal_days=30))
    await anna(registry)
    clock.now = NOW + 46 * DAY
    await registry.sweep()
    assert len(await registry.members(VO)) == 1
    clock.now = NOW + 47 * DAY
    await registry.sweep()
    assert await registry.members(VO) == []
    assert (await events(registry))[-2:] == ["member.expired", "member.removed"]


@pytest.mark.parametrize("field", ["membership_days", "grace_days", "removal_days", "aup_days", "aup_grace_days"])
async def test_terms_beyond_reason_are_refused(registry, field):
    with pytest.raises(BadRequest) as refused:
        await registry.set_profile(VO, VoProfile(**{field: -1}))
    assert refused.value.details["field"] == field


async def test_a_group_membership_ends_by_itself_with_its_roles_and_what_is_below(registry, clock):
    uid = await anna(registry)
    for path in (f"/{VO}/a", f"/{VO}/a/b", f"/{VO}/c"):
        await registry.add_group(VO, path)
    await registry.join(VO, uid, f"/{VO}/a", until=NOW + DAY)
    await registry.join(VO, uid, f"/{VO}/a/b")
    await registry.join(VO, uid, f"/{VO}/c")
    await registry.grant(VO, uid, RoleGrant(f"/{VO}/a/b", "admin"))
    standing = await registry.standing(VO, ANNA)
    assert standing is not None
    assert standing.ends == NOW + DAY, "nothing that names the group may outlive it"
    clock.now += DAY
    before_sweep = await registry.member(VO, uid)
    (held,) = await registry.memberships_of(uid)
    standing = await registry.standing(VO, ANNA)
    assert standing is not None
    left = (f"/{VO}", f"/{VO}/c")
    assert before_sweep.groups == held.groups == standing.groups == left
    assert (before_sweep.roles, held.roles, standing.roles) == ((), (), frozenset())
    await registry.sweep()
    assert (await registry.member(VO, uid)).groups == left
    assert (await events(registry))[-2:] == ["group.left", "group.left"]


async def test_a_group_that_has_ended_can_be_joined_anew(registry, clock):
    uid = await anna(registry)
    await registry.add_group(VO, f"/{VO}/a")
    await registry.join(VO, uid, f"/{VO}/a", until=NOW + DAY)
    with pytest.raises(AlreadyExists):
        await registry.join(VO, uid, f"/{VO}/a")
    clock.now += 2 * DAY
    member = await registry.join(VO, uid, f"/{VO}/a", until=clock.now + DAY)
    assert member.group_ends == {f"/{VO}/a": clock.now + DAY}
    member = await registry.set_group_until(VO, uid, f"/{VO}/a", None)
    assert member.group_ends == {}
    await registry.leave(VO, uid, f"/{VO}/a")
    with pytest.raises(NoSuchGroup):
        await registry.set_group_until(VO, uid, f"/{VO}/a", None)


async def test_members_have_some_days_to_accept_the_policy(registry, clock):
    uid = await anna(registry)
    clock.now += DAY
    await registry.publish_policy(VO, "1.0", "Be kind.")
    asked = clock.now
    member = await registry.member(VO, uid)
    assert (member.aup_due, member.aup_overdue) == (asked + 15 * DAY, False)
    clock.now = asked + 15 * DAY
    assert (await registry.member(VO, uid)).aup_overdue
    (held,) = await registry.memberships_of(uid)
    assert held.aup_overdue
    assert not held.current
    assert await registry.sweep() == 1
    assert await registry.sweep() == 0
    accepted = await registry.accept_policy(VO, uid, "1.0", actor=uid)
    assert (accepted.aup_due, accepted.aup_overdue) == (None, False)
    assert (await events(registry))[-2:] == ["aup.overdue", "aup.accepted"]


async def test_kinder_terms_undo_what_time_did_and_it_is_noted_when_it_happens_again(registry, clock):
    uid = await anna(registry)
    await registry.set_until(VO, uid, NOW + DAY)
    clock.now = NOW + 2 * DAY
    assert await registry.sweep() == 1
    await registry.set_profile(VO, VoProfile(grace_days=5))
    assert await registry.sweep() == 0
    assert (await registry.member(VO, uid)).state is MemberState.GRACE
    clock.now = NOW + 6 * DAY
    assert await registry.sweep() == 1
    assert (await events(registry))[-1] == "member.expired"


async def test_only_the_version_in_force_is_accepted(registry):
    uid = await anna(registry)
    with pytest.raises(NoPolicy):
        await registry.accept_policy(VO, uid, "1.0", actor=uid)
    await registry.publish_policy(VO, "1.0", "Be kind.")
    await registry.publish_policy(VO, "1.1", "Be very kind.")
    with pytest.raises(NoPolicy, match=r"1\.1"):
        await registry.accept_policy(VO, uid, "1.0", actor=uid)
    with pytest.raises(AlreadyExists):
        await registry.publish_policy(VO, "1.0", "Be evil.")


async def test_a_new_version_asks_again_unless_it_is_a_correction(registry):
    uid = await anna(registry)
    await registry.publish_policy(VO, "1.0", "Be kind.", asks_again=False)  # the first one always asks
    assert (await registry.member(VO, uid)).aup_due
    await registry.accept_policy(VO, uid, "1.0", actor=uid)
    await registry.publish_policy(VO, "1.0.1", "Be kind!", asks_again=False)
    assert (await registry.member(VO, uid)).aup_due is None
    await registry.publish_policy(VO, "2.0", "Be very kind.")
    assert (await registry.member(VO, uid)).aup_due == NOW + 15 * DAY


async def test_an_acceptance_grows_old_and_may_be_renewed_before(registry, clock):
    await registry.set_profile(VO, VoProfile(aup_days=365, aup_grace_days=10))
    uid = await anna(registry)
    await registry.publish_policy(VO, "1.0", "Be kind.")
    await registry.accept_policy(VO, uid, "1.0", actor=uid)
    clock.now = NOW + 100 * DAY
    await registry.accept_policy(VO, uid, "1.0", actor=uid)
    clock.now = NOW + 464 * DAY
    assert (await registry.member(VO, uid)).aup_due is None
    clock.now = NOW + 465 * DAY
    assert (await registry.member(VO, uid)).aup_due == NOW + 475 * DAY
    clock.now = NOW + 475 * DAY
    assert await registry.sweep() == 1
    assert [each.at for each in await registry.acceptances(VO, uid)] == [NOW + 100 * DAY, NOW]


async def test_a_robots_sponsor_accepts_for_it(registry):
    sponsor = await anna(registry)
    robot = await registry.add_person(Details("Robot", robot=True, sponsor=sponsor))
    await registry.admit(VO, robot.uid)
    await registry.publish_policy(VO, "1.0", "Be kind.")
    await registry.accept_policy(VO, robot.uid, "1.0", actor=sponsor)
    (acceptance,) = await registry.acceptances(VO, robot.uid)
    assert (acceptance.person, acceptance.by) == (robot.uid, sponsor)
    assert await registry.robots_of(sponsor) == [robot]


async def test_a_robot_needs_a_human_sponsor(registry):
    robot = Details("Robot", robot=True)
    human = await registry.add_person(Details("Anna"))
    first = await registry.add_person(replace(robot, sponsor=human.uid))
    for wrong in (robot, replace(robot, sponsor="nobody"), replace(robot, sponsor=first.uid)):
        with pytest.raises(BadRequest, match="sponsor"):
            await registry.add_person(wrong)
    with pytest.raises(AlreadyExists, match="robots"):
        await registry.erase_person(human.uid)


days = st.integers(0, 400)
moments = days.map(lambda n: NOW + n * DAY)


@given(
    terms=st.builds(Terms, days, st.none() | days, days, st.none() | st.integers(1, 3), st.none() | moments),
    since=moments,
    accepted=st.none() | st.integers(1, 3),
    at=moments,
    now=moments,
)
def test_the_deadline_never_comes_nearer_than_the_days_of_grace(terms, since, accepted, at, now):
    due = terms.aup_due(since, accepted, at if accepted else None, now)
    if due is None:
        return
    assert terms.aup_floor is not None
    assert due - terms.aup_grace_days * DAY <= now
    assert due >= min(since, at)


@given(terms=st.builds(Terms, days, st.none(), days, st.none(), st.none()), until=st.none() | moments, now=moments)
def test_states_follow_each_other(terms, until, now):
    order = [MemberState.ACTIVE, MemberState.GRACE, MemberState.EXPIRED]
    now_, later = (order.index(terms.state("active", until, each)) for each in (now, now + DAY))
    assert now_ <= later
    assert terms.state("suspended", until, now) is MemberState.SUSPENDED
