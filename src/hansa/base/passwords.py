"""Passwords, kept as Argon2id hashes (RFC 9106 §4, the second recommended choice: 64 MiB, 3 passes, 4 lanes).

A guess costs the server as much as the guesser, so only a few are checked at a time and only so many wait.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from hansa.base.errors import TooManyRequests

PASSWORD_MAX = 1024
"""Bytes."""
AT_ONCE = 2
WAITING = 64

_hasher = PasswordHasher()
_pool = ThreadPoolExecutor(AT_ONCE, "passwords")
_busy = 0


def hash_password(password: bytes) -> str:
    """The hash's text, with its own salt. It takes a moment: use a thread where others wait."""
    return _hasher.hash(password)


async def check_password(hashed: str | None, password: bytes) -> bool:
    """Whether it is the password. Without a hash (nobody has that name) it takes as long and is false.

    Raises TooManyRequests when too many wait already.
    """
    global _busy
    if len(password) > PASSWORD_MAX:
        return False
    if _busy >= WAITING:
        raise TooManyRequests("Too many log-ins at once; try again in a moment.")
    _busy += 1
    try:
        return await asyncio.get_running_loop().run_in_executor(_pool, matches, hashed, password)
    finally:
        _busy -= 1


def matches(hashed: str | None, password: bytes) -> bool:
    """As `check_password`, here and now: for those who have threads and limits of their own."""
    try:
        _hasher.verify(hashed or _nobodys(), password)
    except (VerificationError, InvalidHashError):
        return False
    return hashed is not None


@cache
def _nobodys() -> str:
    return _hasher.hash(b"the password of nobody")
