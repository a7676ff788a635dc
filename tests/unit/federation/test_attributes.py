"""Generic attributes, defined roles, search, links: what else a VO keeps of its members."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from hansa.base.database import Database
from hansa.base.errors import BadRequest
from hansa.base.migrations import upgrade
from hansa.federation.membership.errors import (
    CredentialTaken,
    HasMembers,
    InvalidName,
    LinkRefused,
    NoSuchAttribute,
    NoSuchRole,
    NoSuchVo,
    UndefinedRole,
    ValueTaken,
)
from hansa.federation.membership.model import (
    Attribute,
    AttributeClass,
    Credential,
    Details,
    MemberState,
    Role,
    RoleGrant,
    Subject,
    VoProfile,
)
from hansa.federation.membership.service import Membership, Wanted
from hansa.standards.x509 import Name

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
VO = "fedcloud.egi.eu"
CA = Name.parse("/DC=org/CN=Test CA")
ANNA = Credential(Name.parse("/DC=org/O=people/CN=Anna"), CA)
DAY = timedelta(days=1)


@pytest.fixture
async def registry(database_url: str) -> AsyncIterator[Membership]:
    db = Database(database_url)
    await upgrade(db, "federation")
    registry = Membership(db, lambda: NOW)
    await registry.create_vo(VO)
    yield registry
    db.close()


async def admitted(registry: Membership, name: str, **more: str) -> str:
    person = await registry.add_person(Details(name, **more))
    await registry.admit(VO, person.uid)
    return person.uid


async def test_a_member_has_own_values_and_those_of_its_groups(registry):
    uid = (await registry.add_member(VO, ANNA, name="Anna")).person.uid
    await registry.add_group(VO, f"/{VO}/bio")
    for name in ("nickname", "quota"):
        await registry.define_attribute(VO, AttributeClass(name, "", is_unique=name == "nickname"))
    await registry.set_attribute(VO, uid, "nickname", "annie")
    await registry.set_group_attribute(VO, f"/{VO}/bio", "quota", "5")
    own, of_group = Attribute("nickname", "annie"), Attribute("quota", "5", f"/{VO}/bio")
    assert (await registry.member(VO, uid)).attributes == (own,)
    member = await registry.join(VO, uid, f"/{VO}/bio", until=NOW + DAY)
    (held,) = await registry.memberships_of(uid)
    standing = await registry.standing(VO, ANNA)
    assert standing is not None
    assert member.attributes == held.attributes == standing.attributes == (own, of_group)
    await registry.unset_attribute(VO, uid, "nickname")
    await registry.unset_group_attribute(VO, f"/{VO}/bio", "quota")
    assert (await registry.member(VO, uid)).attributes == ()


async def test_a_unique_value_has_one_holder(registry):
    anna, boris = await admitted(registry, "Anna"), await admitted(registry, "Boris")
    await registry.define_attribute(VO, AttributeClass("nickname", "", is_unique=True))
    await registry.set_attribute(VO, anna, "nickname", "x")
    await registry.set_attribute(VO, anna, "nickname", "x")
    with pytest.raises(ValueTaken):
        await registry.set_attribute(VO, boris, "nickname", "x")
    with pytest.raises(BadRequest, match="several members"):
        await registry.set_group_attribute(VO, f"/{VO}", "nickname", "x")


async def test_values_that_repeat_cannot_be_declared_unique(registry):
    await registry.define_attribute(VO, AttributeClass("nickname", "", is_unique=False))
    for name in ("Anna", "Boris"):
        await registry.set_attribute(VO, await admitted(registry, name), "nickname", "x")
    with pytest.raises(ValueTaken):
        await registry.define_attribute(VO, AttributeClass("nickname", "", is_unique=True))
    assert not (await registry.attribute_classes(VO))[0].is_unique


async def test_only_defined_attributes_have_values(registry):
    uid = await admitted(registry, "Anna")
    with pytest.raises(NoSuchAttribute):
        await registry.set_attribute(VO, uid, "nickname", "annie")
    with pytest.raises(InvalidName):
        await registry.define_attribute(VO, AttributeClass("nick name", "", is_unique=False))
    await registry.define_attribute(VO, AttributeClass("nickname", "", is_unique=False))
    for wrong in ("", "a\nb", "x" * 256):
        with pytest.raises(BadRequest):
            await registry.set_attribute(VO, uid, "nickname", wrong)
    await registry.set_attribute(VO, uid, "nickname", "annie")
    await registry.undefine_attribute(VO, "nickname")
    assert (await registry.member(VO, uid)).attributes == ()


async def test_a_vo_that_defines_roles_grants_no_others(registry):
    uid = await admitted(registry, "Anna")
    await registry.grant(VO, uid, RoleGrant(f"/{VO}", "anything"))
    await registry.define_role(VO, Role("vm_operator", "Starts machines"))
    with pytest.raises(UndefinedRole, match="vm_operator"):
        await registry.grant(VO, uid, RoleGrant(f"/{VO}", "whatever"))
    for role in ("vm_operator", "VO-Admin", "Group-Manager"):
        await registry.grant(VO, uid, RoleGrant(f"/{VO}", role))
    assert await registry.roles(VO) == [Role("vm_operator", "Starts machines")]
    await registry.undefine_role(VO, "vm_operator")
    with pytest.raises(NoSuchRole):
        await registry.undefine_role(VO, "vm_operator")


async def test_what_a_vo_says_of_itself(registry):
    profile = VoProfile("For\nclouds", "https://example.org", "vo@example.org", membership_days=365)
    assert (await registry.set_profile(VO, profile)).profile == profile
    assert (await registry.changes(0))[-1].details["membership_days"] == 365
    for wrong, field in (
        (replace(profile, homepage="javascript:alert(1)"), "homepage"),
        (replace(profile, contact="nobody"), "email"),
        (replace(profile, description="x" * 4001), "description"),
    ):
        with pytest.raises(BadRequest) as refused:
            await registry.set_profile(VO, wrong)
        assert refused.value.details["field"] == field


async def test_a_vo_with_members_is_not_removed(registry):
    uid = await admitted(registry, "Anna")
    with pytest.raises(HasMembers):
        await registry.remove_vo(VO)
    await registry.remove(VO, uid)
    await registry.remove_vo(VO)
    with pytest.raises(NoSuchVo):
        await registry.vo(VO)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("muller", ["Jürgen Müller"]),
        ("MÜLLER jur", ["Jürgen Müller"]),
        ("Mu\u0308ller", ["Jürgen Müller"]),
        ("길동", ["홍길동"]),
        ("\u1112\u1169\u11bc", ["홍길동"]),
        ("hong", ["홍길동"]),
        ("o=people", ["Anna"]),
        ("100%", ["Sale 100%"]),
        ("_", []),
        ("", ["Anna", "Jürgen Müller", "홍길동", "Sale 100%"]),
        ("müller nobody", []),
    ],
)
async def test_members_are_found_by_what_names_them_in_any_script(registry, text, found):
    await registry.add_member(VO, ANNA, name="Anna")
    await admitted(registry, "Jürgen Müller")
    await admitted(registry, "홍길동", login="hong")
    await admitted(registry, "Sale 100%")
    assert [each.name for each in (await registry.find_members(VO, Wanted(text))).members] == found


async def test_a_change_of_name_is_found_and_the_old_one_no_more(registry):
    uid = await admitted(registry, "Anna")
    await registry.update_person(uid, Details("Berta", email="b@example.org"))
    assert (await registry.find_members(VO, Wanted("anna"))).members == ()
    assert len((await registry.find_members(VO, Wanted("b@example"))).members) == 1


async def test_pages_join_without_gap_or_repetition(registry):
    names = [f"member {number}" for number in range(7)]
    for name in names:
        await admitted(registry, name)
    first = await registry.find_members(VO, limit=3)
    await registry.remove(VO, first.members[0].id)
    second = await registry.find_members(VO, limit=3, after=first.next)
    third = await registry.find_members(VO, limit=3, after=second.next)
    assert [each.name for page in (first, second, third) for each in page.members] == names
    assert third.next is None


async def test_members_are_filtered_by_state_group_and_role(registry):
    await registry.set_profile(VO, VoProfile(grace_days=7))
    await registry.add_group(VO, f"/{VO}/a")
    uids = {name: await admitted(registry, name) for name in ("active", "grace", "suspended", "expired")}
    await registry.set_until(VO, uids["grace"], NOW - DAY)
    await registry.set_until(VO, uids["expired"], NOW - 7 * DAY)
    await registry.suspend(VO, uids["suspended"], "audit")
    await registry.join(VO, uids["active"], f"/{VO}/a")
    await registry.grant(VO, uids["active"], RoleGrant(f"/{VO}/a", "admin"))
    await registry.join(VO, uids["grace"], f"/{VO}/a")

    async def names(**wanted: object) -> list[str]:
        page = await registry.find_members(VO, Wanted(**wanted))  # type: ignore[arg-type]
        return [each.name for each in page.members]

    for state in MemberState:
        assert await names(state=state) == [state.value]
    assert await names(group=f"/{VO}/a") == ["active", "grace"]
    assert await names(group=f"/{VO}/a", role="admin") == ["active"]
    assert await names(role="admin") == ["active"]
    assert await names(group=f"/{VO}", role="admin") == []
    assert await names(robot=True) == []


async def test_who_proves_two_credentials_links_them(registry):
    uid = await admitted(registry, "Anna")
    subject = Subject("https://idp.example.org", "anna")
    await registry.offer_link(uid, "a random token")
    known = await registry.redeem_link("a random token", subject)
    assert known.credential == subject
    person = await registry.person_of(subject)
    assert person is not None
    assert person.uid == uid
    with pytest.raises(LinkRefused):
        await registry.redeem_link("a random token", ANNA)


async def test_a_link_refuses_what_is_anothers_or_late_or_replaced(database_url):
    db = Database(database_url)
    now = NOW
    try:
        await upgrade(db, "federation")
        registry = Membership(db, lambda: now)
        await registry.create_vo(VO)
        uid = await admitted(registry, "Anna")
        await registry.add_person(Details("Boris"), [ANNA])
        await registry.offer_link(uid, "first")
        await registry.offer_link(uid, "second")
        with pytest.raises(LinkRefused):
            await registry.redeem_link("first", ANNA)
        with pytest.raises(CredentialTaken):
            await registry.redeem_link("second", ANNA)
        now += timedelta(minutes=15)
        with pytest.raises(LinkRefused):
            await registry.redeem_link("second", Subject("https://idp.example.org", "x"))
        assert "second" not in repr(await registry.changes(0))
    finally:
        db.close()
