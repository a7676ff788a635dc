"""What proves a caller of the federation's own services: an access token made for the federation, or the browser's session."""

from starlette.requests import Request

from hansa.base.errors import Unauthenticated
from hansa.federation.identity.model import Authenticator, Proof, Scope
from hansa.federation.membership.errors import NoSuchPerson
from hansa.federation.provider.desk import Desk
from hansa.federation.provider.errors import InvalidToken, Reason
from hansa.federation.provider.http.forms import bearer
from hansa.federation.provider.sessions import Sessions
from hansa.federation.provider.tokens import Tokens, audience_of


class BearerTokens:
    """`Authorization: Bearer …` (RFC 6750)."""

    def __init__(self, desk: Desk, tokens: Tokens) -> None:
        self._desk = desk
        self._tokens = tokens

    async def __call__(self, scope: Scope) -> Proof | None:
        request = Request(scope)
        if not request.headers.get("authorization", "").lower().startswith("bearer"):
            return None
        try:
            found = await self._tokens.bearer(bearer(request))
        except InvalidToken as error:
            raise Unauthenticated(error.message, reason=error.details.get("reason", error.code)) from error
        if self._desk.issuer not in audience_of(found.claims):
            raise Unauthenticated("The access token was made for another service.", reason="jwt.audience")
        if found.standing is None:
            raise Unauthenticated("The access token speaks of no person.", reason=Reason.NO_PERSON.value)
        return Proof(found.standing.person)


class BrowserSessions:
    """The cookie of somebody who is logged in, member or not."""

    def __init__(self, desk: Desk, sessions: Sessions) -> None:
        self._desk = desk
        self._sessions = sessions

    async def __call__(self, scope: Scope) -> Proof | None:
        session = await self._sessions.current(Request(scope))
        if session is None:
            return None
        try:
            return Proof(await self._desk.commons.registry.person(session.login.person), ambient=True)
        except NoSuchPerson:
            return None


def authenticators(desk: Desk, tokens: Tokens, sessions: Sessions) -> tuple[Authenticator, ...]:
    return BearerTokens(desk, tokens), BrowserSessions(desk, sessions)
