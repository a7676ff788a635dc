"""The routes of the Keystone face. Every answer is JSON, whatever the client says it accepts."""

from collections.abc import Awaitable, Callable, Sequence

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hansa.base.errors import HansaError, NotFound, Unauthenticated
from hansa.base.telemetry.requests import App, Receive, Scope, Send
from hansa.site.directory import book
from hansa.site.identity.model import Reason
from hansa.site.openstack.identity import render
from hansa.site.openstack.identity.answers import answer, done
from hansa.site.openstack.identity.bodies import raw_body
from hansa.site.openstack.identity.catalog import catalog_v2, catalog_v3, seen_by
from hansa.site.openstack.identity.desk import Desk
from hansa.site.openstack.identity.requests import ByToken, parse_v2, parse_v3
from hansa.site.openstack.identity.resources import (
    application_credentials,
    auth,
    credentials,
    domains,
    endpoint_groups,
    endpoints,
    federation,
    grants,
    groups,
    mappings,
    policies,
    projects,
    regions,
    role_assignments,
    roles,
    services,
    trusts,
    users,
    v2,
    websso,
)
from hansa.site.openstack.identity.service import Issued

Handler = Callable[[Request], Awaitable[Response]]
RESOURCES: Sequence[Callable[[Desk], list[Route]]] = (
    auth.routes,
    domains.routes,
    projects.routes,
    users.routes,
    groups.routes,
    roles.routes,
    grants.routes,
    role_assignments.routes,
    regions.routes,
    services.routes,
    endpoints.routes,
    endpoint_groups.routes,
    credentials.routes,
    policies.routes,
    application_credentials.routes,
    trusts.routes,
    v2.routes,
    federation.routes,
    mappings.routes,
    websso.routes,
)
"""Everything below `/v3` but the tokens themselves."""
ACCESS_RULES = "OpenStack-Identity-Access-Rules"
"""The header of those who validate tokens and see to their access rules."""
_NO_TOKEN = frozenset({Reason.TOKEN, Reason.TOKEN_EXPIRED, Reason.TOKEN_REVOKED})
_FEDERATED = "/v3/OS-FEDERATION/identity_providers/{provider}/protocols/{protocol}/auth"


def app(desk: Desk) -> App:
    """An ASGI application for a listener of its own: paths begin at its root, with or without a slash at the end."""
    face = _Face(desk)
    routes = [
        Route("/", face.versions),
        Route("/v3", face.version_3),
        Route("/v2.0", face.version_2),
        Route("/v2.0/tokens", face.sign_on_v2, methods=["POST"]),
        Route(_FEDERATED, face.federated, methods=["GET", "POST"]),
        Route("/v3/auth/tokens", face.sign_on_v3, methods=["POST"]),
        Route("/v3/auth/tokens", face.validate, methods=["GET"]),
        Route("/v3/auth/tokens", face.revoke, methods=["DELETE"]),
        *(route for routes in RESOURCES for route in routes(desk)),
    ]
    handlers = {HansaError: face.refused, HTTPException: face.not_routed}
    starlette = Starlette(routes=routes, exception_handlers=handlers)
    starlette.router.redirect_slashes = False  # a redirect would repeat the Host header

    async def trimmed(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            if not _is_text(scope):
                await answer(render.error(400, "The address is no text."), 400)(scope, receive, send)
                return
            scope["path"] = scope["path"].rstrip("/") or "/"
            book.request.set(object())
        await starlette(scope, receive, send)

    return trimmed


def _is_text(scope: Scope) -> bool:
    """Whether a database can be asked for what the address names: PostgreSQL knows no NUL, and nobody half a character."""
    try:
        scope["path"].encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in scope["path"] and b"%00" not in scope.get("query_string", b"")


class _Face:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._keystone = desk.keystone
        self._place = desk.place
        self._catalogue = desk.catalogue

    async def versions(self, _request: Request) -> Response:
        return answer(render.versions(self._place), 300)

    async def version_3(self, _request: Request) -> Response:
        return answer(render.version_3(self._place))

    async def version_2(self, _request: Request) -> Response:
        return answer(render.version_2(self._place))

    async def sign_on_v2(self, request: Request) -> Response:
        wish = parse_v2(await raw_body(request))
        try:
            issued = await self._keystone.sign_on(request.scope, wish)
        except Unauthenticated as error:
            if error.details["reason"] != Reason.NO_CREDENTIAL:
                raise
            return answer(render.error(400, error.message), 400)  # what keystone-voms says to a client without a proxy
        return answer(render.access_v2(issued, catalog_v2(await seen_by(self._catalogue, issued))))

    async def federated(self, request: Request) -> Response:
        provider, protocol = request.path_params["provider"], request.path_params["protocol"]
        return await self._issued_v3(
            await self._desk.federated.sign_on(request.scope, provider, protocol), 201, request
        )

    async def sign_on_v3(self, request: Request) -> Response:
        wish = parse_v3(await raw_body(request))
        try:
            issued = await self._keystone.sign_on(request.scope, wish)
        except Unauthenticated as error:
            if isinstance(wish.proof, ByToken) and error.details["reason"] in _NO_TOKEN:
                raise NotFound(error.message) from error  # Keystone's word for a token that is none any more
            raise
        return await self._issued_v3(issued, 201, request)

    async def validate(self, request: Request) -> Response:
        found = await self._subject(request, "identity:validate_token")
        application = await self._desk.delegates.application(found.token)
        if application and application.access_rules is not None and ACCESS_RULES not in request.headers:
            raise NotFound("There is no such token for who does not know access rules; keystonemiddleware is too old.")
        return await self._issued_v3(found, 200, request)

    async def revoke(self, request: Request) -> Response:
        await self._keystone.revoke(await self._subject(request, "identity:revoke_token"))
        return done()

    async def _subject(self, request: Request, rule: str) -> Issued:
        """The token asked about. Who may not ask about tokens of others does not learn which are good."""
        bearer = await self._desk.bearer(request)
        try:
            found = await self._keystone.subject(request.scope)
        except NotFound:
            await self._desk.authorise(request, rule, user_id=bearer.user_id)
            raise
        await self._desk.authorise(request, rule, user_id=found.person.user.id)
        return found

    async def refused(self, _request: Request, error: Exception) -> Response:
        assert isinstance(error, HansaError)
        told = {"WWW-Authenticate": f"Keystone uri='{self._place.keystone}'"} if error.status == 401 else {}
        return answer(render.error(error.status, error.message), error.status, told)

    async def not_routed(self, _request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        message = "There is nothing here." if error.status_code == 404 else error.detail
        return answer(render.error(error.status_code, message), error.status_code, error.headers)

    async def _issued_v3(self, issued: Issued, status: int, request: Request) -> Response:
        is_bare = "nocatalog" in request.query_params
        catalog = None if is_bare else catalog_v3(await seen_by(self._catalogue, issued))
        body = render.token_v3(issued, self._place, catalog)
        body["token"] |= await self._desk.delegates.told(issued.token)
        return answer(body, status, {"X-Subject-Token": issued.text})
