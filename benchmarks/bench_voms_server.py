"""Attribute certificates from our VOMS server and from Debian's own (C++, MariaDB), in one run.

Each operation is what one client does in the legacy dialect, the only one that Debian's server answers: TCP, full TLS handshake
with a user's certificate, one request, close. Same machine, same member (in two groups, with a role). Ours validates the chain
with revocation lists and namespaces and looks the member up in its database; the other leaves the chain to OpenSSL. Processor
time is that of the server and of its database together; the clients' does not count. On SQLite ours is durable as in earnest and
waits for the disk at each certificate; MariaDB and PostgreSQL run as for tests and do not.
"""

import asyncio
import os
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.support.pki import Grid, split_credential, write_credential, write_files
from tests.support.ports import free_port
from tests.support.postgres import running_cluster
from tests.support.voms import write_config
from tests.support.vomsd import needs_vomsd, vomsd
from tests.support.wire import Wire, client_context

from benchmarks.processor import of_tree
from benchmarks.result import Result
from hansa.standards.voms import Fqan
from hansa.standards.voms.wire import AcReply, AcRequest, legacy
from hansa.standards.x509 import Name

OPERATIONS = 200
ROUNDS = 3
CLIENTS = (1, 8)


def run() -> list[Result]:
    """Medians of the rounds."""
    costs: dict[str, dict[int, tuple[float, float]]] = {}
    with _grid() as (grid, home):
        costs["Hansa, SQLite"] = _ours(grid, home, None)
    try:
        with running_cluster() as cluster, cluster.database() as url, _grid() as (grid, home):
            postmaster = int((cluster.socket / "data" / "postmaster.pid").read_text().split()[0])
            costs["Hansa, PostgreSQL"] = _ours(grid, home, url, postmaster)
    except pytest.skip.Exception as missing:
        print(f"voms_server: {missing}")
    if not needs_vomsd.args[0]:
        with _grid() as (grid, home), vomsd(grid, home, Name.from_x509(grid.user().leaf.subject)) as server:
            costs["Debian's, MariaDB"] = asyncio.run(_loads(grid, home, [server.pid, server.database]))
    return list(_results(costs))


def _results(costs: dict[str, dict[int, tuple[float, float]]]) -> Iterator[Result]:
    for clients in CLIENTS:
        said = "1 client" if clients == 1 else f"{clients} clients"
        for name, found in costs.items():
            rate, processor = found[clients]
            yield Result(f"{said}, {name}", rate, "1/s", None, f"processor {processor:.2f} ms")
        theirs = costs.get("Debian's, MariaDB")
        for name in [each for each in costs if theirs and each.startswith("Hansa")]:
            assert theirs
            yield Result(
                f"{said}, {name}: rate beside Debian's", costs[name][clients][0] / theirs[clients][0], "×", 1.0
            )


@contextmanager
def _grid() -> Iterator[tuple[Grid, Path]]:
    with tempfile.TemporaryDirectory(prefix="hansa-bench-") as place:
        home = Path(place)
        home.chmod(0o755)
        grid = Grid(now=datetime.now(UTC).replace(microsecond=0), port=free_port())
        grid.write(home)
        yield grid, home


def _ours(grid: Grid, home: Path, url: str | None, *databases: int) -> dict[int, tuple[float, float]]:
    config = write_config(grid, home, grid.port)
    environment = {**os.environ, "HANSA_VOMS__REQUESTS_PER_MINUTE": "1000000", "HANSA_TELEMETRY__LOG__LEVEL": "error"}
    environment |= {"HANSA_DATABASE__URL": url} if url else {}
    alice = grid.user()
    write_files(home, {"alice.pem": split_credential(alice)[0]})
    who = Name.from_x509(alice.leaf.subject).slash()
    for words in (
        ("create", grid.vo),
        ("member", "add", grid.vo, home / "alice.pem"),
        ("group", "add", grid.vo, f"/{grid.vo}/bio"),
        ("group", "add", grid.vo, f"/{grid.vo}/bio", who),
        ("role", "grant", grid.vo, who, f"/{grid.vo}/Role=VO-Admin"),
    ):
        command = [sys.executable, "-m", "hansa.cli.main", "vo", "--config", str(config), *map(str, words)]
        subprocess.run(command, env=environment, check=True, capture_output=True)
    serving = [sys.executable, "-m", "hansa.cli.main", "federation", "serve", "--config", str(config)]
    server = subprocess.Popen(serving, env=environment)
    try:
        return asyncio.run(_loads(grid, home, [server.pid, *databases]))
    finally:
        server.terminate()
        server.wait(20)


async def _loads(grid: Grid, home: Path, pids: list[int]) -> dict[int, tuple[float, float]]:
    """Rate in 1/s and processor time in ms, by the number of clients."""
    client = client_context(write_credential(home / "user.pem", grid.user()))
    request = legacy.render_request(
        AcRequest(fqans=(Fqan.parse(f"/{grid.vo}/Role=VO-Admin"), Fqan.parse(f"/{grid.vo}")))
    )
    await _until_it_answers(grid.port, client, request)
    found: dict[int, tuple[float, float]] = {}
    for clients in CLIENTS:
        rounds = [await _load(grid.port, client, request, clients, pids) for _ in range(ROUNDS)]
        found[clients] = sorted(rounds)[ROUNDS // 2]
    return found


async def _load(
    port: int, client: ssl.SSLContext, request: bytes, clients: int, pids: list[int]
) -> tuple[float, float]:
    left = iter(range(OPERATIONS))

    async def work() -> None:
        for _ in left:
            await _certificate(port, client, request)

    began, processor = time.perf_counter(), sum(map(of_tree, pids))
    await asyncio.gather(*(work() for _ in range(clients)))
    rate = OPERATIONS / (time.perf_counter() - began)
    return rate, (sum(map(of_tree, pids)) - processor) / OPERATIONS * 1e3


async def _certificate(port: int, client: ssl.SSLContext, request: bytes) -> None:
    async with await Wire.to(port, client) as wire:
        await wire.send(request)
        reply = legacy.parse_reply(await wire.rest())
    assert isinstance(reply, AcReply), reply


async def _until_it_answers(port: int, client: ssl.SSLContext, request: bytes) -> None:
    async with asyncio.timeout(60):
        while True:
            try:
                await _certificate(port, client, request)
            except OSError:
                await asyncio.sleep(0.2)
            else:
                return
