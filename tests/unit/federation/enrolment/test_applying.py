"""The applicant's side: from the form to a proved address."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.support.enrolment import DRAFT
from tests.support.enrolment import office as an_office
from tests.support.schema import differences
from tests.support.voms import holder

from hansa.federation.enrolment import store
from hansa.federation.enrolment.errors import (
    AlreadyApplied,
    FormInvalid,
    LinkExpired,
    LinkInvalid,
    NoSuchApplication,
    NotNow,
    NotYours,
    TooOften,
)
from hansa.federation.enrolment.model import Kind, Purpose, State
from hansa.federation.enrolment.rules import parse_rules
from hansa.federation.enrolment.settings import EnrolmentSettings
from hansa.federation.membership.errors import AlreadyExists, NoSuchGroup, NoSuchMember, NoSuchVo
from hansa.federation.membership.model import Details


async def test_the_tables_are_what_the_store_believes(office):
    assert await differences(office.commons.database, store.metadata) == []


async def test_an_application_names_the_holder_of_the_certificate(office):
    made = await office.applied()
    assert made.credential == holder(office.user("Sangwan"))
    assert (made.vo, made.kind, made.state, made.person) == (office.vo, Kind.INITIAL, State.SUBMITTED, None)
    assert (made.name, made.email, made.login) == ("상완 Kim", "sangwan@example.org", "sangwan")
    assert made.expires == office.grid.now + timedelta(days=7)
    assert await office.enrolment.mine(await office.caller("Sangwan")) == [made]


async def test_the_letter_holds_a_link_and_nothing_that_the_applicant_wrote(office):
    await office.applied(given_name="Visit http://evil.example", surname="Now")
    (letter,) = await office.letters()
    assert "https://federation.example.org/join/confirm?code=" in letter.get_content()
    assert "evil" not in letter.as_string()


async def test_the_link_proves_the_address_once(office):
    made = await office.applied()
    code = await office.code(made.email)
    assert (await office.enrolment.look(code, Purpose.CONFIRM)).application == made.id
    assert (await office.enrolment.application(await office.caller("Sangwan"), made.id)).state is State.SUBMITTED
    assert (await office.enrolment.confirm(code)).state is State.MAIL_VERIFIED
    with pytest.raises(LinkExpired, match="used already"):
        await office.enrolment.confirm(code)


async def test_administrators_hear_of_it_when_the_address_is_proved_and_not_before(office):
    await office.member("Boss", "VO-Admin")
    await office.member("Nobody")
    await office.applied()
    assert await office.subjects("boss@example.org") == []
    await office.enrolment.confirm(await office.code("sangwan@example.org"))
    assert await office.subjects("boss@example.org") == [f"{office.vo}: application 1 waits for your decision"]
    assert (await office.subjects("sangwan@example.org"))[0] == f"Your application for {office.vo} was received"
    assert await office.subjects("nobody@example.org") == []


async def test_a_flood_of_applications_is_no_flood_of_letters(office):
    await office.member("Boss", "VO-Admin")
    for number in range(30):
        await office.confirmed(f"User{number}")
    assert len(await office.subjects("boss@example.org")) == 20


@pytest.mark.parametrize("code", ["", "x", "x" * 200, "\ud800"])
async def test_a_made_up_link_is_none(office, code):
    await office.applied()
    with pytest.raises(LinkInvalid):
        await office.enrolment.confirm(code)


async def test_a_link_is_for_its_purpose_alone(office):
    made = await office.applied()
    with pytest.raises(LinkInvalid):
        await office.enrolment.decline(await office.code(made.email))


async def test_a_link_ends_with_its_time(office):
    made = await office.applied()
    code = await office.code(made.email)
    office.grid.now += timedelta(days=7)
    with pytest.raises(LinkExpired, match="too old"):
        await office.enrolment.confirm(code)


async def test_another_letter_replaces_the_first_and_may_go_to_another_address(office):
    made = await office.applied(email="sangwna@example.org")
    caller, first = await office.caller("Sangwan"), await office.code("sangwna@example.org")
    with pytest.raises(TooOften):
        await office.enrolment.resend(caller, made.id)
    office.grid.now += timedelta(minutes=2)
    found = await office.enrolment.resend(caller, made.id, "sangwan@example.org")
    assert found.email == "sangwan@example.org"
    with pytest.raises(LinkExpired):
        await office.enrolment.confirm(first)
    assert (await office.enrolment.confirm(await office.code("sangwan@example.org"))).state is State.MAIL_VERIFIED


async def test_letters_for_one_application_are_counted(office):
    made, caller = await office.applied(), await office.caller("Sangwan")
    for _ in range(4):
        office.grid.now += timedelta(hours=6)
        await office.enrolment.resend(caller, made.id)
    office.grid.now += timedelta(hours=6)
    with pytest.raises(TooOften, match="No more letters"):
        await office.enrolment.resend(caller, made.id)


async def test_nobodys_mailbox_is_filled_through_us(office):
    for number in range(10):
        await office.applied(f"User{number}", email="victim@example.org")
    with pytest.raises(TooOften, match="this address"):
        await office.applied("User10", email="victim@example.org")
    assert len(await office.letters("victim@example.org")) == 10


async def test_one_credential_applies_so_often_a_day(office):
    caller = await office.caller("Sangwan")
    for number in range(10):
        made = await office.applied(email=f"user{number}@example.org")
        await office.enrolment.withdraw(caller, made.id)
    with pytest.raises(TooOften, match="tomorrow"):
        await office.applied()
    office.grid.now += timedelta(days=1, seconds=1)
    await office.applied()


async def test_there_is_one_open_application_of_a_person_and_vo(office):
    first = await office.applied()
    with pytest.raises(AlreadyApplied) as refused:
        await office.applied(login="another")
    assert refused.value.details["application"] == first.id
    await office.enrolment.withdraw(await office.caller("Sangwan"), first.id)
    assert (await office.applied()).id != first.id


async def test_of_applications_at_the_same_moment_one_is_taken(office):
    results = await asyncio.gather(*(office.applied() for _ in range(4)), return_exceptions=True)
    assert sum(isinstance(each, AlreadyApplied) for each in results) == 3
    assert len(await office.enrolment.mine(await office.caller("Sangwan"))) == 1


async def test_a_login_belongs_to_one(office):
    await office.applied("Alice", login="same")
    with pytest.raises(FormInvalid) as refused:
        await office.applied("Bob", login="same")
    assert refused.value.details["fields"] == {"login": "This login is taken; choose another."}
    person = await office.commons.registry.add_person(Details("Carol", login="carol"))
    with pytest.raises(FormInvalid, match="taken"):
        await office.applied("Bob", login=person.login)


async def test_a_withdrawn_application_frees_its_login_and_forgets_its_password(office):
    made = await office.applied("Alice", login="same")
    assert await office.commons.database.read(lambda c: store.password(c, made.id)) is not None
    await office.enrolment.withdraw(await office.caller("Alice"), made.id)
    assert await office.commons.database.read(lambda c: store.password(c, made.id)) is None
    await office.applied("Bob", login="same")


async def test_no_password_stands_in_the_database_or_in_a_repr(office):
    made = await office.applied()
    hashed = await office.commons.database.read(lambda c: store.password(c, made.id))
    assert hashed is not None
    assert hashed.startswith("$argon2id$")
    assert DRAFT.password not in repr(DRAFT)


async def test_strangers_see_and_change_nothing(office):
    made, eve = await office.applied(), await office.caller("Eve")
    office.grid.now += timedelta(hours=1)
    for call in (
        office.enrolment.application(eve, made.id),
        office.enrolment.withdraw(eve, made.id),
        office.enrolment.resend(eve, made.id, "eve@example.org"),
        office.enrolment.approve(eve, made.id),
        office.enrolment.reject(eve, made.id, "no"),
        office.enrolment.link(eve, made.id),
    ):
        with pytest.raises(NoSuchApplication):
            await call
    with pytest.raises(NotYours):
        await office.enrolment.listed(eve, office.vo)
    assert await office.enrolment.mine(eve) == []


async def test_only_the_applicant_withdraws_and_asks_for_letters(office):
    await office.member("Boss", "VO-Admin")
    made, boss = await office.applied(), await office.caller("Boss")
    for call in (office.enrolment.withdraw(boss, made.id), office.enrolment.resend(boss, made.id)):
        with pytest.raises(NotYours, match="Only the applicant"):
            await call


async def test_a_confirmed_address_needs_no_more_letters(office):
    made = await office.confirmed()
    with pytest.raises(NotNow):
        await office.enrolment.resend(await office.caller("Sangwan"), made.id)


async def test_an_address_that_the_registry_knows_is_not_asked_for_again(office):
    person = Details("Alice", email="alice@example.org", email_verified=True)
    await office.commons.registry.add_person(person, [holder(office.user("Alice"))])
    assert (await office.applied("Alice")).state is State.MAIL_VERIFIED
    await office.enrolment.withdraw(await office.caller("Alice"), 1)
    assert (await office.applied("Alice", email="other@example.org")).state is State.SUBMITTED


async def test_a_member_applies_for_groups_and_strangers_do_not(office):
    await office.member("Boss", "VO-Admin", "bio/Group-Manager")
    await office.member("Alice")
    group, draft = f"/{office.vo}/bio", replace(DRAFT, email="alice@example.org")
    alice = await office.caller("Alice")
    with pytest.raises(AlreadyExists):
        await office.applied("Alice")
    with pytest.raises(NoSuchGroup):
        await office.enrolment.apply(alice, office.vo, draft, group=f"{group}/none")
    with pytest.raises(NoSuchMember):
        await office.enrolment.apply(await office.caller("Eve"), office.vo, draft, group=group)
    made, _ = await office.enrolment.apply(alice, office.vo, draft, group=group)
    assert (made.kind, made.group, made.state) == (Kind.GROUP, group, State.MAIL_VERIFIED)


async def test_there_is_no_application_to_what_is_not_there(office):
    caller = await office.caller("Sangwan")
    with pytest.raises(NoSuchVo):
        await office.enrolment.apply(caller, "nowhere.example.org", DRAFT)


async def test_one_person_with_two_certificates_is_offered_a_link_and_decides(office):
    uid = await office.member("Alice")
    made = await office.confirmed("Alice2", email="alice@example.org")
    assert made.same_as == uid
    old, new = await office.caller("Alice"), await office.caller("Alice2")
    with pytest.raises(NoSuchApplication):
        await office.enrolment.link(new, made.id)  # a mailbox is not enough: show the old certificate
    with pytest.raises(NoSuchApplication):
        await office.enrolment.link(await office.caller("Eve"), made.id)
    assert (await office.enrolment.link(old, made.id)).state is State.WITHDRAWN  # a member already
    person = (await office.caller("Alice2")).person
    assert person is not None
    assert person.uid == uid


async def test_linking_joins_an_application_to_a_person_of_another_vo(office):
    person = Details("Alice", email="alice@example.org", email_verified=True)
    known = await office.commons.registry.add_person(person, [holder(office.user("Alice"))])
    made = await office.confirmed("Alice2", email="alice@example.org")
    linked = await office.enrolment.link(await office.caller("Alice"), made.id)
    assert (linked.state, linked.person) == (State.MAIL_VERIFIED, known.uid)


async def test_an_unproved_address_tells_nothing_about_others(office):
    await office.member("Alice")
    assert (await office.applied("Eve", email="alice@example.org")).same_as is None


@pytest.mark.parametrize(
    ("email", "issuers", "state"),
    [
        ("sangwan@example.org", [], State.APPROVED),
        ("sangwan@example.net", [], State.MAIL_VERIFIED),
        ("sangwan@sub.example.org", [], State.MAIL_VERIFIED),
        ("sangwan@example.org", ["/DC=org/DC=example/CN=Example Grid CA"], State.APPROVED),
        ("sangwan@example.org", ["/DC=org/DC=example/CN=Another CA"], State.MAIL_VERIFIED),
    ],
)
async def test_a_vos_rule_lets_proved_addresses_in(office, email, issuers, state):
    await office.member("Boss", "VO-Admin")
    rules = parse_rules({"auto_approve": {"domains": ["Example.org"], "issuers": issuers}})
    await office.enrolment.set_rules(await office.caller("Boss"), office.vo, rules)
    made = await office.confirmed(email=email)
    assert (made.state, made.decided_by) == (state, "rule" if state is State.APPROVED else "")


async def test_rates_are_limited_in_memory_too(database_url, grid):
    async with an_office(database_url, grid, EnrolmentSettings(applications_per_day=1000)) as office:
        office.enrolment._rates._monotonic = lambda: 0.0
        for _ in range(20):
            made = await office.applied()
            await office.enrolment.withdraw(await office.caller("Sangwan"), made.id)
            office.grid.now += timedelta(days=1)
        with pytest.raises(TooOften, match="wait a minute"):
            await office.applied()
