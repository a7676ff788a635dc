"""A machine goes, whatever it was doing: its task is called off, then process, files and rows go, in this order."""

import asyncio

from hansa.base.errors import HansaError
from hansa.base.workflows import State, Step, Workflow
from hansa.cloud.drivers.embedded.host import Host
from hansa.cloud.drivers.embedded.store import servers
from hansa.cloud.model import EventKind, ServerId, ServerState

NAME = "embedded.remove"
SETTLE_SECONDS = 120.0


class Removal:
    def __init__(self, host: Host) -> None:
        self._host = host

    def workflow(self) -> Workflow:
        steps = (
            Step("settle", self._settle),
            Step("halt", self._halt),
            Step("erase", self._erase),
            Step("forget", self._forget),
            Step("sweep", self._sweep),
        )
        return Workflow(NAME, steps, finally_failed=self._failed)

    async def _settle(self, state: State) -> None:
        """Ending QEMU first makes a task that waits for the guest end soon."""
        previous = state["previous"]
        if previous is None:
            return
        await self._host.engine.cancel(previous)
        await self._halt(state)
        try:
            await self._host.engine.wait(previous, SETTLE_SECONDS)
        except KeyError:
            return
        except TimeoutError as error:
            raise HansaError("The machine's earlier task does not end; try again later.") from error

    async def _halt(self, state: State) -> None:
        await self._host.hypervisor.halt(ServerId(state["server"]), kindly=False)

    async def _erase(self, state: State) -> None:
        await asyncio.to_thread(self._host.state.run(ServerId(state["server"])).remove)

    async def _forget(self, state: State) -> None:
        server, now = ServerId(state["server"]), self._host.clock()
        await self._host.db.write(lambda connection: servers.forget(connection, server, now))
        await self._host.hypervisor.forget(server)

    async def _sweep(self, state: State) -> None:
        await self._host.sweep_images()

    async def _failed(self, state: State) -> None:
        await self._host.finish(state, EventKind.FAILED, state=ServerState.ERROR, fault=state["error"]["message"])
