"""The member feed at 100,000 members: reading the registry, a full snapshot, and one change from end to end."""

import asyncio
import resource
import statistics
import tempfile
import time
from pathlib import Path

from sqlalchemy import Connection
from tests.support.feed import BEGIN, CA, Side, SiteSide, federation_side, site_side
from tests.support.memberfeed import uid

from benchmarks.result import Result
from hansa.federation.membership.store.tables import credentials, group_members, groups, members, persons, vos
from hansa.site.accounts.model import Filter
from hansa.standards.x509 import Name

MEMBERS = 100_000
CHANGES = 100


def run() -> list[Result]:
    with tempfile.TemporaryDirectory() as directory:
        return asyncio.run(_measure(Path(directory)))


async def _measure(directory: Path) -> list[Result]:
    async with federation_side(f"sqlite:///{directory / 'federation.db'}", "demo") as side:
        await side.database.write(_fill)
        site = await side.site()
        started, processor = time.perf_counter(), time.process_time()
        await side.projection.settle()
        read, read_processor = time.perf_counter() - started, time.process_time() - processor
        async with site_side(side, f"sqlite:///{directory / 'site.db'}", site) as reader:
            started, processor = time.perf_counter(), time.process_time()
            pages = await reader.follow()
            applied, applied_processor = time.perf_counter() - started, time.process_time() - processor
            assert (await reader.accounts.status()).counts == {"active": MEMBERS}
            delays = await _changes(side, reader)
            assert len(await reader.accounts.every(Filter(vo="demo", uid=uid(1)))) == 1
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return [
        Result("the registry read for the first time", read, "s", 60, f"processor {read_processor:.1f} s"),
        Result(
            "a full snapshot, made, signed, verified, applied",
            applied,
            "s",
            60,
            f"{len(pages)} pages, processor {applied_processor:.1f} s",
        ),
        Result("one change, registry to the site's database", delays.pop(), "ms", 100, f"worst of {CHANGES}"),
        Result("the same", statistics.median(delays), "ms", None, "median, without polling and network"),
        Result("memory of both sides together", peak, "MiB", 512, "peak of the process"),
    ]


async def _changes(side: Side, reader: SiteSide) -> list[float]:
    """Milliseconds, sorted."""
    found = []
    for number in range(CHANGES):
        started = time.perf_counter()
        await side.registry.suspend("demo", uid(number), "benchmark")
        await reader.follow()
        found.append((time.perf_counter() - started) * 1000)
    return sorted(found)


def _fill(connection: Connection) -> None:
    vo = connection.execute(vos.select()).one().id
    root = connection.execute(groups.select()).one().id
    numbers = range(MEMBERS)
    issuer = CA.rfc4514()
    connection.execute(
        persons.insert(),
        [
            {"id": n + 1, "uid": uid(n), "name": f"Member {n}", "email": f"member{n}@example.org", "search": ""}
            for n in numbers
        ],
    )
    connection.execute(
        credentials.insert(),
        [{"person": n + 1, "kind": "x509", "issuer": issuer, "subject": _subject(n), "added": BEGIN} for n in numbers],
    )
    connection.execute(
        members.insert(),
        [{"id": n + 1, "vo": vo, "person": n + 1, "state": "active", "reason": "", "since": BEGIN} for n in numbers],
    )
    connection.execute(group_members.insert(), [{"member": n + 1, "group": root} for n in numbers])


def _subject(number: int) -> str:
    return Name.of(("DC", "org"), ("O", "people"), ("CN", f"Member {number}")).rfc4514()
