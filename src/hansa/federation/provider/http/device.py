"""Where people type the code that a device shows (RFC 8628 §3.3)."""

from collections.abc import Sequence
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from hansa.base.errors import HansaError
from hansa.federation.provider import claims
from hansa.federation.provider.clients import Clients
from hansa.federation.provider.desk import Desk
from hansa.federation.provider.devices import VERIFICATION, Devices
from hansa.federation.provider.errors import LoginRequired, UnknownUserCode
from hansa.federation.provider.http.browser import Browser
from hansa.federation.provider.http.forms import parse_pairs
from hansa.federation.provider.http.login import LoginPages
from hansa.federation.provider.model import Session
from hansa.federation.provider.tokens import Tokens


class DevicePages:
    def __init__(
        self, desk: Desk, clients: Clients, tokens: Tokens, devices: Devices, browser: Browser, logins: LoginPages
    ) -> None:
        self._desk = desk
        self._clients = clients
        self._tokens = tokens
        self._devices = devices
        self._browser = browser
        self._logins = logins

    def routes(self) -> Sequence[BaseRoute]:
        refusing = self._browser.refusing
        return [
            Route(VERIFICATION, refusing(self.ask), methods=["GET"]),
            Route(VERIFICATION, refusing(self.answer), methods=["POST"]),
        ]

    async def ask(self, request: Request) -> Response:
        typed = dict(parse_pairs(request.url.query)).get("user_code", "")[:50]
        session = await self._browser.sessions.current(request)
        if session is None:
            return await self._logins.page(request, f"{VERIFICATION}?{urlencode({'user_code': typed})}")
        return await self._enter(request, session, typed)

    async def answer(self, request: Request) -> Response:
        """First the code, then what the person says to the device that shows it."""
        form, session = await self._browser.form(request)
        if session is None:
            raise LoginRequired("You are not logged in any more.")
        typed, decision = form.get("user_code", ""), form.get("decision", "")
        standing = await self._tokens.standing(session.login.person)
        if standing is None:
            return await self._browser.show(
                request, "no_membership.html", status=403, session=session, client="", back=None
            )
        try:
            if decision not in ("allow", "deny"):
                return await self._confirm(request, session, typed)
            device = await self._devices.waiting(session.login.person, typed)
            allow = decision == "allow" and claims.not_held(standing.groups, device.scope) is None
            await self._devices.decide(session.login, typed, allow=allow)
        except HansaError as error:
            return await self._enter(request, session, typed[:50], error)
        return await self._browser.show(request, "device_done.html", session=session, allowed=allow)

    async def _enter(self, request: Request, session: Session, typed: str, error: HansaError | None = None) -> Response:
        return await self._browser.show(
            request,
            "device.html",
            status=error.status if error else 200,
            session=session,
            action=VERIFICATION,
            typed=typed,
            error=error,
        )

    async def _confirm(self, request: Request, session: Session, typed: str) -> Response:
        device = await self._devices.waiting(session.login.person, typed)
        client = await self._clients.get(device.client)
        if client is None:
            raise UnknownUserCode("The device's application is not registered any more.")
        person = await self._desk.commons.registry.person(session.login.person)
        return await self._browser.show(
            request,
            "device_confirm.html",
            session=session,
            action=VERIFICATION,
            typed=typed,
            client=client.name,
            person=person,
            scope=device.scope,
        )
