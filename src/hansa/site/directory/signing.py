"""Signing on with a password of the directory: slowly, seldom, and not for ever."""

import hashlib
import hmac
import secrets
import time
from datetime import datetime, timedelta

from sqlalchemy import Connection

from hansa.base.errors import TooManyRequests, Unauthenticated
from hansa.base.passwords import PASSWORD_MAX, check_password
from hansa.base.rates import Rate, RateLimit
from hansa.site.directory.book import Book
from hansa.site.directory.model import DEFAULT, Source, User
from hansa.site.directory.settings import PasswordSettings
from hansa.site.directory.store import users
from hansa.site.directory.users import IGNORE_EXPIRY, IGNORE_FIRST_USE
from hansa.site.identity.cache import Cache
from hansa.site.identity.model import LOCAL, USER, Principal, Reason

ATTEMPTS = Rate(burst=100, per_minute=60)
"""For one user from one address. What a minute's memory answers does not count."""
REMEMBERED = timedelta(minutes=1)
"""A proved password is not derived again for so long, unless the user's password changes."""
IGNORE_LOCKOUT = "ignore_lockout_failure_attempts"


class Signing:
    def __init__(self, book: Book, rules: PasswordSettings) -> None:
        self._book = book
        self._rules = rules
        self._attempts = RateLimit(ATTEMPTS, time.monotonic)
        self._pepper = secrets.token_bytes(32)
        self._proved: Cache[str] = Cache(1024)
        self._mark: object | None = None
        self._locks: dict[str, users.Lock] = {}

    async def prove(
        self, user: User | None, password: bytes, client: str | None, *, expired: bool = False
    ) -> Principal:
        """The principal of that user; `None` is whoever is not there, and takes as long. `client` is the address.

        Raises Unauthenticated in one sentence for all that is wrong with a guess, and in another for who proved the password and
        may not sign on with it; TooManyRequests for one who guesses on. `expired`: an expired password will do, to change it.
        """
        lock = await self._lock(user.id) if user else None
        hashed = lock.hash if lock and user and user.source is Source.DIRECTORY else None
        now = self._book.clock()
        locked = lock is not None and user is not None and self._is_locked(user, lock, now)
        if not await self._is_right(user, hashed, password, client, now) or user is None or lock is None:
            if user is not None and lock is not None and not locked and hashed is not None:
                await self._count(user)
            raise _wrong()
        if locked:
            raise _wrong(Reason.LOCKED)
        if not user.enabled:
            raise _wrong(Reason.DISABLED)
        if not expired and self._has_expired(user, lock, now):
            message = f"The password is expired and needs to be changed for user: {user.id}."
            raise Unauthenticated(message, reason=Reason.PASSWORD_EXPIRED.value)
        if lock.failures:
            await self._book.note(lambda connection: users.count_failure(connection, user.id, 0, None))
        return principal_of(user)

    async def _is_right(
        self, user: User | None, hashed: str | None, password: bytes, client: str | None, now: datetime
    ) -> bool:
        # Keyed: what lies in memory is no use for guessing passwords.
        key = hmac.digest(self._pepper, (hashed or "").encode() + b"\0" + password, hashlib.sha256)
        if hashed is not None and self._proved.get(key, now) is not None:
            return True
        if not self._attempts.allows((user.id if user else None, client)):
            raise TooManyRequests("Too many attempts; wait a minute.", reason=Reason.ATTEMPTS.value)
        try:
            right = await check_password(hashed, password[: PASSWORD_MAX + 1])
        except TooManyRequests as error:
            raise TooManyRequests(error.message, reason=Reason.ATTEMPTS.value) from error
        if right and hashed is not None:
            self._proved.put(key, hashed, now + REMEMBERED)
        return right

    async def _lock(self, identifier: str) -> users.Lock | None:
        """Remembered while nothing in the database changes."""
        mark = await self._book.mark()
        if mark is None or mark != self._mark:
            self._mark, self._locks = mark, {}
        locks = self._locks
        if identifier not in locks:
            lock = await self._book.read(lambda connection: users.lock(connection, identifier))
            if lock is None:
                return None
            locks[identifier] = lock
        return locks[identifier]

    def _is_locked(self, user: User, lock: users.Lock, now: datetime) -> bool:
        most = self._rules.lockout_failure_attempts
        if not most or lock.failures < most or lock.failed_at is None or user.options.get(IGNORE_LOCKOUT) is True:
            return False
        return now < lock.failed_at + timedelta(seconds=self._rules.lockout_duration)

    async def _count(self, user: User) -> None:
        """One more failure in a row; a lock that has run out begins a new row."""
        now = self._book.clock()

        def count(connection: Connection) -> None:
            lock = users.lock(connection, user.id)
            if lock is None:
                return
            most = self._rules.lockout_failure_attempts
            row = lock.failures if not most or lock.failures < most else 0
            users.count_failure(connection, user.id, row + 1, now)

        await self._book.note(count)

    def _has_expired(self, user: User, lock: users.Lock, now: datetime) -> bool:
        if lock.expires is None or now < lock.expires:
            return False
        if lock.expires == lock.changed:  # to be changed upon first use
            return user.options.get(IGNORE_FIRST_USE) is not True
        return user.options.get(IGNORE_EXPIRY) is not True


def principal_of(user: User) -> Principal:
    """A user of the directory who proved the password. A ban by plain name reaches those of the default domain."""
    names = {USER + user.id} | ({LOCAL + user.name} if user.domain_id == DEFAULT else set())
    return Principal(USER + user.id, user.name, frozenset(names), stamp=str(user.epoch))


def _wrong(reason: Reason = Reason.PASSWORD) -> Unauthenticated:
    return Unauthenticated("User name or password is wrong.", reason=reason.value)
