"""Keeping credentials. Who may see or change whose is asked before, at the face."""

import uuid
from collections.abc import Callable
from dataclasses import replace

import orjson
from cryptography.fernet import MultiFernet
from sqlalchemy import Connection

from hansa.base.database import Database
from hansa.base.errors import BadRequest, Conflict, NotFound
from hansa.site.keystone.vault import store
from hansa.site.keystone.vault.model import BLOB_MAX, EC2, Credential, ec2_id


class Vault:
    """`keys` gives the present ring; it is not that of the tokens, whose old keys go when the tokens are gone."""

    def __init__(self, database: Database, keys: Callable[[], MultiFernet]) -> None:
        self._database = database
        self._keys = keys

    async def add(self, credential: Credential) -> Credential:
        """Under a new id, an EC2 key under that of its access key. Raises BadRequest, Conflict."""
        new = replace(credential, id=_id(credential))

        def write(connection: Connection) -> Credential:
            if store.find(connection, new.id, self._keys()) is not None:
                raise Conflict("There is an EC2 key with that access key already.", field="blob")
            store.put(connection, new, self._keys())
            return new

        return await self._database.write(write)

    async def get(self, identifier: str) -> Credential:
        found = await self._database.read(lambda connection: store.find(connection, identifier, self._keys()))
        if found is None:
            raise NotFound(f"Could not find credential: {identifier}.")
        return found

    async def listed(self, user: str | None = None, type: str | None = None) -> list[Credential]:  # noqa: A002
        return await self._database.read(lambda connection: store.listed(connection, self._keys(), user, type))

    async def change(self, identifier: str, blob: str) -> Credential:
        """Another content; whose it is, and for what, stays. An EC2 key's access key may change, and its id stays."""
        new = replace(await self.get(identifier), blob=blob)
        _check(new)
        await self._database.write(lambda connection: store.put(connection, new, self._keys()))
        return new

    async def remove(self, identifier: str) -> None:
        await self.get(identifier)
        await self._database.write(lambda connection: store.remove(connection, identifier))


def _id(credential: Credential) -> str:
    access = _check(credential)
    return uuid.uuid4().hex if access is None else ec2_id(access)


def _check(credential: Credential) -> str | None:
    """The access key, if it is an EC2 key."""
    if len(credential.blob) > BLOB_MAX:
        raise BadRequest(f"A credential has at most {BLOB_MAX} characters.", field="blob")
    if credential.type != EC2:
        return None
    if credential.project is None:
        raise BadRequest("An EC2 key is for a project.", field="project_id")
    try:
        content = orjson.loads(credential.blob)
    except orjson.JSONDecodeError:
        content = None
    access = content.get("access") if isinstance(content, dict) else None
    if not isinstance(access, str) or not access or not isinstance(content.get("secret"), str):
        raise BadRequest("The blob of an EC2 key is a JSON object with access and secret.", field="blob")
    return access
