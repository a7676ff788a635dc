"""Attempts that wait for their browser: one row each, gone when it is back or the time is over."""

import json
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Connection

from hansa.base.database import UtcDateTime
from hansa.federation.membership.model import Subject
from hansa.federation.provider.upstream.model import Attempt, Purpose

metadata = sa.MetaData()
attempts = sa.Table(
    "upstream_attempt",
    metadata,
    sa.Column("hash", sa.String(64), primary_key=True),
    sa.Column("provider", sa.String(64), nullable=False),
    sa.Column("purpose", sa.String(10), nullable=False),
    sa.Column("browser", sa.String(64), nullable=False),
    sa.Column("resume", sa.Text, nullable=False),
    sa.Column("person", sa.String(36)),
    sa.Column("remembered", sa.Text, nullable=False),
    sa.Column("expires", UtcDateTime, nullable=False, index=True),
    sa.Column("issuer", sa.Text),
    sa.Column("subject", sa.Text),
)


def insert(connection: Connection, hashed: str, attempt: Attempt) -> None:
    """Attempts that are over make room."""
    row = {
        "hash": hashed,
        "provider": attempt.provider,
        "purpose": attempt.purpose.value,
        "browser": attempt.browser,
        "resume": attempt.resume,
        "person": attempt.person,
        "remembered": json.dumps(dict(attempt.remembered)),
        "expires": attempt.expires,
        "issuer": attempt.subject.issuer if attempt.subject else None,
        "subject": attempt.subject.subject if attempt.subject else None,
    }
    connection.execute(attempts.insert().values(row))


def sweep(connection: Connection, now: datetime) -> None:
    connection.execute(attempts.delete().where(attempts.c.expires <= now))


def take(connection: Connection, hashed: str) -> Attempt | None:
    """The attempt, which is thereby used up."""
    row = connection.execute(sa.select(attempts).where(attempts.c.hash == hashed)).one_or_none()
    if row is None:
        return None
    connection.execute(attempts.delete().where(attempts.c.hash == hashed))
    return Attempt(
        provider=row.provider,
        purpose=Purpose(row.purpose),
        browser=row.browser,
        resume=row.resume,
        person=row.person,
        remembered=json.loads(row.remembered),
        expires=row.expires,
        subject=Subject(row.issuer, row.subject) if row.subject is not None else None,
    )
