"""Power actions as workflows: start, stop, poweroff, reboot, reset, suspend, pause.

Each asks QEMU first how things are, so that a step that a crash cut off can be done again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from hansa.base.errors import BackendDown, Conflict
from hansa.base.workflows import State, Step, Workflow
from hansa.cloud.drivers.embedded import memory
from hansa.cloud.drivers.embedded.host import RUNNING, Host
from hansa.cloud.drivers.embedded.qmp import Link
from hansa.cloud.model import EventKind, ServerAction, ServerId, ServerState

ASK_AGAIN_SECONDS = 2.0
POLL_SECONDS = 0.05

TASKS = {
    ServerAction.START: "starting",
    ServerAction.STOP: "stopping",
    ServerAction.POWEROFF: "powering-off",
    ServerAction.REBOOT: "rebooting",
    ServerAction.RESET: "resetting",
    ServerAction.SUSPEND: "suspending",
    ServerAction.PAUSE: "pausing",
}
_OUTCOMES: dict[ServerAction, tuple[ServerState, EventKind | None]] = {
    ServerAction.START: (ServerState.ACTIVE, EventKind.STARTED),
    ServerAction.STOP: (ServerState.STOPPED, EventKind.STOPPED),
    ServerAction.POWEROFF: (ServerState.STOPPED, EventKind.STOPPED),
    ServerAction.REBOOT: (ServerState.ACTIVE, None),
    ServerAction.RESET: (ServerState.ACTIVE, None),
    ServerAction.SUSPEND: (ServerState.SUSPENDED, EventKind.SUSPENDED),
    ServerAction.PAUSE: (ServerState.PAUSED, EventKind.SUSPENDED),
}


_WAITING = ("paused", "io-error", "postmigrate")
"""QEMU's words for machines that go on with `cont`."""


def name_of(action: ServerAction) -> str:
    return f"embedded.{action}"


class Power:
    def __init__(self, host: Host) -> None:
        self._host = host

    def workflows(self) -> Iterable[Workflow]:
        does: dict[ServerAction, Callable[[ServerId], Awaitable[None]]] = {
            ServerAction.START: self.start,
            ServerAction.STOP: self.stop,
            ServerAction.POWEROFF: self._poweroff,
            ServerAction.REBOOT: self._reboot,
            ServerAction.RESET: self._reset,
            ServerAction.SUSPEND: self._suspend,
            ServerAction.PAUSE: self._pause,
        }
        for action, do in does.items():
            steps = (Step("act", _on_server(do)), Step("record", self._recorder(action)))
            yield Workflow(name_of(action), steps, finally_failed=self.failed)

    async def start(self, server: ServerId) -> None:
        """Run, from wherever it stands: paused, saved, off, or half started."""
        host, run = self._host, self._host.state.run(server)
        link = await self._answering(server)
        if link is None or await link.status() not in ("running", *_WAITING):
            incoming = run.memory.exists()
            if not incoming:
                await host.write_seed(server)
            link = await host.boot(server, incoming=incoming)
            if incoming:
                await memory.load(link, run.memory)
        if await link.status() != "running":
            # From here on the saved memory is the past: starting from it again would ruin the disk.
            for past in (run.memory, run.memory.with_suffix(".part")):
                await asyncio.to_thread(past.unlink, missing_ok=True)
            await link.execute("cont")

    async def stop(self, server: ServerId) -> None:
        """Ask the guest, again and again because it may be booting; after the grace period, end it."""
        link = await self._answering(server)
        if link is not None:
            if await link.status() in _WAITING:
                await link.execute("cont")
            await self._ask(link, lambda: _true_if(link.ended.is_set()))
        await self._host.hypervisor.halt(server)

    async def failed(self, state: State) -> None:
        """Say what the machine really is now, and why it is not what was wished."""
        host, server = self._host, await self._host.server(ServerId(state["server"]))
        now, fault = await self._reality(server.id), state["error"]["message"]
        if now is ServerState.STOPPED and server.state is ServerState.STOPPED:
            await host.finish(state, EventKind.FAILED, state=ServerState.ERROR, fault=fault)
        elif now is ServerState.STOPPED and server.state in RUNNING:
            await host.finish(state, EventKind.STOPPED, state=now, fault=fault)
        else:
            await host.finish(state, state=now, fault=fault)

    async def _poweroff(self, server: ServerId) -> None:
        await self._host.hypervisor.halt(server)
        await asyncio.to_thread(self._host.state.run(server).memory.unlink, missing_ok=True)

    async def _reboot(self, server: ServerId) -> None:
        """The same QEMU goes on, so that consoles stay connected: its shutdown is turned into a pause, then a reset."""
        link = await self._must_run(server)
        await link.execute("set-action", {"shutdown": "pause"})
        await self._ask(link, lambda: _is(link, "shutdown"))
        await link.execute("system_reset")
        await link.execute("cont")
        await link.execute("set-action", {"shutdown": "poweroff"})

    async def _reset(self, server: ServerId) -> None:
        await (await self._must_run(server)).execute("system_reset")

    async def _suspend(self, server: ServerId) -> None:
        """Once the memory is in its file, QEMU ends. A machine that could not be saved runs on."""
        host, run = self._host, self._host.state.run(server)
        link = await self._answering(server)
        if link is None and run.memory.exists():
            return
        link = await self._must_run(server)
        try:
            await memory.save(link, run.memory)
        except Exception:
            await asyncio.to_thread(run.memory.with_suffix(".part").unlink, missing_ok=True)
            await link.execute("cont")
            raise
        await host.hypervisor.halt(server)

    async def _pause(self, server: ServerId) -> None:
        await (await self._must_run(server)).execute("stop")

    async def _ask(self, link: Link, done: Callable[[], Awaitable[bool]]) -> None:
        """Press the power button until the guest obeys or the grace period is over."""
        loop = asyncio.get_running_loop()
        end = loop.time() + self._host.settings.stop_seconds
        pressed = 0.0
        while not link.ended.is_set() and not await done() and loop.time() < end:
            if loop.time() - pressed > ASK_AGAIN_SECONDS:
                await link.execute("system_powerdown")
                pressed = loop.time()
            await asyncio.sleep(POLL_SECONDS)

    async def _must_run(self, server: ServerId) -> Link:
        link = await self._answering(server)
        if link is None:
            raise Conflict("The machine is not running any more.")
        return link

    async def _answering(self, server: ServerId) -> Link | None:
        """A QEMU that does not answer is as good as none: what follows ends it."""
        try:
            return await self._host.hypervisor.link(server)
        except BackendDown:
            return None

    async def _reality(self, server: ServerId) -> ServerState:
        link = await self._answering(server)
        if link is not None:
            return ServerState.ACTIVE if await link.status() == "running" else ServerState.PAUSED
        await self._host.hypervisor.halt(server)
        return ServerState.SUSPENDED if self._host.state.run(server).memory.exists() else ServerState.STOPPED

    def _recorder(self, action: ServerAction) -> Callable[[State], Awaitable[None]]:
        after, event = _OUTCOMES[action]

        async def record(state: State) -> None:
            await self._host.finish(state, event, state=after)

        return record


def _on_server(do: Callable[[ServerId], Awaitable[None]]) -> Callable[[State], Awaitable[None]]:
    async def act(state: State) -> None:
        await do(ServerId(state["server"]))

    return act


async def _true_if(condition: bool) -> bool:
    return condition


async def _is(link: Link, status: str) -> bool:
    return await link.status() == status
