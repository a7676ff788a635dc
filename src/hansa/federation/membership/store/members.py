"""Members, their groups and roles."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from hansa.federation.membership.model import Attribute, KnownCredential, Member, MemberState, RoleGrant
from hansa.federation.membership.names import ancestors
from hansa.federation.membership.store.persons import PERSON, known_credential, named, person_in
from hansa.federation.membership.store.rows import IN_ONE_QUERY, chunked, collected, inserted
from hansa.federation.membership.store.standing import values
from hansa.federation.membership.store.tables import (
    credentials,
    group_members,
    groups,
    members,
    persons,
    role_grants,
    vos,
)
from hansa.federation.membership.store.vos import TERMS, at_or_below, terms_in
from hansa.standards.x509 import Name


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which members of a VO. `text`: in a name, the e-mail address, the login or a credential; every word of it must be there."""

    text: str = ""
    state: MemberState | None = None
    group: str | None = None
    role: str | None = None
    robot: bool | None = None


def insert_member(connection: Connection, vo: int, person: int, since: datetime, until: datetime | None) -> int:
    """A new active member, in the VO's own group."""
    member = inserted(
        connection, members, vo=vo, person=person, state=MemberState.ACTIVE.value, reason="", since=since, until=until
    )
    root = sa.select(groups.c.id).join(vos, (vos.c.id == groups.c.vo) & (groups.c.path == "/" + vos.c.name))
    join(connection, member, connection.execute(root.where(groups.c.vo == vo)).scalar_one(), None)
    return member


def member_ids(connection: Connection, vo: int, subject: Name | None = None) -> list[int]:
    """All members, or those with a certificate of that subject (of whatever issuer)."""
    query = sa.select(members.c.id).where(members.c.vo == vo).order_by(members.c.id)
    if subject:
        query = query.join(credentials, credentials.c.person == members.c.person).distinct()
        query = query.where(credentials.c.subject == subject.rfc4514(), credentials.c.kind == "x509")
    return list(connection.execute(query).scalars())


def find(
    connection: Connection, vo: int, wanted: Wanted, *, after: int, limit: int, grace_days: int, now: datetime
) -> list[int]:
    """The next members that are wanted, in the order of their numbers."""
    query = sa.select(members.c.id).where(members.c.vo == vo, members.c.id > after).order_by(members.c.id).limit(limit)
    words = named(connection, wanted.text)
    if words or wanted.robot is not None:
        query = query.join(persons, persons.c.id == members.c.person).where(*words)
    if wanted.robot is not None:
        query = query.where(persons.c.robot == wanted.robot)
    if wanted.state is not None:
        query = query.where(*_in_state(wanted.state, grace_days, now))
    if wanted.group is not None:
        query = query.where(_in_group(vo, wanted.group, wanted.role, now))
    elif wanted.role is not None:
        held = sa.select(role_grants.c.member).where(role_grants.c.role == wanted.role)
        query = query.where(members.c.id.in_(held))
    return list(connection.execute(query).scalars())


def _in_state(state: MemberState, grace_days: int, now: datetime) -> list[sa.ColumnElement[bool]]:
    over = now - timedelta(days=grace_days)
    if state is MemberState.SUSPENDED:
        return [members.c.state == state.value]
    active = members.c.state == MemberState.ACTIVE.value
    if state is MemberState.EXPIRED:
        return [active, members.c.until <= over]
    if state is MemberState.GRACE:
        return [active, members.c.until <= now, members.c.until > over]
    return [active, members.c.until.is_(None) | (members.c.until > now)]


def _in_group(vo: int, path: str, role: str | None, now: datetime) -> sa.ColumnElement[bool]:
    present = group_members.c.until.is_(None) | (group_members.c.until > now)
    query = sa.select(group_members.c.member).join(groups, groups.c.id == group_members.c.group)
    query = query.where(groups.c.vo == vo, groups.c.path == path, present)
    if role is not None:
        held = (role_grants.c.member == group_members.c.member) & (role_grants.c.group == group_members.c.group)
        query = query.join(role_grants, held).where(role_grants.c.role == role)
    return members.c.id.in_(query)


def member_of_uid(connection: Connection, vo: int, uid: str) -> int | None:
    query = sa.select(members.c.id).join(persons, persons.c.id == members.c.person)
    return connection.execute(query.where(members.c.vo == vo, persons.c.uid == uid)).scalar()


def uid_of(connection: Connection, member: int) -> str:
    query = sa.select(persons.c.uid).join(members, members.c.person == persons.c.id)
    return str(connection.execute(query.where(members.c.id == member)).scalar_one())


def has_member(connection: Connection, vo: int, member: int) -> bool:
    return bool(connection.execute(sa.select(members.c.id).where(members.c.id == member, members.c.vo == vo)).first())


def has_any(connection: Connection, vo: int) -> bool:
    return bool(connection.execute(sa.select(members.c.id).where(members.c.vo == vo).limit(1)).first())


def member_of(connection: Connection, vo: int, person: int) -> int | None:
    return connection.execute(sa.select(members.c.id).where(members.c.vo == vo, members.c.person == person)).scalar()


def load_members(connection: Connection, ids: Sequence[int], now: datetime) -> list[Member]:
    """In the order of `ids`, whole."""
    found: list[Member] = []
    for at in range(0, len(ids), IN_ONE_QUERY):
        found += _load(connection, ids[at : at + IN_ONE_QUERY], now)
    return found


