"""What every part of the embedded cloud shares: settings, directories, database, workflows, machines, clock."""

import asyncio
import os
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import Connection

from hansa.base.database import Database
from hansa.base.errors import CapacityExceeded, Conflict
from hansa.base.workflows import State
from hansa.base.workflows.engine import DurableEngine
from hansa.cloud.drivers.embedded import plugging, qemu_user, seed
from hansa.cloud.drivers.embedded.commandline import Card, Drive, Forward, Machine
from hansa.cloud.drivers.embedded.hypervisor import Hypervisor
from hansa.cloud.drivers.embedded.layout import StateDirectory
from hansa.cloud.drivers.embedded.qmp import Link
from hansa.cloud.drivers.embedded.settings import EmbeddedSettings
from hansa.cloud.drivers.embedded.store import images, networks, servers, volumes
from hansa.cloud.drivers.embedded.tools import QemuImg, disk_errors
from hansa.cloud.model import EventKind, ImageId, ProjectId, Server, ServerId, ServerState, VolumeId
from hansa.cloud.rules import check_quota
from hansa.standards.cloudinit import nocloud_files

GIB = 2**30
RUNNING = (ServerState.ACTIVE, ServerState.PAUSED)
"""States in which a machine has a process."""

log = structlog.stdlib.get_logger(__name__)


