"""From a person's permission to tokens: codes (RFC 6749 §4.1), refresh tokens (§6), services that act for themselves (§4.4)."""

import hashlib
import hmac
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from sqlalchemy import Connection

from hansa.federation.provider import clients, scopes
from hansa.federation.provider.authorization import Authorization
from hansa.federation.provider.desk import Desk, encoded, hashed
from hansa.federation.provider.errors import InvalidGrant, InvalidScope, UnauthorizedClient
from hansa.federation.provider.model import Client, Grant, GrantType, LogIn
from hansa.federation.provider.store import clients as client_store
from hansa.federation.provider.store import grants as store
from hansa.federation.provider.tokens import Tokens

T = TypeVar("T")
CODE_LIFE = timedelta(minutes=2)
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a transaction that must be kept gives nothing. `alarm`: somebody showed what had been used."""

    why: str
    grant: Grant | None = None
    alarm: bool = False


class Granting:
    def __init__(self, desk: Desk, tokens: Tokens) -> None:
        self._desk = desk
        self._tokens = tokens
        self._database = desk.commons.database

    async def code(self, request: Authorization, login: LogIn) -> str:
        """A code for what the person has just permitted; the permission is remembered."""
        code = self._desk.secret()
        grant = Grant(self._desk.identifier(), request.client.id, login, request.scope, request.audiences)
        expires = self._desk.now + CODE_LIFE

        def keep(connection: Connection) -> None:
            client_store.consent(connection, request.client.id, login.person, request.scope, self._desk.now)
            store.insert(connection, grant, expires)
            store.insert_code(connection, hashed(code), grant.id, request.terms, expires)

        await self._database.write(keep)
        self._audit("provider.authorized", grant, scope=" ".join(grant.scope))
        return code

    async def redeem(self, client: Client, code: str, redirect_uri: str, verifier: str) -> dict[str, Any]:
        """Tokens for a code. Raises InvalidGrant, and ends what a code gave that somebody shows again."""
        _check_grant_type(client, GrantType.CODE)
        await self._look(lambda connection: store.code(connection, hashed(code)) is not None)

        def redeemed(connection: Connection) -> tuple[Grant, str | None, str | None] | Refused:
            found = store.code(connection, hashed(code))
            if found is None or found.grant.client != client.id:
                return Refused("The code is unknown.")
            if found.used:
                store.revoke(connection, found.grant.id)
                return Refused("The code has been used before.", found.grant, alarm=True)
            store.use_code(connection, hashed(code))
            if found.expires <= self._desk.now:
                return Refused("The code has expired.", found.grant)
            if redirect_uri != found.terms.redirect_uri:
                return Refused("The code was sent to another address.", found.grant)
            if not _proves(verifier, found.terms.challenge):
                return Refused("The code_verifier does not belong to the code.", found.grant)
            return found.grant, found.terms.nonce, self.begin(connection, client, found.grant)

        grant, nonce, refresh = self._kept(await self._database.write(redeemed))
        return await self.issue(grant, grant.scope, nonce=nonce, refresh=refresh)

    async def refresh(self, client: Client, token: str, asked: Sequence[str]) -> dict[str, Any]:
        """New tokens for a refresh token, which is used up. One that is shown again ends them all (RFC 9700 §4.14.2)."""
        _check_grant_type(client, GrantType.REFRESH)
        await self._look(lambda connection: store.refresh(connection, hashed(token)) is not None)

        def rotated(connection: Connection) -> tuple[Grant, tuple[str, ...], str] | Refused:
            found = store.refresh(connection, hashed(token))
            if found is None or found.grant.client != client.id or found.expires <= self._desk.now:
                return Refused("The refresh token is unknown, or has expired.")
            if found.used:
                store.revoke(connection, found.grant.id)
                return Refused("The refresh token has been used before.", found.grant, alarm=True)
            scope = scopes.narrowed(asked, found.grant.scope)
            store.use_refresh(connection, hashed(token))
            return found.grant, scope, self._new_refresh(connection, found.grant)

        grant, scope, refresh = self._kept(await self._database.write(rotated))
        return await self.issue(grant, scope, refresh=refresh)

    def for_client(self, client: Client, asked: Sequence[str], wanted: Iterable[str]) -> dict[str, Any]:
        """What a service gets for itself: nothing that speaks of a person."""
        _check_grant_type(client, GrantType.CLIENT)
        scope = tuple(each for each in asked if each in client.scopes and each not in scopes.KNOWN)
        if asked and not scope:
            raise InvalidScope("None of the scopes asked for is open to this client for itself.")
        answer = self._tokens.answer_client(client, scope, clients.audiences(client, wanted))
        self._desk.commons.audit("provider.issued", client=client.id, scope=answer["scope"])
        return answer

    async def issue(
        self, grant: Grant, scope: Sequence[str], *, nonce: str | None = None, refresh: str | None
    ) -> dict[str, Any]:
        """Raises InvalidGrant, and ends the grant, when the person is a member no more."""
        standing = await self._tokens.standing(grant.login.person)
        if standing is None:
            await self._database.write(lambda connection: store.revoke(connection, grant.id))
            self._audit("provider.refused", grant, code=InvalidGrant.code, reason="no membership")
            raise InvalidGrant("The person is a member of no virtual organisation at present.")
        answer = self._tokens.answer(grant, standing, scope, nonce=nonce)
        if refresh is not None:
            answer["refresh_token"] = refresh
        self._audit("provider.issued", grant, scope=answer["scope"])
        return answer

    def begin(self, connection: Connection, client: Client, grant: Grant) -> str | None:
        """The grant becomes one for tokens; its first refresh token, if it gets any (OpenID Connect Core §11)."""
        store.prolong(connection, grant.id, self._desk.now + timedelta(seconds=self._desk.settings.access_lifetime))
        if GrantType.REFRESH not in client.grants or scopes.OFFLINE not in grant.scope:
            return None
        return self._new_refresh(connection, grant)

    async def revoke(self, grant: str) -> None:
        await self._database.write(lambda connection: store.revoke(connection, grant))

    async def _look(self, is_known: Callable[[Connection], bool]) -> None:
        """Noise is turned away before it takes its turn at the one place where writes queue."""
        if not await self._database.read(is_known):
            raise InvalidGrant("The code or token is unknown, or has ended.")

    def _new_refresh(self, connection: Connection, grant: Grant) -> str:
        token = self._desk.secret()
        settings = self._desk.settings
        expires = self._desk.now + timedelta(seconds=settings.refresh_lifetime)
        store.insert_refresh(connection, hashed(token), grant.id, expires)
        store.prolong(connection, grant.id, expires + timedelta(seconds=settings.access_lifetime))
        return token

    def _kept(self, outcome: T | Refused) -> T:
        if not isinstance(outcome, Refused):
            return outcome
        if outcome.grant:
            event = "provider.reuse" if outcome.alarm else "provider.refused"
            self._audit(event, outcome.grant, code=InvalidGrant.code, reason=outcome.why)
        raise InvalidGrant(outcome.why)

    def _audit(self, event: str, grant: Grant, **fields: object) -> None:
        self._desk.commons.audit(event, client=grant.client, person=grant.login.person, grant=grant.id, **fields)


def _check_grant_type(client: Client, grant: GrantType) -> None:
    if grant not in client.grants:
        raise UnauthorizedClient(f"The client may not use the grant type {grant.value}.")


def _proves(verifier: str, challenge: str) -> bool:
    """RFC 7636 §4.6."""
    if not _VERIFIER.fullmatch(verifier):
        return False
    return hmac.compare_digest(encoded(hashlib.sha256(verifier.encode()).digest()), challenge)
