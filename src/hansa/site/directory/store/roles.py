"""Rows of roles, of what they imply, and of who has them where."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Row

from hansa.site.directory.model import Assignment, Kind, Role, Target
from hansa.site.directory.store.tables import assignments, implied, roles


def find(connection: Connection, identifier: str) -> Role | None:
    row = connection.execute(sa.select(roles).where(roles.c.id == identifier)).first()
    return _role(row) if row else None


def named(connection: Connection, domain_id: str | None, name: str) -> Role | None:
    wanted = (roles.c.domain_id == (domain_id or "")) & (roles.c.name == name)
    row = connection.execute(sa.select(roles).where(wanted)).first()
    return _role(row) if row else None


def every(connection: Connection) -> dict[str, Role]:
    """By id."""
    query = sa.select(roles).order_by(roles.c.name, roles.c.id)
    return {row.id: _role(row) for row in connection.execute(query)}


def add(connection: Connection, role: Role) -> None:
    connection.execute(sa.insert(roles).values(id=role.id, **_values(role)))


def replace(connection: Connection, role: Role) -> None:
    connection.execute(sa.update(roles).where(roles.c.id == role.id).values(_values(role)))


def remove(connection: Connection, identifier: str) -> None:
    """With its assignments and implications."""
    is_part = sa.or_(implied.c.prior_id == identifier, implied.c.implied_id == identifier)
    connection.execute(sa.delete(implied).where(is_part))
    connection.execute(sa.delete(assignments).where(assignments.c.role_id == identifier))
    connection.execute(sa.delete(roles).where(roles.c.id == identifier))


def implications(connection: Connection) -> dict[str, list[str]]:
    """Ids of the roles that each role implies by itself."""
    found: dict[str, list[str]] = {}
    for row in connection.execute(sa.select(implied).order_by(implied.c.prior_id, implied.c.implied_id)):
        found.setdefault(row.prior_id, []).append(row.implied_id)
    return found


def imply(connection: Connection, prior: str, implied_role: str) -> None:
    connection.execute(sa.insert(implied).values(prior_id=prior, implied_id=implied_role))


def forget_implication(connection: Connection, prior: str, implied_role: str) -> None:
    is_it = (implied.c.prior_id == prior) & (implied.c.implied_id == implied_role)
    connection.execute(sa.delete(implied).where(is_it))


def assigned(
    connection: Connection, *, actors: Sequence[tuple[Kind, str]] | None = None, target: Target | None = None,
    role: str | None = None,
) -> list[Assignment]:  # fmt: skip
    """Assignments of those actors, on that target, of that role; each None: whichever."""
    query = sa.select(assignments)
    if actors is not None:
        identifiers = [identifier for _, identifier in actors]
        query = query.where(assignments.c.actor_id.in_(identifiers))
    if target is not None:
        query = query.where(assignments.c.target_kind == target.kind.value, assignments.c.target_id == target.id)
    if role is not None:
        query = query.where(assignments.c.role_id == role)
    found = (_assignment(row) for row in connection.execute(query))
    return [each for each in found if actors is None or (each.actor_kind, each.actor_id) in actors]


def has(connection: Connection, assignment: Assignment) -> bool:
    return connection.execute(sa.select(assignments.c.role_id).where(_is(assignment))).first() is not None


def assign(connection: Connection, assignment: Assignment) -> None:
    connection.execute(sa.insert(assignments).values(_row(assignment)))


def unassign(connection: Connection, assignment: Assignment) -> None:
    connection.execute(sa.delete(assignments).where(_is(assignment)))


def _row(assignment: Assignment) -> Mapping[str, Any]:
    return {
        "actor_kind": assignment.actor_kind.value,
        "actor_id": assignment.actor_id,
        "target_kind": assignment.target.kind.value,
        "target_id": assignment.target.id,
        "role_id": assignment.role_id,
        "is_inherited": assignment.is_inherited,
    }


def _is(assignment: Assignment) -> sa.ColumnElement[bool]:
    return sa.and_(*(assignments.c[name] == value for name, value in _row(assignment).items()))


def _assignment(row: Row[Any]) -> Assignment:
    target = Target(Kind(row.target_kind), row.target_id)
    return Assignment(row.role_id, Kind(row.actor_kind), row.actor_id, target, row.is_inherited)


def _values(role: Role) -> Mapping[str, Any]:
    return {
        "name": role.name,
        "domain_id": role.domain_id or "",
        "description": role.description,
        "options": dict(role.options),
        "extra": dict(role.extra),
    }


def _role(row: Row[Any]) -> Role:
    return Role(row.id, row.name, row.domain_id or None, row.description, row.options, row.extra)
