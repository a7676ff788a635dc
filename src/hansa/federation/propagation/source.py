"""From the registry's rows to what sites are told: the one place where the two meet."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy import Connection

from hansa.federation.membership.model import Credential, KnownCredential, Member, MemberState, Subject
from hansa.federation.membership.store import members as member_store
from hansa.federation.membership.store.tables import members, persons, vos
from hansa.standards import memberfeed
from hansa.standards.errors import StandardError
from hansa.standards.memberfeed import Certificate, Entry, Login, clean, render_entry

T = TypeVar("T")


def entries_of(connection: Connection, vo: str, uids: Sequence[str], now: datetime, issuer: str) -> dict[str, Entry]:
    """Those of these people who are members. `issuer`: our own OpenID Provider, who knows everybody by their uid.

    The end of a membership is told, not judged: readers have a clock. The history notes what else time does.
    """
    # Two steps, each by an index; as one join, SQLite would go through all members of the VO.
    people = list(connection.execute(sa.select(persons.c.id).where(persons.c.uid.in_(uids))).scalars())
    here = sa.select(vos.c.id).where(vos.c.name == vo).scalar_subquery()
    query = sa.select(members.c.id).where(members.c.vo == here, members.c.person.in_(people))
    found = list(connection.execute(query).scalars())
    return {each.person.uid: entry_of(each, issuer) for each in member_store.load_members(connection, found, now)}


def uids_after(connection: Connection, vo: str, after: str, limit: int) -> list[str]:
    """Of the members, in order."""
    query = sa.select(persons.c.uid).join(members, members.c.person == persons.c.id)
    query = query.join(vos, vos.c.id == members.c.vo).where(vos.c.name == vo, persons.c.uid > after)
    return list(connection.execute(query.order_by(persons.c.uid).limit(limit)).scalars())


def entry_of(member: Member, issuer: str = "") -> Entry:
    """What a site is told; what does not fit into the feed's bounds is cut or left out, which gives nobody more rights."""
    ours = (Login(issuer, member.person.uid),) if issuer else ()
    return Entry(
        vo=member.vo,
        uid=member.person.uid,
        name=clean(member.name, memberfeed.MAX_NAME),
        mail=clean(member.email, memberfeed.MAX_MAIL),
        state=_state(member),
        reason=clean(_reason(member), memberfeed.MAX_REASON),
        until=member.ends,
        certificates=tuple(filter(None, map(_certificate, member.known)))[: memberfeed.MAX_CREDENTIALS],
        logins=(*ours, *filter(None, map(_login, member.known)))[: memberfeed.MAX_CREDENTIALS],
        groups=member.groups[: memberfeed.MAX_GROUPS],
        roles=tuple(str(grant) for grant in member.roles)[: memberfeed.MAX_GROUPS],
    )


def text_of(entry: Entry) -> bytes:
    """The canonical entry. One that is too long loses half of its lists until it fits: less than is due, never more."""
    text = render_entry(entry)
    while len(text) > memberfeed.MAX_ENTRY:
        entry = replace(
            entry,
            groups=_half(entry.groups),
            roles=_half(entry.roles),
            logins=_half(entry.logins),
            certificates=_half(entry.certificates),
        )
        text = render_entry(entry)
    return text


def _half(held: tuple[T, ...]) -> tuple[T, ...]:
    return held[: len(held) // 2]


def _state(member: Member) -> memberfeed.MemberState:
    is_suspended = member.state is MemberState.SUSPENDED or member.aup_overdue
    return memberfeed.MemberState.SUSPENDED if is_suspended else memberfeed.MemberState.ACTIVE


def _reason(member: Member) -> str:
    if member.aup_overdue and not member.reason:
        return "The acceptable use policy of the VO was not accepted in time."
    return member.reason


def _certificate(known: KnownCredential) -> Certificate | None:
    if not isinstance(known.credential, Credential):
        return None
    held = Certificate(
        known.credential.subject.rfc4514(), known.credential.issuer.rfc4514(), usable=known.suspended is None
    )
    try:
        memberfeed.slash_of(held.subject), memberfeed.slash_of(held.issuer)
    except StandardError:
        return None
    return held if max(len(held.subject), len(held.issuer)) <= memberfeed.MAX_DN else None


def _login(known: KnownCredential) -> Login | None:
    if not isinstance(known.credential, Subject):
        return None
    held = Login(known.credential.issuer, known.credential.subject, usable=known.suspended is None)
    fits = 0 < len(held.issuer) <= memberfeed.MAX_URL and 0 < len(held.subject) <= memberfeed.MAX_SUBJECT
    return held if fits and clean(held.issuer + held.subject, 10_000) == held.issuer + held.subject else None
