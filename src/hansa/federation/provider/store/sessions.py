"""Rows of browsers' sessions, of failed log-ins, and what sweeps all that is over."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Connection

from hansa.federation.provider.model import LogIn
from hansa.federation.provider.store.tables import devices, failures, grants, refreshes, revoked, sessions


def insert(connection: Connection, hashed: str, login: LogIn, expires: datetime) -> None:
    row = {
        "hash": hashed,
        "person": login.person,
        "methods": " ".join(login.methods),
        "authenticated": login.at,
        "expires": expires,
    }
    connection.execute(sessions.insert().values(row))


def get(connection: Connection, hashed: str) -> tuple[LogIn, datetime] | None:
    """Who it is, and when it expires."""
    row = connection.execute(sa.select(sessions).where(sessions.c.hash == hashed)).one_or_none()
    return (LogIn(row.person, row.authenticated, tuple(row.methods.split())), row.expires) if row else None


def delete(connection: Connection, hashed: str) -> None:
    connection.execute(sessions.delete().where(sessions.c.hash == hashed))


def delete_of(connection: Connection, person: str) -> None:
    connection.execute(sessions.delete().where(sessions.c.person == person))


def failed(connection: Connection, login: str, now: datetime) -> int:
    """How often in a row, and not long ago."""
    query = sa.select(failures.c.count).where(failures.c.login == login, failures.c.until > now)
    return connection.execute(query).scalar() or 0


def fail(connection: Connection, login: str, now: datetime, until: datetime) -> int:
    """One more; how often it was now."""
    count = failed(connection, login, now) + 1
    succeed(connection, login)
    connection.execute(failures.insert().values(login=login, count=count, until=until))
    return count


def succeed(connection: Connection, login: str) -> None:
    connection.execute(failures.delete().where(failures.c.login == login))


def sweep(connection: Connection, now: datetime) -> int:
    """Delete what is over; how many rows."""
    over = (
        grants.delete().where(grants.c.ends <= now),
        refreshes.delete().where(refreshes.c.expires <= now),
        devices.delete().where(devices.c.expires <= now),
        sessions.delete().where(sessions.c.expires <= now),
        revoked.delete().where(revoked.c.expires <= now),
        failures.delete().where(failures.c.until <= now),
    )
    return sum(connection.execute(statement).rowcount for statement in over)
