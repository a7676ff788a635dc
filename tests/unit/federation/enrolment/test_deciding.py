"""The managers' side: who may decide on what, and what a decision does."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.support.enrolment import DRAFT
from tests.support.voms import holder

from hansa.base.errors import BadRequest
from hansa.federation.enrolment.errors import NotNow, NotYours
from hansa.federation.enrolment.model import State
from hansa.federation.enrolment.rules import Rules
from hansa.federation.membership.errors import AlreadyExists
from hansa.federation.membership.model import Details, MemberState, VoProfile


async def test_an_approval_makes_a_member_with_an_end(office):
    boss = await office.member("Boss", "VO-Admin")
    await office.commons.registry.set_profile(office.vo, VoProfile(membership_days=365))
    made = await office.confirmed()
    done = await office.enrolment.approve(await office.caller("Boss"), made.id)
    assert (done.state, done.decided_by) == (State.APPROVED, boss)
    caller = await office.caller("Sangwan")
    assert caller.person is not None
    assert (caller.person.uid, caller.person.email_verified, caller.person.login) == (done.person, True, "sangwan")
    assert (caller.person.given_name, caller.person.family_name, caller.person.name) == ("상완", "Kim", "상완 Kim")
    (held,) = caller.held
    assert (held.vo, held.state, held.until) == (office.vo, MemberState.ACTIVE, office.grid.now + timedelta(days=365))
    assert await office.commons.registry.check_password("sangwan", DRAFT.password.encode()) == caller.person
    assert (await office.subjects("sangwan@example.org"))[0] == f"Your application for {office.vo} was approved"
    changes = await office.commons.registry.changes(0)
    assert {each.actor for each in changes if each.person == done.person} == {boss}


async def test_a_rejection_tells_the_reason(office):
    await office.member("Boss", "VO-Admin")
    boss, made = await office.caller("Boss"), await office.applied()
    with pytest.raises(BadRequest, match="reason"):
        await office.enrolment.reject(boss, made.id, "  ")
    done = await office.enrolment.reject(boss, made.id, "Not one of ours.")
    assert (done.state, done.reason) == (State.REJECTED, "Not one of ours.")
    (letter, *_) = await office.letters("sangwan@example.org")
    assert "> Not one of ours." in letter.get_content()
    assert (await office.caller("Sangwan")).person is None


async def test_an_unproved_address_is_not_approved(office):
    await office.member("Boss", "VO-Admin")
    made = await office.applied()
    with pytest.raises(NotNow, match="not confirmed"):
        await office.enrolment.approve(await office.caller("Boss"), made.id)


async def test_what_is_decided_stays_decided(office):
    await office.member("Boss", "VO-Admin")
    boss, made = await office.caller("Boss"), await office.confirmed()
    await office.enrolment.reject(boss, made.id, "no")
    with pytest.raises(NotNow):
        await office.enrolment.approve(boss, made.id)
    with pytest.raises(NotNow):
        await office.enrolment.withdraw(await office.caller("Sangwan"), made.id)


async def test_of_two_who_decide_at_once_one_does(office):
    await office.member("Boss", "VO-Admin")
    boss, made = await office.caller("Boss"), await office.confirmed()
    results = await asyncio.gather(
        office.enrolment.approve(boss, made.id),
        office.enrolment.reject(boss, made.id, "no"),
        office.enrolment.approve(boss, made.id),
        return_exceptions=True,
    )
    assert sum(isinstance(each, NotNow) for each in results) == 2


async def test_nobody_decides_on_their_own(office):
    await office.member("Boss", "VO-Admin", until=timedelta(days=10))
    boss = await office.caller("Boss")
    made, _ = await office.enrolment.apply(
        boss, office.vo, replace(DRAFT, email="boss@example.org", login=""), renewal=True
    )
    for call in (office.enrolment.approve(boss, made.id), office.enrolment.reject(boss, made.id, "no")):
        with pytest.raises(NotYours, match="of their own"):
            await call
    await office.member("Other", "VO-Admin")
    assert (await office.enrolment.approve(await office.caller("Other"), made.id)).state is State.APPROVED


async def test_an_operator_does_not_let_themselves_in(office):
    made = await office.confirmed("Operator")
    with pytest.raises(NotYours):
        await office.enrolment.approve(await office.caller("Operator"), made.id)


async def test_a_groups_manager_decides_on_that_group_and_those_below(office):
    await office.member("Boss", "VO-Admin", "bio/x", "bio/sub/x", "chem/x")
    await office.member("Manager", "bio/Group-Manager")
    await office.member("Alice")
    vo, manager, alice = office.vo, await office.caller("Manager"), await office.caller("Alice")
    draft = replace(DRAFT, email="alice@example.org")
    numbers = {}
    for group in (f"/{vo}/bio", f"/{vo}/bio/sub", f"/{vo}/chem"):
        numbers[group] = (await office.enrolment.apply(alice, vo, draft, group=group))[0].id
    other = (await office.confirmed()).id
    page = await office.enrolment.listed(manager, vo)
    assert [each.group for each in page.items] == [f"/{vo}/bio/sub", f"/{vo}/bio"]
    for number in (numbers[f"/{vo}/bio"], numbers[f"/{vo}/bio/sub"]):
        await office.enrolment.approve(manager, number)
    for number in (numbers[f"/{vo}/chem"], other):
        with pytest.raises(Exception, match="that you may see"):
            await office.enrolment.approve(manager, number)
    assert set((await office.caller("Alice")).held[0].groups) == {f"/{vo}", f"/{vo}/bio", f"/{vo}/bio/sub"}
    assert len(await office.subjects("manager@example.org")) == 2


async def test_an_administrator_whose_membership_ended_decides_nothing(office):
    await office.member("Boss", "VO-Admin", until=timedelta(days=1))
    made = await office.confirmed()
    office.grid.now += timedelta(days=2)
    with pytest.raises(Exception, match="that you may see"):
        await office.enrolment.approve(await office.caller("Boss"), made.id)


async def test_another_vos_administrator_decides_nothing(office):
    await office.commons.registry.create_vo("other.example.org")
    person = await office.commons.registry.add_person(Details("Eve"), [holder(office.user("Eve"))])
    await office.commons.registry.admit("other.example.org", person.uid)
    made = await office.confirmed()
    with pytest.raises(Exception, match="that you may see"):
        await office.enrolment.approve(await office.caller("Eve"), made.id)


async def test_somebody_who_became_a_member_meanwhile_is_no_second_one(office):
    await office.member("Boss", "VO-Admin")
    made = await office.confirmed()
    await office.commons.registry.add_member(office.vo, holder(office.user("Sangwan")), name="Sangwan")
    with pytest.raises(AlreadyExists):
        await office.enrolment.approve(await office.caller("Boss"), made.id)
    assert (await office.enrolment.application(await office.caller("Boss"), made.id)).state is State.MAIL_VERIFIED


async def test_a_login_that_was_taken_since_then_is_left_out(office):
    await office.member("Boss", "VO-Admin")
    made = await office.confirmed()
    await office.commons.registry.add_person(Details("Another", login="sangwan"))
    await office.enrolment.approve(await office.caller("Boss"), made.id)
    person = (await office.caller("Sangwan")).person
    assert person is not None
    assert person.login is None
    assert await office.commons.registry.check_password("sangwan", DRAFT.password.encode()) is None


async def test_rules_are_the_administrators(office):
    await office.member("Boss", "VO-Admin")
    await office.member("Manager", "bio/Group-Manager")
    rules = Rules(decide_days=30)
    with pytest.raises(NotYours):
        await office.enrolment.set_rules(await office.caller("Manager"), office.vo, rules)
    await office.enrolment.set_rules(await office.caller("Boss"), office.vo, rules)
    assert await office.enrolment.rules(office.vo) == rules
    made = await office.confirmed()
    assert made.expires == office.grid.now + timedelta(days=30)


async def test_the_queue_is_searched_and_paged(office):
    await office.member("Boss", "VO-Admin")
    boss = await office.caller("Boss")
    for number in range(7):
        await office.applied(f"User{number}", given_name="Müller" if number % 2 else "Kim")
    first = await office.enrolment.listed(boss, office.vo, limit=3)
    second = await office.enrolment.listed(boss, office.vo, limit=3, after=first.after)
    third = await office.enrolment.listed(boss, office.vo, limit=3, after=second.after)
    assert [each.id for page in (first, second, third) for each in page.items] == [7, 6, 5, 4, 3, 2, 1]
    assert third.after is None
    found = await office.enrolment.listed(boss, office.vo, search="MULLER example.org")
    assert [each.id for each in found.items] == [6, 4, 2]
    assert (await office.enrolment.listed(boss, office.vo, search="100%_")).items == ()
    assert (await office.enrolment.listed(boss, office.vo, state=State.APPROVED)).items == ()
    assert len((await office.enrolment.listed(boss, office.vo, state=State.SUBMITTED)).items) == 7
