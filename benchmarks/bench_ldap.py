"""The embedded LDAP server beside slapd, with the same entries and the same client: processor time of the server for each search.

Both are processes of their own; HANSA_BENCH_SITES changes the number of sites (300), each has 46 entries.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from _pytest.outcomes import Skipped
from tests.support.gluesites import ROOT, SUFFIX, site
from tests.support.ldap import Client, message, search
from tests.support.slapd import slapd

from benchmarks.result import Result
from hansa.ldap import LdapServer, Tree, make_entry, serving
from hansa.standards.ldap import Equal, Filter, Present, Scope
from hansa.standards.ldif import parse_ldif, render_ldif

SITES = int(os.environ.get("HANSA_BENCH_SITES", "300"))
_TICKS = os.sysconf("SC_CLK_TCK")
_SECONDS = 0.6
_ENDPOINT = ["GLUE2EndpointInterfaceVersion", "GLUE2EndpointInterfaceName", "GLUE2EndpointURL"]

Query = tuple[str, str, Scope, Filter, Sequence[str]]
QUERIES: list[Query] = [
    ("one entry", SUFFIX, Scope.BASE, Present("objectClass"), ()),
    ("one site's subtree", f"GLUE2DomainID=SITE-0007,{SUFFIX}", Scope.SUBTREE, Present("objectClass"), ()),
    ("ServiceID =", "o=glue", Scope.SUBTREE, Equal("GLUE2ServiceID", "host7.example.org_cloud.compute"), ()),
    ("PolicyRule of a VO", "o=glue", Scope.SUBTREE, Equal("GLUE2PolicyRule", "VO:vo7.example.org"), ()),
    ("EndpointURL =", "o=glue", Scope.SUBTREE, Equal("GLUE2EndpointURL", "https://host7.example.org:8787/"), ()),
    ("all endpoints, 3 attributes", "o=glue", Scope.SUBTREE, Equal("objectClass", "GLUE2Endpoint"), _ENDPOINT),
    ("everything", "o=glue", Scope.SUBTREE, Present("objectClass"), ()),
]


def run() -> list[Result]:
    with tempfile.TemporaryDirectory(prefix="hansa-bench-") as home:
        return _measured(Path(home))


def _measured(home: Path) -> list[Result]:
    data = render_ldif([*ROOT, *(entry for number in range(SITES) for entry in site(number))])
    (home / "sites.ldif").write_bytes(data)
    process = subprocess.Popen(
        [sys.executable, "-m", __name__, str(home / "sites.ldif")], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout
        port, seconds = process.stdout.readline().split()
        ours = {name: _cost(query, int(port), process.pid) for query in QUERIES for name in [query[0]]}
        memory = _memory(process.pid)
    finally:
        process.terminate()
        process.wait(20)
    try:
        with slapd(home, data) as (peer, pid):
            theirs = {query[0]: _cost(query, peer, pid) for query in QUERIES}
    except Skipped:
        theirs = {}
    size = f"{SITES} sites, {46 * SITES} entries"
    return [
        *(Result(name, cost, "ms", theirs.get(name), _beside(theirs.get(name), cost)) for name, cost in ours.items()),
        Result("first load", float(seconds), "s", 15, f"processor time, {size}"),
        Result("memory", memory, "MB", 500, size),
    ]


def _beside(theirs: float | None, ours: float) -> str:
    return "" if theirs is None else f"slapd takes {theirs / max(ours, 1e-6):.1f} times as much"


def _cost(query: Query, port: int, pid: int) -> float:
    """Processor time of the server, milliseconds a search."""
    return asyncio.run(_load(query, port, pid))


async def _load(query: Query, port: int, pid: int) -> float:
    _name, base, scope, chosen, attributes = query
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 24)
    client = Client(reader, writer)
    await client.search(base, scope, chosen, attributes)
    asked, before = 0, _processor(pid)
    end = time.perf_counter() + _SECONDS
    batch = 50 if scope is Scope.BASE or (isinstance(chosen, Equal) and not attributes) else 1
    while time.perf_counter() < end:
        for number in range(batch):
            writer.write(message(number + 1, search(base, scope, chosen, attributes)))
        await _skip(reader, batch)
        asked += batch
    spent = _processor(pid) - before
    writer.close()
    await writer.wait_closed()
    return spent / asked * 1e3


async def _skip(reader: asyncio.StreamReader, searches: int) -> None:
    """Read so many whole answers, without a look at the entries."""
    buffer = b""
    while searches:
        buffer += await reader.read(1 << 20)
        position = 0
        while position + 6 <= len(buffer):
            length, head = buffer[position + 1], 2
            if length & 0x80:
                head = 2 + (length & 0x7F)
                length = int.from_bytes(buffer[position + 2 : position + head])
            if position + head + length > len(buffer):
                break
            number = buffer[position + head + 1]
            searches -= buffer[position + head + 2 + number] == 0x65
            position += head + length
        buffer = buffer[position:]


def _processor(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _memory(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024


async def _serve(data: bytes) -> None:
    """Load the LDIF, print the port and what loading cost, serve until told to stop."""
    before = time.process_time()
    tree = Tree()
    tree.replace(
        "file", [make_entry(record.dn, record.attributes) for record in parse_ldif(data, limit=1 << 30).records]
    )
    spent = time.process_time() - before
    async with serving(LdapServer(tree, suffixes=("o=glue",)), "127.0.0.1", 0) as (_host, port):
        print(port, f"{spent:.2f}", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    import structlog

    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    asyncio.run(_serve(Path(sys.argv[1]).read_bytes()))
