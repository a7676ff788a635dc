"""Generic attributes: what a VO has defined, and the values of members and groups."""

import sqlalchemy as sa
from sqlalchemy import Connection

from hansa.federation.membership.model import Attribute, AttributeClass
from hansa.federation.membership.store.tables import attributes, group_values, groups, member_values


def classes(connection: Connection, vo: int) -> list[AttributeClass]:
    columns = (attributes.c.name, attributes.c.description, attributes.c.is_unique)
    query = sa.select(*columns).where(attributes.c.vo == vo).order_by(attributes.c.name)
    return [AttributeClass(*row) for row in connection.execute(query)]


def find(connection: Connection, vo: int, name: str) -> tuple[int, AttributeClass] | None:
    row = connection.execute(sa.select(attributes).where(attributes.c.vo == vo, attributes.c.name == name)).first()
    return (row.id, AttributeClass(row.name, row.description, row.is_unique)) if row else None


def define(connection: Connection, vo: int, wanted: AttributeClass) -> None:
    """New, or with another description."""
    values = {"description": wanted.description, "is_unique": wanted.is_unique}
    at = (attributes.c.vo == vo, attributes.c.name == wanted.name)
    if connection.execute(attributes.update().where(*at).values(**values)).rowcount == 0:
        connection.execute(attributes.insert().values(vo=vo, name=wanted.name, **values))


def undefine(connection: Connection, attribute: int) -> None:
    """With all its values."""
    connection.execute(attributes.delete().where(attributes.c.id == attribute))


def repeated(connection: Connection, attribute: int) -> bool:
    """Whether two members have the same value."""
    query = sa.select(member_values.c.value).where(member_values.c.attribute == attribute)
    return bool(connection.execute(query.group_by(member_values.c.value).having(sa.func.count() > 1).limit(1)).first())


def holder(connection: Connection, attribute: int, value: str) -> int | None:
    """A member with that value."""
    query = sa.select(member_values.c.member).where(
        member_values.c.attribute == attribute, member_values.c.value == value
    )
    return connection.execute(query.limit(1)).scalar()


def set_for_member(connection: Connection, member: int, attribute: int, value: str | None) -> bool:
    """None takes it away. Whether anything was there before."""
    return _set(connection, member_values, member_values.c.member, member, attribute, value)


def set_for_group(connection: Connection, group: int, attribute: int, value: str | None) -> bool:
    return _set(connection, group_values, group_values.c.group, group, attribute, value)


def of_groups(connection: Connection, vo: int) -> list[Attribute]:
    query = (
        sa.select(attributes.c.name, group_values.c.value, groups.c.path)
        .join(attributes, attributes.c.id == group_values.c.attribute)
        .join(groups, groups.c.id == group_values.c.group)
        .where(groups.c.vo == vo)
        .order_by(groups.c.path, attributes.c.name)
    )
    return [Attribute(*row) for row in connection.execute(query)]


def _set(
    connection: Connection, table: sa.Table, owner: sa.Column[int], number: int, attribute: int, value: str | None
) -> bool:
    removed = connection.execute(table.delete().where(owner == number, table.c.attribute == attribute)).rowcount > 0
    if value is not None:
        connection.execute(table.insert().values({owner.name: number, "attribute": attribute, "value": value}))
    return removed
