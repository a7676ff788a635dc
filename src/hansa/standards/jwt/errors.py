"""How tokens are refused: one exception, one enumerated code for each rule."""

from enum import StrEnum

from hansa.standards.errors import StandardError


class JwtCode(StrEnum):
    TOO_LARGE = "jwt.too_large"
    MALFORMED = "jwt.malformed"
    JSON = "jwt.json"
    ALGORITHM = "jwt.algorithm"
    HEADER = "jwt.header"
    TYPE = "jwt.type"
    UNKNOWN_KEY = "jwt.unknown_key"
    KEY = "jwt.key"
    SIGNATURE = "jwt.signature"
    CLAIM = "jwt.claim"
    EXPIRED = "jwt.expired"
    NOT_YET_VALID = "jwt.not_yet_valid"
    ISSUER = "jwt.issuer"
    AUDIENCE = "jwt.audience"


class JwtError(StandardError):
    """A token, signature or key set that is refused. The reason never holds a token or a claim's value."""

    def __init__(self, code: JwtCode, reason: str) -> None:
        super().__init__(code.value, reason)
