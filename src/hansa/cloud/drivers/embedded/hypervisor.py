"""Machines as processes: boot, find again, talk to, end. Knows run directories and QEMU, nothing of projects or rows."""

import asyncio
import json
import shutil
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import structlog

from hansa.base.errors import BackendDown, CapacityExceeded, HansaError
from hansa.cloud.drivers.embedded import process
from hansa.cloud.drivers.embedded.commandline import MACHINE_TYPE, Machine, Sockets, arguments
from hansa.cloud.drivers.embedded.layout import RunDirectory, StateDirectory
from hansa.cloud.drivers.embedded.process import Process
from hansa.cloud.drivers.embedded.qmp import Link
from hansa.cloud.drivers.embedded.tools import disk_errors
from hansa.cloud.model import ServerId

ADOPT_SECONDS = 5.0
QUIT_SECONDS = 5.0
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")

_COMPLAINTS: tuple[tuple[str, HansaError], ...] = (
    (
        "Could not set up host forwarding rule",
        CapacityExceeded("Another program of the host has taken the machine's port."),
    ),
    ("Cannot allocate memory", CapacityExceeded("The host has not enough memory for the machine.")),
    ("No space left on device", CapacityExceeded("The host's disk is full.")),
    ("failed to execute", BackendDown("QEMU (qemu-system-x86_64) is not installed on this host.")),
)

log = structlog.stdlib.get_logger(__name__)


