"""Groups of users."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection

from hansa.base.errors import Conflict, NotFound
from hansa.site.directory.book import Book, there
from hansa.site.directory.model import DEFAULT, Group, Json, Kind, User
from hansa.site.directory.store import groups, projects, users


class Groups:
    def __init__(self, book: Book) -> None:
        self._book = book

    async def find(self, identifier: str) -> Group | None:
        return await self._book.read(lambda connection: groups.find(connection, identifier))

    async def get(self, identifier: str) -> Group:
        return there(await self.find(identifier), "group", identifier)

    async def named(self, domain_id: str, name: str) -> Group | None:
        return await self._book.read(lambda connection: groups.named(connection, domain_id, name))

    async def listed(self, *, domain_id: str | None = None, name: str | None = None) -> list[Group]:
        return await self._book.read(lambda connection: groups.listed(connection, domain_id=domain_id, name=name))

    async def several(self, identifiers: Sequence[str]) -> dict[str, Group]:
        return await self._book.read(lambda connection: groups.several(connection, identifiers))

    async def of_user(self, user_id: str) -> list[Group]:
        return await self._book.read(lambda connection: groups.of_user(connection, user_id))

    async def members(self, identifier: str) -> list[User]:
        return await self._book.read(lambda connection: users.of_group(connection, identifier))

    async def create(self, name: str, *, domain_id: str = DEFAULT, description: str = "", extra: Json) -> Group:
        def create(connection: Connection) -> Group:
            domain = projects.find(connection, domain_id)
            if domain is None or not domain.is_domain:
                raise NotFound(f"Could not find domain: {domain_id}.")
            group = Group(uuid.uuid4().hex, name, domain_id, description, extra)
            _check_name(connection, group)
            groups.add(connection, group)
            return group

        return await self._book.change(create)

    async def update(self, identifier: str, changes: Mapping[str, Any], extra: Json) -> Group:
        """`changes`: name, description."""

        def update(connection: Connection) -> Group:
            old = there(groups.find(connection, identifier), "group", identifier)
            changed = replace(old, **changes, extra={**old.extra, **extra})
            _check_name(connection, changed)
            groups.replace(connection, changed)
            return changed

        return await self._book.change(update)

    async def delete(self, identifier: str) -> None:
        def delete(connection: Connection) -> None:
            there(groups.find(connection, identifier), "group", identifier)
            groups.remove(connection, identifier)
            self._book.removed(connection, Kind.GROUP, identifier)

        await self._book.change(delete)

    async def has(self, identifier: str, user_id: str) -> bool:
        return await self._book.read(lambda connection: groups.has(connection, identifier, user_id))

    async def add(self, identifier: str, user_id: str) -> None:
        """Idempotent."""

        def add(connection: Connection) -> None:
            there(users.find(connection, user_id), "user", user_id)
            there(groups.find(connection, identifier), "group", identifier)
            groups.join(connection, identifier, user_id)

        await self._book.change(add)

    async def remove(self, identifier: str, user_id: str) -> None:
        """NotFound if the user is not in it."""

        def remove(connection: Connection) -> None:
            if not groups.has(connection, identifier, user_id):
                raise NotFound(f"Could not find user: {user_id} in group {identifier}.")
            groups.leave(connection, identifier, user_id)

        await self._book.change(remove)


def _check_name(connection: Connection, group: Group) -> None:
    other = groups.named(connection, group.domain_id, group.name)
    if other is not None and other.id != group.id:
        raise Conflict(f"Conflict occurred attempting to store group - there is one named {group.name} already.")