class Host:
    """Complete after `EmbeddedCloud.open`; workflows and port methods get it whole."""

    db: Database
    engine: DurableEngine
    hypervisor: Hypervisor
    version: str

    def __init__(self, settings: EmbeddedSettings, *, clock: Callable[[], datetime], new_id: Callable[[], str]) -> None:
        self.settings = settings
        self.state = StateDirectory(settings.state_dir.absolute())
        self.user = qemu_user.find(settings.run_as)
        self.qemu_img = QemuImg(settings.qemu_img, self.user)
        self.clock = clock
        self.new_id = new_id
        self._tasks: set[asyncio.Task[None]] = set()
        self._starts = asyncio.Semaphore(os.cpu_count() or 1)  # more at once would only make each of them late

    def new_workflow(self, name: str) -> str:
        return f"{name}:{self.new_id()}"

    def record(self, connection: Connection, name: str, workflow: str, **state: Any) -> None:
        """Start a workflow as part of the transaction; `self.engine.start` with the same arguments then runs it."""
        self.engine.record(connection, name, workflow, {**state, "workflow": workflow})

    async def run(self, name: str, workflow: str, **state: Any) -> None:
        await self.engine.start(name, workflow, {**state, "workflow": workflow})

    async def finish(self, done: State, /, event: EventKind | None = None, **values: Any) -> None:
        """End the workflow's hold on its machine; nothing if it has lost or given it up already."""
        server, workflow, now = ServerId(done["server"]), done["workflow"], self.clock()
        await self.db.write(lambda connection: servers.finish(connection, server, workflow, now, event, **values))
        await self.check_alive(server)

    async def check_alive(self, server: ServerId) -> None:
        """A QEMU that ended during a task was not noticed then."""
        if await asyncio.to_thread(self.hypervisor.running, server) is None:
            await self.gone(server, "QEMU ended unexpectedly")

    async def gone(self, server: ServerId, why: str) -> None:
        """A machine's QEMU ended by itself: the machine is stopped, unless a task is about to say what it is."""
        now = self.clock()

        def stopped(connection: Connection) -> bool:
            found = servers.find(connection, server)
            if found is None or found.task is not None or found.state not in RUNNING:
                return False
            servers.change(connection, server, now, state=ServerState.STOPPED)
            servers.record(connection, server, EventKind.STOPPED, now, why)
            return True

        if await self.db.write(stopped):
            log.info("embedded.stopped", server=server, why=why)

    def told(self, server: ServerId, event: Mapping[str, Any]) -> None:
        """QMP events that change what a machine is. QEMU stops a guest that writes to a full disk."""
        if event["event"] == "BLOCK_IO_ERROR" and event["data"].get("action") == "stop":
            task = asyncio.create_task(self.paused(server, "The host's disk is full; make room and start the machine."))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def paused(self, server: ServerId, why: str) -> None:
        """QEMU stopped an active machine by itself."""
        now = self.clock()

        def write(connection: Connection) -> bool:
            found = servers.find(connection, server)
            if found is None or found.task is not None or found.state is not ServerState.ACTIVE:
                return False
            servers.change(connection, server, now, state=ServerState.PAUSED, fault=why)
            servers.record(connection, server, EventKind.SUSPENDED, now, why)
            return True

        if await self.db.write(write):
            log.warning("embedded.paused", server=server, why=why)

    async def settle(self) -> None:
        """Let what QMP events began come to its end."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def server(self, server: ServerId) -> Server:
        return await self.db.read(lambda connection: servers.get(connection, server))

    async def machine(self, server: ServerId) -> Machine:
        """What QEMU is to run for it now."""
        return await self.db.read(partial(self._machine, server=server))

    async def write_seed(self, server: ServerId) -> None:
        """What the guest reads when it boots, with the cards that it has now."""

        def read(connection: Connection) -> Mapping[str, bytes]:
            found, origin = servers.get(connection, server), servers.origin(connection, server)
            cards = seed.cards(networks.plugged(connection, server))
            return nocloud_files(server, found.hostname, origin.ssh_keys, origin.user_data, cards)

        files = await self.db.read(read)
        with disk_errors():
            await asyncio.to_thread(seed.write_iso, self.state.run(server).seed, files)

    async def boot(self, server: ServerId, *, incoming: bool = False) -> Link:
        """Start its QEMU with what the rows say it has. Conflict if the machine has no disk: its making failed."""
        machine = await self.machine(server)
        if not await asyncio.to_thread(machine.run.disk.exists):
            raise Conflict("The machine has no disk, because its making failed; delete it and make another.")
        await asyncio.to_thread(self._hand_over, machine)
        async with self._starts:
            link = await self.hypervisor.boot(machine, incoming=incoming)
        plugged = await self.db.read(lambda connection: networks.plugged(connection, server))
        for card in plugged:
            if not card.network.up:
                await plugging.switch_card(link, card.slot, up=False)
        return link

    def give(self, path: Path) -> None:
        """QEMU may write the file."""
        if self.user is not None:
            with disk_errors():
                self.user.give(path)

    def show(self, path: Path, mode: int) -> None:
        """QEMU may use the file or directory."""
        if self.user is not None:
            self.user.show(path, mode)

    def _hand_over(self, machine: Machine) -> None:
        run = machine.run
        self.show(run.path, 0o710)
        for path in (run.disk, run.seed, run.console, run.pid, *(drive.path for drive in machine.drives)):
            self.give(path)

    def drive(self, slot: int, volume: VolumeId) -> Drive:
        """The serial number is the beginning of the volume's id: all that a virtio disk has room for."""
        return Drive(slot, self.state.volume(volume), volume[:20])

    def card(self, plugged: networks.Plugged) -> Card:
        forwards = tuple(Forward(plugged.address or "", port, guest) for guest, port in plugged.forwards)
        return Card(plugged.slot, plugged.mac, forwards, self.settings.outbound, plugged.segment)

    def check_project(self, connection: Connection, project: ProjectId, requested: Mapping[str, int]) -> None:
        """QuotaExceeded if the project would have too much."""
        limits, used = self.limits(project), self.used(connection, project)
        for resource, amount in requested.items():
            check_quota(resource, limit=limits.get(resource), used=used[resource], requested=amount)

    def limits(self, project: ProjectId) -> Mapping[str, int]:
        return self.settings.project_quotas.get(project, self.settings.quota).limits()

    def used(self, connection: Connection, project: ProjectId) -> Mapping[str, int]:
        machines, vcpus, ram_mib = servers.usage(connection, project)
        disks = volumes.listing(connection, project)
        return {
            "servers": machines,
            "vcpus": vcpus,
            "ram_mib": ram_mib,
            "volumes": len(disks),
            "volume_gib": -int(-sum(volume.size_gib for volume in disks) // 1),  # rounded up
        }

    def check_memory(self, connection: Connection, ram_mib: int, except_server: ServerId | None = None) -> None:
        """CapacityExceeded if the host cannot run that much more."""
        limit = self.settings.memory_mib if self.settings.memory_mib is not None else _host_memory_mib() - 1024
        used = servers.memory_in_use(connection, except_server)
        if used + ram_mib > limit:
            raise CapacityExceeded(
                f"The host has {max(0, limit - used)} MiB of memory left, {ram_mib} MiB are needed; try later or smaller.",
                resource="ram_mib",
                limit=limit,
                used=used,
                requested=ram_mib,
            )

    def check_disk(self, needed_gib: float = 0.0) -> None:
        """CapacityExceeded if making something would leave less free space than the reserve."""
        room = os.statvfs(self.state.path)
        free = room.f_bavail * room.f_frsize / GIB
        reserve = self.settings.disk_reserve_gib
        if free - needed_gib < reserve:
            raise CapacityExceeded(
                f"The host's disk has {free:.1f} GiB left, and {reserve:g} GiB of it stay free; try later or smaller.",
                resource="disk_gib",
                free=round(free, 1),
                reserve=reserve,
            )

    def console(self, server: ServerId, tail_bytes: int) -> bytes:
        try:
            with self.state.run(server).console.open("rb") as file:
                file.seek(-min(max(0, tail_bytes), os.fstat(file.fileno()).st_size), os.SEEK_END)
                return file.read(max(0, tail_bytes))
        except FileNotFoundError:
            return b""

    async def sweep_images(self) -> None:
        """Remove images that nobody needs any more."""
        for image, disk_format in await self.db.read(images.unused):
            await asyncio.to_thread(self.state.image(image, disk_format).unlink, missing_ok=True)
            await self.db.write(partial(_forget_image, image=image))

    def _machine(self, connection: Connection, *, server: ServerId) -> Machine:
        found = servers.get(connection, server)
        cards = tuple(self.card(plugged) for plugged in networks.plugged(connection, server))
        drives = tuple(self.drive(slot, volume) for slot, volume in volumes.attached(connection, server))
        return Machine(server, found.flavor.vcpus, found.flavor.ram_mib, self.state.run(server), cards, drives)


def _forget_image(connection: Connection, *, image: ImageId) -> None:
    images.forget(connection, image)


def _host_memory_mib() -> int:
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemTotal:"):
            return int(line.split()[1]) // 1024
    raise CapacityExceeded("The host does not tell how much memory it has; set memory_mib.")
