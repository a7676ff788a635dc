"""Volumes and network cards come to machines and leave them: workflows. A machine that is off has only its rows changed."""

import asyncio
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection

from hansa.base.workflows import State, Step, Workflow
from hansa.cloud.drivers.embedded import plugging
from hansa.cloud.drivers.embedded.host import Host
from hansa.cloud.drivers.embedded.store import networks, servers, volumes
from hansa.cloud.model import AttachmentId, InterfaceId, ServerId, VolumeId

ATTACH_VOLUME = "embedded.attach-volume"
DETACH_VOLUME = "embedded.detach-volume"
ATTACH_INTERFACE = "embedded.attach-interface"
DETACH_INTERFACE = "embedded.detach-interface"


class Devices:
    """The workflows' state: `server`, `slot`, and `attachment` with `volume`, or `interface`."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def workflows(self) -> Iterable[Workflow]:
        plug, unplug = self._plug_volume, self._unplug_volume
        yield _workflow(ATTACH_VOLUME, Step("plug", plug, unplug), self._attached, self._not_attached)
        yield _workflow(DETACH_VOLUME, Step("unplug", unplug), self._detached, self._not_detached)
        plug, unplug = self._plug_card, self._unplug_card
        yield _workflow(ATTACH_INTERFACE, Step("plug", plug, unplug), self._connected, self._not_connected)
        yield _workflow(DETACH_INTERFACE, Step("unplug", unplug), self._disconnected, self._not_disconnected)

    async def _plug_volume(self, state: State) -> None:
        link = await self._host.hypervisor.link(ServerId(state["server"]))
        if link is not None:
            drive = self._host.drive(state["slot"], VolumeId(state["volume"]))
            await asyncio.to_thread(self._host.give, drive.path)
            await plugging.plug_drive(link, drive)

    async def _unplug_volume(self, state: State) -> None:
        link = await self._host.hypervisor.link(ServerId(state["server"]))
        if link is not None:
            await plugging.unplug_drive(link, state["slot"])

    async def _attached(self, state: State) -> None:
        await self._finish(state, lambda connection: volumes.activate(connection, *_attachment(state)))

    async def _not_attached(self, state: State) -> None:
        await self._finish(state, lambda connection: volumes.detach(connection, *_attachment(state)))

    async def _detached(self, state: State) -> None:
        await self._finish(state, lambda connection: volumes.detach(connection, *_attachment(state)))

    async def _not_detached(self, state: State) -> None:
        await self._finish(state, lambda connection: volumes.activate(connection, *_attachment(state)))

    async def _plug_card(self, state: State) -> None:
        server = ServerId(state["server"])
        link = await self._host.hypervisor.link(server)
        if link is None:
            return
        plugged = await self._host.db.read(lambda connection: networks.plugged(connection, server))
        card = next(card for card in plugged if card.slot == state["slot"])
        await plugging.plug_card(link, self._host.card(card))
        await plugging.switch_card(link, card.slot, up=card.network.up)

    async def _unplug_card(self, state: State) -> None:
        link = await self._host.hypervisor.link(ServerId(state["server"]))
        if link is not None:
            await plugging.unplug_card(link, state["slot"])

    async def _connected(self, state: State) -> None:
        interface = InterfaceId(state["interface"])
        await self._finish(state, lambda connection: networks.activate(connection, interface))

    async def _not_connected(self, state: State) -> None:
        interface = InterfaceId(state["interface"])
        await self._finish(state, lambda connection: networks.disconnect(connection, interface))

    async def _disconnected(self, state: State) -> None:
        interface = InterfaceId(state["interface"])
        await self._finish(state, lambda connection: networks.disconnect(connection, interface))

    async def _not_disconnected(self, state: State) -> None:
        await self._finish(state, lambda connection: None)

    async def _finish(self, state: State, change: Any) -> None:
        """The rows of the device and of the machine, in one transaction, if the machine is still ours."""
        server, workflow, now = ServerId(state["server"]), state["workflow"], self._host.clock()
        fault = state.get("error", {}).get("message")

        def write(connection: Connection) -> None:
            if servers.finish(connection, server, workflow, now, fault=fault):
                change(connection)

        await self._host.db.write(write)
        await self._host.check_alive(server)


def _attachment(state: State) -> tuple[AttachmentId, VolumeId]:
    return AttachmentId(state["attachment"]), VolumeId(state["volume"])


def _workflow(name: str, step: Step, record: Any, failed: Any) -> Workflow:
    return Workflow(name, (step, Step("record", record)), finally_failed=failed)
