"""Machines: rows in and out, and the one function through which a machine's state changes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, delete, func, insert, select, update

from hansa.base.errors import NotFound
from hansa.cloud.drivers.embedded.store.tables import (
    attachments,
    events,
    interfaces,
    networks,
    servers,
    volumes,
)
from hansa.cloud.model import (
    Attachment,
    AttachmentId,
    Caller,
    EventKind,
    Flavor,
    FlavorId,
    ImageId,
    Interface,
    InterfaceId,
    NetworkId,
    ProjectId,
    Server,
    ServerEvent,
    ServerId,
    ServerQuery,
    ServerSpec,
    ServerState,
    VolumeId,
)

NATIVE = {
    ServerState.PENDING: "building",
    ServerState.ACTIVE: "running",
    ServerState.PAUSED: "paused",
    ServerState.SUSPENDED: "saved",
    ServerState.STOPPED: "shut off",
    ServerState.ERROR: "error",
}


_ASKED_LATER = ("ssh_keys", "user_data", "next_flavor")
_SHOWN = [column for column in servers.c if column.name not in _ASKED_LATER]
"""What makes a `Server`: listings do not carry everybody's user data."""


@dataclass(frozen=True, slots=True)
class Origin:
    """What the guest is told at its first boot."""

    ssh_keys: tuple[str, ...]
    user_data: bytes


def add(connection: Connection, server: Server, caller: Caller, spec: ServerSpec, workflow: str) -> None:
    connection.execute(
        insert(servers).values(
            id=server.id,
            project=server.project,
            request_id=spec.request_id,
            name=server.name,
            hostname=server.hostname,
            user=server.user,
            vo=caller.vo,
            fqan=caller.fqan,
            state=server.state,
            task=server.task,
            workflow=workflow,
            image=server.image,
            flavor=asdict(server.flavor),
            server_metadata=dict(server.metadata),
            ssh_keys=list(spec.ssh_keys),
            user_data=spec.user_data,
            created=server.created,
            updated=server.updated,
        )
    )
    record(connection, server.id, EventKind.CREATED, server.created)


def find(connection: Connection, server: ServerId) -> Server | None:
    return next(iter(_load(connection, select(*_SHOWN).where(servers.c.id == server))), None)


def get(connection: Connection, server: ServerId) -> Server:
    """NotFound if it is gone."""
    found = find(connection, server)
    if found is None:
        raise NotFound(f"There is no machine {server}.")
    return found


def of_project(connection: Connection, project: ProjectId, server: ServerId) -> Server:
    """NotFound also if it belongs to another project."""
    found = find(connection, server)
    if found is None or found.project != project:
        raise NotFound(f"There is no machine {server}.")
    return found


def by_request(connection: Connection, project: ProjectId, request_id: str) -> Server | None:
    query = select(*_SHOWN).where(servers.c.project == project, servers.c.request_id == request_id)
    return next(iter(_load(connection, query)), None)


def listing(connection: Connection, project: ProjectId | None, query: ServerQuery) -> list[Server]:
    """In three statements, however many there are. `project` None: of all."""
    wanted = select(*_SHOWN).order_by(servers.c.created, servers.c.id)
    filters = {"project": project, "image": query.image, "state": query.state, "name": query.name}
    for column, value in filters.items():
        if value is not None:
            wanted = wanted.where(servers.c[column] == value)
    if query.flavor is not None:
        wanted = wanted.where(servers.c.flavor["id"].as_string() == query.flavor)
    if query.limit or query.offset:
        wanted = wanted.limit(query.limit or -1).offset(query.offset)
    return _load(connection, wanted)


def at_rest(connection: Connection, states: Iterable[ServerState]) -> list[tuple[ServerId, ServerState]]:
    """Machines in these states that no workflow holds."""
    query = select(servers.c.id, servers.c.state).where(servers.c.task.is_(None), servers.c.state.in_(list(states)))
    return [(ServerId(row.id), ServerState(row.state)) for row in connection.execute(query)]


def with_workflow(connection: Connection, server: ServerId) -> str | None:
    """The workflow that carries out the machine's task."""
    return connection.execute(select(servers.c.workflow).where(servers.c.id == server)).scalar()


def origin(connection: Connection, server: ServerId) -> Origin:
    row = connection.execute(select(servers.c.ssh_keys, servers.c.user_data).where(servers.c.id == server)).one()
    return Origin(tuple(row.ssh_keys), row.user_data)


def usage(connection: Connection, project: ProjectId) -> tuple[int, int, int]:
    """Machines, processors and MiB of the project, for its quota."""
    total = select(func.count(), func.sum(_larger("vcpus")), func.sum(_larger("ram_mib")))
    count, vcpus, ram_mib = connection.execute(total.where(servers.c.project == project)).one()
    return count, vcpus or 0, ram_mib or 0


def memory_in_use(connection: Connection, except_server: ServerId | None = None) -> int:
    """MiB of all machines that run or are about to."""
    runs = servers.c.state.in_([ServerState.PENDING, ServerState.ACTIVE, ServerState.PAUSED])
    total = select(func.sum(_larger("ram_mib"))).where(runs | servers.c.task.in_(["starting", "resizing"]))
    return connection.execute(total.where(servers.c.id != (except_server or ""))).scalar() or 0


def next_flavor(connection: Connection, server: ServerId) -> Flavor | None:
    found = connection.execute(select(servers.c.next_flavor).where(servers.c.id == server)).scalar()
    return _flavor(found) if found else None


def begin(connection: Connection, server: ServerId, task: str, workflow: str, now: datetime, **values: Any) -> None:
    """Hand the machine to a workflow."""
    change(connection, server, now, task=task, workflow=workflow, **values)


