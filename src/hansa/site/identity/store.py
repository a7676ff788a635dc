"""Tokens that were revoked before their time; nothing else about a token is kept."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Connection

from hansa.base.database import UtcDateTime

metadata = sa.MetaData()

revoked = sa.Table(
    "identity_revoked_token",
    metadata,
    sa.Column("audit_id", sa.String(64), primary_key=True),
    sa.Column("expires", UtcDateTime, nullable=False),
    sa.Index("identity_revoked_token_expires", "expires"),
)


def is_revoked(connection: Connection, audit_id: str) -> bool:
    found = connection.execute(sa.select(revoked.c.audit_id).where(revoked.c.audit_id == audit_id))
    return found.first() is not None


def revoke(connection: Connection, audit_id: str, expires: datetime, now: datetime) -> None:
    """Idempotent. Those whose tokens have expired anyway are forgotten."""
    connection.execute(sa.delete(revoked).where(revoked.c.expires <= now))
    if not is_revoked(connection, audit_id):
        connection.execute(sa.insert(revoked).values(audit_id=audit_id, expires=expires))
