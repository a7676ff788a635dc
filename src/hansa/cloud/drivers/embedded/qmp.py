"""A machine's QMP connection: commands, a few waits, and the moment it ends.

Only one client may hold a QMP socket; ours is `qmp.sock`, `diagnostics.sock` is left to people.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from qemu.qmp import EventListener, ExecuteError, Message, QMPClient, QMPError, Runstate

from hansa.base.errors import BackendDown, HansaError
from hansa.cloud.drivers.embedded.layout import RunDirectory

COMMAND_SECONDS = 20.0


class QmpRefused(HansaError):
    """QEMU answered with an error; `message` is QEMU's own sentence."""

    code = "cloud.embedded.qmp"


class _Follower(EventListener):
    """Hands every event on at once. The library's own listener keeps all it ever heard, and guests cause events."""

    def __init__(self, told: Callable[[Message], None]) -> None:
        super().__init__()
        self._told = told

    async def put(self, event: Message) -> None:
        self._told(event)


class Link:
    """A connection to one QEMU. `ended` is set when it is gone, whoever ended it."""

    def __init__(self, client: QMPClient) -> None:
        self._client = client
        self._let_go = asyncio.Event()
        self.ended = asyncio.Event()
        self._keeper = asyncio.create_task(self._keep())

    @classmethod
    async def connect(cls, run: RunDirectory, told: Callable[[Message], None], seconds: float) -> "Link":
        """BackendDown if QEMU does not greet within that time, or is gone. `told` gets every event."""
        client = QMPClient()
        client.register_listener(_Follower(told))
        try:
            with run.reach("qmp.sock") as path:
                await asyncio.wait_for(client.connect(path), seconds)
        except (QMPError, OSError, EOFError, TimeoutError) as error:
            raise BackendDown("The machine's QEMU does not answer.") from error
        return cls(client)

    async def execute(self, command: str, arguments: Mapping[str, Any] | None = None) -> Any:
        """QmpRefused if QEMU says no; BackendDown if it is gone or silent."""
        try:
            return await asyncio.wait_for(self._client.execute(command, dict(arguments or {})), COMMAND_SECONDS)
        except ExecuteError as error:
            raise QmpRefused(f"QEMU refused {command}: {error}") from error
        except (QMPError, OSError, EOFError, TimeoutError) as error:
            raise BackendDown(f"The machine's QEMU does not answer ({command}).") from error

    async def give_file(self, name: str, descriptor: int) -> None:
        """Hand an open file over; `fd:<name>` then means it."""
        self._client.send_fd_scm(descriptor)
        await self.execute("getfd", {"fdname": name})

    async def status(self) -> str:
        """QEMU's run state: running, paused, shutdown, postmigrate, inmigrate …"""
        return str((await self.execute("query-status"))["status"])

    async def close(self) -> None:
        """Let go; the machine runs on."""
        self._let_go.set()
        await self._keeper

    async def _keep(self) -> None:
        """Wait for either end, then take the connection down: the library wants that from one place only."""
        letting_go = asyncio.create_task(self._let_go.wait())
        try:
            while self._client.runstate is Runstate.RUNNING and not letting_go.done():
                changed = asyncio.create_task(self._client.runstate_changed())
                await asyncio.wait({letting_go, changed}, return_when=asyncio.FIRST_COMPLETED)
                changed.cancel()
            with suppress(QMPError, OSError, EOFError):
                await self._client.disconnect()
        finally:
            letting_go.cancel()
            self.ended.set()