def change(connection: Connection, server: ServerId, now: datetime, **values: Any) -> None:
    connection.execute(update(servers).where(servers.c.id == server).values(updated=now, **values))


def finish(
    connection: Connection,
    server: ServerId,
    workflow: str,
    now: datetime,
    event: EventKind | None = None,
    **values: Any,
) -> bool:
    """The end of a task: state and event in one go, once. False if the workflow no longer owns the machine."""
    if with_workflow(connection, server) != workflow:
        return False
    change(connection, server, now, **{"task": None, "workflow": None, "fault": None, "next_flavor": None} | values)
    if event is not None:
        record(connection, server, event, now, values.get("fault") or "")
    return True


def switch_flavor(connection: Connection, server: ServerId, workflow: str, now: datetime, *, stopped: bool) -> None:
    """Its next flavor becomes its flavor, once; a stop is told before."""
    if with_workflow(connection, server) != workflow or (flavor := next_flavor(connection, server)) is None:
        return
    if stopped:
        change(connection, server, now, state=ServerState.STOPPED)
        record(connection, server, EventKind.STOPPED, now, "resize")
    change(connection, server, now, flavor=asdict(flavor), next_flavor=None)


def forget(connection: Connection, server: ServerId, now: datetime) -> None:
    """The machine is gone: rows, address and ports are free, volumes available; the event stays. Nothing, the second time."""
    if find(connection, server) is None:
        return
    record(connection, server, EventKind.DELETED, now)
    held = select(attachments.c.volume).where(attachments.c.server == server)
    connection.execute(update(volumes).where(volumes.c.id.in_(held)).values(state="available"))
    for table in (attachments, interfaces):
        connection.execute(delete(table).where(table.c.server == server))
    connection.execute(delete(servers).where(servers.c.id == server))


def record(connection: Connection, server: ServerId, kind: EventKind, now: datetime, detail: str = "") -> None:
    """What happened, with the machine as it is in this transaction."""
    row = connection.execute(select(*_SHOWN).where(servers.c.id == server)).one()
    latest = connection.execute(select(events.c.time).order_by(events.c.sequence.desc()).limit(1)).scalar()
    connection.execute(
        insert(events).values(
            time=max(now, latest) if latest else now,  # the clock may have been set back
            kind=kind,
            server=row.id,
            project=row.project,
            user=row.user,
            vo=row.vo,
            fqan=row.fqan,
            name=row.name,
            image=row.image,
            vcpus=row.flavor["vcpus"],
            ram_mib=row.flavor["ram_mib"],
            disk_gib=row.flavor["disk_gib"],
            detail=detail,
        )
    )


def events_after(connection: Connection, after: int, limit: int) -> list[ServerEvent]:
    query = select(events).where(events.c.sequence > after).order_by(events.c.sequence).limit(limit)
    return [ServerEvent(**{**row._mapping, "kind": EventKind(row.kind)}) for row in connection.execute(query)]


def _load(connection: Connection, query: Select[Any]) -> list[Server]:
    rows = connection.execute(query).all()
    ids = [row.id for row in rows]
    cards = _by_server(
        connection,
        select(interfaces, networks.c.gateway, networks.c.allocation)
        .join(networks, networks.c.id == interfaces.c.network)
        .order_by(interfaces.c.slot),
        interfaces.c.server,
        ids,
    )
    disks = _by_server(connection, select(attachments).order_by(attachments.c.slot), attachments.c.server, ids)
    return [
        _server(
            row, [_interface(card) for card in cards.get(row.id, ())], [_attachment(a) for a in disks.get(row.id, ())]
        )
        for row in rows
    ]


def _by_server(
    connection: Connection, query: Select[Any], column: Any, ids: Sequence[str]
) -> dict[str, list[Row[Any]]]:
    found: dict[str, list[Row[Any]]] = {}
    if len(ids) <= 500:  # else all of them: a statement cannot hold any number of values
        query = query.where(column.in_(ids))
    for row in connection.execute(query):
        found.setdefault(row.server, []).append(row)
    return found


def _server(row: Row[Any], cards: Sequence[Interface], disks: Sequence[Attachment]) -> Server:
    state = ServerState(row.state)
    return Server(
        id=ServerId(row.id),
        name=row.name,
        project=ProjectId(row.project),
        user=row.user,
        state=state,
        flavor=_flavor(row.flavor),
        image=ImageId(row.image),
        created=row.created,
        updated=row.updated,
        hostname=row.hostname,
        task=row.task,
        fault=row.fault,
        native_state=NATIVE[state],
        interfaces=tuple(cards),
        attachments=tuple(disks),
        metadata=row.server_metadata,
        launched=row.launched,
    )


def _interface(row: Row[Any]) -> Interface:
    return Interface(
        id=InterfaceId(row.id),
        network=NetworkId(row.network),
        mac=row.mac,
        address=row.address,
        gateway=row.gateway,
        device=row.device,
        allocation=row.allocation,
        active=row.active,
        forwards=dict(row.forwards),
    )


def _attachment(row: Row[Any]) -> Attachment:
    device = f"/dev/vd{chr(ord('c') + row.slot)}"  # behind root disk and seed
    return Attachment(
        AttachmentId(row.id), ServerId(row.server), VolumeId(row.volume), device, row.mountpoint, row.active
    )


def _flavor(values: Mapping[str, Any]) -> Flavor:
    return Flavor(**{**values, "id": FlavorId(values["id"])})


def _larger(size: str) -> ColumnElement[int]:
    """A machine that is being resized counts with the larger of its flavors. SQLite's max takes several values."""
    return func.max(servers.c.flavor[size].as_integer(), func.coalesce(servers.c.next_flavor[size].as_integer(), 0))
