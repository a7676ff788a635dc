"""Volumes at the port: sparse raw files, plugged into machines while they run."""

import asyncio
import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from sqlalchemy import Connection

from hansa.base.errors import Conflict, NotFound
from hansa.cloud.drivers.embedded import devices, plugging
from hansa.cloud.drivers.embedded.host import GIB, Host
from hansa.cloud.drivers.embedded.store import servers, volumes
from hansa.cloud.drivers.embedded.tools import disk_errors, flush
from hansa.cloud.model import Attachment, AttachmentId, Caller, ServerId, Volume, VolumeId
from hansa.cloud.rules import check_attachable, check_name, check_volume_size

SECTOR = 512


class Volumes:
    _host: Host

    async def volumes(self, caller: Caller) -> Sequence[Volume]:
        return await self._host.db.read(lambda connection: volumes.listing(connection, caller.project))

    async def create_volume(self, caller: Caller, *, name: str, size_gib: float, description: str = "") -> Volume:
        check_name(name)
        check_volume_size(size_gib)
        await asyncio.to_thread(self._host.check_disk)
        volume = Volume(
            id=VolumeId(self._host.new_id()),
            name=name,
            size_gib=size_gib,
            owner=caller.project,
            state="creating",
            description=description,
            created=self._host.clock(),
        )

        def accept(connection: Connection) -> None:
            self._host.check_project(connection, caller.project, {"volumes": 1, "volume_gib": _ceil(size_gib)})
            volumes.add(connection, volume)

        await self._host.db.write(accept)
        try:
            with disk_errors():
                await asyncio.to_thread(make_file, self._host.state.volume(volume.id), size_gib)
        except BaseException:
            await self._host.db.write(lambda connection: volumes.forget(connection, volume.id))
            raise
        await self._host.db.write(lambda connection: volumes.change(connection, volume.id, state="available"))
        return await self._volume(caller, volume.id)

    async def update_volume(
        self,
        caller: Caller,
        volume: VolumeId,
        *,
        name: str | None = None,
        description: str | None = None,
        size_gib: float | None = None,
        online: bool | None = None,
    ) -> Volume:
        accept = partial(
            self._accept_change,
            caller=caller,
            volume=volume,
            name=name,
            description=description,
            size_gib=size_gib,
            online=online,
        )
        changed = await self._host.db.write(accept)
        if size_gib is not None:
            await self._grow(changed)
        return changed

    async def delete_volume(self, caller: Caller, volume: VolumeId) -> None:
        def accept(connection: Connection) -> None:
            found = volumes.of_project(connection, caller.project, volume)
            if found.state not in ("available", "error"):
                raise Conflict(f"The volume is {found.state}; detach it first.", state=found.state)
            volumes.change(connection, volume, state="deleting")

        await self._host.db.write(accept)
        await erase(self._host, volume)

    async def attach_volume(
        self, caller: Caller, server: ServerId, volume: VolumeId, *, mountpoint: str | None = None
    ) -> Attachment:
        name, now, attachment = devices.ATTACH_VOLUME, self._host.clock(), AttachmentId(self._host.new_id())
        workflow = self._host.new_workflow(name)

        def accept(connection: Connection) -> tuple[Attachment, int]:
            found = servers.of_project(connection, caller.project, server)
            volumes.available(connection, caller.project, volume)
            check_attachable(found)
            slot = volumes.attach(connection, attachment, server, volume, mountpoint=mountpoint, state="attaching")
            servers.begin(connection, server, "attaching", workflow, now)
            state = {"server": server, "attachment": attachment, "volume": volume, "slot": slot}
            self._host.record(connection, name, workflow, **state)
            after = servers.get(connection, server)
            return next(each for each in after.attachments if each.id == attachment), slot

        made, slot = await self._host.db.write(accept)
        await self._host.run(name, workflow, server=server, attachment=attachment, volume=volume, slot=slot)
        return made

    async def detach_volume(self, caller: Caller, attachment: AttachmentId) -> None:
        name, now = devices.DETACH_VOLUME, self._host.clock()
        workflow = self._host.new_workflow(name)

        def accept(connection: Connection) -> tuple[str, str, int]:
            found = volumes.attachment(connection, attachment)
            if found is None or found.project != caller.project:
                raise NotFound(f"There is no attachment {attachment}.")
            server = ServerId(found.server)
            check_attachable(servers.get(connection, server))
            volumes.change(connection, VolumeId(found.volume), state="detaching")
            servers.begin(connection, server, "detaching", workflow, now)
            state = {"server": server, "attachment": attachment, "volume": found.volume, "slot": found.slot}
            self._host.record(connection, name, workflow, **state)
            return server, found.volume, found.slot

        server, volume, slot = await self._host.db.write(accept)
        await self._host.run(name, workflow, server=server, attachment=attachment, volume=volume, slot=slot)

    def _accept_change(
        self,
        connection: Connection,
        *,
        caller: Caller,
        volume: VolumeId,
        name: str | None,
        description: str | None,
        size_gib: float | None,
        online: bool | None,
    ) -> Volume:
        found = volumes.of_project(connection, caller.project, volume)
        values: dict[str, object] = {}
        if name is not None:
            values["name"] = check_name(name)
        if description is not None:
            values["description"] = description
        if online is not None and online != found.online:
            if found.state != "available":
                raise Conflict("The volume is attached to a machine; detach it first.", state=found.state)
            values["online"] = online
        if size_gib is not None:
            values["size_gib"] = check_volume_size(size_gib, at_least=found.size_gib)
            more = _ceil(size_gib) - _ceil(found.size_gib)
            self._host.check_project(connection, caller.project, {"volume_gib": more})
        if values:
            volumes.change(connection, volume, **values)
        return volumes.of_project(connection, caller.project, volume)

    async def _grow(self, volume: Volume) -> None:
        with disk_errors():
            await asyncio.to_thread(make_file, self._host.state.volume(volume.id), volume.size_gib)
        place = await self._host.db.read(lambda connection: volumes.place(connection, volume.id))
        if place is not None and (link := await self._host.hypervisor.link(place[0])):
            await plugging.grow_drive(link, place[1], size_bytes(volume.size_gib))

    async def _volume(self, caller: Caller, volume: VolumeId) -> Volume:
        return await self._host.db.read(lambda connection: volumes.of_project(connection, caller.project, volume))


async def erase(host: Host, volume: VolumeId) -> None:
    """The file, then the row."""
    await asyncio.to_thread(host.state.volume(volume).unlink, missing_ok=True)
    await host.db.write(lambda connection: volumes.forget(connection, volume))


def make_file(path: Path, size_gib: float) -> None:
    """A sparse file of that size; one that is there grows and never shrinks."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.truncate(descriptor, max(size_bytes(size_gib), os.fstat(descriptor).st_size))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    flush(path.parent)


def size_bytes(size_gib: float) -> int:
    return -(-int(size_gib * GIB) // SECTOR) * SECTOR


def _ceil(gib: float) -> int:
    return -int(-gib // 1)
