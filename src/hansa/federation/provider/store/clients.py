"""Rows of clients, and what people consented to."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from hansa.federation.provider.model import Client, GrantType
from hansa.federation.provider.store.tables import clients, consents


def insert(connection: Connection, client: Client, secret: str | None) -> None:
    """`secret`: its hash."""
    row = {
        "id": client.id,
        "name": client.name,
        "secret": secret,
        "redirect_uris": json.dumps(client.redirect_uris),
        "logout_uris": json.dumps(client.logout_uris),
        "grants": json.dumps(sorted(client.grants)),
        "scopes": json.dumps(sorted(client.scopes)),
        "audiences": json.dumps(client.audiences),
        "trusted": client.trusted,
        "created": client.created,
    }
    connection.execute(clients.insert().values(row))


def delete(connection: Connection, client: str) -> bool:
    """With every grant, code and consent of it."""
    return connection.execute(clients.delete().where(clients.c.id == client)).rowcount > 0


def get(connection: Connection, client: str) -> tuple[Client, str | None] | None:
    """The client and its secret's hash."""
    row = connection.execute(sa.select(clients).where(clients.c.id == client)).one_or_none()
    return (_client(row), row.secret) if row else None


def every(connection: Connection) -> list[Client]:
    return [_client(row) for row in connection.execute(sa.select(clients).order_by(clients.c.id))]


def consented(connection: Connection, client: str, person: str) -> frozenset[str]:
    """Scopes that the person lets the client have."""
    query = sa.select(consents.c.scope).where(consents.c.client == client, consents.c.person == person)
    return frozenset((connection.execute(query).scalar() or "").split())


def consent(connection: Connection, client: str, person: str, scope: Sequence[str], at: datetime) -> None:
    """Add to what the person lets the client have."""
    together = sorted(consented(connection, client, person) | set(scope))
    connection.execute(consents.delete().where(consents.c.client == client, consents.c.person == person))
    connection.execute(consents.insert().values(client=client, person=person, scope=" ".join(together), at=at))


def _client(row: Any) -> Client:
    return Client(
        row.id,
        row.name,
        row.secret is not None,
        tuple(json.loads(row.redirect_uris)),
        tuple(json.loads(row.logout_uris)),
        frozenset(map(GrantType, json.loads(row.grants))),
        frozenset(json.loads(row.scopes)),
        tuple(json.loads(row.audiences)),
        row.trusted,
        row.created,
    )
