"""Tokens: issued to those who proved who they are, accepted in `X-Auth-Token`, revoked before their time."""

import hmac
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from cryptography.fernet import MultiFernet

from hansa.base.database import Database
from hansa.base.errors import Unauthenticated
from hansa.site.identity import store
from hansa.site.identity.basic import check_private
from hansa.site.identity.model import LOCAL, Principal, Reason, Scope
from hansa.site.identity.passwords import LocalUser
from hansa.site.identity.token import Token, seal, unseal

HEADER = b"x-auth-token"
_REMEMBERED = 100_000
"""Tokens."""
SERVICE = "occi"
"""What access rules call the faces that take tokens here; Keystone itself is `identity`."""


class Delegations(Protocol):
    """What lets somebody act for a user, and how far."""

    async def bound(self, token: Token) -> Principal:
        """The token's principal within the bounds of what the token came from. Raises Unauthenticated once that has ended."""

    async def check(self, token: Token, service: str, method: str, path: str) -> None:
        """Raises Forbidden for a request that it was not made for."""


class Tokens:
    """An `Authenticator` of scoped tokens, and who makes them. `keys` and `users` give the present snapshots."""

    challenge = None

    def __init__(
        self,
        keys: Callable[[], MultiFernet],
        users: Callable[[], Mapping[str, LocalUser]],
        database: Database,
        clock: Callable[[], datetime],
        life: timedelta,
    ) -> None:
        self._keys = keys
        self._users = users
        self._database = database
        self._clock = clock
        self._life = life
        self._generation: int | None = None
        self._good: set[str] = set()
        self._delegations: Delegations | None = None
        self._is_open: Callable[[str], Awaitable[bool]] | None = None

    def follow(self, delegations: Delegations) -> None:
        """Before that no token of a delegation is taken."""
        self._delegations = delegations

    def heed(self, is_open: Callable[[str], Awaitable[bool]]) -> None:
        """`is_open` says whether an identity provider is (still) one; tokens of those who came by another are no good."""
        self._is_open = is_open

    async def __call__(self, scope: Scope) -> Principal | None:
        shown = [value for name, value in scope["headers"] if name == HEADER]
        if not shown:
            return None
        check_private(scope)
        if len(shown) > 1:
            raise Unauthenticated("One X-Auth-Token is enough.", reason=Reason.MALFORMED.value)
        token = await self.read(shown[0].decode("latin-1"))
        await self.check(token, SERVICE, scope)
        if token.principal.project is None:
            message = "This token is good for no project; ask Keystone for one that is scoped to a project."
            raise Unauthenticated(message, reason=Reason.UNSCOPED.value)
        return token.principal

    async def read(self, text: str) -> Token:
        """The token, if it is ours, in time, not revoked, and its user still there. Raises Unauthenticated."""
        token = unseal(text, self._keys())
        if token.expires <= self._clock():
            raise Unauthenticated("The token has expired.", reason=Reason.TOKEN_EXPIRED.value)
        if await self._is_revoked(token.audit_ids[0]):
            raise _revoked()
        came_by = token.principal.federation
        if came_by is not None and self._is_open is not None and not await self._is_open(came_by.provider):
            raise _revoked()
        token = replace(token, principal=self._present(token))
        if token.delegation is None:
            return token
        if self._delegations is None:
            raise _revoked()
        return replace(token, principal=await self._delegations.bound(token))

    async def check(self, token: Token, service: str, scope: Scope) -> None:
        """Whether the token may make that request of that service at all. Raises Forbidden."""
        if token.delegation is not None and self._delegations is not None:
            await self._delegations.check(token, service, scope["method"], scope["path"])

    def issue(
        self,
        principal: Principal,
        project: str | None,
        method: str,
        parent: Token | None = None,
        *,
        domain: str | None = None,
        is_system: bool = False,
        extra: Mapping[str, Any] | None = None,
    ) -> tuple[str, Token]:
        """A sealed token and what it says. It never outlives the credential, or the token, that it was given for.

        `method` is Keystone's word for the proof; `parent` the token that was shown. Who may have which project is asked before.
        `extra` goes over that of the parent.
        """
        now = self._clock().replace(microsecond=0)
        expires = min(now + self._life, principal.not_after or datetime.max.replace(tzinfo=UTC)).replace(microsecond=0)
        if expires <= now:
            raise Unauthenticated("The credential has expired.", reason=Reason.TOKEN_EXPIRED.value)
        own = secrets.token_urlsafe(16)
        token = Token(
            replace(principal, grant=None, project=project, not_after=expires),
            tuple(dict.fromkeys([method, *(parent.methods if parent else ())])),
            now,
            expires,
            (own, parent.audit_ids[-1]) if parent else (own,),
            domain,
            is_system,
            {**(parent.extra if parent else {}), **(extra or {})},
        )
        return seal(token, self._keys()), token

    async def revoke(self, token: Token) -> None:
        now = self._clock()
        await self._database.write(lambda connection: store.revoke(connection, token.audit_ids[0], token.expires, now))

    async def _is_revoked(self, audit_id: str) -> bool:
        """That it is not is remembered until something is written."""
        generation = self._database.generation()
        if generation is None or generation != self._generation or len(self._good) >= _REMEMBERED:
            self._generation, self._good = generation, set()
        good = self._good
        if audit_id in good:
            return False
        if await self._database.read(lambda connection: store.is_revoked(connection, audit_id)):
            return True
        good.add(audit_id)
        return False

    def _present(self, token: Token) -> Principal:
        """The principal with what the users file grants now."""
        if not token.principal.user.startswith(LOCAL):
            return token.principal
        user = self._users().get(token.principal.user.removeprefix(LOCAL))
        if user is None or not hmac.compare_digest(user.stamp, token.principal.stamp):
            raise _revoked()
        return replace(token.principal, grant=user.grant)


def _revoked() -> Unauthenticated:
    return Unauthenticated("The token was revoked.", reason=Reason.TOKEN_REVOKED.value)
