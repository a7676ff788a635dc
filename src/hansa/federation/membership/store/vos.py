"""VOs, their groups and the roles they define."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from hansa.federation.membership.model import Group, Role, Vo, VoProfile
from hansa.federation.membership.store.rows import inserted
from hansa.federation.membership.store.tables import group_members, groups, members, roles, vos
from hansa.federation.membership.terms import Terms

PROFILE = tuple(VoProfile.__dataclass_fields__)
TERMS = (vos.c.grace_days, vos.c.aup_days, vos.c.aup_grace_days, vos.c.aup_floor, vos.c.aup_asked)
"""The columns of Terms, in its order."""


def terms_in(row: Any) -> Terms:
    return Terms(row.grace_days, row.aup_days, row.aup_grace_days, row.aup_floor, row.aup_asked)


def insert(connection: Connection, name: str, created: datetime, profile: VoProfile) -> None:
    vo = inserted(connection, vos, name=name, created=created, **_columns(profile))
    connection.execute(groups.insert().values(vo=vo, path=f"/{name}"))


def update(connection: Connection, vo: int, **values: Any) -> None:
    connection.execute(vos.update().where(vos.c.id == vo).values(**values))


def set_profile(connection: Connection, vo: int, profile: VoProfile) -> None:
    update(connection, vo, **_columns(profile))


def delete(connection: Connection, vo: int) -> None:
    connection.execute(groups.delete().where(groups.c.vo == vo))
    connection.execute(vos.delete().where(vos.c.id == vo))


def every(connection: Connection, name: str | None = None) -> list[Vo]:
    """All VOs by name, or the one of that name."""
    count = sa.select(sa.func.count()).where(members.c.vo == vos.c.id).scalar_subquery()
    query = sa.select(vos.c.name, vos.c.created, count, *(vos.c[each] for each in PROFILE)).order_by(vos.c.name)
    if name is not None:
        query = query.where(vos.c.name == name)
    return [
        Vo(name, created, count, VoProfile(*profile)) for name, created, count, *profile in connection.execute(query)
    ]


def number(connection: Connection, name: str) -> int | None:
    return connection.execute(sa.select(vos.c.id).where(vos.c.name == name)).scalar()


def names(connection: Connection) -> Sequence[tuple[int, str]]:
    return [(row.id, row.name) for row in connection.execute(sa.select(vos.c.id, vos.c.name).order_by(vos.c.name))]


def of_person(connection: Connection, person: int) -> list[str]:
    query = sa.select(vos.c.name).join(members, members.c.vo == vos.c.id).where(members.c.person == person)
    return list(connection.execute(query.order_by(vos.c.name)).scalars())


def terms(connection: Connection, vo: int) -> Terms:
    return terms_in(connection.execute(sa.select(*TERMS).where(vos.c.id == vo)).one())


def group_id(connection: Connection, vo: int, path: str) -> int | None:
    return connection.execute(sa.select(groups.c.id).where(groups.c.vo == vo, groups.c.path == path)).scalar()


def group_paths(connection: Connection, vo: int) -> list[str]:
    return list(connection.execute(sa.select(groups.c.path).where(groups.c.vo == vo).order_by(groups.c.path)).scalars())


def group_list(connection: Connection, vo: int) -> list[Group]:
    count = sa.select(sa.func.count()).where(group_members.c.group == groups.c.id).scalar_subquery()
    query = sa.select(groups.c.path, groups.c.description, count).where(groups.c.vo == vo).order_by(groups.c.path)
    return [Group(*row) for row in connection.execute(query)]


def insert_group(connection: Connection, vo: int, path: str, description: str) -> None:
    connection.execute(groups.insert().values(vo=vo, path=path, description=description))


def describe_group(connection: Connection, group: int, description: str) -> None:
    connection.execute(groups.update().where(groups.c.id == group).values(description=description))


def delete_groups(connection: Connection, vo: int, path: str) -> None:
    """The group and what lies below it; memberships and roles go with them."""
    connection.execute(groups.delete().where(groups.c.vo == vo, at_or_below(path)))


def role_list(connection: Connection, vo: int) -> list[Role]:
    query = sa.select(roles.c.name, roles.c.description).where(roles.c.vo == vo).order_by(roles.c.name)
    return [Role(*row) for row in connection.execute(query)]


def define_role(connection: Connection, vo: int, role: Role) -> None:
    undefine_role(connection, vo, role.name)
    connection.execute(roles.insert().values(vo=vo, name=role.name, description=role.description))


def undefine_role(connection: Connection, vo: int, name: str) -> bool:
    return connection.execute(roles.delete().where(roles.c.vo == vo, roles.c.name == name)).rowcount > 0


def at_or_below(path: str) -> sa.ColumnElement[bool]:
    return (groups.c.path == path) | groups.c.path.startswith(path + "/", autoescape=True)


def _columns(profile: VoProfile) -> dict[str, Any]:
    return {each: getattr(profile, each) for each in PROFILE}
