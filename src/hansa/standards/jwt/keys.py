"""Keys for signatures, and sets of them as issuers publish (JWK Set, RFC 7517 §5)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from joserfc.jwk import ECKey, RSAKey

from hansa.standards.jwt.errors import JwtCode, JwtError
from hansa.standards.jwt.strict import decode, parse_object

JWKS_MAX = 256 * 1024
KEYS_MAX = 100
MIN_RSA_BITS = 2048
MAX_RSA_BITS = 16384
"""Longer moduli only serve to keep a verifier busy."""

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

_RSA = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
_BY_CURVE = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}
_CURVES: Mapping[str, ec.EllipticCurve] = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(), "P-521": ec.SECP521R1()}
_PUBLIC_MEMBERS = {"RSA": ("n", "e"), "EC": ("crv", "x", "y")}


@dataclass(frozen=True, slots=True)
class Key:
    """One key. `algorithms`: what it may be used with, the first is what it signs with."""

    kid: str
    algorithms: tuple[str, ...]
    jose: RSAKey | ECKey = field(repr=False)

    @classmethod
    def from_pem(cls, pem: bytes, algorithm: str | None = None, kid: str | None = None) -> Self:
        """A private key, unencrypted, to sign with. `kid` is by default the key's thumbprint (RFC 7638)."""
        try:
            private = load_pem_private_key(pem, None)
        except (ValueError, TypeError):
            raise JwtError(JwtCode.KEY, "It is not an unencrypted private key in PEM") from None
        if not isinstance(private, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
            raise JwtError(JwtCode.KEY, "The key is neither RSA nor elliptic curve")
        usable = _usable(private.public_key())
        chosen = algorithm or usable[0]
        if chosen not in usable:
            raise JwtError(JwtCode.KEY, f"The key cannot be used with {algorithm}")
        jose = _jose(private)
        return cls(kid or jose.thumbprint(), (chosen,), jose)

    @property
    def algorithm(self) -> str:
        return self.algorithms[0]

    def public(self) -> "Key":
        return Key(self.kid, self.algorithms, _jose(self.jose.public_key))

    def jwk(self) -> dict[str, Any]:
        """The public key, as published."""
        return self._public_members() | {"kid": self.kid, "use": "sig", "alg": self.algorithm}

    def _public_members(self) -> dict[str, Any]:
        members = self.jose.as_dict(private=False)
        kind = self.jose.key_type
        return {"kty": kind} | {name: members[name] for name in _PUBLIC_MEMBERS[kind]}


@dataclass(frozen=True, slots=True)
class KeySet:
    """Whose signatures are believed."""

    keys: tuple[Key, ...]

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """A JWK Set. Keys of other kinds, for other uses or too weak are left out (RFC 7517 §5), secret ones too."""
        if len(data) > JWKS_MAX:
            raise JwtError(JwtCode.TOO_LARGE, f"A key set of more than {JWKS_MAX} bytes is not read")
        found = parse_object(data).get("keys")
        if not isinstance(found, list) or len(found) > KEYS_MAX:
            raise JwtError(JwtCode.JSON, f"A key set has `keys`, {KEYS_MAX} at most")
        return cls(tuple(key for each in found for key in _read(each)))

    def jwks(self) -> dict[str, Any]:
        return {"keys": [key.jwk() for key in self.keys]}

    def find(self, kid: str | None, algorithm: str) -> tuple[Key, ...]:
        """Those that may have signed. Without a `kid`: the only one for the algorithm, or none."""
        fitting = tuple(key for key in self.keys if algorithm in key.algorithms)
        if kid is None:
            return fitting if len(fitting) == 1 else ()
        return tuple(key for key in fitting if key.kid == kid)


def _read(jwk: object) -> Iterator[Key]:
    if not isinstance(jwk, dict) or jwk.get("kty") not in ("RSA", "EC") or jwk.get("use", "sig") != "sig":
        return
    kid, algorithm, operations = jwk.get("kid", ""), jwk.get("alg"), jwk.get("key_ops", ["verify"])
    if not isinstance(kid, str) or not isinstance(operations, list) or "verify" not in operations:
        return
    try:
        key = _public_key(jwk)
        usable = _usable(key)
    except JwtError:
        return
    algorithms = usable if algorithm is None else tuple(each for each in usable if each == algorithm)
    if algorithms:
        yield Key(kid, algorithms, _jose(key))


def _jose(key: PublicKey | PrivateKey) -> RSAKey | ECKey:
    if isinstance(key, rsa.RSAPublicKey | rsa.RSAPrivateKey):
        return RSAKey.import_key(key)
    return ECKey.import_key(key)


def _public_key(members: Mapping[str, Any]) -> PublicKey:
    """RFC 7518 §6.2.1 and §6.3.1."""
    try:
        if members["kty"] == "RSA":
            return rsa.RSAPublicNumbers(_number(members.get("e")), _number(members.get("n"))).public_key()
        curve = _CURVES[str(members.get("crv"))]
        return ec.EllipticCurvePublicNumbers(_number(members.get("x")), _number(members.get("y")), curve).public_key()
    except (ValueError, KeyError):
        raise JwtError(JwtCode.KEY, "The numbers are no key") from None


def _number(text: object) -> int:
    if not isinstance(text, str) or len(text) > MAX_RSA_BITS // 4:
        raise ValueError
    return int.from_bytes(decode(text))


def _usable(key: PublicKey) -> tuple[str, ...]:
    """Algorithms for the public key. Raises JwtError for weak keys."""
    if isinstance(key, rsa.RSAPublicKey):
        if not MIN_RSA_BITS <= key.key_size <= MAX_RSA_BITS:
            raise JwtError(JwtCode.KEY, f"An RSA key of {key.key_size} bits is not used")
        return _RSA
    if key.curve.name not in _BY_CURVE:
        raise JwtError(JwtCode.KEY, "The curve is not one of P-256, P-384, P-521")
    return (_BY_CURVE[key.curve.name],)
