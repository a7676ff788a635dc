"""Programs of the host that we run to their end: `qemu-img`, under limits, because it reads what strangers wrote."""

import asyncio
import errno
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog

from hansa.base.errors import BackendDown, BadRequest, CapacityExceeded, HansaError
from hansa.cloud.drivers.embedded.qemu_user import QemuUser

MEMORY_BYTES = 2 * 2**30
CPU_SECONDS = 60
WALL_SECONDS = 600.0
OUTPUT_MAX = 1_000_000

log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class DiskInfo:
    disk_format: str
    virtual_bytes: int


class QemuImg:
    """`program` is qemu-img's name or path; it runs as `user` if there is one, because it reads what strangers wrote."""

    def __init__(self, program: str, user: QemuUser | None = None) -> None:
        self._program = program
        self._user = user

    async def check(self, path: Path, disk_format: str) -> DiskInfo:
        """What the file is. BadRequest unless it is that format, whole, and refers to no other file."""
        try:
            told = await self._run("info", "--output=json", "-f", disk_format, str(path), cpu_seconds=10)
            info = json.loads(told)
        except (HansaError, ValueError) as error:
            if isinstance(error, BackendDown | CapacityExceeded):
                raise
            raise BadRequest(f"The image is not a readable {disk_format} image.", field="image") from error
        special = (info.get("format-specific") or {}).get("data") or {}
        if info.get("format") != disk_format or special.get("corrupt"):
            raise BadRequest(f"The image is not a sound {disk_format} image.", field="image")
        references = ("backing-filename", "full-backing-filename", "backing-filename-format")
        if any(name in info for name in references) or special.get("data-file") or info.get("encrypted"):
            raise BadRequest("The image refers to another file or is encrypted; flatten it first.", field="image")
        return DiskInfo(disk_format, int(info["virtual-size"]))

    async def overlay(self, path: Path, base: Path, base_format: str, size_bytes: int) -> None:
        """A qcow2 disk that begins as `base`; made anew if it is there."""
        await asyncio.to_thread(self._fresh, path)
        backing = ("-F", base_format, "-b", str(base))
        await self._run("create", "-q", "-f", "qcow2", *backing, str(path), str(size_bytes))

    async def grow(self, path: Path, size_bytes: int) -> None:
        await self._run("resize", "-q", "-f", "qcow2", str(path), str(size_bytes))

    async def empty(self, path: Path, size_bytes: int) -> None:
        await asyncio.to_thread(self._fresh, path)
        await self._run("create", "-q", "-f", "qcow2", str(path), str(size_bytes))

    async def flatten(self, source: Path, target: Path) -> None:
        """A whole image from a disk that no machine is writing to."""
        await asyncio.to_thread(self._fresh, target)
        await self._run("convert", "-q", "-f", "qcow2", "-O", "qcow2", str(source), str(target))

    def _fresh(self, path: Path) -> None:
        """No file, or an empty one that the user may write."""
        path.unlink(missing_ok=True)
        if self._user is not None:
            with disk_errors():
                self._user.give(path)

    async def _run(self, *arguments: str, cpu_seconds: int = CPU_SECONDS) -> bytes:
        who = self._user.prefix() if self._user else ()
        limits = (*who, "prlimit", f"--as={MEMORY_BYTES}", f"--cpu={cpu_seconds}", "--core=0", "--")
        try:
            process = await asyncio.create_subprocess_exec(
                *(*limits, self._program, *arguments),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
        except FileNotFoundError as error:
            raise BackendDown(f"The program {limits[0]} (util-linux) is not installed on the host.") from error
        try:
            out, complaint = await asyncio.wait_for(process.communicate(), WALL_SECONDS)
        except (TimeoutError, asyncio.CancelledError):
            process.kill()
            await process.wait()
            raise
        if process.returncode == 0:
            return out[:OUTPUT_MAX]
        text = complaint[-2000:].decode(errors="replace").strip()
        log.warning("embedded.qemu_img", command=arguments[0], returncode=process.returncode, complaint=text)
        if "No space left" in text or "Disk quota exceeded" in text:
            raise CapacityExceeded("The host's disk is full.")
        if "failed to execute" in text:
            raise BackendDown("QEMU (qemu-img) is not installed on the host.")
        raise HansaError("The disk could not be prepared; the operator finds the reason in the log.")


def put_in_place(part: Path, target: Path, mode: int = 0o600) -> None:
    """A finished file under its name: whole and durable on return."""
    part.chmod(mode)
    flush(part)
    part.replace(target)
    flush(target.parent)


def flush(path: Path) -> None:
    """What was written to the file, or the names in the directory, survive power loss from here on."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def disk_errors() -> Iterator[None]:
    """A full disk is CapacityExceeded, every other refusal of the file system BackendDown."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise CapacityExceeded("The host's disk is full.") from error
        raise BackendDown("The host's file system refuses; the operator finds the reason in the log.") from error
