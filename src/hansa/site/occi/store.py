"""What OCCI knows and the cloud below cannot hold: user mixins, which entities wear them, titles of links and summaries.

An entity is named by its location (`/compute/…`). Rows of entities that are gone are harmless: nothing lists them.
"""

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy import Connection

from hansa.base.errors import Conflict
from hansa.cloud.model import ProjectId
from hansa.standards.occi import Mixin, split_id

metadata = sa.MetaData()

mixins = sa.Table(
    "occi_mixin",
    metadata,
    sa.Column("project", sa.String(255), primary_key=True),
    sa.Column("type_id", sa.String(512), primary_key=True),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("rel", sa.Text, nullable=False),
    sa.Column("location", sa.String(512), nullable=False),
    sa.UniqueConstraint("project", "location"),
)

tags = sa.Table(
    "occi_tag",
    metadata,
    sa.Column("project", sa.String(255), primary_key=True),
    sa.Column("type_id", sa.String(512), primary_key=True),
    sa.Column("entity", sa.String(512), primary_key=True),
)

notes = sa.Table(
    "occi_note",
    metadata,
    sa.Column("project", sa.String(255), primary_key=True),
    sa.Column("entity", sa.String(512), primary_key=True),
    sa.Column("title", sa.Text),
    sa.Column("summary", sa.Text),
)


@dataclass(frozen=True, slots=True)
class Note:
    title: str | None = None
    summary: str | None = None


@dataclass(frozen=True, slots=True)
class Annotations:
    """All of one project. `tags` gives the user mixins an entity wears, in order."""

    mixins: tuple[Mixin, ...]
    tags: dict[str, tuple[str, ...]]
    notes: dict[str, Note]


def read_annotations(connection: Connection, project: ProjectId) -> Annotations:
    made = connection.execute(sa.select(mixins).where(mixins.c.project == project).order_by(mixins.c.type_id)).all()
    worn = connection.execute(
        sa.select(tags.c.entity, tags.c.type_id).where(tags.c.project == project).order_by(tags.c.type_id)
    ).all()
    written = connection.execute(sa.select(notes).where(notes.c.project == project)).all()
    by_entity: dict[str, tuple[str, ...]] = {}
    for entity, type_id in worn:
        by_entity[entity] = (*by_entity.get(entity, ()), type_id)
    return Annotations(
        mixins=tuple(_mixin(row) for row in made),
        tags=by_entity,
        notes={row.entity: Note(row.title, row.summary) for row in written},
    )


def _mixin(row: sa.Row[tuple[str, str, str, str, str]]) -> Mixin:
    scheme, term = split_id(row.type_id)
    return Mixin(term, scheme, row.title, depends=tuple(row.rel.split()), location=row.location)


def add_mixin(connection: Connection, project: ProjectId, mixin: Mixin) -> None:
    """Conflict if the project has another of that name or at that location; the same again changes nothing."""
    same = sa.or_(mixins.c.type_id == mixin.id, mixins.c.location == mixin.location)
    present = [_mixin(row) for row in connection.execute(sa.select(mixins).where(mixins.c.project == project, same))]
    if present == [mixin]:
        return
    if present:
        raise Conflict(f"There is another {mixin.id} already, or its location is taken.", field=mixin.id)
    connection.execute(
        sa.insert(mixins).values(
            project=project, type_id=mixin.id, title=mixin.title, rel=" ".join(mixin.depends), location=mixin.location
        )
    )


def remove_mixin(connection: Connection, project: ProjectId, type_id: str) -> None:
    """Remove the mixin and take it off every entity."""
    for table in (tags, mixins):
        connection.execute(sa.delete(table).where(table.c.project == project, table.c.type_id == type_id))


def tag(connection: Connection, project: ProjectId, type_id: str, entities: tuple[str, ...]) -> None:
    """Put the mixin on entities; on those that wear it, nothing happens."""
    worn = sa.select(tags.c.entity).where(tags.c.project == project, tags.c.type_id == type_id)
    present = set(connection.scalars(worn))
    rows = [{"project": project, "type_id": type_id, "entity": e} for e in dict.fromkeys(entities) if e not in present]
    if rows:
        connection.execute(sa.insert(tags), rows)


def untag(connection: Connection, project: ProjectId, type_id: str, entities: tuple[str, ...] | None = None) -> None:
    """Take the mixin off these entities, or off all."""
    worn = sa.delete(tags).where(tags.c.project == project, tags.c.type_id == type_id)
    connection.execute(worn if entities is None else worn.where(tags.c.entity.in_(entities)))


def retag(connection: Connection, project: ProjectId, type_id: str, entities: tuple[str, ...]) -> None:
    """The mixin is on these entities and no others."""
    untag(connection, project, type_id)
    tag(connection, project, type_id, entities)


def set_tags(connection: Connection, project: ProjectId, entity: str, type_ids: tuple[str, ...]) -> None:
    """The entity wears these user mixins and no others."""
    connection.execute(sa.delete(tags).where(tags.c.project == project, tags.c.entity == entity))
    for type_id in type_ids:
        tag(connection, project, type_id, (entity,))


def write_note(connection: Connection, project: ProjectId, entity: str, note: Note) -> None:
    connection.execute(sa.delete(notes).where(notes.c.project == project, notes.c.entity == entity))
    if note != Note():
        connection.execute(
            sa.insert(notes).values(project=project, entity=entity, title=note.title, summary=note.summary)
        )


def forget(connection: Connection, project: ProjectId, entity: str) -> None:
    for table in (tags, notes):
        connection.execute(sa.delete(table).where(table.c.project == project, table.c.entity == entity))
