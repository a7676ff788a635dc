"""The TLS front and the VOMS server as a process of their own: new connection, proxy chain, attribute certificate.

Each operation is what one client does: TCP, full TLS handshake with a client certificate, one request, close. The clients run
in this process on the same machine, so rates are of both together; the server's processor time is its own.
"""

import asyncio
import os
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from tests.support.pki import Grid, split_credential, write_credential, write_files
from tests.support.ports import free_port
from tests.support.voms import write_config
from tests.support.wire import Wire, client_context

from benchmarks.result import Result

OPERATIONS = 300
AIM = 150.0
"""New TLS connections with an attribute certificate each, per second."""


def run() -> list[Result]:
    with tempfile.TemporaryDirectory(prefix="hansa-bench-") as home:
        return _measured(Path(home))


def _measured(home: Path) -> list[Result]:
    grid = Grid(now=datetime.now(UTC).replace(microsecond=0), port=free_port())
    config = write_config(grid, home, grid.port)
    alice = grid.user()
    write_files(home, {"alice.pem": split_credential(alice)[0]})
    for words in (("create", grid.vo), ("member", "add", grid.vo, home / "alice.pem")):
        subprocess.run(_hansa("vo", "--config", config, *words), check=True, capture_output=True)
    environment = {**os.environ, "HANSA_VOMS__REQUESTS_PER_MINUTE": "1000000", "HANSA_TELEMETRY__LOG__LEVEL": "error"}
    server = subprocess.Popen(_hansa("federation", "serve", "--config", config), env=environment)
    try:
        user = client_context(write_credential(home / "user.pem", alice))
        proxy = client_context(write_credential(home / "proxy.pem", grid.proxy(alice)))
        asyncio.run(_ready(grid.port))
        return [
            *asyncio.run(_load("AC, user certificate, 1 client", grid.port, server.pid, user, 1, "/generate-ac")),
            *asyncio.run(_load("AC, proxy, 1 client", grid.port, server.pid, proxy, 1, "/generate-ac")),
            *asyncio.run(_load("AC, proxy, 8 clients", grid.port, server.pid, proxy, 8, "/generate-ac")),
            *asyncio.run(_load("TLS and 404, proxy, 8 clients", grid.port, server.pid, proxy, 8, "/nothing")),
        ]
    finally:
        server.terminate()
        server.wait(20)


def _hansa(*words: object) -> list[str]:
    return [sys.executable, "-m", "hansa.cli.main", *map(str, words)]


async def _ready(port: int) -> None:
    async with asyncio.timeout(30):
        while True:
            try:
                async with await Wire.to(port, client_context()) as wire:
                    await wire.get("/healthz")
                    return
            except OSError:
                await asyncio.sleep(0.1)


async def _load(name: str, port: int, pid: int, client: ssl.SSLContext, clients: int, path: str) -> list[Result]:
    """Rate, median time and the server's processor time of `OPERATIONS` operations by `clients` at once."""
    times: list[float] = []
    left = iter(range(OPERATIONS))

    async def work() -> None:
        for _ in left:
            start = time.perf_counter()
            async with await Wire.to(port, client) as wire:
                answer = await wire.get(path)
                assert answer.status == (404 if path == "/nothing" else 200), answer.body
            times.append(time.perf_counter() - start)

    await asyncio.gather(*(work() for _ in range(clients)))
    times.clear()
    left = iter(range(OPERATIONS))
    began, processor = time.perf_counter(), _processor_seconds(pid)
    await asyncio.gather(*(work() for _ in range(clients)))
    rate = OPERATIONS / (time.perf_counter() - began)
    each = (_processor_seconds(pid) - processor) / OPERATIONS * 1e3
    aim = AIM if path == "/generate-ac" else None
    return [
        Result(f"{name}: rate", rate, "1/s", aim, f"median {statistics.median(times) * 1e3:.1f} ms"),
        Result(f"{name}: server's processor", each, "ms"),
    ]


def _processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
