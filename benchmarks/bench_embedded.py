"""What the embedded cloud adds to QEMU: from the wish to a running machine, beside the same QEMU started by hand.

Both boot the same guest on the same kind of overlay with the same command line; "running" is the moment QEMU greets on QMP,
and for the cloud the moment the machine is shown as active.
"""

import asyncio
import socket
import statistics
import subprocess
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path

from tests.support.embedded import ALICE, GUEST, end_all, gone, settings
from tests.support.guest import guest_image

from benchmarks.result import Result
from hansa.cloud.drivers.embedded import EmbeddedCloud
from hansa.cloud.drivers.embedded.commandline import Card, Forward, Machine, Sockets, arguments
from hansa.cloud.drivers.embedded.layout import RunDirectory
from hansa.cloud.model import FlavorId, Image, ServerId, ServerSpec

ROUNDS = 10
AIM = 150.0
"""Milliseconds that the cloud may add."""


def run() -> list[Result]:
    image = guest_image()
    with tempfile.TemporaryDirectory(prefix="hansa-bench-") as place:
        return asyncio.run(_measure(Path(place), image))


async def _measure(place: Path, image: Path) -> list[Result]:
    wanted = settings(place / "state")
    cloud = EmbeddedCloud(wanted)
    await cloud.open()
    try:
        await cloud.add_image(Image(GUEST, "guest", 0), image)
        accelerator = (await cloud.info()).accelerator
        accepted, running, deleted = zip(*[await _one(cloud) for _ in range(ROUNDS)], strict=True)
        by_hand = [await asyncio.to_thread(_bare, place / f"bare-{n}", image, accelerator) for n in range(ROUNDS)]
        kept = [await _running(cloud, (await cloud.create_server(ALICE, _spec())).id) for _ in range(4)]
        reopened = await _timed(lambda: _reopen(cloud))
        for server in kept:
            await cloud.delete_server(ALICE, server)
            await gone(cloud, server)
    finally:
        await cloud.close()
        await end_all(place / "state")
    cloudy, bare = statistics.median(running), statistics.median(by_hand)
    return [
        Result("create to running", cloudy, "ms", note=f"median of {ROUNDS}, {accelerator}"),
        Result("the same QEMU by hand", bare, "ms"),
        Result("added by the cloud", cloudy - bare, "ms", AIM),
        Result("create to accepted", statistics.median(accepted), "ms"),
        Result("delete to gone", statistics.median(deleted), "ms"),
        Result("close and open again with 4 machines running", reopened, "ms"),
    ]


def _spec() -> ServerSpec:
    return ServerSpec("bench", GUEST, FlavorId("small"), ssh_keys=("ssh-ed25519 AAAA bench",))


async def _one(cloud: EmbeddedCloud) -> tuple[float, float, float]:
    """Milliseconds until accepted and until running; then until gone."""
    start = time.perf_counter()
    made = await cloud.create_server(ALICE, _spec())
    accepted = time.perf_counter() - start
    await _running(cloud, made.id)
    running = time.perf_counter() - start
    await asyncio.sleep(0.2)

    async def delete() -> None:
        await cloud.delete_server(ALICE, made.id)
        await gone(cloud, made.id)

    return accepted * 1e3, running * 1e3, await _timed(delete)


async def _running(cloud: EmbeddedCloud, server: ServerId) -> ServerId:
    while True:
        found = await cloud.server(ALICE, server)
        if found.task is None:
            assert found.fault is None, found.fault
            return server
        await asyncio.sleep(0.005)


async def _reopen(cloud: EmbeddedCloud) -> None:
    await cloud.close()
    await cloud.open()


async def _timed(do: Callable[[], Awaitable[None]]) -> float:
    start = time.perf_counter()
    await do()
    return (time.perf_counter() - start) * 1e3


def _bare(place: Path, image: Path, accelerator: str) -> float:
    """Milliseconds from starting QEMU to its greeting; disk and seed are there already."""
    run = RunDirectory(place)
    run.make()
    create = ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", str(image), str(run.disk), "1G"]
    subprocess.run(create, check=True)
    run.seed.write_bytes(b"\0" * 2**16)
    card = Card(0, "52:54:00:00:00:01", (Forward("127.0.0.1", 0, 22),))
    machine = Machine(str(uuid.uuid4()), 1, 128, run, (card,))
    listeners = [run.listen(name) for name in ("qmp.sock", "diagnostics.sock", "serial.sock")]
    sockets = [listener.fileno() for listener in listeners]
    start = time.perf_counter()
    qemu = subprocess.Popen(
        arguments("qemu-system-x86_64", accelerator, machine, Sockets(*sockets)),
        pass_fds=sockets,
        stdin=subprocess.DEVNULL,
    )
    try:
        with socket.socket(socket.AF_UNIX) as client, run.reach("qmp.sock") as path:
            client.connect(path)
            client.settimeout(30)
            assert client.recv(4096).startswith(b'{"QMP"')
        return (time.perf_counter() - start) * 1e3
    finally:
        qemu.kill()
        qemu.wait()
        for listener in listeners:
            listener.close()
