"""Rows of users and their passwords."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Row

from hansa.site.directory.model import Kind, Source, User
from hansa.site.directory.store.projects import ROOM
from hansa.site.directory.store.tables import assignments, members, passwords, users

_EXPIRY = (
    sa.select(passwords.c.expires_at)
    .where(passwords.c.user_id == users.c.id, passwords.c.is_current)
    .scalar_subquery()
    .label("password_expires")
)
_SELECT = sa.select(users, _EXPIRY)


@dataclass(frozen=True, slots=True)
class Lock:
    """What is known of sign-ons that failed, and the current password. `changed`: when it was set; `by_user`: by its owner."""

    failures: int
    failed_at: datetime | None
    hash: str | None = field(default=None, repr=False)
    changed: datetime | None = None
    expires: datetime | None = None
    by_user: bool = True


def find(connection: Connection, identifier: str) -> User | None:
    row = connection.execute(_SELECT.where(users.c.id == identifier)).first()
    return _user(row) if row else None


def named(connection: Connection, domain_id: str, name: str) -> User | None:
    row = connection.execute(_SELECT.where(users.c.domain_id == domain_id, users.c.unique_name == name)).first()
    return _user(row) if row else None


def listed(connection: Connection, *, domain_id: str | None = None, name: str | None = None) -> list[User]:
    query = _SELECT.order_by(users.c.name, users.c.id)
    for column, value in ((users.c.domain_id, domain_id), (users.c.name, name)):
        if value is not None:
            query = query.where(column == value)
    return [_user(row) for row in connection.execute(query)]


def several(connection: Connection, identifiers: Iterable[str]) -> dict[str, User]:
    wanted = sorted(set(identifiers))
    found: dict[str, User] = {}
    for start in range(0, len(wanted), ROOM):
        query = _SELECT.where(users.c.id.in_(wanted[start : start + ROOM]))
        found |= {row.id: _user(row) for row in connection.execute(query)}
    return found


def of_source(connection: Connection, source: Source) -> list[User]:
    return [_user(row) for row in connection.execute(_SELECT.where(users.c.source == source.value))]


def of_group(connection: Connection, group_id: str) -> list[User]:
    query = _SELECT.join(members, members.c.user_id == users.c.id).where(members.c.group_id == group_id)
    return [_user(row) for row in connection.execute(query.order_by(users.c.name, users.c.id))]


def add(connection: Connection, user: User, now: datetime) -> None:
    values = {**_values(user), "id": user.id, "failures": 0, "failed_at": None, "created_at": now}
    connection.execute(sa.insert(users).values(values))


def replace(connection: Connection, user: User) -> None:
    connection.execute(sa.update(users).where(users.c.id == user.id).values(_values(user)))


def remove(connection: Connection, identifier: str) -> None:
    """With passwords, memberships and assignments."""
    is_actor = (assignments.c.actor_kind == Kind.USER.value) & (assignments.c.actor_id == identifier)
    connection.execute(sa.delete(assignments).where(is_actor))
    connection.execute(sa.delete(members).where(members.c.user_id == identifier))
    connection.execute(sa.delete(passwords).where(passwords.c.user_id == identifier))
    connection.execute(sa.delete(users).where(users.c.id == identifier))


def lock(connection: Connection, identifier: str) -> Lock | None:
    row = connection.execute(sa.select(users.c.failures, users.c.failed_at).where(users.c.id == identifier)).first()
    if row is None:
        return None
    current = connection.execute(
        sa.select(passwords).where(passwords.c.user_id == identifier, passwords.c.is_current)
    ).first()
    if current is None:
        return Lock(row.failures, row.failed_at)
    return Lock(row.failures, row.failed_at, current.hash, current.created_at, current.expires_at, current.by_user)


def count_failure(connection: Connection, identifier: str, failures: int, at: datetime | None) -> None:
    connection.execute(sa.update(users).where(users.c.id == identifier).values(failures=failures, failed_at=at))


def hashes(connection: Connection, identifier: str, count: int) -> list[str]:
    """The last passwords' hashes, newest first."""
    query = sa.select(passwords.c.hash).where(passwords.c.user_id == identifier).order_by(passwords.c.number.desc())
    return list(connection.execute(query.limit(count)).scalars())


def set_password(
    connection: Connection, identifier: str, hashed: str, now: datetime, expires: datetime | None, *, by_user: bool,
    keep: int,
) -> None:  # fmt: skip
    """The new current password; of the old ones the last `keep` hashes stay."""
    is_theirs = passwords.c.user_id == identifier
    connection.execute(sa.update(passwords).where(is_theirs).values(is_current=False))
    newest = sa.select(passwords.c.number).where(is_theirs).order_by(passwords.c.number.desc()).limit(keep)
    kept = list(connection.execute(newest).scalars()) if keep else []
    connection.execute(sa.delete(passwords).where(is_theirs, passwords.c.number.not_in(kept)))
    values = {"user_id": identifier, "hash": hashed, "created_at": now, "expires_at": expires}
    connection.execute(sa.insert(passwords).values(**values, is_current=True, by_user=by_user))


def clear_passwords(connection: Connection, identifier: str) -> None:
    connection.execute(sa.delete(passwords).where(passwords.c.user_id == identifier))


def _values(user: User) -> Mapping[str, Any]:
    return {
        "name": user.name,
        # Two certificates may have one subject; only names that somebody signs on with must tell people apart.
        "unique_name": None if user.source is Source.SIGN_ON else user.name,
        "domain_id": user.domain_id,
        "enabled": user.enabled,
        "default_project_id": user.default_project_id,
        "options": dict(user.options),
        "extra": dict(user.extra),
        "source": user.source.value,
        "principal": user.principal,
        "epoch": user.epoch,
    }


def _user(row: Row[Any]) -> User:
    return User(
        row.id,
        row.name,
        row.domain_id,
        row.enabled,
        row.default_project_id,
        row.options,
        row.extra,
        Source(row.source),
        row.principal,
        row.epoch,
        row.password_expires,
    )