def _load(connection: Connection, ids: Sequence[int], now: datetime) -> list[Member]:
    query = (
        sa.select(members, vos.c.name.label("vo_name"), *TERMS, *(c.label(f"p_{c.name}") for c in PERSON))
        .join(vos, vos.c.id == members.c.vo)
        .join(persons, persons.c.id == members.c.person)
    )
    rows = {row.id: row for row in chunked(connection, query, members.c.id, ids)}
    known = _known(connection, [row.person for row in rows.values()])
    in_groups, with_roles = _groups(connection, ids), _roles(connection, ids)
    with_values = values(connection, ids, now)
    return [
        _member(
            row,
            known.get(row.person, ()),
            in_groups.get(row.id, []),
            with_roles.get(row.id, []),
            with_values.get(row.id, ()),
            now,
        )
        for row in (rows[each] for each in ids if each in rows)
    ]


def _member(
    row: Any,
    known: tuple[KnownCredential, ...],
    in_groups: Sequence[tuple[Any, ...]],
    with_roles: Sequence[tuple[Any, ...]],
    attributes: tuple[Attribute, ...],
    now: datetime,
) -> Member:
    terms = terms_in(row)
    due = terms.aup_due(row.since, row.aup, row.aup_at, now)
    ends = {path: until for path, until in in_groups if until is not None}
    ended = {path for path, until in ends.items() if until <= now}
    paths = [path for path, _ in in_groups]
    if ended:  # and what lies below
        paths = [path for path in paths if path not in ended and ended.isdisjoint(ancestors(path))]
    return Member(
        id=row.id,
        vo=row.vo_name,
        person=person_in(row),
        state=terms.state(row.state, row.until, now),
        reason=row.reason,
        since=row.since,
        until=row.until,
        known=known,
        groups=tuple(paths),
        roles=tuple(RoleGrant(*each) for each in with_roles if each[0] in paths),
        ends=terms.ends(row.until),
        aup_due=due,
        aup_overdue=due is not None and due <= now,
        group_ends={path: until for path, until in ends.items() if path in paths},
        attributes=attributes,
    )


def _known(connection: Connection, ids: Sequence[int]) -> dict[int, tuple[KnownCredential, ...]]:
    columns = [credentials.c[name] for name in ("person", "id", "kind", "subject", "issuer", "added", "suspended")]
    rows = collected(
        chunked(connection, sa.select(*columns).order_by(credentials.c.id), credentials.c.person, list(set(ids)))
    )
    return {person: tuple(known_credential(*each) for each in held) for person, held in rows.items()}


def _groups(connection: Connection, ids: Sequence[int]) -> dict[int, list[tuple[Any, ...]]]:
    query = (
        sa.select(group_members.c.member, groups.c.path, group_members.c.until)
        .join(groups, groups.c.id == group_members.c.group)
        .order_by(groups.c.path)
    )
    return collected(chunked(connection, query, group_members.c.member, ids))


def _roles(connection: Connection, ids: Sequence[int]) -> dict[int, list[tuple[Any, ...]]]:
    query = (
        sa.select(role_grants.c.member, groups.c.path, role_grants.c.role)
        .join(groups, groups.c.id == role_grants.c.group)
        .order_by(groups.c.path, role_grants.c.role)
    )
    return collected(chunked(connection, query, role_grants.c.member, ids))


def update_member(connection: Connection, member: int, **values: Any) -> None:
    connection.execute(members.update().where(members.c.id == member).values(**values))


def announce_anew(connection: Connection, vo: int) -> None:
    """Under other terms, what time has done may be undone, and be done once more."""
    connection.execute(members.update().where(members.c.vo == vo, members.c.announced != "").values(announced=""))


def delete_member(connection: Connection, member: int) -> None:
    """The membership, with groups and roles. The person and the record of issued ACs stay."""
    connection.execute(members.delete().where(members.c.id == member))


def join(connection: Connection, member: int, group: int, until: datetime | None) -> bool:
    """False if already in."""
    at = (group_members.c.member == member, group_members.c.group == group)
    if connection.execute(sa.select(group_members).where(*at)).first():
        return False
    connection.execute(group_members.insert().values(member=member, group=group, until=until))
    return True


def set_group_until(connection: Connection, member: int, group: int, until: datetime | None) -> None:
    at = (group_members.c.member == member, group_members.c.group == group)
    connection.execute(group_members.update().where(*at).values(until=until))


def leave(connection: Connection, vo: int, member: int, path: str) -> list[str]:
    """Out of the group and all below it, with the roles there. Which groups those were."""
    held = (
        sa.select(groups.c.id, groups.c.path)
        .join(group_members, group_members.c.group == groups.c.id)
        .where(groups.c.vo == vo, at_or_below(path), group_members.c.member == member)
        .order_by(groups.c.path)
    )
    left = connection.execute(held).all()
    for row in left:
        connection.execute(
            group_members.delete().where(group_members.c.member == member, group_members.c.group == row.id)
        )
    return [row.path for row in left]


def insert_role(connection: Connection, member: int, group: int, role: str) -> bool:
    """False if already held."""
    at = (role_grants.c.member == member, role_grants.c.group == group, role_grants.c.role == role)
    if connection.execute(sa.select(role_grants).where(*at)).first():
        return False
    connection.execute(role_grants.insert().values(member=member, group=group, role=role))
    return True


def delete_role(connection: Connection, member: int, group: int, role: str) -> bool:
    at = (role_grants.c.member == member, role_grants.c.group == group, role_grants.c.role == role)
    return connection.execute(role_grants.delete().where(*at)).rowcount > 0