class Hypervisor:
    """`prefix` stands before QEMU's command line.

    `gone(server, why)` is called when a machine's QEMU ended without our `halt`; `told(server, event)` with QMP events.
    """

    def __init__(
        self,
        state: StateDirectory,
        *,
        qemu: str,
        prefix: tuple[str, ...] = (),
        boot_seconds: float,
        gone: Callable[[ServerId, str], Awaitable[None]],
        told: Callable[[ServerId, dict[str, Any]], None],
    ) -> None:
        self._state = state
        self._qemu = qemu
        self._prefix = prefix
        self._boot_seconds = boot_seconds
        self._gone = gone
        self._told = told
        self._links: dict[ServerId, Link] = {}
        self._watchers: set[asyncio.Task[None]] = set()
        self._reasons: dict[ServerId, str] = {}
        self._locks: defaultdict[ServerId, asyncio.Lock] = defaultdict(asyncio.Lock)
        self.accelerator = "tcg"

    async def boot(self, machine: Machine, *, incoming: bool = False) -> Link:
        """Start QEMU and connect. Whatever ran for the machine before is ended first.

        BackendDown or CapacityExceeded if QEMU does not come up; nothing is left running then.
        """
        server = ServerId(machine.id)
        async with self._locks[server]:
            await self._end_all(server)
            if shutil.which(self._qemu) is None:
                raise BackendDown("QEMU (qemu-system-x86_64) is not installed on this host.")
            try:
                return await self._boot(server, machine, incoming=incoming)
            except BaseException:
                await self._end_all(server)
                raise

    async def link(self, server: ServerId) -> Link | None:
        """The connection to the machine's QEMU, made anew if need be; None if no QEMU runs for it.

        BackendDown if one runs that does not answer.
        """
        async with self._locks[server]:
            if self.linked(server):
                return self._links[server]
            if await asyncio.to_thread(self.running, server) is None:
                return None
            return await self._connect(server, ADOPT_SECONDS)

    def linked(self, server: ServerId) -> bool:
        link = self._links.get(server)
        return link is not None and not link.ended.is_set()

    def running(self, server: ServerId) -> Process | None:
        """The process that `instance.json` names, if it is alive and this machine's."""
        run = self._state.run(server)
        try:
            noted = json.loads(run.instance.read_bytes())
            known = Process(int(noted["pid"]), int(noted["started"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return known if process.look(known.pid) == known and process.belongs(known.pid, run) else None

    def host_rebooted(self, server: ServerId) -> bool:
        """Whether the machine was last started before the host's last boot."""
        try:
            noted = json.loads(self._state.run(server).instance.read_bytes())
        except (OSError, ValueError):
            return False
        return bool(noted.get("boot_id") != _boot_id())

    async def halt(self, server: ServerId, *, kindly: bool = True) -> None:
        """End the machine's QEMU, for certain. `kindly` lets it write out its caches first."""
        link = self._links.get(server)
        if kindly and link is not None and not link.ended.is_set():
            known = await asyncio.to_thread(self.running, server)
            try:
                await link.execute("quit")
                if known is not None:
                    await process.ended(known, QUIT_SECONDS)
            except HansaError as error:
                log.info("embedded.quit_failed", server=server, error=error.message)
        async with self._locks[server]:
            await self._end_all(server)

    async def forget(self, server: ServerId) -> None:
        """The machine is gone for good."""
        await self.halt(server, kindly=False)
        self._locks.pop(server, None)
        self._reasons.pop(server, None)

    async def close(self) -> None:
        """Let go of all machines; they run on."""
        watchers = list(self._watchers)
        for watcher in watchers:
            watcher.cancel()
        await asyncio.gather(*watchers, return_exceptions=True)
        await asyncio.gather(*(link.close() for link in self._links.values()))
        self._links.clear()

    async def _boot(self, server: ServerId, machine: Machine, *, incoming: bool) -> Link:
        run = machine.run
        with disk_errors():
            mark = run.log.stat().st_size if run.log.exists() else 0
            listeners = [run.listen(name) for name in ("qmp.sock", "diagnostics.sock", "serial.sock")]
        try:
            descriptors = [listener.fileno() for listener in listeners]
            if incoming:
                machine = replace(machine, type=await asyncio.to_thread(_noted_type, run))
            argv = arguments(self._qemu, self.accelerator, machine, Sockets(*descriptors), incoming=incoming)
            with disk_errors():
                _note(run, argv, None, machine.type)
                await process.spawn([*self._prefix, *argv], descriptors, run.log)
        finally:
            for listener in listeners:
                listener.close()
        try:
            link = await self._connect(server, self._boot_seconds)
        except BackendDown as error:
            raise await asyncio.to_thread(_complaint, server, run, mark) from error
        found = await asyncio.to_thread(_by_pid_file, run)
        if found is None:
            raise BackendDown("The machine's QEMU ended as soon as it had started.")
        kind = await link.execute("qom-get", {"path": "/machine", "property": "type"})
        with disk_errors():
            _note(run, argv, found, str(kind).removesuffix("-machine"))
        return link

    async def _connect(self, server: ServerId, seconds: float) -> Link:
        link = await Link.connect(self._state.run(server), lambda event: self._hear(server, event), seconds)
        self._links[server] = link
        watcher = asyncio.create_task(self._watch(server, link))
        self._watchers.add(watcher)
        watcher.add_done_callback(self._watchers.discard)
        return link

    def _hear(self, server: ServerId, event: Any) -> None:
        if event["event"] == "SHUTDOWN":
            self._reasons[server] = "the guest switched itself off" if event["data"].get("guest") else "QEMU was ended"
        if event["event"] == "RESUME":  # after a soft reboot, which is a shutdown that goes on
            self._reasons.pop(server, None)
        self._told(server, event)

    async def _watch(self, server: ServerId, link: Link) -> None:
        await link.ended.wait()
        if self._links.get(server) is link:
            del self._links[server]
            try:
                await self._gone(server, self._reasons.pop(server, "QEMU ended unexpectedly"))
            except HansaError as error:  # the next look at machines without connection tells it
                log.warning("embedded.end_not_recorded", server=server, error=error.message)

    async def _end_all(self, server: ServerId) -> None:
        """Under the machine's lock. The link is forgotten first, so that its end is no news."""
        link = self._links.pop(server, None)
        for each in await asyncio.to_thread(process.of_machine, self._state.run(server)):
            await process.end(each)
        if link is not None:
            await link.close()
        self._reasons.pop(server, None)


def _note(run: RunDirectory, argv: list[str], found: Process | None, machine_type: str) -> None:
    """Whole or not at all."""
    noted = {
        "argv": argv,
        "pid": found.pid if found else None,
        "started": found.started if found else None,
        "boot_id": _boot_id(),
        "type": machine_type,
    }
    part = run.instance.with_suffix(".part")
    part.write_text(json.dumps(noted, indent=1))
    part.replace(run.instance)


def _noted_type(run: RunDirectory) -> str:
    """The machine type of the last start: a later QEMU means another one by its plain name."""
    try:
        return str(json.loads(run.instance.read_bytes())["type"])
    except (OSError, ValueError, KeyError):
        return MACHINE_TYPE


def _by_pid_file(run: RunDirectory) -> Process | None:
    try:
        return process.look(int(run.pid.read_text()))
    except (OSError, ValueError):
        return None


def _complaint(server: ServerId, run: RunDirectory, mark: int) -> HansaError:
    """What QEMU said after `mark`, told in our words: its own name the host's paths."""
    try:
        with run.log.open("rb") as file:
            file.seek(mark)
            text = file.read(4096).decode(errors="replace")
    except OSError:
        text = ""
    log.warning("embedded.qemu_failed", server=server, complaint=text.strip())
    for sign, error in _COMPLAINTS:
        if sign in text:
            return type(error)(error.message)
    return BackendDown("QEMU could not start the machine; the operator finds the reason in the log.")


def _boot_id() -> str:
    return BOOT_ID.read_text().strip()
