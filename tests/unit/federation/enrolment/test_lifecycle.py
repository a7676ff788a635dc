"""What time does: reminders once each, ends and suspensions told, policies asked for; and what stops the reminding."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.support.enrolment import DRAFT

from hansa.federation.enrolment.errors import FormInvalid, LinkExpired, NoRenewal
from hansa.federation.enrolment.model import Kind, State
from hansa.federation.membership.model import VoProfile

DAY = timedelta(days=1)
PROFILE = VoProfile(membership_days=365, grace_days=7, removal_days=30, aup_grace_days=15)


@pytest.fixture(autouse=True)
async def terms(office):
    await office.commons.registry.set_profile(office.vo, PROFILE)
    await office.enrolment.sweep()  # the history begins here


async def held(office, name="Alice"):
    return next(iter((await office.caller(name)).held), None)


async def swept(office):
    """As the server does: the registry notes what time did, enrolment tells it."""
    while await office.commons.registry.sweep():
        pass
    return await office.enrolment.sweep()


async def test_an_unconfirmed_application_expires_and_its_applicant_hears_why(office):
    made = await office.applied()
    office.grid.now += 7 * DAY
    assert await swept(office) == 1
    assert (await office.enrolment.mine(await office.caller("Sangwan")))[0].state is State.EXPIRED
    (letter, *_) = await office.letters(made.email)
    assert "was not confirmed in time" in letter.get_content()
    assert await swept(office) == 0


async def test_an_undecided_application_expires_too(office):
    made = await office.confirmed()
    office.grid.now += 59 * DAY
    assert await swept(office) == 0
    office.grid.now += DAY
    assert await swept(office) == 1
    (letter, *_) = await office.letters(made.email)
    assert "Nobody decided" in letter.get_content()


async def test_reminders_come_30_15_7_and_1_days_before_the_end_and_at_it_once_each(office):
    await office.member("Alice", until=40 * DAY)
    days = []
    for day in range(45):
        before = len(await office.letters("alice@example.org"))
        await swept(office)
        await swept(office)
        days += [40 - day] * (len(await office.letters("alice@example.org")) - before)
        office.grid.now += DAY
    assert days == [30, 15, 7, 1, 0]
    subjects = await office.subjects("alice@example.org")
    assert subjects[0] == f"Your membership of {office.vo} has ended: last days to renew it"
    assert subjects[1] == f"Your membership of {office.vo} ends tomorrow"
    assert subjects[-1] == f"Your membership of {office.vo} ends in 30 days"


async def test_who_was_not_reminded_in_time_is_told_the_nearest_step_alone(office):
    await office.member("Alice", until=5 * DAY)
    await swept(office)
    assert await office.subjects("alice@example.org") == [f"Your membership of {office.vo} ends in 5 days"]


async def test_i_do_not_renew_ends_the_reminders_of_this_end(office):
    await office.member("Alice", until=30 * DAY)
    await swept(office)
    code = await office.code("alice@example.org")
    await office.enrolment.decline(code)
    with pytest.raises(LinkExpired):
        await office.enrolment.decline(code)
    for _ in range(29):
        office.grid.now += DAY
        await swept(office)
    assert len(await office.letters("alice@example.org")) == 1


async def test_who_has_asked_for_renewal_is_not_reminded(office):
    await office.member("Alice", until=20 * DAY)
    await renewal(office)
    await swept(office)
    assert not any("ends" in each for each in await office.subjects("alice@example.org"))


async def test_an_ended_membership_works_for_its_grace_is_told_and_then_removed(office):
    await office.member("Alice", until=DAY)
    office.grid.now += DAY
    await swept(office)
    found = await held(office)
    assert found is not None
    assert found.current
    office.grid.now += 7 * DAY
    await swept(office)
    found = await held(office)
    assert found is not None
    assert not found.current
    assert (await office.subjects("alice@example.org"))[0] == f"Your membership of {office.vo} has ended"
    office.grid.now += 30 * DAY
    await swept(office)
    assert await held(office) is None
    (letter, *_) = await office.letters("alice@example.org")
    assert letter["Subject"] == f"You are no longer a member of {office.vo}"
    assert "was not renewed" in letter.get_content()


async def test_a_suspension_is_told_with_its_reason_and_so_is_its_end(office):
    uid = await office.member("Alice")
    await office.commons.registry.suspend(office.vo, uid, "Lost key")
    await swept(office)
    (letter, *_) = await office.letters("alice@example.org")
    assert "> Lost key" in letter.get_content()
    await office.commons.registry.restore(office.vo, uid)
    await office.commons.registry.remove(office.vo, uid, actor="boss")
    await swept(office)
    assert (await office.subjects("alice@example.org"))[:2] == [
        f"You are no longer a member of {office.vo}",
        f"Your membership of {office.vo} is no longer suspended",
    ]


async def test_who_leaves_by_themselves_is_not_told_so(office):
    uid = await office.member("Alice")
    await office.commons.registry.remove(office.vo, uid, actor=uid)
    await swept(office)
    assert await office.letters("alice@example.org") == []


async def test_a_new_policy_is_asked_for_15_7_3_and_1_days_before_it_is_due_and_missed_aloud(office):
    await office.member("Alice")
    await office.commons.registry.publish_policy(office.vo, "1", "Be kind.")
    subjects, days = [], []
    for day in range(17):
        before = len(subjects)
        await swept(office)
        subjects = await office.subjects("alice@example.org")
        days += [day] * (len(subjects) - before)
        office.grid.now += DAY
    assert days == [0, 8, 12, 14, 15]
    assert subjects[0] == f"{office.vo}: you have not accepted the acceptable use policy"
    assert set(subjects[1:]) == {f"{office.vo}: please accept the acceptable use policy"}


async def test_who_has_accepted_is_left_alone(office):
    uid = await office.member("Alice")
    await office.commons.registry.publish_policy(office.vo, "1", "Be kind.")
    await office.commons.registry.accept_policy(office.vo, uid, "1", actor=uid)
    office.grid.now += 10 * DAY
    assert await swept(office) == 0 or await office.letters("alice@example.org") == []
    assert await office.letters("alice@example.org") == []


async def test_the_form_asks_for_the_policy_and_the_approval_records_it(office):
    await office.member("Boss", "VO-Admin")
    await office.commons.registry.publish_policy(office.vo, "2027.1", "Be kind.")
    with pytest.raises(FormInvalid) as refused:
        await office.applied(aup="2026.1")
    assert set(refused.value.details["fields"]) == {"aup"}
    made = await office.confirmed(aup="2027.1")
    await office.enrolment.approve(await office.caller("Boss"), made.id)
    person = (await office.caller("Sangwan")).person
    assert person is not None
    (accepted,) = await office.commons.registry.acceptances(office.vo, person.uid)
    assert (accepted.version, accepted.by) == ("2027.1", person.uid)


async def renewal(office, name="Alice"):
    draft = replace(DRAFT, email=f"{name.lower()}@example.org", login="", motivation="")
    return (await office.enrolment.apply(await office.caller(name), office.vo, draft, renewal=True))[0]


@pytest.mark.parametrize(("moment", "expected"), [(20 * DAY, 30 + 365), (40 * DAY, 40 + 365)])
async def test_a_renewal_counts_from_the_end_or_from_now(office, moment, expected):
    began = office.grid.now
    await office.member("Boss", "VO-Admin")
    await office.member("Alice", until=30 * DAY)
    office.grid.now += moment
    await swept(office)
    made = await renewal(office)
    assert made.kind is Kind.EXTENSION
    await office.enrolment.approve(await office.caller("Boss"), made.id)
    found = await held(office)
    assert found is not None
    assert (found.current, found.until) == (True, began + expected * DAY)


async def test_renewal_has_its_time(office):
    await office.member("Alice", until=100 * DAY)
    await office.member("Boss", "VO-Admin")
    with pytest.raises(NoRenewal, match="too early"):
        await renewal(office)
    with pytest.raises(NoRenewal, match="no end"):
        await renewal(office, "Boss")
    await office.commons.registry.suspend(office.vo, (await office.caller("Alice")).actor, "Lost key")
    office.grid.now += 50 * DAY
    with pytest.raises(NoRenewal, match="Lost key"):
        await renewal(office)


async def test_two_sweeps_at_once_tell_nobody_twice(office):
    for number in range(5):
        await office.member(f"User{number}", until=7 * DAY)
    await asyncio.gather(*(office.enrolment.sweep() for _ in range(3)))
    assert len(await office.letters()) == 5


async def test_members_without_an_end_are_left_alone(office):
    await office.member("Alice")
    office.grid.now += 4000 * DAY
    await swept(office)
    assert await office.letters() == []
    assert await held(office) is not None
