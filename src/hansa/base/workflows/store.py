"""The table of workflows: one row each, one short transaction for each step.

`done` lists the names of the steps that were done; while undoing, names leave it from the end. `crashes` counts how many
engines have died over it since the last step. `owner` is the engine that
runs the workflow and `lease_until` says until when it may be believed alive, in seconds since the epoch: of the database's
clock on PostgreSQL, so that nodes need not agree on the time, and of this host's on SQLite.
"""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Float,
    Integer,
    MetaData,
    Row,
    String,
    Table,
    Text,
    and_,
    case,
    cast,
    delete,
    extract,
    func,
    insert,
    literal,
    select,
    update,
)

from hansa.base.workflows import Status

metadata = MetaData()
workflows = Table(
    "workflow",
    metadata,
    Column("id", String(200), primary_key=True),
    Column("name", String(100), nullable=False),
    Column("status", String(10), nullable=False, index=True),
    Column("state", JSON, nullable=False),
    Column("done", JSON, nullable=False),
    Column("cancelled", Boolean, nullable=False, default=False),
    Column("crashes", Integer, nullable=False, default=0),
    Column("error_code", String(100)),
    Column("error_message", Text),
    Column("owner", String(200), index=True),
    Column("lease_until", Float, nullable=False),
    Column("updated", Float, nullable=False),
)
UNFINISHED = workflows.c.status.in_([Status.RUNNING, Status.UNDOING])


@dataclass(slots=True)
class Record:
    """A row as its engine drives it."""

    id: str
    name: str
    state: dict[str, Any]
    status: Status = Status.RUNNING
    done: list[str] = field(default_factory=list)
    cancelled: bool = False
    crashes: int = 0
    error_code: str | None = None
    error_message: str | None = None

    @property
    def unfinished(self) -> bool:
        return self.status in (Status.RUNNING, Status.UNDOING)


@dataclass(frozen=True, slots=True)
class Lease:
    owner: str
    seconds: float


def add(connection: Connection, record: Record, lease: Lease | None) -> Record | None:
    """Write the row unless its id is there; the record to drive if it is new or was nobody's, None if there is nothing to do."""
    row = connection.execute(select(workflows).where(workflows.c.id == record.id)).one_or_none()
    if row is None:
        values = {"id": record.id, "name": record.name, **_values(record), **_owned(connection, lease)}
        connection.execute(insert(workflows).values(values))
        return record if lease else None
    if row.name != record.name:
        raise ValueError(f"workflow {record.id} was started as {row.name}, not {record.name}")
    unowned = and_(workflows.c.id == record.id, workflows.c.owner.is_(None), UNFINISHED)
    if lease and connection.execute(update(workflows).where(unowned).values(_owned(connection, lease))).rowcount:
        return _record(row)
    return None


def claim(
    connection: Connection, names: Collection[str], busy: Collection[str], lease: Lease, is_dead: Callable[[str], bool]
) -> list[Record]:
    """Take every unfinished workflow that nobody runs: released, its lease run out, or its owner known to be dead.

    `busy`: ids that this engine drives now.
    """
    query = select(workflows, (workflows.c.lease_until < _now(connection)).label("expired")).where(
        UNFINISHED, workflows.c.name.in_(names), workflows.c.id.not_in(busy)
    )
    rows = connection.execute(query.with_for_update(skip_locked=True)).all()
    free = [row for row in rows if row.owner is None or row.expired or is_dead(row.owner)]
    if free:
        mine = update(workflows).where(workflows.c.id.in_([row.id for row in free]))
        died = case((workflows.c.owner.is_(None), workflows.c.crashes), else_=workflows.c.crashes + 1)
        connection.execute(mine.values({**_owned(connection, lease), "crashes": died}))
    return [_record(row, died=row.owner is not None) for row in free]


def save(connection: Connection, record: Record, lease: Lease) -> tuple[Status, bool] | None:
    """Write progress; the status as stored and whether a cancel was asked for, or None if the workflow is no longer ours.

    A cancel that came before the last step was recorded still counts: then the status stays RUNNING.
    """
    values: dict[str, Any] = _values(record)
    if record.status is Status.DONE:
        values["status"] = case((workflows.c.cancelled, Status.RUNNING.value), else_=Status.DONE.value)
    if not record.unfinished:
        values["updated"] = _now(connection)
    mine = and_(workflows.c.id == record.id, workflows.c.owner == lease.owner)
    row = connection.execute(
        update(workflows).where(mine).values(values).returning(workflows.c.status, workflows.c.cancelled)
    ).one_or_none()
    return None if row is None else (Status(row.status), row.cancelled)


def renew(connection: Connection, ids: Sequence[str], lease: Lease) -> frozenset[str]:
    """Which of `ids` are still ours, now for another lease."""
    mine = and_(workflows.c.id.in_(ids), workflows.c.owner == lease.owner)
    rows = connection.execute(update(workflows).where(mine).values(_owned(connection, lease)).returning(workflows.c.id))
    return frozenset(rows.scalars())


def release(connection: Connection, lease: Lease) -> None:
    mine = and_(workflows.c.owner == lease.owner, UNFINISHED)
    connection.execute(update(workflows).where(mine).values(_owned(connection, None)))


def cancel(connection: Connection, workflow_id: str) -> None:
    this = and_(workflows.c.id == workflow_id, workflows.c.status == Status.RUNNING)
    connection.execute(update(workflows).where(this).values(cancelled=True))


def load(connection: Connection, workflow_id: str) -> Record | None:
    row = connection.execute(select(workflows).where(workflows.c.id == workflow_id)).one_or_none()
    return None if row is None else _record(row)


def forget(connection: Connection, seconds: float) -> int:
    """Remove what ended longer ago than this; how many."""
    old = and_(~UNFINISHED, workflows.c.updated < _now(connection) - seconds)
    return connection.execute(delete(workflows).where(old)).rowcount


def _values(record: Record) -> dict[str, Any]:
    return {
        "status": record.status,
        "state": record.state,
        "done": record.done,
        "crashes": 0,
        "error_code": record.error_code,
        "error_message": record.error_message,
    }


def _owned(connection: Connection, lease: Lease | None) -> Mapping[str, Any]:
    now = _now(connection)
    return {
        "owner": lease.owner if lease else None,
        "lease_until": now + lease.seconds if lease else 0.0,
        "updated": now,
    }


def _now(connection: Connection) -> ColumnElement[float]:
    if connection.dialect.name == "sqlite":
        return literal(time.time(), Float)
    return cast(extract("epoch", func.clock_timestamp()), Float)


def _record(row: Row[Any], *, died: bool = False) -> Record:
    return Record(
        id=row.id,
        name=row.name,
        state=dict(row.state),
        status=Status(row.status),
        done=list(row.done),
        cancelled=row.cancelled,
        crashes=row.crashes + died,
        error_code=row.error_code,
        error_message=row.error_message,
    )
