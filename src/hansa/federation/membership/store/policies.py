"""Acceptable use policies, and who accepted them."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Connection

from hansa.federation.membership.model import Acceptance, Policy
from hansa.federation.membership.store.rows import inserted
from hansa.federation.membership.store.tables import acceptances, policies

POLICY = tuple(policies.c[name] for name in Policy.__dataclass_fields__)
"""The columns of a Policy, in its order."""


def insert(
    connection: Connection, vo: int, version: str, text: str, url: str, digest: str, now: datetime, *, asks_again: bool
) -> int:
    return inserted(
        connection,
        policies,
        vo=vo,
        version=version,
        text=text,
        url=url,
        digest=digest,
        published=now,
        asks_again=asks_again,
    )


def every(connection: Connection, vo: int) -> list[Policy]:
    """All versions, newest first."""
    query = sa.select(*POLICY).where(policies.c.vo == vo).order_by(policies.c.id.desc())
    return [Policy(*row) for row in connection.execute(query)]


def newest(connection: Connection, vo: int) -> Policy | None:
    return next(iter(every(connection, vo)), None)


def insert_acceptance(connection: Connection, aup: int, person: str, at: datetime, by: str) -> None:
    connection.execute(acceptances.insert().values(aup=aup, person=person, at=at, by=by))


def accepted(connection: Connection, vo: int, person: str) -> list[Acceptance]:
    """Newest first."""
    query = (
        sa.select(policies.c.version, acceptances.c.person, acceptances.c.at, acceptances.c.by)
        .join(policies, policies.c.id == acceptances.c.aup)
        .where(policies.c.vo == vo, acceptances.c.person == person)
        .order_by(acceptances.c.id.desc())
    )
    return [Acceptance(*row) for row in connection.execute(query)]
