"""Cold resize: stop if it runs, grow the disk, take the new flavor, start again if it ran."""

from hansa.base.workflows import State, Step, Workflow
from hansa.cloud.drivers.embedded.host import GIB, Host
from hansa.cloud.drivers.embedded.power import Power
from hansa.cloud.drivers.embedded.store import servers
from hansa.cloud.model import EventKind, ServerId, ServerState

NAME = "embedded.resize"


class Resizing:
    def __init__(self, host: Host, power: Power) -> None:
        self._host = host
        self._power = power

    def workflow(self) -> Workflow:
        steps = (
            Step("stop", self._stop),
            Step("disk", self._disk),
            Step("switch", self._switch),
            Step("start", self._start),
            Step("record", self._record),
        )
        return Workflow(NAME, steps, finally_failed=self._power.failed)

    async def _stop(self, state: State) -> None:
        if state["runs"]:
            await self._power.stop(ServerId(state["server"]))

    async def _disk(self, state: State) -> None:
        if state["disk_gib"]:
            run = self._host.state.run(ServerId(state["server"]))
            await self._host.qemu_img.grow(run.disk, state["disk_gib"] * GIB)

    async def _switch(self, state: State) -> None:
        """The stop is told with the old flavor, everything after it with the new one."""
        server, now = ServerId(state["server"]), self._host.clock()
        await self._host.db.write(
            lambda connection: servers.switch_flavor(connection, server, state["workflow"], now, stopped=state["runs"])
        )

    async def _start(self, state: State) -> None:
        if state["runs"]:
            await self._power.start(ServerId(state["server"]))

    async def _record(self, state: State) -> None:
        if state["runs"]:
            await self._host.finish(state, EventKind.STARTED, state=ServerState.ACTIVE)
        else:
            await self._host.finish(state)
