"""Rows of projects and domains."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Row

from hansa.site.directory.model import Project
from hansa.site.directory.store.tables import assignments, projects, used_keys

ROOM = 500
"""Values in one IN list."""


def find(connection: Connection, identifier: str) -> Project | None:
    row = connection.execute(sa.select(projects).where(projects.c.id == identifier)).first()
    return _project(row) if row else None


def named(connection: Connection, domain_id: str | None, name: str) -> Project | None:
    """The project of that name in that domain; without one, the domain of that name."""
    wanted = (projects.c.domain_id == (domain_id or "")) & (projects.c.name == name)
    row = connection.execute(sa.select(projects).where(wanted)).first()
    return _project(row) if row else None


def by_key(connection: Connection, key: str) -> Project | None:
    row = connection.execute(sa.select(projects).where(projects.c.key == key)).first()
    return _project(row) if row else None


def listed(
    connection: Connection, *, is_domain: bool, domain_id: str | None = None, parent_id: str | None = None,
    name: str | None = None,
) -> list[Project]:  # fmt: skip
    query = sa.select(projects).where(projects.c.is_domain == is_domain).order_by(projects.c.name, projects.c.id)
    for column, value in (
        (projects.c.domain_id, domain_id),
        (projects.c.parent_id, parent_id),
        (projects.c.name, name),
    ):
        if value is not None:
            query = query.where(column == value)
    return [_project(row) for row in connection.execute(query)]


def several(connection: Connection, identifiers: Iterable[str]) -> dict[str, Project]:
    """By id; what is not there is left out."""
    wanted = sorted(set(identifiers))
    found: dict[str, Project] = {}
    for start in range(0, len(wanted), ROOM):
        query = sa.select(projects).where(projects.c.id.in_(wanted[start : start + ROOM]))
        found |= {row.id: _project(row) for row in connection.execute(query)}
    return found


def closed(connection: Connection) -> list[Project]:
    """Disabled ones, without those of disabled domains."""
    query = sa.select(projects).where(projects.c.enabled.is_(False), projects.c.is_domain.is_(False))
    return [_project(row) for row in connection.execute(query)]


def children(connection: Connection, parents: Sequence[str]) -> list[Project]:
    query = sa.select(projects).where(projects.c.parent_id.in_(parents), projects.c.is_domain.is_(False))
    return [_project(row) for row in connection.execute(query.order_by(projects.c.name, projects.c.id))]


def ancestors(connection: Connection, project: Project) -> list[Project]:
    """From the parent up to the domain."""
    found: list[Project] = []
    above = project.parent_id
    while above is not None and (parent := find(connection, above)):
        found.append(parent)
        above = parent.parent_id
    return found


def subtree(connection: Connection, identifier: str) -> list[Project]:
    """Everything below, nearest first."""
    found: list[Project] = []
    level = [identifier]
    while level:
        below = [
            each for start in range(0, len(level), ROOM) for each in children(connection, level[start : start + ROOM])
        ]
        found += below
        level = [each.id for each in below]
    return found


def add(connection: Connection, project: Project) -> None:
    connection.execute(sa.insert(projects).values(_values(project)))
    if connection.execute(sa.select(used_keys).where(used_keys.c.key == project.key)).first() is None:
        connection.execute(sa.insert(used_keys).values(key=project.key))


def is_used(connection: Connection, key: str) -> bool:
    """Whether a project has or had that key."""
    return connection.execute(sa.select(used_keys.c.key).where(used_keys.c.key == key)).first() is not None


def replace(connection: Connection, project: Project) -> None:
    connection.execute(sa.update(projects).where(projects.c.id == project.id).values(_values(project)))


def remove(connection: Connection, identifiers: Sequence[str]) -> None:
    """With every assignment on them."""
    for identifier in identifiers:
        connection.execute(sa.delete(assignments).where(assignments.c.target_id == identifier))
        connection.execute(sa.delete(projects).where(projects.c.id == identifier))


def _values(project: Project) -> Mapping[str, Any]:
    return {
        "id": project.id,
        "name": project.name,
        "key": project.key,
        "domain_id": project.domain_id or "",
        "parent_id": project.parent_id,
        "is_domain": project.is_domain,
        "description": project.description,
        "enabled": project.enabled,
        "tags": list(project.tags),
        "options": dict(project.options),
        "extra": dict(project.extra),
    }


def _project(row: Row[Any]) -> Project:
    return Project(
        row.id,
        row.name,
        row.key,
        row.domain_id or None,
        row.parent_id,
        row.is_domain,
        row.description,
        row.enabled,
        tuple(row.tags),
        row.options,
        row.extra,
    )
