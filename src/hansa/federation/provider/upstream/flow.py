"""There and back: begin an attempt, find it again with the browser that began it, log in or link."""

import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qsl, urlencode

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from hansa.base.errors import HansaError
from hansa.federation.membership.model import Person, Subject
from hansa.federation.provider.desk import Desk, hashed
from hansa.federation.provider.errors import LoginRequired
from hansa.federation.provider.http.browser import Browser, go
from hansa.federation.provider.http.login import ACCOUNT, checked
from hansa.federation.provider.logins import Arrived, Offer, address
from hansa.federation.provider.model import Session
from hansa.federation.provider.upstream import store
from hansa.federation.provider.upstream.model import Attempt, Counterpart, Purpose, Reason, UpstreamRefused

LIFE = timedelta(minutes=15)
"""How long somebody may take over there."""


class Upstream:
    """One identity provider as a way to log in. `method`: what the session says of it (RFC 8176 has no better: `ext`)."""

    method = "ext"

    def __init__(self, desk: Desk, browser: Browser, name: str, label: str, counterpart: Counterpart) -> None:
        self._desk = desk
        self._browser = browser
        self._label = label
        self._counterpart = counterpart
        self.name = name
        self.path = f"/oidc/upstream/{name}"
        self._arrived: Arrived | None = None

    def routes(self, arrived: Arrived) -> Sequence[BaseRoute]:
        self._arrived = arrived
        refusing = self._browser.refusing
        return [
            Route(f"{self.path}/start", refusing(self.start), methods=["POST"]),
            Route(f"{self.path}/callback", refusing(self.callback), methods=["GET"]),
            Route(f"{self.path}/acs", refusing(self.post_back), methods=["POST"]),
            Route(f"{self.path}/done", refusing(self.done), methods=["GET"]),
            *self._counterpart.routes(self.path),
        ]

    def offer(self, request: Request, _: Callable[[str], str]) -> Offer | None:
        return Offer(_("Log in with %(name)s") % {"name": self._label}, f"{self.path}/start", self._counterpart.origin)

    def link_offer(self, _: Callable[[str], str]) -> Offer:
        return Offer(_("Link %(name)s") % {"name": self._label}, f"{self.path}/start", self._counterpart.origin)

    async def start(self, request: Request) -> Response:
        form, session = await self._browser.form(request)
        purpose = Purpose.LINK if form.get("purpose") == Purpose.LINK.value else Purpose.LOGIN
        if purpose is Purpose.LINK and session is None:
            raise LoginRequired("Log in first; then link the other identity.")
        departure = await self._counterpart.depart()
        attempt = Attempt(
            provider=self.name,
            purpose=purpose,
            browser=hashed(self._secret(request, session)),
            resume=checked(form.get("resume", "")),
            person=session.login.person if session and purpose is Purpose.LINK else None,
            remembered=departure.remembered,
            expires=self._desk.now + LIFE,
        )
        await self._keep(departure.state, attempt)
        return go(departure.url)

    async def callback(self, request: Request) -> Response:
        """OpenID Connect: the browser itself brings the answer, with its cookies."""
        answer = dict(request.query_params)
        attempt = await self._take(answer.get("state", ""))
        await self._same_browser(request, attempt)
        subject = await self._proved(request, attempt, answer)
        return await self._welcome(request, attempt, subject)

    async def post_back(self, request: Request) -> Response:
        """SAML: a page of the identity provider posts the answer, so that cookies stay away (SameSite).

        The answer is judged here; a redirect then brings the browser with its cookies, which decide whose it is.
        """
        answer = _form((await request.body()).decode("latin-1"))
        attempt = await self._take(answer.get("RelayState", ""))
        subject = await self._proved(request, attempt, answer)
        identifier = self._desk.secret()
        await self._keep(identifier, replace(attempt, remembered={}, subject=subject))
        return go(f"{self.path}/done?{urlencode({'attempt': identifier})}")

    async def done(self, request: Request) -> Response:
        attempt = await self._take(request.query_params.get("attempt", ""))
        await self._same_browser(request, attempt)
        if attempt.subject is None:
            raise self._refused(request, Reason.ATTEMPT, "This log-in was not finished; begin again.")
        return await self._welcome(request, attempt, attempt.subject)

    async def _welcome(self, request: Request, attempt: Attempt, subject: Subject) -> Response:
        if attempt.purpose is Purpose.LINK and attempt.person:
            await self._link(request, attempt.person, subject)
            return go(ACCOUNT)
        assert self._arrived is not None
        return await self._arrived(request, await self._person(request, subject), self.method, attempt.resume)

    async def _person(self, request: Request, subject: Subject) -> Person:
        """Whose identity it is. Raises UpstreamRefused."""
        registry = self._desk.commons.registry
        if (why := await registry.suspension_of(subject)) is not None:
            raise self._refused(request, Reason.SUSPENDED, f"This identity is suspended: {why}")
        person = await registry.person_of(subject)
        if person is None:
            message = (
                "This identity belongs to nobody who is registered here. If you are a member, log in by another way"
                " and link it on your account page."
            )
            raise self._refused(request, Reason.STRANGER, message)
        return person

    async def _link(self, request: Request, person: str, subject: Subject) -> None:
        """Raises CredentialTaken, NoSuchPerson; nothing happens if it is linked to that person already."""
        registry = self._desk.commons.registry
        known = await registry.person_of(subject)
        if known is None or known.uid != person:
            await registry.link(person, subject, actor=person)
            self._desk.commons.audit("provider.linked", person=person, issuer=subject.issuer, client=address(request))

    async def _proved(self, request: Request, attempt: Attempt, answer: Mapping[str, str]) -> Subject:
        try:
            return await self._counterpart.arrive(answer, attempt.remembered)
        except HansaError as error:
            self._note(request, str(error.details.get("reason", error.code)))
            raise

    async def _take(self, identifier: str) -> Attempt:
        """The attempt of that identifier, once. Raises UpstreamRefused."""
        found = None
        if 0 < len(identifier) <= 100:
            found = await self._desk.commons.database.write(lambda c: store.take(c, hashed(identifier)))
        if found is None or found.provider != self.name or found.expires <= self._desk.now:
            message = "This log-in was begun long ago, or has been used; begin again."
            raise UpstreamRefused(message, reason=Reason.ATTEMPT.value)
        return found

    async def _keep(self, identifier: str, attempt: Attempt) -> None:
        def insert(connection: Connection) -> None:
            store.sweep(connection, self._desk.now)
            store.insert(connection, hashed(identifier), attempt)

        await self._desk.commons.database.write(insert)

    async def _same_browser(self, request: Request, attempt: Attempt) -> None:
        """Nobody is logged in by an answer that somebody else's browser asked for. Raises UpstreamRefused."""
        session = await self._browser.sessions.current(request)
        if not hmac.compare_digest(hashed(self._secret(request, session)), attempt.browser):
            raise self._refused(request, Reason.BROWSER, "This log-in was begun in another browser; begin again.")

    def _secret(self, request: Request, session: Session | None) -> str:
        return session.secret if session else self._browser.sessions.visitor(request)

    def _refused(self, request: Request, reason: Reason, message: str) -> UpstreamRefused:
        self._note(request, reason.value)
        return UpstreamRefused(message, reason=reason.value)

    def _note(self, request: Request, reason: str) -> None:
        self._desk.commons.audit(
            "provider.login_refused",
            upstream=self.name,
            code=UpstreamRefused.code,
            reason=reason,
            client=address(request),
        )


def _form(body: str) -> Mapping[str, str]:
    """What another site's page posted; base64 in it may have line ends. Raises UpstreamRefused."""
    try:
        return dict(parse_qsl(body, errors="strict", max_num_fields=10))
    except ValueError:
        raise UpstreamRefused("The answer cannot be read.", reason=Reason.RESPONSE.value) from None
