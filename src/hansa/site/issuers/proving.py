"""From the bytes of a token to what its issuer says of its bearer."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from hansa.base.errors import Unauthenticated
from hansa.site.identity.model import Reason
from hansa.site.issuers.claims import check_audience, end_of, has_memberships, subject_of
from hansa.site.issuers.model import Proved, Provider
from hansa.standards.jwt import JwtError

PROTOCOL_CLAIMS = frozenset({"active", "exp", "iat", "nbf", "iss", "aud", "azp", "client_id", "sub", "token_type"})
"""What userinfo has no say in."""


def is_jwt(token: str) -> bool:
    return token.count(".") == 2


async def prove(provider: Provider, token: str, now: datetime, *, thorough: bool = False) -> Proved:
    """Raises Unauthenticated for a token that is not good here, BackendDown if the issuer cannot be asked.

    `thorough`: userinfo is asked whatever the token says, for rules that may want any claim.
    """
    claims = await _claims(provider, token)
    check_audience(claims, provider.trust)
    subject, end = subject_of(claims), end_of(claims, now, provider.trust)
    if provider.asks_userinfo and (thorough or not has_memberships(claims, provider.trust)):
        more = await provider.issuer.userinfo(token, subject)
        if more is None:
            raise _inactive()
        claims = {**{name: value for name, value in more.items() if name not in PROTOCOL_CLAIMS}, **claims}
    return Proved(provider, subject, claims, end)


async def _claims(provider: Provider, token: str) -> Mapping[str, Any]:
    claims: Mapping[str, Any] = {}
    if is_jwt(token):
        try:
            claims = await provider.issuer.verify(token)
        except JwtError as error:
            raise Unauthenticated(f"The token is refused: {error.reason}.", reason=error.code) from error
        if not (provider.introspects and provider.introspection == "always"):
            return claims
    elif not provider.introspects:
        raise Unauthenticated(
            "The token is no JWT, and its issuer is not asked about others.", reason=Reason.OPAQUE.value
        )
    said = await provider.issuer.introspect(token)
    if said is None:
        raise _inactive()
    if claims and said.get("sub", claims.get("sub")) != claims.get("sub"):
        raise _inactive()
    return {**said, **claims}


def _inactive() -> Unauthenticated:
    return Unauthenticated("Its issuer says that the token is not good any more.", reason=Reason.INACTIVE.value)
