"""The table of policy blobs."""

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy import Connection

metadata = sa.MetaData()

policies = sa.Table(
    "keystone_policy",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("type", sa.String(255), nullable=False),
    sa.Column("blob", sa.Text, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Policy:
    """`type` is the blob's media type."""

    id: str
    type: str
    blob: str


def listed(connection: Connection) -> list[Policy]:
    return [
        Policy(row.id, row.type, row.blob) for row in connection.execute(sa.select(policies).order_by(policies.c.id))
    ]


def find(connection: Connection, identifier: str) -> Policy | None:
    row = connection.execute(sa.select(policies).where(policies.c.id == identifier)).first()
    return Policy(row.id, row.type, row.blob) if row else None


def add(connection: Connection, policy: Policy) -> None:
    connection.execute(sa.insert(policies).values(id=policy.id, type=policy.type, blob=policy.blob))


def replace(connection: Connection, policy: Policy) -> None:
    connection.execute(sa.update(policies).where(policies.c.id == policy.id).values(type=policy.type, blob=policy.blob))


def remove(connection: Connection, identifier: str) -> None:
    connection.execute(sa.delete(policies).where(policies.c.id == identifier))
