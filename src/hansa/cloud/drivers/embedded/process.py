"""QEMU processes: started apart from us, found again after a restart, ended for certain.

A process is known by pid *and* start time (`/proc/PID/stat`, field 22), and belongs to a machine if its command line
names the machine's pid file. Signals go through a pidfd, so that a reused pid is never hit.
"""

import asyncio
import os
import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from hansa.base.errors import BackendDown
from hansa.cloud.drivers.embedded.commandline import escape
from hansa.cloud.drivers.embedded.layout import RunDirectory, StateDirectory

PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Process:
    pid: int
    started: int
    """Clock ticks since the host's boot."""


async def spawn(arguments: Sequence[str], descriptors: Sequence[int], log: Path) -> None:
    """Start QEMU in a session of its own, child of init: it outlives us. BackendDown if it cannot be started at all."""
    with log.open("ab") as errors:
        try:
            starter = await asyncio.create_subprocess_exec(
                *("setsid", "--fork", *arguments),
                pass_fds=tuple(descriptors),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=errors,
                stderr=errors,
            )
        except FileNotFoundError as error:
            raise BackendDown("The program setsid (util-linux) is not installed on the host.") from error
        await starter.wait()


def look(pid: int) -> Process | None:
    """The living process; None if there is none or only its corpse."""
    try:
        fields = (PROC / str(pid) / "stat").read_bytes().rpartition(b")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in (b"Z", b"X") else Process(pid, int(fields[19]))


def belongs(pid: int, run: RunDirectory) -> bool:
    """Whether the process' command line names the machine's pid file."""
    return _pid_file(PROC / str(pid)) == os.fsencode(escape(run.pid))


def of_machine(run: RunDirectory) -> list[Process]:
    """All QEMU processes of the machine, also those that have not written a pid file yet."""
    mark = os.fsencode(escape(run.pid))
    return [process for process, arguments in _with_pid_file() if arguments == mark]


def of_cloud(state: StateDirectory) -> list[tuple[Process, str]]:
    """All QEMU processes of this state directory, each with the name of its run directory."""
    prefix = os.fsencode(escape(state.servers)) + b"/"
    return [
        (process, os.fsdecode(mark.removeprefix(prefix).partition(b"/")[0]))
        for process, mark in _with_pid_file()
        if mark.startswith(prefix)
    ]


async def end(process: Process, *, seconds: float = 10.0) -> None:
    """Kill, and wait until it is gone. BackendDown if the kernel does not let go of it."""
    try:
        handle = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return
    try:
        if look(process.pid) != process:
            return
        signal.pidfd_send_signal(handle, signal.SIGKILL)
        await asyncio.wait_for(_readable(handle), seconds)
    except ProcessLookupError:
        return
    except TimeoutError as error:
        raise BackendDown("A machine's process does not end; see the host's log.") from error
    finally:
        os.close(handle)


async def ended(process: Process, seconds: float) -> bool:
    """Whether the process ends by itself within that time."""
    try:
        handle = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return True
    try:
        if look(process.pid) != process:
            return True
        await asyncio.wait_for(_readable(handle), seconds)
    except TimeoutError:
        return False
    finally:
        os.close(handle)
    return True


async def _readable(descriptor: int) -> None:
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(descriptor, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(descriptor)


def _with_pid_file() -> Iterator[tuple[Process, bytes]]:
    """Every process whose command line has `-pidfile`, with that argument's value."""
    for entry in PROC.iterdir():
        if entry.name.isdecimal() and (mark := _pid_file(entry)) and (process := look(int(entry.name))):
            yield process, mark


def _pid_file(entry: Path) -> bytes | None:
    try:
        arguments = (entry / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return None
    return arguments[arguments.index(b"-pidfile") + 1] if b"-pidfile" in arguments[:-1] else None
