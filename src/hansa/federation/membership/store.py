"""Tables and queries of membership. Names of people's certificates are kept in their RFC 4514 form, which is unambiguous."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from hansa.base.database import UtcDateTime
from hansa.federation.membership.model import Credential, IssuedAc, Member, MemberState, RoleGrant, Standing, Vo
from hansa.standards.x509 import Name

metadata = sa.MetaData()

vos = sa.Table(
    "membership_vo",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.String(63), nullable=False, unique=True),
    sa.Column("created", UtcDateTime, nullable=False),
)
persons = sa.Table(
    "membership_person",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("email", sa.String(254), nullable=False),
)
credentials = sa.Table(
    "membership_credential",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column(
        "person", sa.Integer, sa.ForeignKey("membership_person.id", ondelete="CASCADE"), nullable=False, index=True
    ),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("issuer", sa.Text, nullable=False),
    sa.UniqueConstraint("subject", "issuer"),
)
members = sa.Table(
    "membership_member",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("vo", sa.Integer, sa.ForeignKey("membership_vo.id"), nullable=False),
    sa.Column("person", sa.Integer, sa.ForeignKey("membership_person.id"), nullable=False, index=True),
    sa.Column("state", sa.String(20), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("since", UtcDateTime, nullable=False),
    sa.Column("until", UtcDateTime),
    sa.UniqueConstraint("vo", "person"),
)
groups = sa.Table(
    "membership_group",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("vo", sa.Integer, sa.ForeignKey("membership_vo.id"), nullable=False),
    sa.Column("path", sa.String(800), nullable=False),
    sa.UniqueConstraint("vo", "path"),
)
group_members = sa.Table(
    "membership_group_member",
    metadata,
    sa.Column("member", sa.Integer, sa.ForeignKey("membership_member.id", ondelete="CASCADE"), primary_key=True),
    sa.Column(
        "group", sa.Integer, sa.ForeignKey("membership_group.id", ondelete="CASCADE"), primary_key=True, index=True
    ),
)
role_grants = sa.Table(
    "membership_role_grant",
    metadata,
    sa.Column("member", sa.Integer, primary_key=True),
    sa.Column("group", sa.Integer, primary_key=True),
    sa.Column("role", sa.String(63), primary_key=True),
    sa.ForeignKeyConstraint(
        ["member", "group"], ["membership_group_member.member", "membership_group_member.group"], ondelete="CASCADE"
    ),
)
issued = sa.Table(
    "membership_issued_ac",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("vo", sa.String(63), nullable=False),
    sa.Column("serial", sa.String(40), nullable=False, unique=True),
    sa.Column("issued", UtcDateTime, nullable=False, index=True),
    sa.Column("not_after", UtcDateTime, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("issuer", sa.Text, nullable=False),
    sa.Column("fqans", sa.Text, nullable=False),
    sa.Column("client", sa.String(100), nullable=False),
    sa.Column("dialect", sa.String(10), nullable=False),
)


def insert_vo(connection: Connection, name: str, created: datetime) -> None:
    vo = _inserted(connection, vos, name=name, created=created)
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
    connection.execute(groups.delete().where(groups.c.vo == vo, _at_or_below(path)))


def person_of(connection: Connection, credential: Credential) -> int | None:
    query = sa.select(credentials.c.person).where(*_matches(credential))
    return connection.execute(query).scalar()


def insert_person(connection: Connection, name: str, email: str) -> int:
    return _inserted(connection, persons, name=name, email=email)


def insert_credential(connection: Connection, person: int, credential: Credential) -> None:
    subject, issuer = credential.subject.rfc4514(), credential.issuer.rfc4514()
    connection.execute(credentials.insert().values(person=person, subject=subject, issuer=issuer))


def insert_member(connection: Connection, vo: int, person: int, since: datetime, until: datetime | None) -> int:
    """A new active member, in the VO's own group."""
    member = _inserted(
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
        query = query.where(credentials.c.subject == subject.rfc4514())
    return list(connection.execute(query).scalars())


def has_member(connection: Connection, vo: int, member: int) -> bool:
    return bool(connection.execute(sa.select(members.c.id).where(members.c.id == member, members.c.vo == vo)).first())


def member_of(connection: Connection, vo: int, person: int) -> int | None:
    return connection.execute(sa.select(members.c.id).where(members.c.vo == vo, members.c.person == person)).scalar()


def person_of_member(connection: Connection, member: int) -> int:
    return int(connection.execute(sa.select(members.c.person).where(members.c.id == member)).scalar_one())


def load_members(connection: Connection, ids: Sequence[int]) -> list[Member]:
    """In the order of `ids`, whole."""
    query = (
        sa.select(members, vos.c.name.label("vo_name"), persons.c.name, persons.c.email)
        .join(vos, vos.c.id == members.c.vo)
        .join(persons, persons.c.id == members.c.person)
    )
    rows = {row.id: row for row in _chunked(connection, query, members.c.id, ids)}
    held = _collected(
        _chunked(
            connection,
            sa.select(credentials.c.person, credentials.c.subject, credentials.c.issuer).order_by(credentials.c.id),
            credentials.c.person,
            [row.person for row in rows.values()],
        )
    )
    in_groups = _collected(
        _chunked(
            connection,
            sa.select(group_members.c.member, groups.c.path)
            .join(groups, groups.c.id == group_members.c.group)
            .order_by(groups.c.path),
            group_members.c.member,
            ids,
        )
    )
    with_roles = _collected(
        _chunked(
            connection,
            sa.select(role_grants.c.member, groups.c.path, role_grants.c.role)
            .join(groups, groups.c.id == role_grants.c.group)
            .order_by(groups.c.path, role_grants.c.role),
            role_grants.c.member,
            ids,
        )
    )
    return [
        Member(
            id=row.id,
            vo=row.vo_name,
            name=row.name,
            email=row.email,
            state=MemberState(row.state),
            reason=row.reason,
            since=row.since,
            until=row.until,
            credentials=tuple(_credential(*pair) for pair in held.get(row.person, [])),
            groups=tuple(path for (path,) in in_groups.get(row.id, [])),
            roles=tuple(RoleGrant(*pair) for pair in with_roles.get(row.id, [])),
        )
        for row in (rows[each] for each in ids if each in rows)
    ]


def update_member(connection: Connection, member: int, **values: Any) -> None:
    connection.execute(members.update().where(members.c.id == member).values(**values))


def delete_member(connection: Connection, member: int) -> None:
    """The membership; with the last one the person and the certificates too. The record of issued ACs stays."""
    person = person_of_member(connection, member)
    connection.execute(members.delete().where(members.c.id == member))
    elsewhere = sa.select(members.c.id).where(members.c.person == person).exists()
    connection.execute(persons.delete().where(persons.c.id == person, ~elsewhere))


def join(connection: Connection, member: int, group: int) -> bool:
    """False if already in."""
    present = sa.select(group_members).where(group_members.c.member == member, group_members.c.group == group)
    if connection.execute(present).first():
        return False
    connection.execute(group_members.insert().values(member=member, group=group))
    return True


def leave(connection: Connection, vo: int, member: int, path: str) -> int:
    """Out of the group and all below it, with the roles there. How many groups that were."""
    below = sa.select(groups.c.id).where(groups.c.vo == vo, _at_or_below(path))
    result = connection.execute(
        group_members.delete().where(group_members.c.member == member, group_members.c.group.in_(below))
    )
    return result.rowcount


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
        sa.select(members.c.state, members.c.reason, members.c.until, groups.c.path, role_grants.c.role)
        .select_from(credentials)
        .join(members, members.c.person == credentials.c.person)
        .join(vos, vos.c.id == members.c.vo)
        .join(group_members, group_members.c.member == members.c.id)
        .join(groups, groups.c.id == group_members.c.group)
        .outerjoin(
            role_grants,
            (role_grants.c.member == group_members.c.member) & (role_grants.c.group == group_members.c.group),
        )
        .where(vos.c.name == vo, *_matches(credential))
    )
    rows = connection.execute(query).all()
    if not rows:
        return None
    first = rows[0]
    return Standing(
        MemberState(first.state),
        first.reason,
        first.until,
        tuple(sorted({row.path for row in rows})),
        frozenset(RoleGrant(row.path, row.role) for row in rows if row.role),
    )


