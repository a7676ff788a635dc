"""A machine's memory to a file and back (QEMU's migration to a file descriptor: the sandbox forbids it helper programs)."""

import asyncio
import os
from pathlib import Path

from hansa.base.errors import BackendDown, CapacityExceeded
from hansa.cloud.drivers.embedded.qmp import Link
from hansa.cloud.drivers.embedded.tools import disk_errors, put_in_place

SAVE_SECONDS = 900.0
LOAD_SECONDS = 300.0
BYTES_PER_SECOND = 10 * 2**30
POLL_SECONDS = 0.01
_FAILED = ("failed", "cancelled", "cancelling")


async def save(link: Link, path: Path) -> None:
    """Stop the machine and write its memory to `path`, whole or not at all. What an earlier call began goes on.

    CapacityExceeded if QEMU cannot write it; the machine is stopped then, its memory still in QEMU.
    """
    part = path.with_suffix(".part")
    if await link.status() != "postmigrate":
        told = await link.execute("query-migrate")
        if told.get("status") not in ("setup", "active", "completed"):
            await _begin(link, part)
        await asyncio.wait_for(_saved(link), SAVE_SECONDS)
    with disk_errors():
        await asyncio.to_thread(_keep, part, path)


async def load(link: Link, path: Path) -> None:
    """Into a QEMU that waits for it (`incoming`). The machine is paused afterwards. BackendDown if the file does not fit."""
    with disk_errors():
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        await link.give_file("memory", descriptor)
    finally:
        os.close(descriptor)
    await link.execute("migrate-incoming", {"uri": "fd:memory"})
    try:
        await asyncio.wait_for(_loaded(link), LOAD_SECONDS)
    except TimeoutError as error:
        raise BackendDown("The machine's saved memory could not be read in time.") from error


async def _begin(link: Link, part: Path) -> None:
    await link.execute("stop")
    await link.execute("migrate-set-parameters", {"max-bandwidth": BYTES_PER_SECOND})
    with disk_errors():
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        await link.give_file("memory", descriptor)
    finally:
        os.close(descriptor)
    await link.execute("migrate", {"uri": "fd:memory"})


async def _saved(link: Link) -> None:
    while True:
        status = (await link.execute("query-migrate")).get("status")
        if status == "completed":
            return
        if status in _FAILED:
            raise CapacityExceeded("The machine's memory could not be written; the host's disk may be full.")
        await asyncio.sleep(POLL_SECONDS)


async def _loaded(link: Link) -> None:
    """A QEMU that cannot use the memory says so on its log and ends, which `Link` reports as BackendDown."""
    while True:
        if await link.status() != "inmigrate":
            return
        await asyncio.sleep(POLL_SECONDS)


def _keep(part: Path, path: Path) -> None:
    if not part.exists() and path.exists():
        return  # kept by an earlier call
    put_in_place(part, path)
