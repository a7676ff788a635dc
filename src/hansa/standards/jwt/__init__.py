"""JSON Web Tokens and signatures (RFC 7515, 7517, 7519; best practice: RFC 8725), read strictly.

`verify` takes what others wrote, and says no to everything that is not plainly right: only asymmetric algorithms, only keys that
the verifier brings, issuer and audience to the letter. `sign` makes what we issue. The signatures themselves are joserfc's.
"""

from hansa.standards.jwt.errors import JwtCode, JwtError
from hansa.standards.jwt.jws import ASYMMETRIC, sign_bytes, verify_bytes
from hansa.standards.jwt.keys import Key, KeySet
from hansa.standards.jwt.strict import parse_object
from hansa.standards.jwt.token import TOKEN_MAX, sign, unverified_issuer, verify

__all__ = [
    "ASYMMETRIC",
    "TOKEN_MAX",
    "JwtCode",
    "JwtError",
    "Key",
    "KeySet",
    "parse_object",
    "sign",
    "sign_bytes",
    "unverified_issuer",
    "verify",
    "verify_bytes",
]
