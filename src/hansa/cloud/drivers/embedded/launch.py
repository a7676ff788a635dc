"""A machine comes to be: disk, seed, boot, running. What was reserved (rows, quota, address, ports) stands already."""

import asyncio

from hansa.base.workflows import State, Step, Workflow
from hansa.cloud.drivers.embedded.host import GIB, Host
from hansa.cloud.drivers.embedded.store import images
from hansa.cloud.drivers.embedded.tools import disk_errors, flush
from hansa.cloud.model import EventKind, ImageId, ServerId, ServerState

NAME = "embedded.launch"


class Launch:
    def __init__(self, host: Host) -> None:
        self._host = host

    def workflow(self) -> Workflow:
        steps = (
            Step("disk", self._disk, undo=self._no_disk),
            Step("seed", self._seed, undo=self._no_seed),
            Step("boot", self._boot, undo=self._no_boot),
            Step("running", self._running),
        )
        return Workflow(NAME, steps, finally_failed=self._failed)

    async def _disk(self, state: State) -> None:
        host, server = self._host, await self._host.server(ServerId(state["server"]))
        image = ImageId(server.image or "")
        base_format = await host.db.read(lambda connection: images.disk_format(connection, image))
        run = host.state.run(server.id)
        with disk_errors():
            await asyncio.to_thread(run.make)
            await asyncio.to_thread(host.show, run.path, 0o710)
        size = max(server.flavor.disk_gib * GIB, state["virtual_bytes"])
        await host.qemu_img.overlay(run.disk, host.state.image(image, base_format), base_format, size)
        with disk_errors():
            await asyncio.to_thread(flush, run.disk)

    async def _no_disk(self, state: State) -> None:
        run = self._host.state.run(ServerId(state["server"]))
        await asyncio.to_thread(run.disk.unlink, missing_ok=True)

    async def _seed(self, state: State) -> None:
        await self._host.write_seed(ServerId(state["server"]))

    async def _no_seed(self, state: State) -> None:
        run = self._host.state.run(ServerId(state["server"]))
        await asyncio.to_thread(run.seed.unlink, missing_ok=True)

    async def _boot(self, state: State) -> None:
        await self._host.boot(ServerId(state["server"]))

    async def _no_boot(self, state: State) -> None:
        await self._host.hypervisor.halt(ServerId(state["server"]), kindly=False)

    async def _running(self, state: State) -> None:
        now = self._host.clock()
        await self._host.finish(state, EventKind.STARTED, state=ServerState.ACTIVE, launched=now)

    async def _failed(self, state: State) -> None:
        """The row stays, with the reason and the console, until its owner deletes it."""
        await self._host.finish(state, EventKind.FAILED, state=ServerState.ERROR, fault=state["error"]["message"])
