"""Persons: who they are, what they prove it with, and the history of it all."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from hansa.base.database import Database
from hansa.base.errors import BadRequest
from hansa.base.migrations import upgrade
from hansa.federation.membership import joining, persons
from hansa.federation.membership.act import Act
from hansa.federation.membership.errors import AlreadyExists, CredentialTaken, NoSuchCredential, NoSuchPerson
from hansa.federation.membership.model import Credential, Details, MemberState, Subject
from hansa.federation.membership.service import Membership
from hansa.standards.x509 import Name

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
VO = "fedcloud.egi.eu"
CA = Name.parse("/DC=org/CN=Test CA")
ANNA = Credential(Name.parse("/DC=org/O=people/CN=Anna"), CA)
ANNA_OIDC = Subject("https://idp.example.org", "248289761001")


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


async def test_a_person_has_a_uid_of_their_own(registry):
    anna = await registry.add_person(Details("Anna"), [ANNA, ANNA_OIDC])
    other = await registry.add_person(Details("Anna"))
    assert UUID(anna.uid).version == 4
    assert anna.uid != other.uid
    assert (
        await registry.person_of(ANNA) == await registry.person_of(ANNA_OIDC) == await registry.person(anna.uid) == anna
    )


async def test_a_stranger_is_nobody(registry):
    assert await registry.person_of(ANNA) is None
    with pytest.raises(NoSuchPerson):
        await registry.person("6f9619ff-8b86-4011-b42d-00c04fc964ff")
    assert await registry.memberships_of("6f9619ff-8b86-4011-b42d-00c04fc964ff") == ()


async def test_names_are_kept_in_composed_form(registry):
    decomposed = "\u1100\u1161\u11bc Mu\u0308ller"
    assert (await registry.add_person(Details(f"  {decomposed} "))).name == "강 Müller"


@pytest.mark.parametrize(
    ("details", "field"),
    [
        (Details(" "), "name"),
        (Details("A\nB"), "name"),
        (Details("A\u202eB"), "name"),
        (Details("x" * 201), "name"),
        (Details("A", email="nowhere"), "email"),
        (Details("A", email="a@b.org\r\nBcc: c@d.org"), "email"),
        (Details("A", email="a@b.org,c@d.org"), "email"),
        (Details("A", login="Anna"), "login"),
        (Details("A", login="1anna"), "login"),
        (Details("A", login=""), "login"),
        (Details("A", locale="ko_KR"), "locale"),
    ],
)
async def test_what_cannot_stand_is_refused_by_its_field(registry, details, field):
    with pytest.raises(BadRequest) as refused:
        await registry.add_person(details)
    assert refused.value.details["field"] == field


async def test_a_login_is_taken_once(registry):
    await registry.add_person(Details("Anna", login="anna"))
    other = await registry.add_person(Details("Other"))
    with pytest.raises(AlreadyExists, match="taken"):
        await registry.update_person(other.uid, Details("Other", login="anna"))


async def test_an_issuer_is_a_uri_so_that_no_subject_looks_like_a_certificate(registry):
    anna = await registry.add_person(Details("Anna"), [ANNA])
    with pytest.raises(BadRequest, match="URI"):
        await registry.link(anna.uid, Subject(ANNA.issuer.rfc4514(), ANNA.subject.rfc4514()))


async def test_a_credential_belongs_to_one_person(registry):
    await registry.add_person(Details("Anna"), [ANNA_OIDC])
    other = await registry.add_person(Details("Other"))
    with pytest.raises(CredentialTaken):
        await registry.link(other.uid, ANNA_OIDC)
    with pytest.raises(NoSuchCredential):
        await registry.unlink(other.uid, 1)


async def test_a_suspended_credential_is_nobodys_and_the_others_go_on(registry):
    anna = await registry.add_person(Details("Anna"), [ANNA, ANNA_OIDC])
    await registry.admit(VO, anna.uid)
    first, _ = await registry.credentials(anna.uid)
    await registry.suspend_credential(anna.uid, first.id, "key lost")
    assert await registry.person_of(ANNA) is None
    assert await registry.person_of(ANNA_OIDC) == anna
    standing = await registry.standing(VO, ANNA)
    assert standing is not None
    assert standing.credential_suspended == "key lost"
    member = await registry.member(VO, anna.uid)
    assert (member.credentials, member.subjects) == ((), (ANNA_OIDC,))
    await registry.restore_credential(anna.uid, first.id)
    assert await registry.person_of(ANNA) == anna


async def test_a_password_logs_in_its_person_alone(registry):
    anna = await registry.add_person(Details("Anna", login="anna"))
    await registry.add_person(Details("Boris", login="boris"))
    await registry.set_password(anna.uid, b"correct horse")
    assert await registry.check_password("anna", b"correct horse") == anna
    assert await registry.check_password("anna", b"wrong horse") is None
    assert await registry.check_password("boris", b"correct horse") is None
    assert await registry.check_password("nobody", b"correct horse") is None
    await registry.set_password(anna.uid, None)
    assert await registry.check_password("anna", b"correct horse") is None
    with pytest.raises(BadRequest):
        await registry.set_password(anna.uid, b"short")


async def test_the_hash_appears_in_no_value(registry):
    anna = await registry.add_person(Details("Anna", login="anna"))
    await registry.set_password(anna.uid, b"correct horse")
    assert "argon2" not in repr((await registry.person(anna.uid), await registry.changes(0)))


async def test_memberships_of_a_person_tell_their_state(registry):
    await registry.create_vo("ops")
    await registry.create_vo("old")
    anna = await registry.add_person(Details("Anna"))
    await registry.admit(VO, anna.uid)
    await registry.admit("ops", anna.uid)
    await registry.admit("old", anna.uid, until=NOW - timedelta(days=1))
    await registry.suspend("ops", anna.uid, "audit")
    held = await registry.memberships_of(anna.uid)
    assert [(each.vo, each.state, each.current) for each in held] == [
        (VO, MemberState.ACTIVE, True),
        ("old", MemberState.EXPIRED, False),
        ("ops", MemberState.SUSPENDED, False),
    ]


async def test_another_room_admits_in_a_transaction_of_its_own(registry, database):
    def admit(connection):
        act = Act(connection, NOW, "enrolment")
        person = persons.create(act, Details("Anna"), [ANNA])
        return joining.admit(act, VO, person.uid)

    member = await database.write(admit)
    assert (await registry.members(VO)) == [member]
    with pytest.raises(AlreadyExists):
        await registry.admit(VO, member.person.uid)


async def test_a_removed_member_stays_the_same_person(registry):
    anna = await registry.add_person(Details("Anna"), [ANNA])
    await registry.admit(VO, anna.uid)
    await registry.remove(VO, anna.uid)
    assert (await registry.add_member(VO, ANNA, name="Anna")).person.uid == anna.uid


async def test_only_who_is_in_no_vo_can_be_erased(registry):
    anna = await registry.add_person(Details("Anna"), [ANNA])
    await registry.admit(VO, anna.uid)
    with pytest.raises(AlreadyExists):
        await registry.erase_person(anna.uid)
    await registry.remove(VO, anna.uid)
    await registry.erase_person(anna.uid)
    assert await registry.person_of(ANNA) is None


async def test_every_change_is_in_the_history_with_its_actor(registry):
    anna = await registry.add_person(Details("Anna"), [ANNA], actor="boss")
    await registry.admit(VO, anna.uid, actor="boss")
    await registry.add_group(VO, f"/{VO}/a", actor="boss")
    await registry.join(VO, anna.uid, f"/{VO}/a", actor="boss")
    await registry.link(anna.uid, ANNA_OIDC, actor=anna.uid)
    await registry.remove(VO, anna.uid, actor="boss")
    history = await registry.changes(0)
    assert [(each.event, each.actor, each.vo) for each in history] == [
        ("vo.created", "system", VO),
        ("person.added", "boss", None),
        ("credential.added", "boss", None),
        ("member.added", "boss", VO),
        ("group.added", "boss", VO),
        ("group.joined", "boss", VO),
        ("credential.added", anna.uid, VO),
        ("member.removed", "boss", VO),
    ]
    assert history[-1].seq == await registry.latest_change()
    assert await registry.changes(history[-3].seq) == history[-2:]
    assert {each.person for each in await registry.changes(0, person=anna.uid)} == {anna.uid}


async def test_a_refused_change_leaves_no_trace(registry):
    before = await registry.latest_change()
    with pytest.raises(NoSuchPerson):
        await registry.admit(VO, "nobody")
    assert await registry.latest_change() == before
