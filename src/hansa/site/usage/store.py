"""Tables of use: every event as the cloud told it, and what they add up to for each machine."""

from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Row

from hansa.base.database import UtcDateTime
from hansa.cloud.model import EventKind, ImageId, ProjectId, ServerEvent, ServerId
from hansa.site.usage.model import MachineUse, after, first_use

metadata = sa.MetaData()

events = sa.Table(
    "usage_event",
    metadata,
    sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("time", UtcDateTime, nullable=False),
    sa.Column("kind", sa.String(32), nullable=False),
    sa.Column("server", sa.String(64), nullable=False),
    sa.Column("project", sa.String(255), nullable=False),
    sa.Column("user", sa.Text, nullable=False),
    sa.Column("vo", sa.String(255)),
    sa.Column("fqan", sa.Text),
    sa.Column("name", sa.String(255), nullable=False),
    sa.Column("image", sa.String(255)),
    sa.Column("vcpus", sa.Integer, nullable=False),
    sa.Column("ram_mib", sa.Integer, nullable=False),
    sa.Column("disk_gib", sa.Integer, nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Index("usage_event_project", "project", "sequence"),
)

machines = sa.Table(
    "usage_machine",
    metadata,
    sa.Column("server", sa.String(64), primary_key=True),
    sa.Column("name", sa.String(255), nullable=False),
    sa.Column("project", sa.String(255), nullable=False),
    sa.Column("user", sa.Text, nullable=False),
    sa.Column("vo", sa.String(255)),
    sa.Column("fqan", sa.Text),
    sa.Column("image", sa.String(255)),
    sa.Column("vcpus", sa.Integer, nullable=False),
    sa.Column("ram_mib", sa.Integer, nullable=False),
    sa.Column("disk_gib", sa.Integer, nullable=False),
    sa.Column("status", sa.String(32), nullable=False),
    sa.Column("created", UtcDateTime, nullable=False),
    sa.Column("started", UtcDateTime),
    sa.Column("ended", UtcDateTime),
    sa.Column("running_since", UtcDateTime),
    sa.Column("ran_us", sa.BigInteger, nullable=False),
    sa.Column("cpu_ran_us", sa.BigInteger, nullable=False),
    sa.Index("usage_machine_project", "project", "created"),
)

_MICROSECOND = timedelta(microseconds=1)


def cursor(connection: Connection) -> int:
    """The sequence of the last event that was recorded; 0 before the first. What is recorded and the cursor are one."""
    return connection.scalar(sa.select(sa.func.max(events.c.sequence))) or 0


def record(connection: Connection, told: Sequence[ServerEvent]) -> None:
    """Keep what is new among these events, in order, and add it up."""
    known = cursor(connection)
    new = [event for event in told if event.sequence > known]
    if not new:
        return
    connection.execute(sa.insert(events), [asdict(event) | {"kind": event.kind.value} for event in new])
    before = {use.server: use for use in _machines_of(connection, {event.server for event in new})}
    now = dict(before)
    for event in new:
        now[event.server] = after(now.get(event.server) or first_use(event), event)
    _write(connection, sa.insert(machines), [use for server, use in now.items() if server not in before])
    changed = sa.update(machines).where(machines.c.server == sa.bindparam("which"))
    _write(connection, changed, [use for server, use in now.items() if server in before])


def _machines_of(connection: Connection, servers: set[ServerId]) -> list[MachineUse]:
    return [_use(row) for row in connection.execute(sa.select(machines).where(machines.c.server.in_(servers)))]


def _write(connection: Connection, statement: sa.Insert | sa.Update, uses: Sequence[MachineUse]) -> None:
    if uses:
        connection.execute(statement, [_values(use, update=isinstance(statement, sa.Update)) for use in uses])


def _values(use: MachineUse, *, update: bool) -> dict[str, Any]:
    values = asdict(use) | {"status": use.status.value}
    values |= {"ran_us": values.pop("ran") // _MICROSECOND, "cpu_ran_us": values.pop("cpu_ran") // _MICROSECOND}
    return values | {"which": use.server} if update else values


def list_machines(connection: Connection, project: str | None, *, limit: int, offset: int) -> list[MachineUse]:
    """Machines of a project (None: of all), by creation time, then id."""
    query = sa.select(machines).order_by(machines.c.created, machines.c.server).limit(limit).offset(offset)
    if project is not None:
        query = query.where(machines.c.project == project)
    return [_use(row) for row in connection.execute(query)]


def vos_of(connection: Connection, servers: Collection[str]) -> dict[str, str | None]:
    query = sa.select(machines.c.server, machines.c.vo).where(machines.c.server.in_(servers))
    return {row.server: row.vo for row in connection.execute(query)}


def list_events(connection: Connection, project: str | None, *, later_than: int, limit: int) -> list[ServerEvent]:
    """Events of a project (None: of all) with a greater sequence, in order."""
    query = sa.select(events).where(events.c.sequence > later_than).order_by(events.c.sequence).limit(limit)
    if project is not None:
        query = query.where(events.c.project == project)
    return [_event(row) for row in connection.execute(query)]


def _use(row: Row[Any]) -> MachineUse:
    values = dict(row._mapping)
    ran, cpu_ran = values.pop("ran_us") * _MICROSECOND, values.pop("cpu_ran_us") * _MICROSECOND
    return MachineUse(**(values | {"status": EventKind(values["status"])}), ran=ran, cpu_ran=cpu_ran)


def _event(row: Row[Any]) -> ServerEvent:
    values = dict(row._mapping)
    return ServerEvent(
        **values
        | {
            "kind": EventKind(values["kind"]),
            "server": ServerId(values["server"]),
            "project": ProjectId(values["project"]),
            "image": None if values["image"] is None else ImageId(values["image"]),
        }
    )
