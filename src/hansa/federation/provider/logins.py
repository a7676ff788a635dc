"""Ways to prove who one is. Each has pages or addresses of its own; others (upstream providers) are added beside these."""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from hansa.base.errors import TooManyRequests
from hansa.base.rates import Rate, RateLimit
from hansa.federation.membership.model import Credential, Person
from hansa.federation.provider.desk import Desk, hashed
from hansa.federation.provider.errors import LoginLocked, LoginRefused, Reason
from hansa.federation.provider.store import sessions as store
from hansa.standards.x509 import X509Error, load_chain, validate_chain

ATTEMPTS = Rate(burst=20, per_minute=10)
"""Wrong and right passwords from one address."""
LOGIN_MAX = 64


@dataclass(frozen=True, slots=True)
class Offer:
    """A button on a page. `action`: where its form is sent; `target`: the origin that this leads to, empty for ours."""

    label: str
    action: str
    target: str = ""


Arrived = Callable[[Request, Person, str, str], Awaitable[Response]]
"""`(request, person, method, resume)`: somebody is proved; the page goes on. `method` of RFC 8176."""


class Login(Protocol):
    """`offer`: what the log-in page shows for this request, None if it cannot serve here; `link_offer`: what the account page
    shows to somebody who may want to log in that way, too."""

    def routes(self, arrived: Arrived) -> Sequence[BaseRoute]: ...
    def offer(self, request: Request, _: Callable[[str], str]) -> Offer | None: ...
    def link_offer(self, _: Callable[[str], str]) -> Offer | None: ...


class Passwords:
    """Login and password; throttled for each address, locked for each login, whether there is such a login or not."""

    method = "pwd"

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._attempts = RateLimit(ATTEMPTS, time.monotonic)

    async def prove(self, login: str, password: str, client: str) -> Person:
        """Raises LoginRefused, LoginLocked, TooManyRequests. `client`: an address."""
        name = login.strip().lower()[:LOGIN_MAX]
        try:
            return await self._prove(name, password, client)
        except (LoginRefused, LoginLocked, TooManyRequests) as error:
            self._desk.commons.audit("provider.login_refused", login=name, code=error.code, client=client)
            raise

    async def _prove(self, name: str, password: str, client: str) -> Person:
        database, settings, key = self._desk.commons.database, self._desk.settings, hashed(name)
        if not self._attempts.allows(client):
            raise TooManyRequests("Too many attempts; wait a minute.")
        before = await database.read(lambda connection: store.failed(connection, key, self._desk.now))
        if before >= settings.attempts:
            raise LoginLocked("Too many wrong passwords: this login is locked for a while. A certificate still works.")
        person = await self._desk.commons.registry.check_password(name, password.encode())
        if person is None:
            until = self._desk.now + timedelta(seconds=settings.lock)
            await database.write(lambda connection: store.fail(connection, key, self._desk.now, until))
            raise LoginRefused("Login or password is wrong.")
        if before:
            await database.write(lambda connection: store.succeed(connection, key))
        return person


class Certificates:
    """The certificate that the browser showed when it connected."""

    method = "x509"

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def shown(self, request: Request) -> Sequence[str]:
        """The chain, in PEM, not judged yet."""
        extensions: Mapping[str, Mapping[str, Sequence[str]]] = request.scope.get("extensions", {})
        return extensions.get("tls", {}).get("client_cert_chain", ())

    async def prove(self, request: Request) -> Person:
        """Raises LoginRefused."""
        commons = self._desk.commons
        client = address(request)
        try:
            chain = load_chain(self.shown(request), commons.chain_policy)
            identity = validate_chain(chain, commons.trust(), now=commons.clock(), policy=commons.chain_policy)
        except X509Error as error:
            commons.audit("provider.login_refused", code=error.code, reason=error.reason, client=client)
            raise LoginRefused(f"Your certificate is not accepted: {error.reason}.", reason=error.code) from error
        subject = identity.subject.slash()
        if identity.limited:
            commons.audit("provider.login_refused", code=Reason.LIMITED_PROXY.value, subject=subject, client=client)
            raise LoginRefused("A limited proxy cannot log in.", reason=Reason.LIMITED_PROXY.value)
        credential = Credential(identity.subject, identity.issuer)
        if (why := await commons.registry.suspension_of(credential)) is not None:
            commons.audit("provider.login_refused", code=Reason.SUSPENDED.value, subject=subject, client=client)
            raise LoginRefused(f"This certificate is suspended: {why}", reason=Reason.SUSPENDED.value)
        person = await commons.registry.person_of(credential)
        if person is None:
            commons.audit("provider.login_refused", code=Reason.STRANGER.value, subject=subject, client=client)
            raise LoginRefused(
                "Your certificate is valid, but belongs to nobody who is registered here.", reason=Reason.STRANGER.value
            )
        return person


def address(request: Request) -> str:
    return request.client.host if request.client else ""
