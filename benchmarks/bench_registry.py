"""The registry with 100,000 members, on both engines: searching, paging, copying, and what an attribute certificate costs."""

import asyncio
import statistics
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from random import Random

import sqlalchemy as sa
from _pytest.outcomes import Skipped
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import Connection
from tests.support.pki import NOW, Grid
from tests.support.postgres import running_cluster

from benchmarks.result import Result
from hansa.base.database import Database
from hansa.base.migrations import upgrade
from hansa.base.rates import Rate, RateLimit
from hansa.base.telemetry.audit import AuditLog
from hansa.federation.membership.issuing import Asker, AttributeAuthority, Authority, VoServer
from hansa.federation.membership.model import Credential, Details, MemberState
from hansa.federation.membership.names import search_key
from hansa.federation.membership.service import Membership, Wanted
from hansa.federation.membership.store import tables
from hansa.standards.voms.wire import AcRequest
from hansa.standards.x509 import Name, load_chain, validate_chain

MEMBERS = 100_000
GROUPS = 20
ROUNDS = 15
ACS = 400
AT_ONCE = 16
VO = "fedcloud.egi.eu"
SEARCH_AIM = 100.0
"""Milliseconds for one page of a search, whatever is searched for."""
AC_AIM = 3.0
"""Milliseconds of our processor for an attribute certificate: chain, registry, signature, record."""


def run() -> list[Result]:
    with tempfile.TemporaryDirectory() as directory:
        results = asyncio.run(_measure("SQLite", f"sqlite:///{directory}/registry.db"))
    with _postgres() as url:
        return results + (asyncio.run(_measure("PostgreSQL", url)) if url else [])


@contextmanager
def _postgres() -> Iterator[str | None]:
    try:
        with running_cluster() as cluster, cluster.database() as url:
            yield url
    except Skipped:
        yield None


async def _measure(engine: str, url: str) -> list[Result]:
    database = Database(url)
    try:
        await upgrade(database, "federation")
        grid = Grid()
        registry = Membership(database, lambda: NOW)
        await registry.create_vo(VO)
        await database.write(_fill)
        found = [Result(f"{engine}: {name}", *rest) for name, *rest in await _reads(registry)]
        return found + [Result(f"{engine}: {name}", *rest) for name, *rest in await _issuing(registry, grid)]
    finally:
        database.close()


def _fill(connection: Connection) -> None:
    """Everybody with a certificate, an e-mail address, three groups; one in ten with a role; some suspended, some expired."""
    random = Random(1)
    vo = connection.execute(sa.select(tables.vos.c.id)).scalar_one()
    root = connection.execute(sa.select(tables.groups.c.id)).scalar_one()
    paths = [{"vo": vo, "path": f"/{VO}/group{n}", "description": ""} for n in range(GROUPS)]
    connection.execute(tables.groups.insert(), paths)
    groups = list(connection.execute(sa.select(tables.groups.c.id).where(tables.groups.c.id != root)).scalars())
    for start in range(1, MEMBERS + 1, 10_000):
        numbers = range(start, start + 10_000)
        connection.execute(tables.persons.insert(), [_person(n) for n in numbers])
        connection.execute(tables.credentials.insert(), [_certificate(n) for n in numbers])
        connection.execute(tables.members.insert(), [_member(n, vo, random) for n in numbers])
        held = {n: [root, *random.sample(groups, 2)] for n in numbers}
        connection.execute(tables.group_members.insert(), [{"member": n, "group": g} for n in numbers for g in held[n]])
        roles = [{"member": n, "group": held[n][1], "role": "vm_operator"} for n in numbers if n % 10 == 0]
        connection.execute(tables.role_grants.insert(), roles)
    if connection.dialect.name == "postgresql":  # rows came with their numbers
        for table in ("membership_person", "membership_member"):
            connection.exec_driver_sql(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), {MEMBERS})")
    connection.exec_driver_sql("ANALYZE")


def _person(number: int) -> dict[str, object]:
    name, email = f"Member{number} 길동{number % 977}", f"member{number}@site{number % 313}.example.org"
    text = search_key(f"{name}\n{email}\n{_subject(number).slash()}")
    return {"id": number, "uid": str(uuid.UUID(int=number, version=4)), "name": name, "email": email, "search": text}


def _subject(number: int) -> Name:
    return Name.of(("DC", "org"), ("DC", "example"), ("O", "people"), ("CN", f"Member {number}"))


def _certificate(number: int) -> dict[str, object]:
    issuer = Name.of(("DC", "org"), ("DC", "example"), ("CN", "Bench CA"))
    return {"person": number, "subject": _subject(number).rfc4514(), "issuer": issuer.rfc4514()}


