"""Tokens: made of a grant and of what the registry says of its person at this moment; read back the same way."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from hansa.federation.membership.errors import NoSuchPerson
from hansa.federation.provider import claims
from hansa.federation.provider.claims import Claims, Standing
from hansa.federation.provider.desk import Desk, encoded
from hansa.federation.provider.errors import InvalidToken, Reason
from hansa.federation.provider.model import Client, Grant
from hansa.federation.provider.scopes import OPENID
from hansa.federation.provider.store import clients as client_store
from hansa.federation.provider.store import grants as store
from hansa.standards.jwt import TOKEN_MAX, JwtError, parse_object, sign, verify_bytes

ACCESS = "at+jwt"
"""RFC 9068 §2.1."""
ID_ALGORITHM = "RS256"
ACCESS_ALGORITHM = "RS256"


@dataclass(frozen=True, slots=True)
class Bearer:
    """What an access token of ours says, and who its person is now; None for a client that acts for itself."""

    claims: Claims
    standing: Standing | None

    @property
    def scope(self) -> tuple[str, ...]:
        return tuple(str(self.claims["scope"]).split())


class Tokens:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def standing(self, person: str) -> Standing | None:
        """None for somebody unknown, removed, or in no VO at present."""
        registry = self._desk.commons.registry
        try:
            found = await registry.person(person)
        except NoSuchPerson:
            return None
        return claims.current(found, await registry.memberships_of(person), self._desk.now)

    def answer(
        self, grant: Grant, standing: Standing, scope: Sequence[str], *, nonce: str | None = None
    ) -> dict[str, Any]:
        """The reply to a token request, but for a refresh token."""
        given = claims.entitled(scope, standing.groups)
        expires = self._expiry(standing.until)
        access = self._access(grant, standing, given, expires)
        answer = self._answer(access, given, expires)
        if OPENID in given:
            answer["id_token"] = self._id_token(grant, standing, given, access, nonce)
        return answer

    def answer_client(self, client: Client, scope: Sequence[str], audiences: Sequence[str]) -> dict[str, Any]:
        """For a service that acts for itself (RFC 6749 §4.4): it is its own subject."""
        expires = self._expiry(None)
        payload = self._times(expires) | {
            "sub": client.id,
            "aud": _audience(audiences),
            "client_id": client.id,
            "scope": " ".join(scope),
            "jti": self._jti(""),
        }
        return self._answer(sign(payload, self._desk.ring().signing[ACCESS_ALGORITHM], ACCESS), scope, expires)

    def claims_of(self, standing: Standing, scope: Sequence[str]) -> dict[str, Any]:
        """`sub`, and what the scope asks for."""
        settings = self._desk.settings
        found = claims.about(standing, scope, namespace=settings.namespace, authority=settings.authority)
        return {"sub": standing.person.uid} | found

    def read(self, token: str) -> Claims:
        """Of an access token that we made and that has not expired. Raises InvalidToken."""
        try:
            read = parse_object(verify_bytes(token, self._desk.ring().published, max_size=TOKEN_MAX, typ=ACCESS))
        except JwtError as error:
            raise InvalidToken("This is no access token of ours.", reason=error.code) from error
        if read["iss"] != self._desk.issuer:
            raise InvalidToken("This is no access token of ours.", reason="jwt.issuer")
        if read["exp"] <= self._desk.now.timestamp():
            raise InvalidToken("The access token has expired.", reason="jwt.expired")
        return read

    async def bearer(self, token: str) -> Bearer:
        """Of a token that nobody has revoked, whose person is still a member. Raises InvalidToken."""
        read = self.read(token)
        grant_id, _, _ = str(read["jti"]).rpartition(".")

        def alive(connection: Any) -> bool:
            if store.is_revoked(connection, read["jti"]):
                return False
            if grant_id:
                return store.get(connection, grant_id) is not None
            return client_store.get(connection, read["client_id"]) is not None

        if not await self._desk.commons.database.read(alive):
            raise InvalidToken("The access token has been revoked.", reason=Reason.REVOKED.value)
        if not grant_id:
            return Bearer(read, None)
        standing = await self.standing(read["sub"])
        if standing is None:
            raise InvalidToken("The person is no member any more.", reason=Reason.NO_MEMBERSHIP.value)
        return Bearer(read, standing)

    def _access(self, grant: Grant, standing: Standing, scope: Sequence[str], expires: datetime) -> str:
        settings = self._desk.settings
        payload = self._times(expires) | {
            "sub": standing.person.uid,
            "aud": _audience(grant.audiences),
            "client_id": grant.client,
            "scope": " ".join(scope),
            "jti": self._jti(grant.id),
            "auth_time": _seconds(grant.login.at),
        }
        payload |= claims.memberships(standing, scope, namespace=settings.namespace, authority=settings.authority)
        return sign(payload, self._desk.ring().signing[ACCESS_ALGORITHM], ACCESS)

    def _id_token(self, grant: Grant, standing: Standing, scope: Sequence[str], access: str, nonce: str | None) -> str:
        """OpenID Connect Core §2, §3.1.3.6."""
        payload = self._times(self._expiry(standing.until)) | self.claims_of(standing, scope)
        payload |= {
            "aud": grant.client,
            "auth_time": _seconds(grant.login.at),
            "amr": list(grant.login.methods),
            "at_hash": encoded(hashlib.sha256(access.encode()).digest()[:16]),
            "jti": self._desk.identifier(),
        }
        if nonce is not None:
            payload["nonce"] = nonce
        return sign(payload, self._desk.ring().signing[ID_ALGORITHM])

    def _answer(self, access: str, scope: Sequence[str], expires: datetime) -> dict[str, Any]:
        return {
            "access_token": access,
            "token_type": "Bearer",
            "expires_in": _seconds(expires) - _seconds(self._desk.now),
            "scope": " ".join(scope),
        }

    def _expiry(self, until: datetime | None) -> datetime:
        longest = self._desk.now + timedelta(seconds=self._desk.settings.access_lifetime)
        return min(longest, until) if until else longest

    def _times(self, expires: datetime) -> dict[str, Any]:
        now = _seconds(self._desk.now)
        return {"iss": self._desk.issuer, "iat": now, "nbf": now, "exp": _seconds(expires)}

    def _jti(self, grant: str) -> str:
        """It begins with the grant that the token lives on."""
        return f"{grant}.{self._desk.identifier()}"


def audience_of(read: Claims) -> frozenset[str]:
    """Whom a token of ours is for."""
    given = read["aud"]
    return frozenset((given,) if isinstance(given, str) else given)


def _audience(audiences: Sequence[str]) -> str | list[str]:
    return audiences[0] if len(audiences) == 1 else list(audiences)


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())
