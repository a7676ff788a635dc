"""The authorization endpoint: from a client's request, by way of log-in and consent, back to the client."""

from collections.abc import Sequence
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from hansa.federation.provider import addresses, claims
from hansa.federation.provider.authorization import Authorization, Destination, destination, read
from hansa.federation.provider.clients import Clients
from hansa.federation.provider.desk import Desk
from hansa.federation.provider.errors import AccessDenied, ConsentRequired, LoginRequired, OAuthError
from hansa.federation.provider.granting import Granting
from hansa.federation.provider.http.browser import Browser, go
from hansa.federation.provider.http.forms import pairs_of, parse_pairs
from hansa.federation.provider.http.login import LoginPages
from hansa.federation.provider.model import Session
from hansa.federation.provider.store import clients as store
from hansa.federation.provider.tokens import Tokens

AUTHORIZE = "/oidc/authorize"
CONSENT = "/oidc/consent"

Pairs = Sequence[tuple[str, str]]


class Authorizing:
    def __init__(
        self, desk: Desk, clients: Clients, tokens: Tokens, granting: Granting, browser: Browser, logins: LoginPages
    ) -> None:
        self._desk = desk
        self._clients = clients
        self._tokens = tokens
        self._granting = granting
        self._browser = browser
        self._logins = logins

    def routes(self) -> Sequence[BaseRoute]:
        refusing = self._browser.refusing
        return [
            Route(AUTHORIZE, refusing(self.authorize), methods=["GET", "POST"]),
            Route(CONSENT, refusing(self.consent), methods=["POST"]),
        ]

    async def authorize(self, request: Request) -> Response:
        pairs = await pairs_of(request) if request.method == "POST" else parse_pairs(request.url.query)
        where = await destination(self._clients, pairs)
        session = await self._browser.sessions.current(request)
        try:
            return await self._go_on(request, pairs, read(where, pairs), session)
        except OAuthError as error:
            return self._refuse(where, error)

    async def consent(self, request: Request) -> Response:
        """The answer to the consent page. Nothing of the request is believed because it was shown: it is read again."""
        form, session = await self._browser.form(request)
        pairs = parse_pairs(form.get("request", ""))
        where = await destination(self._clients, pairs)
        try:
            asked = read(where, pairs)
            if session is None or asked.wants_login(session.login, self._desk.now):
                return await self._go_on(request, pairs, asked, session)
            if form.get("decision") != "allow":
                self._desk.commons.audit("provider.denied", client=where.client.id, person=session.login.person)
                raise AccessDenied("The person has refused.")
            refused = await self._not_a_member(request, asked, session)
            return refused or await self._allow(asked, session)
        except OAuthError as error:
            return self._refuse(where, error)

    async def _go_on(self, request: Request, pairs: Pairs, asked: Authorization, session: Session | None) -> Response:
        silent = "none" in asked.prompt
        if session is None or asked.wants_login(session.login, self._desk.now):
            if silent:
                raise LoginRequired("Nobody is logged in.")
            back = addresses.origin(asked.destination.redirect_uri)
            resume = f"{AUTHORIZE}?{urlencode(_without_prompt(pairs))}"
            return await self._logins.page(
                request, resume, client=asked.client.name, targets=(back,), hint=asked.hint or "", session=session
            )
        if refused := await self._not_a_member(request, asked, session):
            return refused
        if await self._must_ask(asked, session):
            if silent:
                raise ConsentRequired("The person has not agreed to this yet.")
            return await self._ask(request, pairs, asked, session)
        return await self._allow(asked, session)

    async def _not_a_member(self, request: Request, asked: Authorization, session: Session) -> Response | None:
        """A page for somebody who can get no tokens now. Raises AccessDenied for a group that the person is not in."""
        standing = await self._tokens.standing(session.login.person)
        if standing is not None:
            if claims.not_held(standing.groups, asked.scope):
                raise AccessDenied("The person is not in one of the groups asked for.")
            return None
        error = AccessDenied("The person is a member of no virtual organisation at present.")
        self._desk.commons.audit(
            "provider.refused", client=asked.client.id, person=session.login.person, code=error.code
        )
        back = asked.destination.refusal(self._desk.issuer, error)
        if "none" in asked.prompt:
            return go(back)
        return await self._browser.show(
            request, "no_membership.html", status=403, session=session, client=asked.client.name, back=back
        )

    async def _must_ask(self, asked: Authorization, session: Session) -> bool:
        if "consent" in asked.prompt:
            return True
        if asked.client.trusted:
            return False
        if not asked.destination.is_assured:
            return True
        person = session.login.person
        given = await self._desk.commons.database.read(lambda c: store.consented(c, asked.client.id, person))
        return not set(asked.scope) <= given

    async def _ask(self, request: Request, pairs: Pairs, asked: Authorization, session: Session) -> Response:
        person = await self._desk.commons.registry.person(session.login.person)
        uri = asked.destination.redirect_uri
        return await self._browser.show(
            request,
            "consent.html",
            session=session,
            targets=(addresses.origin(uri),),
            client=asked.client.name,
            where=addresses.origin(uri),
            person=person,
            scope=asked.scope,
            request_query=urlencode(_without_prompt(pairs)),
            action=CONSENT,
        )

    async def _allow(self, asked: Authorization, session: Session) -> Response:
        code = await self._granting.code(asked, session.login)
        return go(asked.destination.answer(self._desk.issuer, {"code": code}))

    def _refuse(self, where: Destination, error: OAuthError) -> Response:
        self._desk.commons.audit("provider.authorization_refused", client=where.client.id, code=error.code)
        return go(where.refusal(self._desk.issuer, error))


def _without_prompt(pairs: Pairs) -> Pairs:
    """The request as it goes on after a page that the prompt asked for; else the page would come again."""
    return [(name, value) for name, value in pairs if name != "prompt"]
