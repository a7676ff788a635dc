"""Volumes of the reference driver, and their places in machines."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from string import ascii_lowercase

from hansa.base.errors import Conflict, NotFound
from hansa.cloud.drivers.memory.world import World
from hansa.cloud.model import Attachment, AttachmentId, Caller, Server, ServerId, Volume, VolumeId
from hansa.cloud.rules import VOLUMES_MAX, check_attachable, check_name, check_volume_size


class Volumes(World):
    async def volumes(self, caller: Caller) -> Sequence[Volume]:
        self._now()
        return list(self._volumes[caller.project].values())

    async def create_volume(self, caller: Caller, *, name: str, size_gib: float, description: str = "") -> Volume:
        now = self._now()
        check_name(name)
        self._reserve(caller.project, {"volumes": 1, "volume_gib": _ceil(check_volume_size(size_gib))})
        volume = Volume(VolumeId(self._new_id()), name, size_gib, caller.project, description=description, created=now)
        self._volumes[caller.project][volume.id] = volume
        return volume

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
        self._now()
        found = self._volume(caller, volume)
        if name is not None:
            found = replace(found, name=check_name(name))
        if description is not None:
            found = replace(found, description=description)
        if online is not None and online != found.online:
            if found.state == "in-use":
                raise Conflict("The volume is attached to a machine; detach it first.")
            found = replace(found, online=online)
        if size_gib is not None:
            check_volume_size(size_gib, at_least=found.size_gib)
            self._reserve(caller.project, {"volume_gib": _ceil(size_gib) - _ceil(found.size_gib)})
            found = replace(found, size_gib=size_gib)
        self._volumes[caller.project][found.id] = found
        return found

    async def delete_volume(self, caller: Caller, volume: VolumeId) -> None:
        self._now()
        found = self._volume(caller, volume)
        if found.state == "in-use":
            raise Conflict("The volume is attached to a machine; detach it first.")
        del self._volumes[caller.project][found.id]

    async def attach_volume(
        self, caller: Caller, server: ServerId, volume: VolumeId, *, mountpoint: str | None = None
    ) -> Attachment:
        now = self._now()
        found, disk = self._find(caller, server), self._available(caller, volume)
        check_attachable(found)
        if len(found.attachments) >= VOLUMES_MAX:
            raise Conflict(f"The machine already has {VOLUMES_MAX} volumes.")
        attachments = self._plug(found, [disk], mountpoint)
        self._put(replace(found, attachments=attachments), now)
        return attachments[-1]

    async def detach_volume(self, caller: Caller, attachment: AttachmentId) -> None:
        now = self._now()
        project, server = self._attachments.get(attachment, (None, None))
        if project != caller.project or server is None:
            raise NotFound(f"There is no attachment {attachment}.")
        found = self._find(caller, server)
        check_attachable(found)
        kept = tuple(each for each in found.attachments if each.id != attachment)
        self._free(found, (each for each in found.attachments if each.id == attachment))
        self._put(replace(found, attachments=kept), now)

    def _volume(self, caller: Caller, volume: VolumeId) -> Volume:
        try:
            return self._volumes[caller.project][volume]
        except KeyError:
            raise NotFound(f"There is no volume {volume}.") from None

    def _available(self, caller: Caller, volume: VolumeId) -> Volume:
        found = self._volume(caller, volume)
        if found.state != "available":
            raise Conflict(f"The volume is {found.state}.", state=found.state)
        if not found.online:
            raise Conflict("The volume is offline; bring it online first.", state="offline")
        return found

    def _plug(self, server: Server, volumes: Iterable[Volume], mountpoint: str | None = None) -> tuple[Attachment, ...]:
        """The server's attachments with these added; the caller puts them into the server."""
        attachments = list(server.attachments)
        for volume in volumes:
            taken = {each.device for each in attachments}
            device = next(name for letter in ascii_lowercase[1:] if (name := f"/dev/vd{letter}") not in taken)
            added = Attachment(AttachmentId(self._new_id()), server.id, volume.id, device, mountpoint)
            self._attachments[added.id] = (server.project, server.id)
            self._volumes[server.project][volume.id] = replace(volume, state="in-use")
            attachments.append(added)
        return tuple(attachments)

    def _unplug_all(self, server: Server) -> None:
        self._free(server, server.attachments)

    def _free(self, server: Server, attachments: Iterable[Attachment]) -> None:
        volumes = self._volumes[server.project]
        for each in attachments:
            del self._attachments[each.id]
            volumes[each.volume] = replace(volumes[each.volume], state="available")


def _ceil(gib: float) -> int:
    return -int(-gib // 1)
