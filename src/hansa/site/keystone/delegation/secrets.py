"""Secrets of application credentials: shown once, kept as hashes.

One that is made here has 512 random bits, so a plain hash keeps it; one that somebody thought of is hashed as a password is.
"""

import asyncio
import hashlib
import hmac
import secrets

from hansa.base.errors import BadRequest
from hansa.base.passwords import PASSWORD_MAX, check_password, hash_password

_RANDOM = "sha512$"


def new_secret() -> tuple[str, str]:
    """A secret, and its hash."""
    secret = secrets.token_urlsafe(64)
    return secret, _RANDOM + _digest(secret.encode())


async def hash_of(secret: str) -> str:
    if not 0 < len(secret.encode()) <= PASSWORD_MAX:
        raise BadRequest(f"A secret has 1 to {PASSWORD_MAX} bytes.", field="secret")
    return await asyncio.to_thread(hash_password, secret.encode())


async def is_right(hashed: str | None, secret: bytes) -> bool:
    """Every refusal takes as long as any other, so that nobody learns which credentials there are; None: there is none."""
    if hashed is not None and not hashed.startswith(_RANDOM):
        return await check_password(hashed, secret)
    if hashed is not None and hmac.compare_digest(hashed, _RANDOM + _digest(secret)):
        return True
    return await check_password(None, secret)


def _digest(secret: bytes) -> str:
    return hashlib.sha512(secret).hexdigest()
