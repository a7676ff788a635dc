"""Tokens: claims (RFC 7519 §4) in signed bytes."""

import json
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from hansa.standards.jwt.errors import JwtCode, JwtError
from hansa.standards.jwt.jws import ASYMMETRIC, sign_bytes, verify_bytes
from hansa.standards.jwt.keys import Key, KeySet
from hansa.standards.jwt.strict import decode, parse_object

TOKEN_MAX = 16 * 1024
"""Characters. Tokens travel in a header; those of people in a hundred groups have 6,000."""
LATEST = 2**53
"""Seconds. Larger numbers are not exact in JSON."""


def sign(claims: Mapping[str, Any], key: Key, typ: str = "JWT") -> str:
    """Times among `claims` are whole seconds since 1970."""
    return sign_bytes(json.dumps(claims, separators=(",", ":"), allow_nan=False).encode(), key, typ)


def verify(
    token: str,
    keys: KeySet,
    *,
    now: datetime,
    issuer: str,
    audience: str | Collection[str] | None,
    algorithms: Collection[str] = ASYMMETRIC,
    typ: str | Collection[str] | None = None,
    leeway: timedelta = timedelta(seconds=60),
) -> Mapping[str, Any]:
    """The claims of a token that `issuer` made for `audience` (or for one of them), and that is valid `now`.

    `exp`, `iss` and `aud` must be there; with `audience` None, `aud` is for the caller to judge. Raises JwtError: the codes of
    `verify_bytes`, `jwt.claim`, `jwt.expired`, `jwt.not_yet_valid`, `jwt.issuer`, `jwt.audience`.
    """
    payload = verify_bytes(token, keys, max_size=TOKEN_MAX, algorithms=algorithms, typ=typ)
    claims = parse_object(payload)
    if claims.get("iss") != issuer:
        raise JwtError(JwtCode.ISSUER, "It is from another issuer")
    if audience is not None and not _audiences(claims) & _wanted(audience):
        raise JwtError(JwtCode.AUDIENCE, "It was made for another audience")
    _check_times(claims, now.timestamp(), leeway.total_seconds())
    if not isinstance(claims.get("sub", ""), str):
        raise JwtError(JwtCode.CLAIM, "Its subject is not a string")
    return claims


def unverified_issuer(token: str) -> str | None:
    """Whom a token claims to be from: only to choose the key set that `verify` then tries. None for what is no token."""
    parts = token.split(".", 3)
    if len(token) > TOKEN_MAX or len(parts) != 3:
        return None
    try:
        issuer = parse_object(decode(parts[1])).get("iss")
    except JwtError:
        return None
    return issuer if isinstance(issuer, str) else None


def _wanted(audience: str | Collection[str]) -> frozenset[str]:
    wanted = frozenset((audience,) if isinstance(audience, str) else audience)
    assert wanted, "an audience is what protects a token from being used elsewhere"
    return wanted


def _audiences(claims: Mapping[str, Any]) -> frozenset[str]:
    found = claims.get("aud")
    given = found if isinstance(found, list) else [found]
    if not all(isinstance(each, str) for each in given):
        raise JwtError(JwtCode.AUDIENCE, "It names no audience")
    return frozenset(given)


def _check_times(claims: Mapping[str, Any], now: float, leeway: float) -> None:
    expires, begins, issued = _seconds(claims, "exp"), _seconds(claims, "nbf"), _seconds(claims, "iat")
    if expires is None:
        raise JwtError(JwtCode.CLAIM, "It has no end (`exp`)")
    if now >= expires + leeway:
        raise JwtError(JwtCode.EXPIRED, "It has expired")
    if max(begins or 0, issued or 0) > now + leeway:
        raise JwtError(JwtCode.NOT_YET_VALID, "It is not valid yet; compare the clocks")


def _seconds(claims: Mapping[str, Any], name: str) -> float | None:
    value = claims.get(name)
    if value is None and name not in claims:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= LATEST:
        raise JwtError(JwtCode.CLAIM, f"`{name}` is not a time in seconds")
    return value
