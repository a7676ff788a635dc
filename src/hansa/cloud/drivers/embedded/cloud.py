"""The cloud as one object: opening (recovery included), closing, and the port's methods from their rooms."""

import asyncio
import fcntl
import os
import uuid
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack
from datetime import UTC, datetime

from hansa.base.database import Database
from hansa.base.errors import Conflict
from hansa.base.migrations import upgrade
from hansa.base.workflows import Workflow
from hansa.base.workflows.engine import DurableEngine
from hansa.cloud.drivers.embedded import accelerator, qemu_user, recovery
from hansa.cloud.drivers.embedded.devices import Devices
from hansa.cloud.drivers.embedded.host import Host
from hansa.cloud.drivers.embedded.hypervisor import Hypervisor
from hansa.cloud.drivers.embedded.images import Images
from hansa.cloud.drivers.embedded.launch import Launch
from hansa.cloud.drivers.embedded.networks import Networks
from hansa.cloud.drivers.embedded.power import Power
from hansa.cloud.drivers.embedded.removal import Removal
from hansa.cloud.drivers.embedded.resizing import Resizing
from hansa.cloud.drivers.embedded.saving import Saving
from hansa.cloud.drivers.embedded.servers import Servers
from hansa.cloud.drivers.embedded.settings import EmbeddedSettings
from hansa.cloud.drivers.embedded.volumes import Volumes

GRACE_SECONDS = 5.0


class EmbeddedCloud(Servers, Volumes, Networks, Images):
    """`hansa.cloud.port.Cloud` with every ability. One process at a time may have it open."""

    def __init__(
        self,
        settings: EmbeddedSettings,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        new_id: Callable[[], str] = lambda: str(uuid.uuid4()),
    ) -> None:
        self._host = Host(settings, clock=clock, new_id=new_id)
        self._open = AsyncExitStack()

    async def open(self) -> None:
        """Conflict if another process has it open; BackendDown without QEMU."""
        async with AsyncExitStack() as opening:
            await self._prepare(opening)
            await recovery.recover(self._host)
            opening.push_async_callback(self._host.engine.close, GRACE_SECONDS)
            await self._host.engine.open()
            opening.push_async_callback(_cancel, asyncio.create_task(recovery.keep(self._host)))
            self._open = opening.pop_all()

    async def close(self) -> None:
        """Machines run on. What a workflow was doing goes on at the next `open`."""
        await self._open.aclose()

    async def _prepare(self, opening: AsyncExitStack) -> None:
        """Everything in its place, nothing moving yet."""
        host, settings = self._host, self._host.settings
        await asyncio.to_thread(host.state.make)
        opening.callback(os.close, _lock(host))
        host.version = await accelerator.version(settings.qemu)
        if host.user is not None:
            await qemu_user.let_through(host.user, host.state)
        host.db = Database(f"sqlite:///{host.state.database}")
        opening.push_async_callback(asyncio.to_thread, host.db.close)
        await upgrade(host.db, "cloud.drivers.embedded")
        opening.push_async_callback(host.settle)
        host.hypervisor = Hypervisor(
            host.state,
            qemu=settings.qemu,
            prefix=host.user.prefix() if host.user else (),
            boot_seconds=settings.boot_seconds,
            gone=host.gone,
            told=host.told,
        )
        host.hypervisor.accelerator = await self._accelerator()
        opening.push_async_callback(host.hypervisor.close)
        host.engine = DurableEngine(host.db)
        for workflow in self._workflows():
            host.engine.register(workflow)

    def _workflows(self) -> Iterable[Workflow]:
        host, power = self._host, Power(self._host)
        yield from (Launch(host).workflow(), Removal(host).workflow())
        yield from power.workflows()
        yield from (Resizing(host, power).workflow(), Saving(host).workflow())
        yield from Devices(host).workflows()

    async def _accelerator(self) -> str:
        settings = self._host.settings
        if settings.accelerator != "auto":
            return settings.accelerator
        return await accelerator.choose(settings.qemu, self._host.state.accelerator)


def _lock(host: Host) -> int:
    descriptor = os.open(host.state.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise Conflict("Another process has this cloud's state directory open; stop it first.") from error
    return descriptor


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
