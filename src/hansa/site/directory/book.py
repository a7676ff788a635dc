"""The directory's database, and when what was read from it is out of date."""

from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from datetime import datetime
from typing import TypeVar

from sqlalchemy import Connection

from hansa.base.database import Database
from hansa.base.errors import NotFound
from hansa.site.directory.model import Assignment, Kind
from hansa.site.directory.store import state

T = TypeVar("T")
request: ContextVar[object | None] = ContextVar("request", default=None)
"""What is the same for as long as one request is answered: a request that has seen one state of the directory goes on with it,
where the database cannot tell cheaply whether there is another."""
Removed = Callable[[Connection, Kind, str], None]
"""Told of a user, group, project or domain that goes, in the transaction that removes it."""
Unassigned = Callable[[Connection, Assignment], None]
"""Told of an assignment that was taken away, in the same transaction."""


class Book:
    """`settle` brings in what the operator's files say, before anything is read; it must be cheap when nothing changed."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self.clock = clock
        self.settle: Callable[[], Awaitable[None]] | None = None
        self._removed: list[Removed] = []
        self._writes = 0
        self._unassigned: list[Unassigned] = []

    async def read(self, function: Callable[[Connection], T]) -> T:
        await self._settled()
        return await self._database.read(function)

    async def change(self, function: Callable[[Connection], T]) -> T:
        """`function` in one transaction; everything that was read before is out of date when this returns."""
        await self._settled()
        return await self.write(function)

    async def write(self, function: Callable[[Connection], T]) -> T:
        """As `change`, from within `settle`."""

        def changed(connection: Connection) -> T:
            result = function(connection)
            state.advance(connection)
            return result

        try:
            return await self._database.write(changed)
        finally:
            self._writes += 1

    async def note(self, function: Callable[[Connection], T]) -> T:
        """A write that nobody else reads: the count of failed sign-ons."""
        return await self._database.write(function)

    async def look(self, function: Callable[[Connection], T]) -> T:
        """A read from within `settle`."""
        return await self._database.read(function)

    async def version(self) -> int:
        """The count of changes, by this process or any other. What was read while it was the same is still so."""
        return await self.read(state.version)

    async def mark(self) -> object | None:
        """What was read after a mark was taken is still so while `mark` is equal to it; None: no telling.

        Where the engine cannot tell cheaply whether anybody has written, one request goes on with what it has once seen.
        """
        await self._settled()
        generation = self._database.generation()
        if generation is not None:
            return generation
        asked = request.get()
        return (asked, self._writes) if asked is not None else None

    def also_remove(self, function: Removed) -> None:
        """Rooms that keep things of users, groups and projects remove them with these."""
        self._removed.append(function)

    def also_unassign(self, function: Unassigned) -> None:
        """Rooms that keep what somebody may do by a role take it back with the role."""
        self._unassigned.append(function)

    def unassigned(self, connection: Connection, assignment: Assignment) -> None:
        for function in self._unassigned:
            function(connection, assignment)

    def removed(self, connection: Connection, kind: Kind, identifier: str) -> None:
        for function in self._removed:
            function(connection, kind, identifier)

    async def _settled(self) -> None:
        if self.settle is not None:
            await self.settle()


def there(thing: T | None, kind: str, identifier: str) -> T:
    """The thing, or NotFound in Keystone's words."""
    if thing is None:
        raise NotFound(f"Could not find {kind}: {identifier}.")
    return thing
