"""Rows of grants, with the codes and refresh tokens that stand for them."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from hansa.federation.provider.model import CodeTerms, Grant, LogIn
from hansa.federation.provider.store.tables import codes, grants, refreshes, revoked


@dataclass(frozen=True, slots=True)
class StoredCode:
    grant: Grant
    terms: CodeTerms
    expires: datetime
    used: bool


@dataclass(frozen=True, slots=True)
class StoredRefresh:
    grant: Grant
    expires: datetime
    used: bool


def insert(connection: Connection, grant: Grant, ends: datetime) -> None:
    """`ends`: when nothing of it can be valid any more."""
    row = {
        "id": grant.id,
        "client": grant.client,
        "person": grant.login.person,
        "methods": " ".join(grant.login.methods),
        "authenticated": grant.login.at,
        "scope": " ".join(grant.scope),
        "audiences": json.dumps(grant.audiences),
        "ends": ends,
    }
    connection.execute(grants.insert().values(row))


def get(connection: Connection, grant: str) -> Grant | None:
    row = connection.execute(sa.select(grants).where(grants.c.id == grant)).one_or_none()
    return _grant(row) if row else None


def prolong(connection: Connection, grant: str, ends: datetime) -> None:
    connection.execute(grants.update().where(grants.c.id == grant, grants.c.ends < ends).values(ends=ends))


def revoke(connection: Connection, grant: str) -> bool:
    """With its codes and tokens."""
    return connection.execute(grants.delete().where(grants.c.id == grant)).rowcount > 0


def of_person(connection: Connection, person: str) -> list[Grant]:
    return [_grant(row) for row in connection.execute(sa.select(grants).where(grants.c.person == person))]


def revoke_of(connection: Connection, person: str) -> int:
    """All that a person has granted; how many."""
    return connection.execute(grants.delete().where(grants.c.person == person)).rowcount


def insert_code(connection: Connection, hashed: str, grant: str, terms: CodeTerms, expires: datetime) -> None:
    row = {
        "hash": hashed,
        "grant": grant,
        "redirect_uri": terms.redirect_uri,
        "challenge": terms.challenge,
        "nonce": terms.nonce,
        "expires": expires,
        "used": False,
    }
    connection.execute(codes.insert().values(row))


def code(connection: Connection, hashed: str) -> StoredCode | None:
    query = sa.select(grants, codes.c.redirect_uri, codes.c.challenge, codes.c.nonce, codes.c.expires, codes.c.used)
    query = query.join(codes, codes.c.grant == grants.c.id).where(codes.c.hash == hashed)
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    return StoredCode(_grant(row), CodeTerms(row.redirect_uri, row.challenge, row.nonce), row.expires, row.used)


def use_code(connection: Connection, hashed: str) -> None:
    connection.execute(codes.update().where(codes.c.hash == hashed).values(used=True))


def insert_refresh(connection: Connection, hashed: str, grant: str, expires: datetime) -> None:
    connection.execute(refreshes.insert().values(hash=hashed, grant=grant, expires=expires, used=False))


def refresh(connection: Connection, hashed: str) -> StoredRefresh | None:
    query = sa.select(grants, refreshes.c.expires, refreshes.c.used)
    query = query.join(refreshes, refreshes.c.grant == grants.c.id).where(refreshes.c.hash == hashed)
    row = connection.execute(query).one_or_none()
    return StoredRefresh(_grant(row), row.expires, row.used) if row else None


def use_refresh(connection: Connection, hashed: str) -> None:
    connection.execute(refreshes.update().where(refreshes.c.hash == hashed).values(used=True))


def revoke_access(connection: Connection, jti: str, expires: datetime) -> None:
    if not is_revoked(connection, jti):
        connection.execute(revoked.insert().values(jti=jti, expires=expires))


def is_revoked(connection: Connection, jti: str) -> bool:
    return connection.execute(sa.select(revoked.c.jti).where(revoked.c.jti == jti)).first() is not None


def _grant(row: Any) -> Grant:
    login = LogIn(row.person, row.authenticated, tuple(row.methods.split()))
    return Grant(row.id, row.client, login, tuple(row.scope.split()), tuple(json.loads(row.audiences)))
