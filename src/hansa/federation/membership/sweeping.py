"""Noting what time alone has done, so that those who follow the history need no clock of their own."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from hansa.federation.membership import joining
from hansa.federation.membership.act import Act
from hansa.federation.membership.model import SYSTEM
from hansa.federation.membership.store import members as member_store
from hansa.federation.membership.store import sweeping as store
from hansa.federation.membership.store import vos as vo_store

BATCH = 500
"""Changes in one transaction: others write in between."""


def sweep(act: Act) -> int:
    """One batch: groups left, memberships ended, policies not accepted, members to remove. How many changes were noted."""
    act = replace(act, actor=SYSTEM)
    done = _groups(act)
    for number, vo in vo_store.names(act.connection):
        done += _vo(act, number, vo)
    return done


def _groups(act: Act) -> int:
    ended = store.ended_groups(act.connection, act.now, BATCH)
    for member, vo, vo_id, path in ended:
        uid = _uid(act, member)
        for group in member_store.leave(act.connection, vo_id, member, path):
            act.note("group.left", vo=vo, person=uid, group=group, reason="ended")
    return len(ended)


def _vo(act: Act, number: int, vo: str) -> int:
    terms = vo_store.terms(act.connection, number)
    late = store.overdue(act.connection, number, terms, act.now, BATCH)
    over = store.expired(act.connection, number, terms, act.now, BATCH)
    done = _announce(act, late, store.AUP, lambda uid: act.note("aup.overdue", vo=vo, person=uid))
    done += _announce(act, over, store.EXPIRED, lambda uid: act.note("member.expired", vo=vo, person=uid))
    removal_days = vo_store.every(act.connection, vo)[0].profile.removal_days
    if removal_days is None:
        return done
    gone = store.removable(act.connection, number, terms, removal_days, act.now, BATCH)
    for member in gone:
        joining.remove(act, vo, member)
    return done + len(gone)


def _announce(act: Act, members: Sequence[int], what: str, note: Callable[[str], None]) -> int:
    for member in members:
        member_store.update_member(act.connection, member, announced=what)
        note(_uid(act, member))
    return len(members)


def _uid(act: Act, member: int) -> str:
    return member_store.uid_of(act.connection, member)
