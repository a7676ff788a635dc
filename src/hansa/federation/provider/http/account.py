"""The person's own page: who they are here, which applications have access; and the way out."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from hansa.federation.membership.errors import NoSuchPerson
from hansa.federation.provider.addresses import is_registered, with_query
from hansa.federation.provider.clients import Clients
from hansa.federation.provider.desk import Desk
from hansa.federation.provider.errors import LoginRequired
from hansa.federation.provider.granting import Granting
from hansa.federation.provider.http.browser import Browser, go
from hansa.federation.provider.http.forms import pairs_of, parse_pairs
from hansa.federation.provider.http.login import ACCOUNT, LoginPages
from hansa.federation.provider.model import Client, Session
from hansa.federation.provider.parameters import Parameters
from hansa.federation.provider.store import grants as store
from hansa.federation.provider.store import sessions as session_store
from hansa.standards.jwt import TOKEN_MAX, JwtError, parse_object, verify_bytes

LOGOUT = "/oidc/logout"
LOGGED_OUT = "/oidc/logged-out"
REVOKE = "/oidc/account/revoke"
EVERYWHERE = "/oidc/account/everywhere"


class AccountPages:
    def __init__(self, desk: Desk, clients: Clients, granting: Granting, browser: Browser, logins: LoginPages) -> None:
        self._desk = desk
        self._clients = clients
        self._granting = granting
        self._browser = browser
        self._logins = logins

    def routes(self) -> Sequence[BaseRoute]:
        refusing = self._browser.refusing
        return [
            Route(ACCOUNT, refusing(self.account), methods=["GET"]),
            Route(REVOKE, refusing(self.revoke), methods=["POST"]),
            Route(EVERYWHERE, refusing(self.everywhere), methods=["POST"]),
            Route(LOGOUT, refusing(self.logout), methods=["GET", "POST"]),
            Route(LOGGED_OUT, refusing(self.logged_out), methods=["POST"]),
        ]

    async def account(self, request: Request) -> Response:
        session = await self._browser.sessions.current(request)
        registry = self._desk.commons.registry
        try:
            person = await registry.person(session.login.person) if session else None
        except NoSuchPerson:
            person = None
        if session is None or person is None:
            return await self._logins.page(request, ACCOUNT)
        held = await registry.memberships_of(person.uid)
        grants = await self._desk.commons.database.read(lambda connection: store.of_person(connection, person.uid))
        names = {client.id: client.name for client in await self._clients.all()}
        links = self._logins.links(request)
        applications = [(grant, names.get(grant.client, grant.client)) for grant in grants]
        return await self._browser.show(
            request,
            "account.html",
            session=session,
            targets=[offer.target for offer in links if offer.target],
            links=links,
            person=person,
            held=held,
            applications=applications,
            revoke=REVOKE,
            logout=LOGGED_OUT,
            everywhere=EVERYWHERE,
        )

    async def everywhere(self, request: Request) -> Response:
        """After a lost computer or password: every session ends, and every application's access."""
        _form, session = await self._browser.form(request)
        if session is None:
            raise LoginRequired("You are not logged in any more.")
        person = session.login.person

        def end(connection: Connection) -> None:
            store.revoke_of(connection, person)
            session_store.delete_of(connection, person)

        await self._desk.commons.database.write(end)
        self._desk.commons.audit("provider.logout", person=person, everywhere=True)
        return await self._out(request, None, None)

    async def revoke(self, request: Request) -> Response:
        """Take back what an application was granted: only one's own."""
        form, session = await self._browser.form(request)
        if session is None:
            raise LoginRequired("You are not logged in any more.")
        grant = form.get("grant", "")
        found = await self._desk.commons.database.read(lambda connection: store.get(connection, grant))
        if found and found.login.person == session.login.person:
            await self._granting.revoke(grant)
            self._desk.commons.audit("provider.revoked", person=session.login.person, client=found.client, grant=grant)
        return go(ACCOUNT)

    async def logout(self, request: Request) -> Response:
        """OpenID Connect RP-Initiated Logout 1.0. Without a fitting ID token the person is asked first."""
        pairs = await pairs_of(request) if request.method == "POST" else parse_pairs(request.url.query)
        parameters = Parameters(pairs)
        hint = self._hint(parameters.get("id_token_hint"))
        client = await self._leaving(parameters, hint)
        back = self._back(parameters, client)
        session = await self._browser.sessions.current(request)
        if session and hint and hint["sub"] == session.login.person:
            return await self._out(request, session, back)
        if session is None:
            return go(back) if back else await self._browser.show(request, "logged_out.html")
        return await self._browser.show(
            request, "logout.html", session=session, action=LOGGED_OUT, client=client.name if client else ""
        )

    async def logged_out(self, request: Request) -> Response:
        _form, session = await self._browser.form(request)
        return await self._out(request, session, None)

    async def _out(self, request: Request, session: Session | None, back: str | None) -> Response:
        response = go(back) if back else await self._browser.show(request, "logged_out.html")
        await self._browser.sessions.end(request, response)
        if session:
            self._desk.commons.audit("provider.logout", person=session.login.person)
        return response

    async def _leaving(self, parameters: Parameters, hint: dict[str, Any] | None) -> Client | None:
        """Which client sent the person: by its ID token, and by its name if it says it; they must agree."""
        named = parameters.get("client_id") or (hint["aud"] if hint else None)
        if named is None or (hint and hint["aud"] != named):
            return None
        return await self._clients.get(named)

    def _back(self, parameters: Parameters, client: Client | None) -> str | None:
        """Where the client wants the person back, if it has registered that."""
        uri, state = parameters.get("post_logout_redirect_uri"), parameters.get("state")
        if uri is None or client is None or not is_registered(uri, client.logout_uris):
            return None
        return with_query(uri, {"state": state}) if state else uri

    def _hint(self, token: str | None) -> dict[str, Any] | None:
        """Of an ID token that we made, however old."""
        if token is None:
            return None
        try:
            found = parse_object(verify_bytes(token, self._desk.ring().published, max_size=TOKEN_MAX, typ="JWT"))
        except JwtError:
            return None
        return found if found.get("iss") == self._desk.issuer else None
