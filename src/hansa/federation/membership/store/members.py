"""VOs, their groups, members and roles."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from hansa.federation.membership.model import (
    Credential,
    Held,
    KnownCredential,
    Member,
    MemberState,
    RoleGrant,
    Standing,
    Vo,
)
from hansa.federation.membership.store.persons import PERSON, known_credential, matches, person_in
from hansa.federation.membership.store.rows import chunked, collected, inserted
from hansa.federation.membership.store.tables import (
    credentials,
    group_members,
    groups,
    members,
    persons,
    role_grants,
    vos,
)
from hansa.standards.x509 import Name


def insert_vo(connection: Connection, name: str, created: datetime) -> None:
    vo = inserted(connection, vos, name=name, created=created)
    connection.execute(groups.insert().values(vo=vo, path=f"/{name}"))


def all_vos(connection: Connection) -> list[Vo]:
    count = sa.select(sa.func.count()).where(members.c.vo == vos.c.id).scalar_subquery()
    rows = connection.execute(sa.select(vos.c.name, vos.c.created, count).order_by(vos.c.name))
    return [Vo(*row) for row in rows]


def vo_id(connection: Connection, name: str) -> int | None:
    return connection.execute(sa.select(vos.c.id).where(vos.c.name == name)).scalar()


def group_id(connection: Connection, vo: int, path: str) -> int | None:
    return connection.execute(sa.select(groups.c.id).where(groups.c.vo == vo, groups.c.path == path)).scalar()


def group_paths(connection: Connection, vo: int) -> list[str]:
    return list(connection.execute(sa.select(groups.c.path).where(groups.c.vo == vo).order_by(groups.c.path)).scalars())


def insert_group(connection: Connection, vo: int, path: str) -> None:
    connection.execute(groups.insert().values(vo=vo, path=path))


def delete_groups(connection: Connection, vo: int, path: str) -> None:
    """The group and what lies below it; memberships and roles go with them."""
    connection.execute(groups.delete().where(groups.c.vo == vo, at_or_below(path)))


def insert_member(connection: Connection, vo: int, person: int, since: datetime, until: datetime | None) -> int:
    """A new active member, in the VO's own group."""
    member = inserted(
        connection, members, vo=vo, person=person, state=MemberState.ACTIVE.value, reason="", since=since, until=until
    )
    root = sa.select(groups.c.id).join(vos, (vos.c.id == groups.c.vo) & (groups.c.path == "/" + vos.c.name))
    join(connection, member, connection.execute(root.where(groups.c.vo == vo)).scalar_one())
    return member


def member_ids(connection: Connection, vo: int, subject: Name | None = None) -> list[int]:
    """All members, or those with a certificate of that subject (of whatever issuer)."""
    query = sa.select(members.c.id).where(members.c.vo == vo).order_by(members.c.id)
    if subject:
        query = query.join(credentials, credentials.c.person == members.c.person).distinct()
        query = query.where(credentials.c.subject == subject.rfc4514(), credentials.c.kind == "x509")
    return list(connection.execute(query).scalars())


def member_of_uid(connection: Connection, vo: int, uid: str) -> int | None:
    query = sa.select(members.c.id).join(persons, persons.c.id == members.c.person)
    return connection.execute(query.where(members.c.vo == vo, persons.c.uid == uid)).scalar()


def has_member(connection: Connection, vo: int, member: int) -> bool:
    return bool(connection.execute(sa.select(members.c.id).where(members.c.id == member, members.c.vo == vo)).first())


def member_of(connection: Connection, vo: int, person: int) -> int | None:
    return connection.execute(sa.select(members.c.id).where(members.c.vo == vo, members.c.person == person)).scalar()


def vos_of(connection: Connection, person: int) -> list[str]:
    query = sa.select(vos.c.name).join(members, members.c.vo == vos.c.id).where(members.c.person == person)
    return list(connection.execute(query.order_by(vos.c.name)).scalars())


def load_members(connection: Connection, ids: Sequence[int], now: datetime) -> list[Member]:
    """In the order of `ids`, whole."""
    query = (
        sa.select(members, vos.c.name.label("vo_name"), *(column.label(f"p_{column.name}") for column in PERSON))
        .join(vos, vos.c.id == members.c.vo)
        .join(persons, persons.c.id == members.c.person)
    )
    rows = {row.id: row for row in chunked(connection, query, members.c.id, ids)}
    known = _known(connection, [row.person for row in rows.values()])
    in_groups, with_roles = _groups(connection, ids), _roles(connection, ids)
    return [
        Member(
            id=row.id,
            vo=row.vo_name,
            person=person_in(row),
            state=state(row.state, row.until, now),
            reason=row.reason,
            since=row.since,
            until=row.until,
            known=known.get(row.person, ()),
            groups=in_groups.get(row.id, ()),
            roles=with_roles.get(row.id, ()),
        )
        for row in (rows[each] for each in ids if each in rows)
    ]


