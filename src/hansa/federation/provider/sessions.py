"""Browsers' sessions, and the proof that a form came from a page of ours."""

import hashlib
import hmac
from datetime import timedelta

from starlette.requests import Request
from starlette.responses import Response

from hansa.federation.provider.desk import Desk, encoded, hashed
from hansa.federation.provider.errors import ForgedForm
from hansa.federation.provider.model import LogIn, Session
from hansa.federation.provider.store import sessions as store

COOKIE_MAX = 100


class Sessions:
    """Cookies: the session's, and a visitor's for the time before. Both are the host's alone, out of reach of scripts."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._database = desk.commons.database
        self._secure = desk.issuer.startswith("https:")
        prefix = "__Host-" if self._secure else ""
        self.cookie, self.visit = f"{prefix}hansa-session", f"{prefix}hansa-visit"

    async def current(self, request: Request) -> Session | None:
        secret = request.cookies.get(self.cookie, "")
        if not 0 < len(secret) <= COOKIE_MAX:
            return None
        found = await self._database.read(lambda connection: store.get(connection, hashed(secret)))
        if found is None or found[1] <= self._desk.now:
            return None
        return Session(secret, *found)

    async def begin(self, request: Request, response: Response, login: LogIn) -> None:
        """A new session after a log-in: what the browser had before ends (no fixation)."""
        await self._end(request)
        secret = self._desk.secret()
        life = timedelta(seconds=self._desk.settings.session_lifetime)
        await self._database.write(lambda c: store.insert(c, hashed(secret), login, self._desk.now + life))
        self._set(response, self.cookie, secret, int(life.total_seconds()))
        response.delete_cookie(self.visit, path="/", secure=self._secure, httponly=True, samesite="lax")

    async def end(self, request: Request, response: Response) -> None:
        await self._end(request)
        response.delete_cookie(self.cookie, path="/", secure=self._secure, httponly=True, samesite="lax")

    def visitor(self, request: Request) -> str:
        """The secret that forms before a log-in hang on; `remember` it with the page."""
        known = request.cookies.get(self.visit, "")
        return known if 0 < len(known) <= COOKIE_MAX else self._desk.secret()

    def remember(self, response: Response, visitor: str) -> None:
        self._set(response, self.visit, visitor, 3600)

    def check_form(self, request: Request, session: Session | None, token: str) -> None:
        """Raises ForgedForm."""
        secret = session.secret if session else request.cookies.get(self.visit, "")
        if not secret or not hmac.compare_digest(form_token(secret).encode(), token.encode()):
            raise ForgedForm("This form is not from this page, or is too old; go back and try again.")

    async def _end(self, request: Request) -> None:
        old = request.cookies.get(self.cookie, "")
        if 0 < len(old) <= COOKIE_MAX:
            await self._database.write(lambda connection: store.delete(connection, hashed(old)))

    def _set(self, response: Response, name: str, value: str, age: int) -> None:
        response.set_cookie(name, value, max_age=age, path="/", secure=self._secure, httponly=True, samesite="lax")


def form_token(secret: str) -> str:
    """What a form of that browser holds: nobody makes it without the cookie."""
    return encoded(hmac.digest(secret.encode(), b"form", hashlib.sha256))
