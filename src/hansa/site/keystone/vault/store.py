"""The table of sealed credentials."""

import sqlalchemy as sa
from cryptography.fernet import MultiFernet
from sqlalchemy import Connection

from hansa.site.keystone.vault.model import Credential

metadata = sa.MetaData()

credentials = sa.Table(
    "keystone_credential",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("user_id", sa.String(64), nullable=False, index=True),
    sa.Column("type", sa.String(255), nullable=False),
    sa.Column("sealed", sa.Text, nullable=False),
    sa.Column("project_id", sa.String(64)),
)


def put(connection: Connection, credential: Credential, keys: MultiFernet) -> None:
    """Insert, or replace what has that id."""
    values = {
        "user_id": credential.user,
        "type": credential.type,
        "sealed": keys.encrypt(credential.blob.encode()).decode(),
        "project_id": credential.project,
    }
    changed = connection.execute(sa.update(credentials).where(credentials.c.id == credential.id).values(values))
    if changed.rowcount == 0:
        connection.execute(sa.insert(credentials).values(id=credential.id, **values))


def find(connection: Connection, identifier: str, keys: MultiFernet) -> Credential | None:
    return next(iter(_read(connection, keys, credentials.c.id == identifier)), None)


def listed(connection: Connection, keys: MultiFernet, user: str | None, type: str | None) -> list[Credential]:  # noqa: A002
    conditions = []
    if user is not None:
        conditions.append(credentials.c.user_id == user)
    if type is not None:
        conditions.append(credentials.c.type == type)
    return _read(connection, keys, *conditions)


def remove(connection: Connection, identifier: str) -> None:
    connection.execute(sa.delete(credentials).where(credentials.c.id == identifier))


def forget_user(connection: Connection, user: str) -> None:
    connection.execute(sa.delete(credentials).where(credentials.c.user_id == user))


def forget_project(connection: Connection, project: str) -> None:
    connection.execute(sa.delete(credentials).where(credentials.c.project_id == project))


def _read(connection: Connection, keys: MultiFernet, *conditions: sa.ColumnElement[bool]) -> list[Credential]:
    rows = connection.execute(sa.select(credentials).where(*conditions).order_by(credentials.c.id))
    return [
        Credential(row.id, row.user_id, row.type, keys.decrypt(row.sealed.encode()).decode(), row.project_id)
        for row in rows
    ]
