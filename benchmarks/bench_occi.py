"""What OCCI's commonest requests cost in processor time, beside ooi 1.2.0, which did the same over Nova in memory.

In process, without sockets: the face, the service, the memory driver and the store. ooi's figures were measured the same
way (WSGI call, Python 3.9) on a machine of this kind.
"""

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

from tests.support.occi import IMAGE, NETWORK, SMALL, Client, Clock, face

from benchmarks.result import Result
from hansa.cloud.drivers.memory import MemoryCloud
from hansa.cloud.model import Caller, Image, ImageId, ProjectId, ServerSpec

MACHINES, IMAGES = 1000, 500
ROUNDS, CALLS = 7, 5
JSON = "application/occi+json"

OOI = {"text list": 132.0, "json list": 164.0, "model": 9.8, "json model": 17.9, "one": 1.24}
"""Milliseconds of processor time."""

Request = Callable[[], Awaitable[object]]


def run() -> list[Result]:
    return asyncio.run(_measured())


async def _measured() -> list[Result]:
    clock = Clock()
    cloud, path = await _cloud(clock)
    with tempfile.TemporaryDirectory() as directory:
        async with face(cloud, Path(directory), clock) as occi:
            return [
                await _cost("GET /compute/, text", lambda: occi("GET", "/compute/"), 3, "text list"),
                await _cost("GET /compute/, JSON", lambda: occi("GET", "/compute/", accept=JSON), 8, "json list"),
                await _cost("GET /-/, text, cached", lambda: occi("GET", "/-/"), 0.3, "model"),
                await _cost("GET /-/, JSON, cached", lambda: occi("GET", "/-/", accept=JSON), 0.3, "json model"),
                await _cost("GET /-/, text, new model", lambda: _changed(cloud, occi, clock), None, "model"),
                await _cost("GET one compute, text", lambda: occi("GET", path), 0.5, "one"),
                await _cost("GET one compute, JSON", lambda: occi("GET", path, accept=JSON), 0.5, ""),
            ]


async def _cloud(clock: Clock) -> tuple[MemoryCloud, str]:
    images = [_image(number) for number in range(IMAGES)]
    cloud = MemoryCloud(clock=clock, flavors=(SMALL,), images=images, networks=(NETWORK,))
    alice = Caller("alice", ProjectId("alice"))
    for number in range(MACHINES):
        spec = ServerSpec(f"vm{number}", images[number % IMAGES].id, SMALL.id)
        made = await cloud.create_server(alice, spec)
    return cloud, f"/compute/{made.id}"


def _image(number: int) -> Image:
    return replace(IMAGE, id=ImageId(f"11111111-aaaa-4bbb-8ccc-{number:012d}"), name=f"image {number}")


async def _changed(cloud: MemoryCloud, occi: Client, clock: Clock) -> None:
    """The first request after a new image list: model and rendering are made anew."""
    gone = _image(0)
    if cloud._images.pop(gone.id, None) is None:
        cloud._images[gone.id] = gone
    clock.pass_(seconds=3600)
    await occi("GET", "/-/")


async def _cost(name: str, request: Request, aim: float | None, peer: str) -> Result:
    """Processor time of one request: the best of some rounds."""
    await request()
    best = min([await _round(request) for _ in range(ROUNDS)])
    theirs = OOI.get(peer)
    note = f"ooi {theirs:g} ms, {theirs / best:.0f} times as much" if theirs else ""
    return Result(name, best, "ms", aim, note)


async def _round(request: Request) -> float:
    start = time.process_time()
    for _ in range(CALLS):
        await request()
    return (time.process_time() - start) / CALLS * 1e3
