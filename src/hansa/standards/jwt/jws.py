"""Signed bytes in compact form (RFC 7515 §7.1)."""

import json
import re
from collections.abc import Collection

from joserfc import jws
from joserfc.errors import JoseError

from hansa.standards.jwt.errors import JwtCode, JwtError
from hansa.standards.jwt.keys import Key, KeySet
from hansa.standards.jwt.strict import decode, encode, parse_object

ASYMMETRIC = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"})
HEADER_MAX = 4096
"""Characters."""
SIGNATURE_MAX = 4096
_REFUSED = ("jku", "jwk", "x5u", "x5c", "crit", "b64", "zip", "enc")
"""They name keys of the sender's choice, or change what the signature means."""
_COMPACT = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)")


def sign_bytes(payload: bytes, key: Key, typ: str) -> str:
    """`typ`: what kind of thing it is (RFC 8725 §3.11)."""
    header = {"alg": key.algorithm, "kid": key.kid, "typ": typ}
    algorithm = jws.JWSRegistry.algorithms[key.algorithm]
    signed = f"{encode(json.dumps(header, separators=(',', ':')).encode())}.{encode(payload)}"
    return f"{signed}.{encode(algorithm.sign(signed.encode(), key.jose))}"


def verify_bytes(
    text: str,
    keys: KeySet,
    *,
    max_size: int,
    algorithms: Collection[str] = ASYMMETRIC,
    typ: str | Collection[str] | None = None,
) -> bytes:
    """The payload, if one of `keys` signed it. `max_size`: of the whole text; `typ`: which kinds are meant, None for any.

    Raises JwtError: `jwt.too_large`, `jwt.malformed`, `jwt.json`, `jwt.algorithm`, `jwt.header`, `jwt.type`, `jwt.unknown_key`,
    `jwt.signature`.
    """
    if len(text) > max_size:
        raise JwtError(JwtCode.TOO_LARGE, f"It has more than {max_size} characters")
    parts = _COMPACT.fullmatch(text)
    if not parts or len(parts[1]) > HEADER_MAX or len(parts[3]) > SIGNATURE_MAX:
        raise JwtError(JwtCode.MALFORMED, "It is not three parts of base64url with dots between")
    payload, signature = decode(parts[2]), decode(parts[3])
    algorithm, kid = _read_header(parse_object(decode(parts[1])), algorithms, typ)
    candidates = keys.find(kid, algorithm)
    if not candidates:
        raise JwtError(JwtCode.UNKNOWN_KEY, "The key that it names is not one of the issuer's")
    signed = f"{parts[1]}.{parts[2]}".encode()
    if not any(_matches(algorithm, signed, signature, key) for key in candidates):
        raise JwtError(JwtCode.SIGNATURE, "The signature does not match")
    return payload


def _read_header(
    header: dict[str, object], algorithms: Collection[str], typ: str | Collection[str] | None
) -> tuple[str, str | None]:
    algorithm, kid = header.get("alg"), header.get("kid")
    if not isinstance(algorithm, str) or algorithm not in ASYMMETRIC or algorithm not in algorithms:
        raise JwtError(JwtCode.ALGORITHM, "Its algorithm is not one of those that are accepted")
    if named := [name for name in _REFUSED if name in header]:
        raise JwtError(JwtCode.HEADER, f"Its header has `{named[0]}`, which is not accepted")
    if kid is not None and not isinstance(kid, str):
        raise JwtError(JwtCode.HEADER, "Its key identifier is not a string")
    if typ is not None and _kind(header.get("typ")) not in {_kind(each) for each in _several(typ)}:
        raise JwtError(JwtCode.TYPE, "It is signed for another purpose: its type is another")
    return algorithm, kid


def _kind(typ: object) -> str:
    """RFC 7515 §4.1.9: compared without case, and without `application/`."""
    return typ.lower().removeprefix("application/") if isinstance(typ, str) else ""


def _several(values: str | Collection[str]) -> Collection[str]:
    return (values,) if isinstance(values, str) else values


def _matches(algorithm: str, signed: bytes, signature: bytes, key: Key) -> bool:
    try:
        return jws.JWSRegistry.algorithms[algorithm].verify(signed, signature, key.jose)
    except (JoseError, ValueError):
        return False
