"""Volumes and attachments."""

from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from hansa.base.errors import Conflict, NotFound
from hansa.cloud.drivers.embedded.commandline import DRIVES
from hansa.cloud.drivers.embedded.store.tables import attachments, volumes
from hansa.cloud.model import AttachmentId, ProjectId, ServerId, Volume, VolumeId


def add(connection: Connection, volume: Volume) -> None:
    values = {
        "id": volume.id,
        "project": volume.owner,
        "name": volume.name,
        "size_gib": volume.size_gib,
        "state": volume.state,
        "online": volume.online,
        "description": volume.description,
        "created": volume.created,
    }
    connection.execute(insert(volumes).values(values))


def listing(connection: Connection, project: ProjectId) -> list[Volume]:
    query = select(volumes).where(volumes.c.project == project).order_by(volumes.c.created, volumes.c.id)
    return [_volume(row) for row in connection.execute(query)]


def of_project(connection: Connection, project: ProjectId, volume: VolumeId) -> Volume:
    """NotFound if it is absent, going, or another project's."""
    row = connection.execute(select(volumes).where(volumes.c.id == volume, volumes.c.project == project)).first()
    if row is None or row.state == "deleting":
        raise NotFound(f"There is no volume {volume}.")
    return _volume(row)


def available(connection: Connection, project: ProjectId, volume: VolumeId) -> Volume:
    """Conflict if it is in use or offline."""
    found = of_project(connection, project, volume)
    if found.state != "available":
        raise Conflict(f"The volume is {found.state}.", state=found.state)
    if not found.online:
        raise Conflict("The volume is offline; bring it online first.", state="offline")
    return found


def change(connection: Connection, volume: VolumeId, **values: Any) -> None:
    connection.execute(update(volumes).where(volumes.c.id == volume).values(**values))


def forget(connection: Connection, volume: VolumeId) -> None:
    connection.execute(delete(volumes).where(volumes.c.id == volume))


def attach(
    connection: Connection,
    attachment: AttachmentId,
    server: ServerId,
    volume: VolumeId,
    *,
    mountpoint: str | None,
    state: str,
) -> int:
    """Give the volume the machine's first free place, and return its number. Conflict if all are taken."""
    taken = set(connection.execute(select(attachments.c.slot).where(attachments.c.server == server)).scalars())
    slot = next((slot for slot in range(DRIVES) if slot not in taken), None)
    if slot is None:
        raise Conflict(f"The machine already has {DRIVES} volumes.")
    row = {"id": attachment, "server": server, "volume": volume, "slot": slot, "mountpoint": mountpoint}
    connection.execute(insert(attachments).values(**row, active=state == "in-use"))
    change(connection, volume, state=state)
    return slot


def attachment(connection: Connection, attachment: AttachmentId) -> Row[Any] | None:
    """`server`, `volume`, `slot`, `project` …"""
    query = select(attachments, volumes.c.project).join(volumes).where(attachments.c.id == attachment)
    return connection.execute(query).first()


def place(connection: Connection, volume: VolumeId) -> tuple[ServerId, int] | None:
    """Machine and slot that hold the volume."""
    query = select(attachments.c.server, attachments.c.slot).where(attachments.c.volume == volume)
    row = connection.execute(query).first()
    return (ServerId(row.server), row.slot) if row else None


def everything(connection: Connection) -> list[Volume]:
    return [_volume(row) for row in connection.execute(select(volumes))]


def attached(connection: Connection, server: ServerId) -> list[tuple[int, VolumeId]]:
    """What the machine has at its next start: place and volume."""
    query = select(attachments.c.slot, attachments.c.volume).where(attachments.c.server == server)
    rows = connection.execute(query.order_by(attachments.c.slot))
    return [(row.slot, VolumeId(row.volume)) for row in rows]


def activate(connection: Connection, attachment: AttachmentId, volume: VolumeId) -> None:
    connection.execute(update(attachments).where(attachments.c.id == attachment).values(active=True))
    change(connection, volume, state="in-use")


def detach(connection: Connection, attachment: AttachmentId, volume: VolumeId) -> None:
    connection.execute(delete(attachments).where(attachments.c.id == attachment))
    change(connection, volume, state="available")


def _volume(row: Row[Any]) -> Volume:
    return Volume(
        id=VolumeId(row.id),
        name=row.name,
        size_gib=row.size_gib,
        owner=ProjectId(row.project),
        state=row.state,
        online=row.online,
        description=row.description,
        created=row.created,
    )
