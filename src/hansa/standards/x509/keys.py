"""Which keys and signatures count: strength policy and signature checks."""

from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from hansa.standards.x509.errors import X509Code, X509Error

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey

_HASHES = (hashes.SHA256, hashes.SHA384, hashes.SHA512)
_CURVES = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)
_MAX_RSA_BITS = 16384
"""Longer moduli only serve to keep a verifier busy."""


@dataclass(frozen=True, slots=True)
class KeyPolicy:
    """What keys may be used. Old grids may need `min_rsa_bits=1024`."""

    min_rsa_bits: int = 2048

    def check(self, key: object, whose: object) -> PublicKey:
        """The key, if it is of a known kind and strong enough."""
        if isinstance(key, rsa.RSAPublicKey):
            if not self.min_rsa_bits <= key.key_size <= _MAX_RSA_BITS:
                raise X509Error(
                    X509Code.KEY_WEAK,
                    f"The RSA key of {whose} has {key.key_size} bits; {self.min_rsa_bits} to {_MAX_RSA_BITS} are accepted",
                )
            return key
        if isinstance(key, ec.EllipticCurvePublicKey):
            if not isinstance(key.curve, _CURVES):
                raise X509Error(
                    X509Code.KEY_WEAK, f"The key of {whose} uses the curve {key.curve.name}, which is not accepted"
                )
            return key
        raise X509Error(X509Code.KEY_UNSUPPORTED, f"The key of {whose} is neither RSA nor elliptic curve")


DEFAULT_KEYS = KeyPolicy()


def check_hash(algorithm: hashes.HashAlgorithm | None, whose: object) -> hashes.HashAlgorithm:
    """The signature's hash, if it is of the SHA-2 family."""
    if not isinstance(algorithm, _HASHES):
        name = algorithm.name if algorithm else "no separate hash"
        raise X509Error(
            X509Code.SIGNATURE_ALGORITHM,
            f"The signature of {whose} uses {name}; SHA-256, SHA-384 and SHA-512 are accepted",
        )
    return algorithm


def signature_matches(key: PublicKey, signature: bytes, content: bytes, hash_: hashes.HashAlgorithm) -> bool:
    """Whether `signature` over `content` was made with `key` (RSA PKCS #1 v1.5 or ECDSA)."""
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, content, padding.PKCS1v15(), hash_)
        else:
            key.verify(signature, content, ec.ECDSA(hash_))
    except InvalidSignature:
        return False
    return True


def sign(key: PrivateKey, content: bytes) -> bytes:
    """Signature over `content` with SHA-256."""
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(content, padding.PKCS1v15(), hashes.SHA256())
    return key.sign(content, ec.ECDSA(hashes.SHA256()))
