"""The log-in page, and the ways of logging in that need nobody else: password and certificate."""

from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from hansa.base.errors import HansaError
from hansa.base.i18n import best_language, translator
from hansa.federation.membership.model import Person
from hansa.federation.provider.addresses import origin
from hansa.federation.provider.desk import Desk
from hansa.federation.provider.http.browser import Browser, go
from hansa.federation.provider.http.forms import parse_pairs
from hansa.federation.provider.logins import Certificates, Login, Offer, Passwords, address
from hansa.federation.provider.model import LogIn, Session

LOGIN = "/oidc/login"
PASSWORD = "/oidc/login/password"  # noqa: S105  # an address
CERTIFICATE = "/oidc/login/certificate"
ACCOUNT = "/oidc/account"
RESUMED = ("/oidc/authorize?", "/oidc/device", "/oidc/account")
"""Where a log-in may lead: nowhere but to these pages of ours."""


class LoginPages:
    def __init__(self, desk: Desk, browser: Browser, others: Sequence[Login] = ()) -> None:
        self._desk = desk
        self._browser = browser
        self._passwords = Passwords(desk)
        self._certificates = Certificates(desk)
        self._others = others

    def routes(self) -> Sequence[BaseRoute]:
        refusing = self._browser.refusing
        own = [
            Route(LOGIN, refusing(self.ask), methods=["GET"]),
            Route(PASSWORD, refusing(self.by_password), methods=["POST"]),
            Route(CERTIFICATE, refusing(self.by_certificate), methods=["POST"]),
        ]
        return [*own, *(route for other in self._others for route in other.routes(self.arrived))]

    async def page(
        self,
        request: Request,
        resume: str,
        *,
        client: str = "",
        targets: Iterable[str] = (),
        hint: str = "",
        session: Session | None = None,
        error: HansaError | None = None,
    ) -> Response:
        """`resume`: where to go on; `client`: who asked for the log-in; `targets`: where that may lead in the end."""
        say = translator(best_language(request.headers.get("accept-language", "")))
        others = [offer for other in self._others if (offer := other.offer(request, say))]
        return await self._browser.show(
            request,
            "login.html",
            status=error.status if error else 200,
            session=session,
            targets=[*targets, *(offer.target for offer in others if offer.target)],
            client=client,
            hint=hint,
            resume=resume,
            error=error,
            password_action=PASSWORD,
            certificate_action=CERTIFICATE if self._certificates.shown(request) else "",
            others=others,
        )

    def links(self, request: Request) -> list[Offer]:
        """Ways to log in that somebody who is logged in may add."""
        say = translator(best_language(request.headers.get("accept-language", "")))
        return [offer for other in self._others if (offer := other.link_offer(say))]

    async def ask(self, request: Request) -> Response:
        return await self.page(request, ACCOUNT, session=await self._browser.sessions.current(request))

    async def by_password(self, request: Request) -> Response:
        form, session = await self._browser.form(request)
        resume, login = form.get("resume", ""), form.get("login", "")
        try:
            person = await self._passwords.prove(login, form.get("password", ""), address(request))
        except HansaError as error:
            return await self._again(request, resume, error, session, hint=login[:64])
        return await self.arrived(request, person, Passwords.method, resume)

    async def by_certificate(self, request: Request) -> Response:
        form, session = await self._browser.form(request)
        resume = form.get("resume", "")
        try:
            person = await self._certificates.prove(request)
        except HansaError as error:
            return await self._again(request, resume, error, session)
        return await self.arrived(request, person, Certificates.method, resume)

    async def arrived(self, request: Request, person: Person, method: str, resume: str) -> Response:
        """Somebody is proved: a new session, and on to where they wanted to go."""
        login = LogIn(person.uid, self._desk.now, (method,))
        response = go(checked(resume))
        await self._browser.sessions.begin(request, response, login)
        self._desk.commons.audit("provider.login", person=person.uid, method=method, client=address(request))
        return response

    async def _again(
        self, request: Request, resume: str, error: HansaError, session: Session | None, hint: str = ""
    ) -> Response:
        return await self.page(
            request, checked(resume), error=error, session=session, hint=hint, targets=_targets(resume)
        )


def checked(resume: str) -> str:
    """An address to go on to: one of our own pages, or the account's."""
    return resume if resume.startswith(RESUMED) and resume.isascii() and resume.isprintable() else ACCOUNT


def _targets(resume: str) -> tuple[str, ...]:
    """Where the request that waits will lead in the end, for the page's policy."""
    found = origin(dict(parse_pairs(urlsplit(resume).query)).get("redirect_uri", ""))
    return (found,) if found else ()
