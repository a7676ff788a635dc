"""What issuing asks: a handful of indexed queries, none longer than what one person holds."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from hansa.federation.membership.model import Attribute, Credential, Held, RoleGrant, Standing
from hansa.federation.membership.names import ancestors
from hansa.federation.membership.store.persons import texts
from hansa.federation.membership.store.tables import (
    attributes,
    credentials,
    group_members,
    group_values,
    groups,
    member_values,
    members,
    persons,
    role_grants,
    vos,
)
from hansa.federation.membership.store.vos import TERMS, terms_in
from hansa.federation.membership.terms import Terms

_HAS_ATTRIBUTES = sa.exists().where(attributes.c.vo == vos.c.id).label("has_attributes")
_MEMBER = (
    members.c.id.label("member"),
    vos.c.name.label("vo"),
    members.c.state,
    members.c.reason,
    members.c.since,
    members.c.until,
    members.c.aup,
    members.c.aup_at,
    groups.c.path,
    group_members.c.until.label("group_until"),
    role_grants.c.role,
    _HAS_ATTRIBUTES,
    *TERMS,
)


def _whole(query: sa.Select[Any]) -> sa.Select[Any]:
    """A row for each group and role of the members that `query` selects."""
    return (
        query.join(vos, vos.c.id == members.c.vo)
        .join(group_members, group_members.c.member == members.c.id)
        .join(groups, groups.c.id == group_members.c.group)
        .outerjoin(
            role_grants,
            (role_grants.c.member == group_members.c.member) & (role_grants.c.group == group_members.c.group),
        )
    )


# Made once: building a query costs more than running these.
_STANDING = _whole(
    sa.select(*_MEMBER, credentials.c.suspended)
    .select_from(credentials)
    .join(members, members.c.person == credentials.c.person)
    .where(
        vos.c.name == sa.bindparam("vo"),
        credentials.c.subject == sa.bindparam("subject"),
        credentials.c.issuer == sa.bindparam("issuer"),
    )
)
_HELD = _whole(
    sa.select(*_MEMBER)
    .select_from(persons)
    .join(members, members.c.person == persons.c.id)
    .where(persons.c.uid == sa.bindparam("uid"))
)


def standing(connection: Connection, vo: str, credential: Credential, now: datetime) -> Standing | None:
    """What the holder of this certificate is in this VO."""
    subject, issuer = texts(credential)
    rows = connection.execute(_STANDING, {"vo": vo, "subject": subject, "issuer": issuer}).all()
    if not rows:
        return None
    first, terms = rows[0], terms_in(rows[0])
    present = _present(rows, now)
    paths = tuple(sorted({row.path for row in present}))
    return Standing(
        terms.state(first.state, first.until, now),
        first.reason,
        first.until,
        paths,
        frozenset(_grants(present)),
        first.suspended,
        _ends(first, terms, present),
        terms.aup_due(first.since, first.aup, first.aup_at, now),
        values(connection, [first.member], now).get(first.member, ()) if first.has_attributes else (),
    )


def held(connection: Connection, uid: str, now: datetime) -> tuple[Held, ...]:
    """Every membership of a person, by the VO's name."""
    by_vo: dict[str, list[Any]] = {}
    for row in connection.execute(_HELD, {"uid": uid}):
        by_vo.setdefault(row.vo, []).append(row)
    ids = [rows[0].member for rows in by_vo.values() if rows[0].has_attributes]
    found = values(connection, ids, now) if ids else {}
    return tuple(_held(vo, rows, found, now) for vo, rows in sorted(by_vo.items()))


def _held(vo: str, rows: Sequence[Any], found: dict[int, tuple[Attribute, ...]], now: datetime) -> Held:
    first, terms, present = rows[0], terms_in(rows[0]), _present(rows, now)
    due = terms.aup_due(first.since, first.aup, first.aup_at, now)
    return Held(
        vo,
        terms.state(first.state, first.until, now),
        first.reason,
        first.until,
        tuple(sorted({row.path for row in present})),
        tuple(sorted(_grants(present), key=str)),
        due is not None and due <= now,
        _ends(first, terms, present),
        found.get(first.member, ()),
    )


def values(connection: Connection, ids: Sequence[int], now: datetime) -> dict[int, tuple[Attribute, ...]]:
    """The generic attributes of these members (not too many at once), their own first, then their groups'."""
    own = (
        sa.select(member_values.c.member, attributes.c.name, member_values.c.value, sa.literal("").label("path"))
        .join(attributes, attributes.c.id == member_values.c.attribute)
        .where(member_values.c.member.in_(ids))
    )
    through = (
        sa.select(group_members.c.member, attributes.c.name, group_values.c.value, groups.c.path)
        .join(group_values, group_values.c.group == group_members.c.group)
        .join(attributes, attributes.c.id == group_values.c.attribute)
        .join(groups, groups.c.id == group_members.c.group)
        .where(group_members.c.member.in_(ids), group_members.c.until.is_(None) | (group_members.c.until > now))
    )
    found: dict[int, list[Attribute]] = {}
    for member, name, value, path in connection.execute(sa.union_all(own, through)):
        found.setdefault(member, []).append(Attribute(name, value, path or None))
    return {member: tuple(sorted(each, key=lambda a: (a.group or "", a.name))) for member, each in found.items()}


def _present(rows: Sequence[Any], now: datetime) -> list[Any]:
    """Those of groups whose membership has not ended, nor that of a group above."""
    ended = {row.path for row in rows if row.group_until is not None and row.group_until <= now}
    if not ended:
        return list(rows)
    return [row for row in rows if row.path not in ended and ended.isdisjoint(ancestors(row.path))]


def _ends(first: Any, terms: Terms, present: Sequence[Any]) -> datetime | None:
    """Of the membership, or of the group that ends first."""
    ends = (terms.ends(first.until), *(row.group_until for row in present))
    return min((end for end in ends if end is not None), default=None)


def _grants(rows: Iterable[Any]) -> set[RoleGrant]:
    return {RoleGrant(row.path, row.role) for row in rows if row.role}
