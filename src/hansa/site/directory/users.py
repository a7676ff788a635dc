"""Users of the directory: what is known of them, and their passwords."""

import asyncio
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from hansa.base.errors import BadRequest, Conflict, Forbidden, NotFound
from hansa.base.passwords import PASSWORD_MAX, check_password, hash_password
from hansa.site.directory.book import Book, there
from hansa.site.directory.model import DEFAULT, Json, Kind, Source, User
from hansa.site.directory.settings import PasswordSettings
from hansa.site.directory.store import projects, users

IGNORE_EXPIRY = "ignore_password_expiry"
IGNORE_FIRST_USE = "ignore_change_password_upon_first_use"
LOCKED_PASSWORD = "lock_password"  # noqa: S105  (an option's name)


class Users:
    def __init__(self, book: Book, rules: PasswordSettings) -> None:
        self._book = book
        self._rules = rules

    async def find(self, identifier: str) -> User | None:
        return await self._book.read(lambda connection: users.find(connection, identifier))

    async def get(self, identifier: str) -> User:
        return there(await self.find(identifier), "user", identifier)

    async def named(self, domain_id: str, name: str) -> User | None:
        """Whoever signs on with that name; nobody of `Source.SIGN_ON` does."""
        return await self._book.read(lambda connection: users.named(connection, domain_id, name))

    async def listed(self, *, domain_id: str | None = None, name: str | None = None) -> list[User]:
        return await self._book.read(lambda connection: users.listed(connection, domain_id=domain_id, name=name))

    async def several(self, identifiers: Sequence[str]) -> dict[str, User]:
        return await self._book.read(lambda connection: users.several(connection, identifiers))

    async def create(
        self, name: str, *, domain_id: str = DEFAULT, password: str | None = None, enabled: bool = True,
        default_project_id: str | None = None, options: Json, extra: Json,
    ) -> User:  # fmt: skip
        hashed = await self._hashed(password)

        def create(connection: Connection) -> User:
            domain = projects.find(connection, domain_id)
            if domain is None or not domain.is_domain:
                raise NotFound(f"Could not find domain: {domain_id}.")
            user = User(uuid.uuid4().hex, name, domain_id, enabled, default_project_id, options, extra)
            _check(connection, user)
            now = self._book.clock()
            users.add(connection, user, now)
            if hashed is not None:
                self._set(connection, user, hashed, now)
            return there(users.find(connection, user.id), "user", user.id)

        return await self._book.change(create)

    async def update(self, identifier: str, changes: Mapping[str, Any], extra: Json) -> User:
        """`changes`: name, password, enabled, default_project_id, options.

        A new password, and disabling, end the user's tokens.
        """
        values = dict(changes)
        hashed = await self._hashed(values.get("password"))
        new_password = "password" in values
        values.pop("password", None)

        def update(connection: Connection) -> User:
            old = there(users.find(connection, identifier), "user", identifier)
            _check_source(old, changes)
            merged = {**old.options, **values.pop("options", {})}
            options = {name: value for name, value in merged.items() if value is not None}
            user = replace(old, **values, options=options, extra={**old.extra, **extra})
            ends = new_password or (old.enabled and not user.enabled)
            user = replace(user, epoch=old.epoch + 1) if ends else user
            _check(connection, user)
            users.replace(connection, user)
            if hashed is not None:
                self._set(connection, user, hashed, self._book.clock())
            elif new_password:
                users.clear_passwords(connection, identifier)
            return there(users.find(connection, identifier), "user", identifier)

        return await self._book.change(update)

    async def change_password(self, identifier: str, password: str) -> None:
        """By the user, who has proved the present one. BadRequest for one of the last passwords, or too soon."""
        hashed = await self._hashed(password)
        assert hashed is not None
        await self._check_history(identifier, password)

        def change(connection: Connection) -> None:
            user = there(users.find(connection, identifier), "user", identifier)
            _check_source(user, {"password": password})
            if user.options.get(LOCKED_PASSWORD) is True:
                raise BadRequest("The password of this user can be changed by an administrator only.", field="password")
            now = self._book.clock()
            self._check_age(connection, identifier, now)
            users.replace(connection, replace(user, epoch=user.epoch + 1))
            self._set(connection, user, hashed, now, by_user=True)

        await self._book.change(change)

    async def delete(self, identifier: str) -> None:
        def delete(connection: Connection) -> None:
            user = there(users.find(connection, identifier), "user", identifier)
            if user.source is Source.FILE:
                raise Forbidden(f"User {user.name} is one of the users file; take the line out there.")
            users.remove(connection, identifier)
            self._book.removed(connection, Kind.USER, identifier)

        await self._book.change(delete)

    async def _hashed(self, password: str | None) -> str | None:
        if password is None:
            return None
        if not 0 < len(password.encode()) <= PASSWORD_MAX:
            raise BadRequest(f"A password has 1 to {PASSWORD_MAX} bytes.", field="password")
        if self._rules.password_regex and not re.match(self._rules.password_regex, password):
            wanted = self._rules.password_regex_description or "the expression of password_regex"
            raise BadRequest(f"The password does not match the requirements: {wanted}.", field="password")
        return await asyncio.to_thread(hash_password, password.encode())

    async def _check_history(self, identifier: str, password: str) -> None:
        count = self._rules.unique_last_password_count
        if not count:
            return
        for hashed in await self._book.read(lambda connection: users.hashes(connection, identifier, count)):
            if await check_password(hashed, password.encode()):
                message = f"The new password cannot be one of the last {count} passwords."
                raise BadRequest(message, field="password")

    def _check_age(self, connection: Connection, identifier: str, now: datetime) -> None:
        lock = users.lock(connection, identifier)
        least = timedelta(days=self._rules.minimum_password_age)
        if lock and lock.by_user and lock.changed and now < lock.changed + least:
            message = f"A password can be changed after {self._rules.minimum_password_age} days; ask an administrator."
            raise BadRequest(message, field="password")

    def _set(self, connection: Connection, user: User, hashed: str, now: datetime, *, by_user: bool = False) -> None:
        expires = None
        if self._rules.password_expires_days and not user.options.get(IGNORE_EXPIRY):
            expires = now + timedelta(days=self._rules.password_expires_days)
        if self._rules.change_password_upon_first_use and not by_user and not user.options.get(IGNORE_FIRST_USE):
            expires = now
        keep = max(self._rules.unique_last_password_count - 1, 0)
        users.set_password(connection, user.id, hashed, now, expires, by_user=by_user, keep=keep)
        users.count_failure(connection, user.id, 0, None)


def _check(connection: Connection, user: User) -> None:
    if user.source is not Source.SIGN_ON:
        other = users.named(connection, user.domain_id, user.name)
        if other is not None and other.id != user.id:
            raise Conflict(f"Conflict occurred attempting to store user - there is one named {user.name} already.")
    if user.default_project_id is not None:
        project = projects.find(connection, user.default_project_id)
        if project is not None and project.is_domain:
            raise BadRequest("A user's default project must not be a domain.", field="default_project_id")


def _check_source(user: User, changes: Mapping[str, Any]) -> None:
    if user.source is Source.FILE:
        raise Forbidden(f"User {user.name} is one of the users file; change the line there.")
    if user.source is Source.SIGN_ON and not changes.keys() <= {"enabled", "default_project_id", "options"}:
        raise Forbidden(f"User {user.name} signs on with a credential of the federation, which names the user.")