def record(connection: Connection, acs: Sequence[IssuedAc]) -> None:
    rows = [
        {
            "vo": ac.vo,
            "serial": f"{ac.serial:x}",
            "issued": ac.issued,
            "not_after": ac.not_after,
            "subject": ac.holder.subject.rfc4514(),
            "issuer": ac.holder.issuer.rfc4514(),
            "fqans": json.dumps(ac.fqans),
            "client": ac.client,
            "dialect": ac.dialect,
        }
        for ac in acs
    ]
    connection.execute(issued.insert(), rows)


def recorded(connection: Connection, vo: str, limit: int) -> list[IssuedAc]:
    """The latest, newest first."""
    query = sa.select(issued).where(issued.c.vo == vo).order_by(issued.c.id.desc()).limit(limit)
    return [
        IssuedAc(
            vo=row.vo,
            serial=int(row.serial, 16),
            issued=row.issued,
            not_after=row.not_after,
            holder=_credential(row.subject, row.issuer),
            fqans=tuple(json.loads(row.fqans)),
            client=row.client,
            dialect=row.dialect,
        )
        for row in connection.execute(query)
    ]


def _matches(credential: Credential) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        credentials.c.subject == credential.subject.rfc4514(),
        credentials.c.issuer == credential.issuer.rfc4514(),
    )


def _credential(subject: str, issuer: str) -> Credential:
    return Credential(Name.parse_rfc4514(subject), Name.parse_rfc4514(issuer))


def _at_or_below(path: str) -> sa.ColumnElement[bool]:
    return (groups.c.path == path) | groups.c.path.startswith(path + "/", autoescape=True)


def _inserted(connection: Connection, table: sa.Table, **values: Any) -> int:
    return int(connection.execute(table.insert().values(**values).returning(table.c.id)).scalar_one())


def _chunked(
    connection: Connection, query: sa.Select[Any], column: sa.ColumnElement[Any], ids: Sequence[int]
) -> Iterable[Any]:
    for at in range(0, len(ids), 500):
        yield from connection.execute(query.where(column.in_(ids[at : at + 500])))


def _collected(rows: Iterable[Any]) -> dict[int, list[tuple[Any, ...]]]:
    found: dict[int, list[tuple[Any, ...]]] = {}
    for key, *rest in rows:
        found.setdefault(key, []).append(tuple(rest))
    return found
