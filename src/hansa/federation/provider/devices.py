"""Devices without a browser (RFC 8628): the person types a short code elsewhere, and the device asks until it is done."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection

from hansa.base.errors import TooManyRequests
from hansa.base.rates import Rate, RateLimit
from hansa.federation.provider import clients, scopes
from hansa.federation.provider.desk import Desk, hashed
from hansa.federation.provider.errors import (
    AccessDenied,
    AuthorizationPending,
    ExpiredToken,
    InvalidGrant,
    OAuthError,
    SlowDown,
    UnauthorizedClient,
    UnknownUserCode,
)
from hansa.federation.provider.granting import Granting
from hansa.federation.provider.model import Client, Device, DeviceState, Grant, GrantType, LogIn
from hansa.federation.provider.store import devices as store
from hansa.federation.provider.store import grants as grant_store

LIFE = timedelta(minutes=10)
INTERVAL = 5
"""Seconds."""
ALPHABET = "BCDFGHJKLMNPQRSTVWXZ"
"""No vowels, so no words, and nothing that looks like another (RFC 8628 §6.1)."""
LENGTH = 8
"""20⁸ codes: with ten guesses a minute and ten thousand devices waiting, one hit in 50 years."""
GUESSES = Rate(burst=10, per_minute=10)
BEGINNINGS = Rate(burst=60, per_minute=60)
"""Of one client at one address, which many people may share: each waits in the database for ten minutes."""
VERIFICATION = "/oidc/device"


class Devices:
    def __init__(self, desk: Desk, granting: Granting) -> None:
        self._desk = desk
        self._granting = granting
        self._database = desk.commons.database
        self._guesses = RateLimit(GUESSES, time.monotonic)
        self._beginnings = RateLimit(BEGINNINGS, time.monotonic)

    async def begin(self, client: Client, address: str, asked: Sequence[str], wanted: Iterable[str]) -> dict[str, Any]:
        """The reply to a device authorization request (RFC 8628 §3.2). Raises SlowDown for an address that asks too often."""
        if GrantType.DEVICE not in client.grants:
            raise UnauthorizedClient("The client may not use the device flow.")
        if not self._beginnings.allows((client.id, address)):
            raise SlowDown("Too many devices were begun; wait a minute.")
        scope = scopes.allowed(asked, client.scopes)
        audiences = clients.audiences(client, wanted)
        code, user_code = self._desk.secret(), self._user_code()
        expires = self._desk.now + LIFE
        device = Device(client.id, scope, audiences, expires, INTERVAL, None, DeviceState.PENDING, None)
        await self._database.write(lambda c: store.insert(c, hashed(code), hashed(user_code), device))
        page = self._desk.url(VERIFICATION)
        shown = f"{user_code[:4]}-{user_code[4:]}"
        return {
            "device_code": code,
            "user_code": shown,
            "verification_uri": page,
            "verification_uri_complete": f"{page}?user_code={shown}",
            "expires_in": int(LIFE.total_seconds()),
            "interval": INTERVAL,
        }

    async def waiting(self, person: str, typed: str) -> Device:
        """The device that shows this code. Raises UnknownUserCode; TooManyRequests for a person who guesses."""
        if not self._guesses.allows(person):
            raise TooManyRequests("Too many codes were tried; wait a minute.")
        code = normal(typed)
        device = await self._database.read(lambda connection: store.by_user_code(connection, hashed(code)))
        if device is None or device.state is not DeviceState.PENDING or device.expires <= self._desk.now:
            raise UnknownUserCode("No device shows this code now; look again, or let it show a new one.")
        return device

    async def decide(self, login: LogIn, typed: str, *, allow: bool) -> Device:
        """What the person says to the device. Raises as `waiting` does."""
        device = await self.waiting(login.person, typed)
        code = hashed(normal(typed))
        grant = Grant(self._desk.identifier(), device.client, login, device.scope, device.audiences)

        def decided(connection: Connection) -> None:
            now = store.by_user_code(connection, code)
            if now is None or now.state is not DeviceState.PENDING:
                raise UnknownUserCode("The device has been answered already.")
            if allow:
                grant_store.insert(connection, grant, device.expires)
            state = DeviceState.APPROVED if allow else DeviceState.DENIED
            store.decide(connection, code, state, grant.id if allow else None)

        await self._database.write(decided)
        event = "provider.authorized" if allow else "provider.denied"
        self._desk.commons.audit(event, client=device.client, person=login.person, scope=" ".join(device.scope))
        return device

    async def redeem(self, client: Client, code: str) -> dict[str, Any]:
        """Tokens for the device, once its person has agreed.

        Raises AuthorizationPending, SlowDown, AccessDenied, ExpiredToken, InvalidGrant.
        """
        if GrantType.DEVICE not in client.grants:
            raise UnauthorizedClient("The client may not use the device flow.")

        if await self._database.read(lambda connection: store.get(connection, hashed(code))) is None:
            raise InvalidGrant("The device code is unknown, or has been used.")

        def asked(connection: Connection) -> tuple[Grant, str | None] | OAuthError:
            device = store.get(connection, hashed(code))
            if device is None or device.client != client.id:
                return InvalidGrant("The device code is unknown, or has been used.")
            if device.expires <= self._desk.now:
                store.delete(connection, hashed(code))
                return ExpiredToken("The device code has expired.")
            if device.state is DeviceState.PENDING:
                return self._pending(connection, code, device)
            store.delete(connection, hashed(code))
            grant = grant_store.get(connection, device.grant) if device.grant else None
            if grant is None:
                return AccessDenied("The person has refused.")
            return grant, self._granting.begin(connection, client, grant)

        outcome = await self._database.write(asked)
        if isinstance(outcome, OAuthError):
            raise outcome
        grant, refresh = outcome
        return await self._granting.issue(grant, grant.scope, refresh=refresh)

    def _pending(self, connection: Connection, code: str, device: Device) -> OAuthError:
        now = self._desk.now
        is_early = device.polled is not None and now - device.polled < timedelta(seconds=device.interval)
        slower = replace(device, interval=device.interval + INTERVAL if is_early else device.interval)
        store.asked(connection, hashed(code), now, slower.interval)
        if is_early:
            return SlowDown(f"Ask every {slower.interval} seconds at most.")
        return AuthorizationPending("The person has not answered yet.")

    def _user_code(self) -> str:
        """Each letter from a byte below 240, so that all are equally likely."""
        letters = ""
        while len(letters) < LENGTH:
            letters += "".join(ALPHABET[byte % 20] for byte in self._desk.random(16) if byte < 240)
        return letters[:LENGTH]


def normal(typed: str) -> str:
    """As people type it: in any case, with dashes or spaces. Raises UnknownUserCode for what cannot be a code."""
    code = "".join(letter for letter in typed[:50].upper() if letter.isalnum())
    if len(code) != LENGTH or not set(code) <= set(ALPHABET):
        raise UnknownUserCode("A code has eight letters, such as BCDF-GHJK.")
    return code
