"""An embedded cloud for tests: small, on addresses of its own, ended without a trace."""

import asyncio
import itertools
import os
import shutil
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest

from hansa.base.errors import NotFound
from hansa.cloud.drivers.embedded import EmbeddedCloud, EmbeddedSettings, process
from hansa.cloud.drivers.embedded.layout import StateDirectory
from hansa.cloud.model import Caller, Image, ImageId, ProjectId, Server, ServerId, ServerState
from hansa.cloud.port import Cloud
from hansa.cloud.settings import FlavorSettings

ALICE = Caller("alice", ProjectId("ops"), vo="ops", fqan="/ops")
BOB = Caller("bob", ProjectId("fedcloud"))
LIMITED = Caller("lim", ProjectId("limited"))
GUEST = ImageId("guest")
BLANK = ImageId("blank")
"""A disk without a system: QEMU runs it, nothing boots. Enough where only the cloud is looked at."""

_POOLS = itertools.count(1)

needs_qemu = pytest.mark.skipif(
    shutil.which("qemu-system-x86_64") is None or shutil.which("qemu-img") is None, reason="QEMU is not installed"
)


def settings(state_dir: Path, **changes: Any) -> EmbeddedSettings:
    """Each process and each cloud has a pool of its own, so that tests may run side by side."""
    pool = IPv4Network((0x7F << 24 | 20 + os.getpid() % 200 << 16 | next(_POOLS) % 256 << 8, 24))
    values: dict[str, Any] = {
        "state_dir": state_dir,
        "addresses": pool,
        "flavors": {
            "small": FlavorSettings(vcpus=1, ram_mib=128, disk_gib=1),
            "bigger": FlavorSettings(vcpus=2, ram_mib=192, disk_gib=2),
        },
        "disk_reserve_gib": 0.1,
        "stop_seconds": 20.0,
    }
    return EmbeddedSettings(**{**values, **changes})


async def add_blank_image(cloud: EmbeddedCloud, directory: Path) -> None:
    source = directory / "blank.raw"
    source.write_bytes(b"\0" * 2**20)
    await cloud.add_image(Image(BLANK, "blank", 0, disk_format="raw"), source)


@asynccontextmanager
async def embedded(state_dir: Path, **changes: Any) -> AsyncIterator[EmbeddedCloud]:
    """An open cloud with the blank image; at the end its machines are ended, whatever the test left."""
    cloud = EmbeddedCloud(settings(state_dir, **changes))
    await cloud.open()
    try:
        await add_blank_image(cloud, state_dir)
        yield cloud
    finally:
        await cloud.close()
        await end_all(state_dir)


async def end_all(state_dir: Path) -> None:
    for found in running(state_dir):
        await process.end(found)


def running(state_dir: Path) -> list[process.Process]:
    return [found for found, _ in process.of_cloud(StateDirectory(state_dir))]


async def idle(cloud: Cloud, server: ServerId, caller: Caller = ALICE, seconds: float = 60.0) -> Server:
    end = time.monotonic() + seconds
    while (found := await cloud.server(caller, server)).task is not None:
        assert time.monotonic() < end, f"still {found.task}"
        await asyncio.sleep(0.02)
    return found


async def state_of(cloud: Cloud, server: ServerId, state: ServerState) -> Server:
    for _ in range(1000):
        found = await cloud.server(ALICE, server)
        if found.state is state and found.task is None:
            return found
        await asyncio.sleep(0.02)
    raise AssertionError(f"{found.state} {found.task} {found.fault}")


async def gone(cloud: Cloud, server: ServerId, caller: Caller = ALICE, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            await cloud.server(caller, server)
        except NotFound:
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"machine {server} is still there")


def make_key(directory: Path) -> tuple[Path, str]:
    """A private key file and the public line of it."""
    path = directory / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
    return path, path.with_suffix(".pub").read_text().strip()


async def ssh(server: Server, key: Path, command: str, *, seconds: float = 60.0) -> str:
    """What the command printed in the guest; asked again until the guest's SSH server is up."""
    card = server.interfaces[0]
    options = ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR", "ConnectTimeout=5"]
    arguments = ["ssh", "-i", str(key), "-p", str(card.forwards[22]), "-o", "BatchMode=yes"]
    arguments += [part for option in options for part in ("-o", option)]
    end = time.monotonic() + seconds
    while True:
        client = await asyncio.create_subprocess_exec(
            *arguments, f"root@{card.address}", command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        told, _ = await client.communicate()
        if client.returncode == 0 or time.monotonic() > end:
            assert client.returncode == 0, told.decode()
            return told.decode()
        await asyncio.sleep(0.2)


@contextmanager
def small_disk(place: Path, size: str) -> Iterator[None]:
    """A file system of that size at that place; needs the right to mount."""
    place.mkdir(parents=True, exist_ok=True)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "small", str(place)], capture_output=True)
    if mounted.returncode:
        pytest.skip("a small file system cannot be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)
