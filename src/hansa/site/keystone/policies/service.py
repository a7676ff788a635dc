"""Keeping policy blobs. Who may is asked before, at the face."""

import uuid
from dataclasses import replace

from sqlalchemy import Connection

from hansa.base.database import Database
from hansa.base.errors import NotFound
from hansa.site.keystone.policies import store
from hansa.site.keystone.policies.store import Policy


class Policies:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def listed(self) -> list[Policy]:
        return await self._database.read(store.listed)

    async def get(self, identifier: str) -> Policy:
        return await self._database.read(lambda connection: _found(connection, identifier))

    async def add(self, type: str, blob: str) -> Policy:  # noqa: A002  (the API's word)
        new = Policy(uuid.uuid4().hex, type, blob)
        await self._database.write(lambda connection: store.add(connection, new))
        return new

    async def change(self, identifier: str, **given: str) -> Policy:
        """`given`: `type`, `blob`."""

        def write(connection: Connection) -> Policy:
            new = replace(_found(connection, identifier), **given)
            store.replace(connection, new)
            return new

        return await self._database.write(write)

    async def remove(self, identifier: str) -> None:
        def write(connection: Connection) -> None:
            _found(connection, identifier)
            store.remove(connection, identifier)

        await self._database.write(write)


def _found(connection: Connection, identifier: str) -> Policy:
    if found := store.find(connection, identifier):
        return found
    raise NotFound(f"Could not find policy: {identifier}.")
