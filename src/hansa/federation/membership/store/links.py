"""One-time tokens with which another credential joins a person's."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Connection

from hansa.federation.membership.store.tables import links


def insert(connection: Connection, digest: str, person: int, expires: datetime, now: datetime) -> None:
    """The person's earlier ones end with it, and everybody's that are past."""
    connection.execute(links.delete().where((links.c.person == person) | (links.c.expires <= now)))
    connection.execute(links.insert().values(token=digest, person=person, expires=expires))


def take(connection: Connection, digest: str, now: datetime) -> int | None:
    """The person whose token it was; it is gone afterwards."""
    person = connection.execute(
        sa.select(links.c.person).where(links.c.token == digest, links.c.expires > now)
    ).scalar()
    connection.execute(links.delete().where(links.c.token == digest))
    return person
