"""What was done to members, told to them: the registry's history, followed change by change.

The place in the history moves in the transaction that queues the letters: each change is told once, also over a crash.
"""

from datetime import timedelta

from hansa.base.mail import Message
from hansa.federation.enrolment import letters, store
from hansa.federation.enrolment.office import Office, policy_page
from hansa.federation.membership.act import Act
from hansa.federation.membership.model import SYSTEM, Change, Person
from hansa.federation.membership.store import changes, persons, vos

BATCH = 200
CURSOR = "letters"


def follow(act: Act, office: Office) -> int:
    """A batch of changes; how many. A new federation's past is not told."""
    seq = store.load_cursor(act.connection, CURSOR)
    if seq is None:
        store.save_cursor(act.connection, CURSOR, changes.latest(act.connection))
        return 0
    found = changes.after(act.connection, seq, BATCH)
    for each in found:
        letter = _letter(act, office, each)
        if letter and letter.to:
            office.mail.queue(act.connection, letter)
    if found:
        store.save_cursor(act.connection, CURSOR, found[-1].seq)
    return len(found)


def _letter(act: Act, office: Office, change: Change) -> Message | None:
    if change.vo is None or change.person is None:
        return None
    person = persons.by_uid(act.connection, change.person)
    if person is None or not person.email:
        return None
    match change.event:
        case "member.suspended":
            return letters.suspended(person, change.vo, str(change.details.get("reason", "")))
        case "member.restored":
            return letters.restored(person, change.vo)
        case "member.expired":
            return _ended(act, change.vo, person, change)
        case "member.removed" if change.actor != person.uid:
            return letters.removed(person, change.vo, by_time=change.actor == SYSTEM)
        case "aup.overdue":
            return letters.overdue(person, change.vo, policy_page(office, change.vo))
    return None


def _ended(act: Act, vo: str, person: Person, change: Change) -> Message | None:
    found = vos.every(act.connection, vo)
    if not found:
        return None
    removal_days = found[0].profile.removal_days
    removal = None if removal_days is None else change.at + timedelta(days=removal_days)
    return letters.ended(person, vo, removal)
