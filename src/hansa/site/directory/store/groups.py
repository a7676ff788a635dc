"""Rows of groups and who is in them."""

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Row

from hansa.site.directory.model import Group, Kind
from hansa.site.directory.store.projects import ROOM
from hansa.site.directory.store.tables import assignments, groups, members


def find(connection: Connection, identifier: str) -> Group | None:
    row = connection.execute(sa.select(groups).where(groups.c.id == identifier)).first()
    return _group(row) if row else None


def named(connection: Connection, domain_id: str, name: str) -> Group | None:
    row = connection.execute(sa.select(groups).where(groups.c.domain_id == domain_id, groups.c.name == name)).first()
    return _group(row) if row else None


def listed(connection: Connection, *, domain_id: str | None = None, name: str | None = None) -> list[Group]:
    query = sa.select(groups).order_by(groups.c.name, groups.c.id)
    for column, value in ((groups.c.domain_id, domain_id), (groups.c.name, name)):
        if value is not None:
            query = query.where(column == value)
    return [_group(row) for row in connection.execute(query)]


def several(connection: Connection, identifiers: Iterable[str]) -> dict[str, Group]:
    wanted = sorted(set(identifiers))
    found: dict[str, Group] = {}
    for start in range(0, len(wanted), ROOM):
        query = sa.select(groups).where(groups.c.id.in_(wanted[start : start + ROOM]))
        found |= {row.id: _group(row) for row in connection.execute(query)}
    return found


def of_user(connection: Connection, user_id: str) -> list[Group]:
    query = sa.select(groups).join(members, members.c.group_id == groups.c.id).where(members.c.user_id == user_id)
    return [_group(row) for row in connection.execute(query.order_by(groups.c.name, groups.c.id))]


def add(connection: Connection, group: Group) -> None:
    connection.execute(sa.insert(groups).values(id=group.id, **_values(group)))


def replace(connection: Connection, group: Group) -> None:
    connection.execute(sa.update(groups).where(groups.c.id == group.id).values(_values(group)))


def remove(connection: Connection, identifier: str) -> None:
    """With memberships and assignments."""
    is_actor = (assignments.c.actor_kind == Kind.GROUP.value) & (assignments.c.actor_id == identifier)
    connection.execute(sa.delete(assignments).where(is_actor))
    connection.execute(sa.delete(members).where(members.c.group_id == identifier))
    connection.execute(sa.delete(groups).where(groups.c.id == identifier))


def has(connection: Connection, group_id: str, user_id: str) -> bool:
    query = sa.select(members).where(members.c.group_id == group_id, members.c.user_id == user_id)
    return connection.execute(query).first() is not None


def join(connection: Connection, group_id: str, user_id: str) -> None:
    if not has(connection, group_id, user_id):
        connection.execute(sa.insert(members).values(group_id=group_id, user_id=user_id))


def leave(connection: Connection, group_id: str, user_id: str) -> None:
    connection.execute(sa.delete(members).where(members.c.group_id == group_id, members.c.user_id == user_id))


def memberships(connection: Connection) -> dict[str, list[str]]:
    """Ids of users by group."""
    found: dict[str, list[str]] = {}
    for row in connection.execute(sa.select(members).order_by(members.c.user_id)):
        found.setdefault(row.group_id, []).append(row.user_id)
    return found


def _values(group: Group) -> Mapping[str, Any]:
    return {
        "name": group.name,
        "domain_id": group.domain_id,
        "description": group.description,
        "extra": dict(group.extra),
    }


def _group(row: Row[Any]) -> Group:
    return Group(row.id, row.name, row.domain_id, row.description, row.extra)