def state(stored: str, until: datetime | None, now: datetime) -> MemberState:
    """A suspension stands whether the membership has ended or not."""
    if stored == MemberState.ACTIVE and until is not None and until <= now:
        return MemberState.EXPIRED
    return MemberState(stored)


def _known(connection: Connection, ids: Sequence[int]) -> dict[int, tuple[KnownCredential, ...]]:
    columns = [credentials.c[name] for name in ("person", "id", "kind", "subject", "issuer", "added", "suspended")]
    rows = collected(
        chunked(connection, sa.select(*columns).order_by(credentials.c.id), credentials.c.person, list(set(ids)))
    )
    return {person: tuple(known_credential(*each) for each in held) for person, held in rows.items()}


def _groups(connection: Connection, ids: Sequence[int]) -> dict[int, tuple[str, ...]]:
    query = (
        sa.select(group_members.c.member, groups.c.path)
        .join(groups, groups.c.id == group_members.c.group)
        .order_by(groups.c.path)
    )
    rows = collected(chunked(connection, query, group_members.c.member, ids))
    return {member: tuple(path for (path,) in found) for member, found in rows.items()}


def _roles(connection: Connection, ids: Sequence[int]) -> dict[int, tuple[RoleGrant, ...]]:
    query = (
        sa.select(role_grants.c.member, groups.c.path, role_grants.c.role)
        .join(groups, groups.c.id == role_grants.c.group)
        .order_by(groups.c.path, role_grants.c.role)
    )
    rows = collected(chunked(connection, query, role_grants.c.member, ids))
    return {member: tuple(RoleGrant(*each) for each in found) for member, found in rows.items()}


def update_member(connection: Connection, member: int, **values: Any) -> None:
    connection.execute(members.update().where(members.c.id == member).values(**values))


def delete_member(connection: Connection, member: int) -> None:
    """The membership, with groups and roles. The person and the record of issued ACs stay."""
    connection.execute(members.delete().where(members.c.id == member))


def join(connection: Connection, member: int, group: int) -> bool:
    """False if already in."""
    present = sa.select(group_members).where(group_members.c.member == member, group_members.c.group == group)
    if connection.execute(present).first():
        return False
    connection.execute(group_members.insert().values(member=member, group=group))
    return True


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


def standing(connection: Connection, vo: str, credential: Credential) -> Standing | None:
    """One indexed query: what the holder of this certificate is in this VO."""
    query = (
        sa.select(
            members.c.state,
            members.c.reason,
            members.c.until,
            credentials.c.suspended,
            groups.c.path,
            role_grants.c.role,
        )
        .select_from(credentials)
        .join(members, members.c.person == credentials.c.person)
        .join(vos, vos.c.id == members.c.vo)
        .where(vos.c.name == vo, *matches(credential))
    )
    rows = connection.execute(_with_groups(query)).all()
    if not rows:
        return None
    first = rows[0]
    return Standing(
        MemberState(first.state),
        first.reason,
        first.until,
        _paths(rows),
        frozenset(_grants(rows)),
        first.suspended,
    )


def held(connection: Connection, uid: str, now: datetime) -> tuple[Held, ...]:
    """Every membership of a person, by the VO's name."""
    query = (
        sa.select(
            vos.c.name.label("vo"),
            members.c.state,
            members.c.reason,
            members.c.until,
            groups.c.path,
            role_grants.c.role,
        )
        .select_from(persons)
        .join(members, members.c.person == persons.c.id)
        .join(vos, vos.c.id == members.c.vo)
        .where(persons.c.uid == uid)
    )
    by_vo: dict[str, list[Any]] = {}
    for row in connection.execute(_with_groups(query)):
        by_vo.setdefault(row.vo, []).append(row)
    return tuple(
        Held(
            vo,
            state(rows[0].state, rows[0].until, now),
            rows[0].reason,
            rows[0].until,
            _paths(rows),
            tuple(sorted(_grants(rows), key=str)),
        )
        for vo, rows in sorted(by_vo.items())
    )


def _with_groups(query: sa.Select[Any]) -> sa.Select[Any]:
    """A row for each group and role of the members that `query` selects."""
    return (
        query.join(group_members, group_members.c.member == members.c.id)
        .join(groups, groups.c.id == group_members.c.group)
        .outerjoin(
            role_grants,
            (role_grants.c.member == group_members.c.member) & (role_grants.c.group == group_members.c.group),
        )
    )


def _paths(rows: Iterable[Any]) -> tuple[str, ...]:
    return tuple(sorted({row.path for row in rows}))


def _grants(rows: Iterable[Any]) -> set[RoleGrant]:
    return {RoleGrant(row.path, row.role) for row in rows if row.role}


def at_or_below(path: str) -> sa.ColumnElement[bool]:
    return (groups.c.path == path) | groups.c.path.startswith(path + "/", autoescape=True)
