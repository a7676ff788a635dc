"""Who belongs to a VO, and what the registry refuses."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from tests.support.schema import differences

from hansa.base.database import Database
from hansa.base.errors import BadRequest
from hansa.base.migrations import migrate, upgrade
from hansa.federation.membership import store
from hansa.federation.membership.errors import (
    AlreadyExists,
    CredentialTaken,
    InvalidName,
    NoSuchGroup,
    NoSuchMember,
    NoSuchRole,
    NoSuchVo,
    RootGroup,
)
from hansa.federation.membership.model import Credential, IssuedAc, MemberState, RoleGrant
from hansa.federation.membership.service import Membership
from hansa.standards.x509 import Name

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
VO = "fedcloud.egi.eu"
CA = Name.parse("/DC=org/CN=Test CA")
OTHER_CA = Name.parse("/DC=org/CN=Other CA")
ANNA = Credential(Name.parse("/DC=org/O=people/CN=Anna"), CA)
BORIS = Credential(Name.parse("/DC=org/O=people/CN=Boris, Jr."), CA)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    db = Database(database_url)
    await upgrade(db, "federation")
    yield db
    db.close()


@pytest.fixture
async def registry(database: Database) -> Membership:
    registry = Membership(database, lambda: NOW)
    await registry.create_vo(VO)
    return registry


async def anna(registry: Membership) -> int:
    return (await registry.add_member(VO, ANNA, name="Anna")).id


async def test_the_migration_makes_the_tables_the_store_believes_in(database):
    assert await differences(database, store.metadata) == []


async def test_a_new_member_is_active_and_in_the_vos_own_group(registry):
    member = await registry.add_member(VO, ANNA, name=" Anna ", email="anna@example.org")
    assert (member.vo, member.name, member.email, member.state) == (VO, "Anna", "anna@example.org", MemberState.ACTIVE)
    assert member.credentials == (ANNA,)
    assert member.groups == (f"/{VO}",)
    assert member.since == NOW
    assert [vo.members for vo in await registry.vos()] == [1]


async def test_a_vo_is_made_once(registry):
    with pytest.raises(AlreadyExists):
        await registry.create_vo(VO)


@pytest.mark.parametrize("name", ["", "a/b", "../x", "vo with space", "-vo", "vo\n", "é", "x" * 64])
async def test_a_vo_whose_name_cannot_stand_in_a_fqan_is_refused(registry, name):
    with pytest.raises(InvalidName):
        await registry.create_vo(name)


async def test_an_unknown_vo_is_named(registry):
    with pytest.raises(NoSuchVo, match="There is no VO atlas"):
        await registry.members("atlas")


async def test_the_same_certificate_joins_a_vo_once(registry):
    await anna(registry)
    with pytest.raises(AlreadyExists):
        await anna(registry)


async def test_one_person_in_two_vos(registry):
    await registry.create_vo("ops")
    await anna(registry)
    await registry.add_member("ops", ANNA, name="Somebody else")
    assert (await registry.member("ops", ANNA.subject)).name == "Anna"
    await registry.remove(VO, ANNA.subject)
    assert (await registry.member("ops", ANNA.subject)).credentials == (ANNA,)
    assert await registry.standing(VO, ANNA) is None


async def test_the_same_subject_of_another_authority_is_a_stranger(registry):
    await anna(registry)
    impostor = Credential(ANNA.subject, OTHER_CA)
    assert await registry.standing(VO, impostor) is None
    await registry.add_member(VO, impostor, name="Impostor")
    with pytest.raises(BadRequest, match="Several members"):
        await registry.member(VO, ANNA.subject)


async def test_a_second_certificate_is_the_same_member(registry):
    await anna(registry)
    second = Credential(Name.parse("/DC=net/CN=Anna"), OTHER_CA)
    member = await registry.add_credential(VO, ANNA.subject, second)
    assert member.credentials == (ANNA, second)
    assert await registry.standing(VO, second) == await registry.standing(VO, ANNA)


async def test_a_certificate_of_somebody_else_cannot_be_added(registry):
    await anna(registry)
    await registry.add_member(VO, BORIS, name="Boris")
    with pytest.raises(CredentialTaken):
        await registry.add_credential(VO, ANNA.subject, BORIS)


async def test_suspension_shows_its_reason_until_restored(registry):
    number = await anna(registry)
    await registry.suspend(VO, number, "AUP not signed")
    standing = await registry.standing(VO, ANNA)
    assert standing is not None
    assert (standing.state, standing.reason) == (MemberState.SUSPENDED, "AUP not signed")
    assert (await registry.restore(VO, number)).reason == ""
    with pytest.raises(BadRequest, match="reason"):
        await registry.suspend(VO, number, " ")


async def test_a_removed_member_is_gone_with_groups_and_roles_and_may_come_back(registry):
    number = await anna(registry)
    await registry.add_group(VO, f"/{VO}/bio")
    await registry.join(VO, number, f"/{VO}/bio")
    await registry.grant(VO, number, RoleGrant(f"/{VO}/bio", "admin"))
    await registry.remove(VO, number)
    with pytest.raises(NoSuchMember):
        await registry.member(VO, number)
    again = await registry.add_member(VO, ANNA, name="Anna")
    assert (again.groups, again.roles) == ((f"/{VO}",), ())


async def test_a_member_of_another_vo_is_no_member(registry):
    await registry.create_vo("ops")
    number = await anna(registry)
    with pytest.raises(NoSuchMember):
        await registry.member("ops", number)


async def test_joining_a_group_joins_those_above(registry):
    number = await anna(registry)
    await registry.add_group(VO, f"/{VO}/bio")
    await registry.add_group(VO, f"/{VO}/bio/genome")
    member = await registry.join(VO, number, f"/{VO}/bio/genome")
    assert member.groups == (f"/{VO}", f"/{VO}/bio", f"/{VO}/bio/genome")
    with pytest.raises(AlreadyExists):
        await registry.join(VO, number, f"/{VO}/bio")


async def test_leaving_a_group_leaves_those_below_and_their_roles(registry):
    number = await anna(registry)
    for path in (f"/{VO}/bio", f"/{VO}/bio/genome", f"/{VO}/bio_other"):
        await registry.add_group(VO, path)
        await registry.join(VO, number, path)
    await registry.grant(VO, number, RoleGrant(f"/{VO}/bio/genome", "admin"))
    member = await registry.leave(VO, number, f"/{VO}/bio")
    assert member.groups == (f"/{VO}", f"/{VO}/bio_other")
    assert member.roles == ()
    with pytest.raises(NoSuchGroup):
        await registry.leave(VO, number, f"/{VO}/bio")


@pytest.mark.parametrize(
    "path", ["bio", "/other/bio", f"/{VO}/", f"/{VO}/a//b", f"/{VO}/a b", f"/{VO}/Role=x", f"/{VO}" + "/a" * 11]
)
async def test_a_group_whose_name_cannot_stand_in_a_fqan_is_refused(registry, path):
    with pytest.raises(InvalidName):
        await registry.add_group(VO, path)


async def test_a_group_needs_the_group_above(registry):
    with pytest.raises(NoSuchGroup, match=f"There is no group /{VO}/a."):
        await registry.add_group(VO, f"/{VO}/a/b")


async def test_removing_a_group_removes_those_below(registry):
    for path in (f"/{VO}/bio", f"/{VO}/bio/genome", f"/{VO}/bio_other"):
        await registry.add_group(VO, path)
    await registry.remove_group(VO, f"/{VO}/bio")
    assert await registry.groups(VO) == [f"/{VO}", f"/{VO}/bio_other"]


async def test_the_vos_own_group_stays(registry):
    await anna(registry)
    with pytest.raises(RootGroup):
        await registry.remove_group(VO, f"/{VO}")
    with pytest.raises(RootGroup):
        await registry.leave(VO, ANNA.subject, f"/{VO}")


async def test_a_role_needs_membership_of_its_group(registry):
    await anna(registry)
    await registry.add_group(VO, f"/{VO}/bio")
    with pytest.raises(NoSuchGroup, match="not in"):
        await registry.grant(VO, ANNA.subject, RoleGrant(f"/{VO}/bio", "admin"))


async def test_roles_are_granted_once_and_revoked(registry):
    await anna(registry)
    role = RoleGrant(f"/{VO}", "VO-Admin")
    assert (await registry.grant(VO, ANNA.subject, role)).roles == (role,)
    with pytest.raises(AlreadyExists):
        await registry.grant(VO, ANNA.subject, role)
    assert (await registry.revoke(VO, ANNA.subject, role)).roles == ()
    with pytest.raises(NoSuchRole):
        await registry.revoke(VO, ANNA.subject, role)


@pytest.mark.parametrize("role", ["", "NULL", "null", "a/b", "x y"])
async def test_a_role_whose_name_cannot_stand_in_a_fqan_is_refused(registry, role):
    await anna(registry)
    with pytest.raises(InvalidName):
        await registry.grant(VO, ANNA.subject, RoleGrant(f"/{VO}", role))


async def test_the_standing_holds_what_issuing_needs(registry):
    until = NOW + timedelta(days=30)
    await registry.add_member(VO, ANNA, name="Anna", until=until)
    await registry.add_group(VO, f"/{VO}/bio")
    await registry.join(VO, ANNA.subject, f"/{VO}/bio")
    await registry.grant(VO, ANNA.subject, RoleGrant(f"/{VO}/bio", "vm_operator"))
    standing = await registry.standing(VO, ANNA)
    assert standing is not None
    assert standing.until == until
    assert standing.groups == (f"/{VO}", f"/{VO}/bio")
    assert standing.roles == {RoleGrant(f"/{VO}/bio", "vm_operator")}


async def test_issued_acs_are_on_record_even_after_the_member_left(registry):
    await anna(registry)
    ac = IssuedAc(VO, 2**125 + 7, NOW, NOW + timedelta(hours=12), ANNA, (f"/{VO}",), "192.0.2.1", "rest")
    await registry.record(ac)
    await registry.remove(VO, ANNA.subject)
    assert await registry.issued(VO) == [ac]


async def test_hundreds_of_members_are_listed_in_order(registry):
    for number in range(30):
        await registry.add_member(VO, Credential(Name.parse(f"/DC=org/CN=user {number}"), CA), name=f"user {number}")
    assert [member.name for member in await registry.members(VO)] == [f"user {number}" for number in range(30)]


async def test_rows_of_the_first_release_become_persons_with_a_history(database_url):
    db = Database(database_url)
    try:
        await db.write(lambda c: migrate(c, "federation", "membership_0001"))
        await db.write(_first_rows)
        await upgrade(db, "federation")
        registry = Membership(db, lambda: NOW)
        member = await registry.member(VO, ANNA.subject)
        assert (member.name, member.credentials, member.person.login) == ("강 Anna", (ANNA,), None)
        assert UUID(member.person.uid).version == 4
        (change,) = await registry.changes(0)
        assert (change.event, change.vo, change.person, change.at) == ("member.added", VO, member.person.uid, NOW)
    finally:
        db.close()


def _first_rows(connection):
    for statement in (
        "INSERT INTO membership_vo (id, name, created) VALUES (1, 'fedcloud.egi.eu', '2026-11-20 12:00:00+00:00')",
        "INSERT INTO membership_person (id, name, email) VALUES (1, '\u1100\u1161\u11bc Anna', 'anna@example.org')",
        f"INSERT INTO membership_credential VALUES (1, 1, '{ANNA.subject.rfc4514()}', '{CA.rfc4514()}')",
        "INSERT INTO membership_member VALUES (1, 1, 1, 'active', '', '2026-11-20 12:00:00+00:00', NULL)",
    ):
        connection.exec_driver_sql(statement.replace("+00:00", "" if connection.dialect.name == "sqlite" else "+00:00"))
