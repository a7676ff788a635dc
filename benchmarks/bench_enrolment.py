"""The queue of a VO with 100,000 applications: pages, searches, a new one, a sweep (docs/decisions/0011-enrolment.md)."""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from benchmarks.result import Result
from hansa.base.database import Database
from hansa.base.mail import MailSettings, configured
from hansa.base.migrations import upgrade
from hansa.base.telemetry.audit import AuditLog
from hansa.federation.commons import Commons
from hansa.federation.enrolment import store
from hansa.federation.enrolment.model import Application, Draft, Kind, State
from hansa.federation.enrolment.service import Enrolment
from hansa.federation.identity.model import Caller
from hansa.federation.membership.model import Credential
from hansa.federation.membership.service import Membership
from hansa.standards.x509 import ChainPolicy, Name, TrustStore

COUNT = 100_000
ROUNDS = 20
VO = "vo.example.org"
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
ISSUER = Name.parse("/DC=org/CN=Example CA")
AIM = 100.0
"""Milliseconds that somebody who looks at the queue may wait."""


def run() -> list[Result]:
    with tempfile.TemporaryDirectory() as directory:
        return asyncio.run(_measure(Path(directory)))


async def _measure(directory: Path) -> list[Result]:
    db = Database(f"sqlite:///{directory / 'bench.db'}")
    await upgrade(db, "federation")
    registry = Membership(db, lambda: NOW)
    await registry.create_vo(VO)
    mail = configured(MailSettings(), db, lambda: NOW)
    audit = AuditLog(directory / "audit.log")
    commons = Commons(db, registry, lambda: NOW, audit, TrustStore, ChainPolicy(), "https://x.example", mail)
    enrolment = Enrolment(commons)
    operator = Caller(None, Credential(Name.parse("/CN=Operator"), ISSUER), True, False)
    began = time.perf_counter()
    for start in range(0, COUNT, 5000):
        await db.write(lambda connection, start=start: _fill(connection, start))  # type: ignore[misc]
    filled = time.perf_counter() - began

    async def middle() -> None:
        await enrolment.listed(operator, VO, state=State.MAIL_VERIFIED, after=COUNT // 2)

    new = iter(range(COUNT, 2 * COUNT))

    async def apply() -> None:
        number = next(new)
        who = Caller(None, Credential(Name.parse(f"/DC=org/CN=New {number}"), ISSUER), False, False)
        await enrolment.apply(
            who, VO, Draft("New", "Person", f"new{number}@example.org", "Science.", f"new{number}"), client=str(number)
        )

    results = [
        Result("first page of the queue", await _median(lambda: enrolment.listed(operator, VO)), "ms", AIM),
        Result("a page in its middle, of one state", await _median(middle), "ms", AIM),
        Result(
            "search: a name that many have",
            await _median(lambda: enrolment.listed(operator, VO, search="kim")),
            "ms",
            AIM,
        ),
        Result(
            "search: one address",
            await _median(lambda: enrolment.listed(operator, VO, search="user77@")),
            "ms",
            2 * AIM,
            "looks at all",
        ),
        Result("a new application, with its letter", await _median(apply), "ms"),
        Result("a sweep with nothing due", await _median(enrolment.sweep), "ms"),
        Result(f"writing {COUNT:,} applications", filled, "s"),
    ]
    audit.close()
    db.close()
    return results


def _fill(connection: Connection, start: int) -> None:
    base = Application(
        id=0, vo=VO, kind=Kind.INITIAL, group="", state=State.SUBMITTED, person=None,
        credential=Credential(ISSUER, ISSUER), given_name="", surname="Kim", email="", motivation="Science. " * 20, login=None,
        locale="en", aup=None, answers={}, submitted=NOW, changed=NOW, expires=NOW + timedelta(days=7), decided_by="", reason="",
        same_as=None,
    )  # fmt: skip
    rows = []
    for number in range(start, start + 5000):
        who = Credential(Name.parse(f"/DC=org/O=people/CN=User {number}"), ISSUER)
        state = State.MAIL_VERIFIED if number % 3 else State.SUBMITTED
        email = f"user{number}@example.org"
        rows.append(
            store.columns(replace(base, credential=who, given_name=f"User{number}", email=email, state=state), None)
        )
    connection.execute(store.applications.insert(), rows)


async def _median(call: Callable[[], Awaitable[Any]]) -> float:
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        await call()
        times.append(time.perf_counter() - began)
    return statistics.median(times) * 1000
