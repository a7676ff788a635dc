"""Changes of machines at the port: power, size, images from their disks."""

import asyncio
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection

from hansa.base.errors import Conflict, NotFound
from hansa.cloud.drivers.embedded import power, resizing, saving
from hansa.cloud.drivers.embedded.host import RUNNING, Host
from hansa.cloud.drivers.embedded.store import images, servers
from hansa.cloud.model import (
    Caller,
    Flavor,
    FlavorId,
    Image,
    ImageId,
    Server,
    ServerAction,
    ServerId,
    ServerState,
)
from hansa.cloud.rules import check_action, check_idle, check_name, check_resize
from hansa.cloud.settings import flavors_of


class Changes:
    _host: Host

    async def act(self, caller: Caller, server: ServerId, action: ServerAction) -> Server:
        if action is ServerAction.SUSPEND:
            found = await self._host.db.read(lambda connection: servers.of_project(connection, caller.project, server))
            await asyncio.to_thread(self._host.check_disk, found.flavor.ram_mib / 1024)
        name, now = power.name_of(action), self._host.clock()
        workflow = self._host.new_workflow(name)

        def accept(connection: Connection) -> Server:
            found = servers.of_project(connection, caller.project, server)
            check_action(found, action)
            if action is ServerAction.START and found.state not in RUNNING:
                self._host.check_memory(connection, found.flavor.ram_mib, except_server=server)
            servers.begin(connection, server, power.TASKS[action], workflow, now)
            self._host.record(connection, name, workflow, server=server)
            return servers.get(connection, server)

        accepted = await self._host.db.write(accept)
        await self._host.run(name, workflow, server=server)
        return accepted

    async def resize_server(self, caller: Caller, server: ServerId, flavor: FlavorId) -> Server:
        workflow, now, wanted = self._host.new_workflow(resizing.NAME), self._host.clock(), self._flavor(flavor)

        def accept(connection: Connection) -> tuple[Server, Mapping[str, Any]]:
            found = servers.of_project(connection, caller.project, server)
            check_resize(found, wanted)
            more = {"vcpus": wanted.vcpus - found.flavor.vcpus, "ram_mib": wanted.ram_mib - found.flavor.ram_mib}
            self._host.check_project(connection, caller.project, more)
            runs = found.state is ServerState.ACTIVE
            if runs:
                self._host.check_memory(connection, wanted.ram_mib, except_server=server)
            grows = wanted.disk_gib > found.flavor.disk_gib
            state = {"server": server, "runs": runs, "disk_gib": wanted.disk_gib if grows else 0}
            servers.begin(connection, server, "resizing", workflow, now, next_flavor=asdict(wanted))
            self._host.record(connection, resizing.NAME, workflow, **state)
            return servers.get(connection, server), state

        accepted, state = await self._host.db.write(accept)
        await self._host.run(resizing.NAME, workflow, **state)
        return accepted

    async def save_server(self, caller: Caller, server: ServerId, name: str) -> Image:
        check_name(name)
        await asyncio.to_thread(self._host.check_disk)
        workflow, now = self._host.new_workflow(saving.NAME), self._host.clock()
        image = ImageId(self._host.new_id())

        def accept(connection: Connection) -> Image:
            found = servers.of_project(connection, caller.project, server)
            check_idle(found)
            if found.state is ServerState.ERROR:
                raise Conflict("A machine that never started has nothing to save.", state=found.state.value)
            saved = Image(
                id=image,
                name=name,
                size_bytes=0,
                min_disk_gib=found.flavor.disk_gib,
                owner=caller.project,
                description=f"Saved from {found.name}",
                created=now,
            )
            images.add(connection, saved, workflow)
            servers.begin(connection, server, "saving", workflow, now)
            self._host.record(connection, saving.NAME, workflow, server=server, image=image)
            return saved

        saved = await self._host.db.write(accept)
        await self._host.run(saving.NAME, workflow, server=server, image=image)
        return saved

    def _flavor(self, flavor: FlavorId) -> Flavor:
        found = next((each for each in flavors_of(self._host.settings.flavors) if each.id == flavor), None)
        if found is None:
            raise NotFound(f"There is no flavor {flavor}.")
        return found
