"""What time does to applications and memberships, told to those concerned.

The registry itself ends memberships and removes members (`membership.sweeping`); people hear of it here, before and after.
A sweep is small transactions over rows that say themselves what is due, so it may stop anywhere, run twice or on two nodes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from hansa.federation.enrolment import letters, store
from hansa.federation.enrolment.applying import look
from hansa.federation.enrolment.model import Link, Purpose, State, Step, after
from hansa.federation.enrolment.office import DECLINE_PATH, Office, days, policy_page
from hansa.federation.enrolment.rules import Rules
from hansa.federation.membership.act import Act
from hansa.federation.membership.model import MemberState
from hansa.federation.membership.store import holders, policies, vos

BATCH = 200
LINKS_KEPT = timedelta(days=30)
RENEW = "renew"
DECLINED = "declined"
ACCEPT = "accept"
GRACE_STEP = 0


@dataclass(frozen=True, slots=True)
class Sweep:
    """One batch: how many members were looked at and how many of them something was done for; where the next one begins."""

    looked: int
    beyond: int
    done: int


Sweeper = Callable[[Act, Office, str, Rules, int], Sweep]


def expire(act: Act, office: Office) -> int:
    """A batch of applications that waited too long; how many."""
    found = store.stale(act.connection, act.now, BATCH)
    for each in found:
        application = store.move(act.connection, each.id, after(each.state, Step.EXPIRE), act.now, decided_by=act.actor)
        letter = letters.expired(application, was_confirmed=each.state is State.MAIL_VERIFIED)
        office.mail.queue(act.connection, letter)
    return len(found)


def remind(act: Act, office: Office, vo: str, rules: Rules, beyond: int) -> Sweep:
    """Tell members whose end is near or just past, once for each of the rules' steps that was reached."""
    grace = timedelta(days=vos.every(act.connection, vo)[0].profile.grace_days)
    horizon = act.now + days(max(rules.reminders, default=0))
    found = holders.ending(act.connection, vo, after=act.now - grace, before=horizon, beyond=beyond, limit=BATCH)
    told = sum(_remind(act, office, vo, rules, grace, each) for each in found)
    return _sweep([each.number for each in found], beyond, told)


def ask_to_accept(act: Act, office: Office, vo: str, rules: Rules, beyond: int) -> Sweep:
    """Tell members who have to accept the policy, once for each of the rules' steps that was reached."""
    number = vos.number(act.connection, vo)
    terms = vos.terms(act.connection, number) if number is not None else None
    if number is None or terms is None or terms.aup_floor is None or not rules.aup_reminders:
        return Sweep(0, beyond, 0)
    policy = policies.newest(act.connection, number)
    found = holders.accepting(act.connection, number, beyond=beyond, limit=BATCH)
    done = 0
    for each in found:
        due = terms.aup_due(each.since, each.aup, each.aup_at, act.now)
        if policy is None or due is None or due <= act.now or not each.person.email:
            continue
        step = min((step for step in rules.aup_reminders if due - act.now <= days(step)), default=None)
        if step and store.notice(act.connection, vo, each.person.uid, ACCEPT, due, step, act.now):
            page = policy_page(office, vo)
            office.mail.queue(act.connection, letters.accept(each.person, vo, policy.version, due, page))
            done += 1
    return _sweep([each.number for each in found], beyond, done)


def decline(act: Act, token: str) -> Link:
    """«I do not renew»: no more reminders of this end. Raises LinkInvalid, LinkExpired."""
    link = look(act, token, Purpose.DECLINE)
    assert link.person is not None
    store.use_link(act.connection, token, act.now)
    store.notice(act.connection, link.vo, link.person, DECLINED, link.expires, 0, act.now)
    return link


def _remind(act: Act, office: Office, vo: str, rules: Rules, grace: timedelta, member: holders.Ending) -> bool:
    uid, until = member.person.uid, member.until
    if not member.person.email or member.state is not MemberState.ACTIVE:
        return False
    if store.noticed_at(act.connection, vo, uid, DECLINED, until) or _renews(act, vo, uid):
        return False
    step = GRACE_STEP
    if until > act.now:
        step = min(each for each in rules.reminders if until - act.now <= days(each))
    if not store.notice(act.connection, vo, uid, RENEW, until, step, act.now):
        return False
    if step == GRACE_STEP:
        office.mail.queue(act.connection, letters.grace(member.person, vo, until + grace))
        return True
    link = Link(Purpose.DECLINE, vo, member.person.email, until, None, person=uid)
    address = office.add_link(act, DECLINE_PATH, link)
    left = max(1, round((until - act.now) / timedelta(days=1)))
    office.mail.queue(act.connection, letters.renew(member.person, vo, until, left, address))
    return True


def _renews(act: Act, vo: str, uid: str) -> bool:
    """Whoever waits for a decision is not reminded."""
    return store.open_of(act.connection, vo, "", None, uid) is not None


def _sweep(numbers: Sequence[int], beyond: int, done: int) -> Sweep:
    return Sweep(len(numbers), numbers[-1] if numbers else beyond, done)