def _member(number: int, vo: int, random: Random) -> dict[str, object]:
    state = MemberState.SUSPENDED if random.random() < 0.01 else MemberState.ACTIVE
    until = NOW + timedelta(days=random.randint(-20, 365))
    return {
        "id": number,
        "vo": vo,
        "person": number,
        "state": state.value,
        "reason": "",
        "since": NOW - timedelta(days=400),
        "until": until,
    }


Row = tuple[str, float, str, float | None, str]


async def _reads(registry: Membership) -> list[Row]:
    last = Wanted(f"member{MEMBERS}")
    uid = str(uuid.UUID(int=MEMBERS // 2, version=4))

    async def everything() -> object:
        return await registry.snapshot(VO)

    began = time.perf_counter()
    await everything()
    snapshot = time.perf_counter() - began
    return [
        await _timed("a page of 100 members", lambda: registry.find_members(VO)),
        await _timed("a page from the middle", lambda: registry.find_members(VO, after=MEMBERS // 2)),
        await _timed("search: many fit", lambda: registry.find_members(VO, Wanted("길동"))),
        await _timed("search: the last member fits", lambda: registry.find_members(VO, last)),
        await _timed("search: nobody fits", lambda: registry.find_members(VO, Wanted("müller"))),
        await _timed(
            "suspended members, a page", lambda: registry.find_members(VO, Wanted(state=MemberState.SUSPENDED))
        ),
        await _timed(
            "a group's holders of a role, a page",
            lambda: registry.find_members(VO, Wanted(group=f"/{VO}/group7", role="vm_operator")),
        ),
        await _timed("the VO with its count", lambda: registry.vo(VO)),
        await _timed("one person's memberships", lambda: registry.memberships_of(uid)),
        ("all 100,000 members, whole", snapshot, "s", None, f"{MEMBERS / snapshot:,.0f} a second"),
    ]


async def _timed(name: str, call: Callable[[], Awaitable[object]]) -> Row:
    times = []
    await call()
    for _ in range(ROUNDS):
        began = time.perf_counter()
        await call()
        times.append((time.perf_counter() - began) * 1000)
    return name, statistics.median(times), "ms", SEARCH_AIM if "search" in name else None, f"best {min(times):.2f}"


async def _issuing(registry: Membership, grid: Grid) -> list[Row]:
    """The whole way of a request but TLS: the chain from PEM, validated; registry; signature; durable record."""
    user, trust = grid.user(), grid.trust()
    leaf = user.chain[-1]
    person = await registry.add_person(
        Details("Alice Example"), [Credential(Name.from_x509(leaf.subject), Name.from_x509(leaf.issuer))]
    )
    await registry.admit(VO, person.uid, until=None)
    for group in ("group1", "group2"):
        await registry.join(VO, person.uid, f"/{VO}/{group}")
    serials = iter(range(1, 10**9))
    authority = AttributeAuthority(
        registry,
        lambda: Authority(grid.voms_server.leaf, grid.voms_server.key),
        RateLimit(Rate(burst=10**9), time.monotonic),
        lambda: NOW,
        partial(next, serials),
        _Quiet(),
    )
    server = VoServer(VO, "localhost", 15000, timedelta(hours=12))
    pem = [each.public_bytes(Encoding.PEM).decode() for each in grid.proxy(user).chain]

    async def one() -> None:
        identity = validate_chain(load_chain(pem), trust, now=NOW)
        await authority.answer(server, AcRequest(), Asker(identity, "192.0.2.1", "rest"))

    rows = []
    for name, together in (("an attribute certificate", 1), (f"the same, {AT_ONCE} at once", AT_ONCE)):
        for _ in range(20):
            await one()
        began, processor = time.perf_counter(), time.process_time()
        for _ in range(ACS // together):
            await asyncio.gather(*(one() for _ in range(together)))
        processor, wall = (time.process_time() - processor) / ACS * 1000, time.perf_counter() - began
        rows.append((name, processor, "ms", AC_AIM, f"our processor; {ACS / wall:,.0f} a second"))
    began = time.perf_counter()
    for _ in range(200):
        await registry.standing(VO, Credential(Name.from_x509(leaf.subject), Name.from_x509(leaf.issuer)))
    rows.append(("of that, asking the registry", (time.perf_counter() - began) * 5, "ms", None, ""))
    return rows


class _Quiet(AuditLog):
    def __call__(self, event: str, /, **fields: object) -> None:
        pass
