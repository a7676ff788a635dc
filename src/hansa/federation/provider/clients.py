"""Clients: the applications and services that ask for tokens."""

import hmac
import re
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from sqlalchemy import Connection

from hansa.base.database import Database
from hansa.base.telemetry.audit import AuditLog
from hansa.federation.membership.model import Clock
from hansa.federation.provider import addresses
from hansa.federation.provider.desk import encoded, hashed
from hansa.federation.provider.errors import (
    ClientExists,
    InvalidClient,
    InvalidClientData,
    InvalidRequest,
    InvalidTarget,
    NoSuchClient,
)
from hansa.federation.provider.model import Client, GrantType
from hansa.federation.provider.scopes import KNOWN
from hansa.federation.provider.store import clients as store

AUDIENCES_MAX = 10
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~-]{0,63}")
_SCOPE = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]{1,200}")
_AUDIENCE = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]{1,500}")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a client is registered with. Without an `id` one is made up."""

    name: str
    id: str | None = None
    confidential: bool = True
    redirect_uris: tuple[str, ...] = ()
    logout_uris: tuple[str, ...] = ()
    grants: frozenset[GrantType] = frozenset({GrantType.CODE, GrantType.REFRESH})
    scopes: frozenset[str] = frozenset(KNOWN)
    audiences: tuple[str, ...] = ()
    trusted: bool = False


@dataclass(frozen=True, slots=True)
class Shown:
    """What a client says that it is. `secret`: None if it shows none."""

    id: str
    secret: str | None = field(repr=False)


class Clients:
    def __init__(
        self,
        database: Database,
        clock: Clock,
        audit: AuditLog,
        random: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        self._database = database
        self._clock = clock
        self._audit = audit
        self._random = random

    async def register(self, wanted: Wanted) -> tuple[Client, str | None]:
        """The client and its secret, which is not kept. Raises InvalidClientData, ClientExists."""
        client = Client(
            wanted.id or self._random(16).hex(),
            wanted.name.strip(),
            wanted.confidential,
            wanted.redirect_uris,
            wanted.logout_uris,
            wanted.grants,
            wanted.scopes,
            wanted.audiences,
            wanted.trusted,
            self._clock(),
        )
        check(client)
        secret = encoded(self._random(32)) if client.confidential else None

        def insert(connection: Connection) -> None:
            if store.get(connection, client.id):
                raise ClientExists(f"There is a client {client.id} already.")
            store.insert(connection, client, secret and hashed(secret))

        await self._database.write(insert)
        self._audit("provider.client_added", client=client.id, name=client.name)
        return client, secret

    async def remove(self, client: str) -> None:
        """Its tokens end with it. Raises NoSuchClient."""
        if not await self._database.write(lambda connection: store.delete(connection, client)):
            raise NoSuchClient(f"There is no client {client[:64]}.")
        self._audit("provider.client_removed", client=client)

    async def all(self) -> list[Client]:
        return await self._database.read(store.every)

    async def get(self, client: str) -> Client | None:
        found = await self._database.read(lambda connection: store.get(connection, client))
        return found[0] if found else None

    async def prove(self, shown: Shown) -> Client:
        """The client, which has shown its secret if it has one. Raises InvalidClient, one sentence for all that may be wrong."""
        found = await self._database.read(lambda connection: store.get(connection, shown.id))
        client, kept = found or (None, None)
        matches = hmac.compare_digest(hashed(shown.secret or ""), kept or hashed(encoded(self._random(32))))
        if client and (matches if client.confidential else not shown.secret):  # RFC 6749 §2.3.1: an empty one is none
            return client
        self._audit("provider.client_refused", client=shown.id[:64], code=InvalidClient.code)
        raise InvalidClient("The client is unknown, or has not shown its secret.")


def check(client: Client) -> None:
    """Raises InvalidClientData."""
    if not _ID.fullmatch(client.id):
        raise _invalid("id", "The identifier consists of letters, digits, '.', '_', '~' and '-', 64 at most.")
    if not client.name or len(client.name) > 200 or not client.name.isprintable():
        raise _invalid("name", "A client needs a name that people recognise, 200 characters at most.")
    for uri in (*client.redirect_uris, *client.logout_uris):
        addresses.check(uri, confidential=client.confidential)
    if (GrantType.CODE in client.grants) != bool(client.redirect_uris):
        raise _invalid(
            "redirect_uri", "A client for people in a browser needs a redirect address, and only such a one."
        )
    if not client.grants:
        raise _invalid("grants", "A client needs a grant type.")
    if not client.confidential and (client.trusted or GrantType.CLIENT in client.grants):
        raise _invalid("confidential", "Only a client with a secret can be trusted, or act for itself.")
    if not client.scopes or not all(map(_SCOPE.fullmatch, client.scopes)):
        raise _invalid("scopes", "A client needs scopes; they have no spaces.")
    if len(client.audiences) > AUDIENCES_MAX or not all(map(_AUDIENCE.fullmatch, client.audiences)):
        raise _invalid("audiences", f"Audiences have no spaces; {AUDIENCES_MAX} at most.")


def audiences(client: Client, asked: Iterable[str]) -> tuple[str, ...]:
    """Whom a token shall be for. Raises InvalidTarget for others than the client may ask for.

    Without a wish the client's first, and for a client that has none its own: such tokens open nothing elsewhere.
    """
    wanted = tuple(dict.fromkeys(asked))
    if len(wanted) > AUDIENCES_MAX or not set(wanted) <= {*client.audiences, client.id}:
        raise InvalidTarget("The client may not ask for tokens for that audience.")
    return wanted or client.audiences[:1] or (client.id,)


def one_way(shown: Iterable[Shown | None]) -> Shown:
    """RFC 6749 §2.3: a client shows who it is in one way only. Raises InvalidRequest, InvalidClient."""
    found = [each for each in shown if each]
    if len(found) > 1:
        raise InvalidRequest("The client shows who it is in more than one way.")
    if not found:
        raise InvalidClient("The client does not say who it is.")
    return found[0]


def _invalid(name: str, why: str) -> InvalidClientData:
    return InvalidClientData(why, field=name)
