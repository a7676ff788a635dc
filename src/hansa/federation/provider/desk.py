"""What every part of the provider works with."""

import base64
import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from hansa.federation.commons import Commons
from hansa.federation.provider.settings import ProviderSettings
from hansa.federation.provider.signing import Ring


@dataclass(frozen=True, slots=True)
class Desk:
    """`ring` gives the present keys, `random` so many secret bytes."""

    commons: Commons
    settings: ProviderSettings
    ring: Callable[[], Ring]
    random: Callable[[int], bytes] = secrets.token_bytes

    @property
    def issuer(self) -> str:
        """Also the audience of tokens for the federation's own services."""
        return self.commons.url

    @property
    def now(self) -> datetime:
        return self.commons.clock()

    def secret(self) -> str:
        """256 bits, for codes, tokens and cookies."""
        return encoded(self.random(32))

    def identifier(self) -> str:
        """128 bits: nobody guesses it, but it is no secret."""
        return self.random(16).hex()

    def url(self, path: str) -> str:
        return f"{self.issuer}{path}"


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def hashed(secret: str) -> str:
    """As it is stored. The secrets have 256 random bits: a slow hash would add nothing."""
    return hashlib.sha256(secret.encode()).hexdigest()
