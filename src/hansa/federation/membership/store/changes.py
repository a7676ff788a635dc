"""The history of the registry."""

import json
from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Connection

from hansa.federation.membership.model import Change
from hansa.federation.membership.store.tables import changes

LOCK = 0x6D656D62657273  # "members": the key of PostgreSQL's advisory lock


def insert(
    connection: Connection,
    at: datetime,
    actor: str,
    vo: str | None,
    person: str | None,
    event: str,
    details: Mapping[str, object],
) -> None:
    """A number is drawn and committed before the next one is drawn, so that who follows the history misses nothing."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK)))
    text = json.dumps(details, ensure_ascii=False, sort_keys=True)
    connection.execute(
        changes.insert().values(at=at, actor=actor[:500], vo=vo, person=person, event=event, details=text)
    )


def after(
    connection: Connection, seq: int, limit: int, *, vo: str | None = None, person: str | None = None
) -> list[Change]:
    """The next ones in order; of one VO, of one person."""
    query = sa.select(changes).where(changes.c.seq > seq).order_by(changes.c.seq).limit(limit)
    if vo is not None:
        query = query.where(changes.c.vo == vo)
    if person is not None:
        query = query.where(changes.c.person == person)
    return [
        Change(row.seq, row.at, row.actor, row.vo, row.person, row.event, json.loads(row.details))
        for row in connection.execute(query)
    ]


def latest(connection: Connection) -> int:
    """0 while nothing has happened."""
    return connection.execute(sa.select(sa.func.max(changes.c.seq))).scalar() or 0
