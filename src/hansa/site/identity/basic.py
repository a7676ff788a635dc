"""HTTP Basic (RFC 7617) for local users, over TLS or from the same machine only."""

import asyncio
import base64
import binascii
import hashlib
import hmac
import ipaddress
import secrets
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from hansa.base.errors import BackendDown, TooManyRequests, Unauthenticated
from hansa.base.rates import Rate, RateLimit
from hansa.site.identity.cache import Cache
from hansa.site.identity.model import LOCAL, Principal, Reason, Scope
from hansa.site.identity.passwords import NAME_MAX, PASSWORD_MAX, Hashed, LocalUser, Scrypt

REMEMBERED = timedelta(minutes=1)
"""A proved password is not derived again for so long, unless the users file changes."""
AT_ONCE = 2
"""Derivations that may run together; each takes 32 MiB."""
ATTEMPTS = Rate(burst=100, per_minute=60)
"""For one name from one address. What a minute's memory answers does not count."""
WAITING = 64
"""Logins that may wait for theirs; more are turned away, so that guessing costs nobody else memory or minutes."""

_NOBODY = Scrypt(15, 8, 1, bytes(16), bytes(32))
"""What is derived for a name when there are no users at all."""


class Basic:
    """`users` gives the present snapshot of the users file."""

    challenge = 'Basic realm="Hansa", charset="UTF-8"'

    def __init__(self, users: Callable[[], Mapping[str, LocalUser]], clock: Callable[[], datetime]) -> None:
        self._users = users
        self._clock = clock
        self._pepper = secrets.token_bytes(32)
        self._proved: Cache[Principal] = Cache(1024)
        self._deriving = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0
        self._attempts = RateLimit(ATTEMPTS, time.monotonic)

    async def __call__(self, scope: Scope) -> Principal | None:
        given = next((value for name, value in scope["headers"] if name == b"authorization"), None)
        if given is None or given[:6].lower() != b"basic ":
            return None
        return await self.prove(scope, *_parse(given[6:]))

    def named(self, is_meant: Callable[[str], bool]) -> str:
        """The name that `is_meant` recognises; one that nobody has if there is none."""
        return next((name for name in self._users() if is_meant(name)), "")

    def local(self, name: str) -> Principal | None:
        """The user of that name, as after a password."""
        user = self._users().get(name)
        return _principal(name, user) if user else None

    async def prove(self, scope: Scope, name: str, password: bytes) -> Principal:
        """The local user of that name. Raises Unauthenticated, TooManyRequests for one who guesses."""
        check_private(scope)
        users, now = self._users(), self._clock()
        # Keyed: what lies in memory is no use for guessing passwords.
        key = hmac.digest(self._pepper, f"{len(name)}:{name}".encode() + password, hashlib.sha256)
        if known := self._proved.get(key, now, users):
            return known
        client = scope.get("client")
        if not self._attempts.allows((name[:NAME_MAX], client[0] if client else None)):
            raise TooManyRequests("Too many attempts; wait a minute.", reason=Reason.ATTEMPTS.value)
        user = users.get(name)
        if not await self._is_right(_compared(user, users), password) or user is None:
            raise Unauthenticated("User name or password is wrong.", reason=Reason.PASSWORD.value)
        principal = _principal(name, user)
        self._proved.put(key, principal, now + REMEMBERED, users)
        return principal

    async def _is_right(self, hashed: Hashed, password: bytes) -> bool:
        if self._waiting >= WAITING:
            raise BackendDown("Too many logins at once; try again in a moment.", retry_after=5)
        self._waiting += 1
        try:
            async with self._deriving:
                return await asyncio.to_thread(hashed.matches, password)
        finally:
            self._waiting -= 1


def _compared(user: LocalUser | None, users: Mapping[str, LocalUser]) -> Hashed:
    """An unknown name is compared with somebody else's hash, to no effect: it takes as long as a known one."""
    known = user or next(iter(users.values()), None)
    return known.hash if known else _NOBODY


def _principal(name: str, user: LocalUser) -> Principal:
    return Principal(LOCAL + name, name, frozenset({LOCAL + name}), grant=user.grant, stamp=user.stamp)


def _parse(encoded: bytes) -> tuple[str, bytes]:
    try:
        name, separator, password = base64.b64decode(encoded.strip(), validate=True).partition(b":")
        if separator and len(password) <= PASSWORD_MAX:
            return name.decode(), password
    except (binascii.Error, UnicodeDecodeError):
        pass
    raise Unauthenticated("The Authorization header is not user:password in base64.", reason=Reason.MALFORMED.value)


def check_private(scope: Scope) -> None:
    """Raises Unauthenticated for a connection that others can read."""
    if not _is_private(scope):
        raise Unauthenticated("Passwords and tokens are taken over https only.", reason=Reason.INSECURE.value)


def _is_private(scope: Scope) -> bool:
    if scope.get("scheme") == "https":
        return True
    client = scope.get("client")
    try:
        return client is None or ipaddress.ip_address(client[0]).is_loopback  # None: a unix socket
    except ValueError:
        return False
