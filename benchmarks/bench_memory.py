"""Two hundred machines at once in the memory driver: through the port, and through the whole site but its sockets.

What is measured is Hansa alone: no hypervisor, no TLS. The site's figure holds the proof of a VOMS proxy (once), policy,
OCCI, and the driver; the record of use in SQLite is told apart.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import structlog
from cryptography.hazmat.primitives.serialization import Encoding
from tests.support.pki import Grid
from tests.support.site import site_files

from benchmarks.result import Result
from hansa.base.serving.gate import App
from hansa.cloud.drivers.memory.settings import MemorySettings, memory_cloud
from hansa.cloud.model import Caller, FlavorId, ImageId, ProjectId, ServerSpec, ServerState
from hansa.site.server import assembled

MACHINES = 200
LISTED = 1000
BODY = b'Category: compute; scheme="http://schemas.ogf.org/occi/infrastructure#"; class="kind"\n'


def run() -> list[Result]:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    try:
        return [*asyncio.run(_port()), *asyncio.run(_site())]
    finally:
        structlog.reset_defaults()


async def _port() -> list[Result]:
    cloud = memory_cloud(MemorySettings(), lambda: datetime.now(UTC))
    caller = Caller("bench", ProjectId("bench"))

    async def create(number: int) -> None:
        await cloud.create_server(caller, ServerSpec(f"m-{number}", ImageId("pretended"), FlavorId("tiny")))

    async def all_created() -> None:
        await asyncio.gather(*(create(number) for number in range(MACHINES)))

    made = await _timed(all_created)
    assert all(server.state is ServerState.ACTIVE for server in await cloud.servers(caller))
    for number in range(MACHINES, LISTED):
        await create(number)
    listed = await _timed(lambda: cloud.servers(caller))
    return [
        Result(f"port: {MACHINES} machines created at once", made, "ms"),
        Result(f"port: {LISTED} machines listed", listed, "ms"),
    ]


async def _site() -> list[Result]:
    with TemporaryDirectory() as place:
        grid = Grid(now=datetime.now(UTC))
        config = site_files(Path(place), grid, port=8787)
        chain = [each.public_bytes(Encoding.PEM).decode() for each in grid.voms_proxy(grid.user()).chain]
        async with assembled(config) as app:
            await _request(app, chain, "GET", "/-/")  # templates are read once

            async def all_created() -> None:
                answers = (_request(app, chain, "POST", "/compute/", BODY) for _ in range(MACHINES))
                assert set(await asyncio.gather(*answers)) == {201}

            made = await _timed(all_created)
            used = await _timed(lambda: _request(app, chain, "GET", "/hansa/v1/usage"))
    return [
        Result(f"site: {MACHINES} machines created at once", made, "ms", note=f"{made / MACHINES:.2f} ms each"),
        Result(f"site: use of {MACHINES} machines recorded and told", used, "ms"),
    ]


async def _timed(work: Callable[[], Awaitable[object]]) -> float:
    began = time.perf_counter()
    await work()
    return (time.perf_counter() - began) * 1e3


async def _request(app: App, chain: list[str], method: str, path: str, body: bytes = b"") -> int:
    statuses: list[int] = []
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": b"",
        "scheme": "https",
        "client": ("127.0.0.1", 1),
        "headers": [(b"content-type", b"text/plain"), (b"accept", b"text/plain"), (b"host", b"localhost:8787")],
        "extensions": {"tls": {"client_cert_chain": chain}},
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    await app(scope, receive, send)
    return statuses[0]
