"""The routes of the Keystone face. Every answer is JSON, whatever the client says it accepts."""

from collections.abc import Awaitable, Callable, Mapping

import orjson
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from hansa.base.errors import BadRequest, Forbidden, HansaError, NotFound, Unauthenticated
from hansa.base.telemetry.requests import App, Receive, Scope, Send
from hansa.site.identity.model import Reason
from hansa.site.openstack.identity import render
from hansa.site.openstack.identity.render import Json, Place
from hansa.site.openstack.identity.requests import ByCertificate, Wish, parse_v2, parse_v3
from hansa.site.openstack.identity.service import Issued, Keystone

Handler = Callable[[Request], Awaitable[Response]]
_FEDERATED = "/v3/OS-FEDERATION/identity_providers/{provider}/protocols/{protocol}/auth"


def app(keystone: Keystone, place: Place) -> App:
    """An ASGI application for a listener of its own: paths begin at its root, with or without a slash at the end."""
    face = _Face(keystone, place)
    routes = [
        Route("/", face.versions),
        Route("/v3", face.version_3),
        Route("/v2.0", face.version_2),
        Route("/v2.0/tokens", face.sign_on_v2, methods=["POST"]),
        Route("/v2.0/tenants", face.tenants),
        Route(_FEDERATED, face.federated, methods=["GET", "POST"]),
        Route("/v3/auth/tokens", face.sign_on_v3, methods=["POST"]),
        Route("/v3/auth/tokens", face.validate, methods=["GET"]),
        Route("/v3/auth/tokens", face.revoke, methods=["DELETE"]),
        Route("/v3/auth/projects", face.projects),
        Route("/v3/OS-FEDERATION/projects", face.projects),
        Route("/v3/auth/domains", face.domains),
        Route("/v3/OS-FEDERATION/domains", face.domains),
        Route("/v3/auth/catalog", face.catalog),
    ]
    handlers = {HansaError: face.refused, HTTPException: face.not_routed}
    starlette = Starlette(routes=routes, exception_handlers=handlers)
    starlette.router.redirect_slashes = False  # a redirect would repeat the Host header

    async def trimmed(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope["path"] = scope["path"].rstrip("/") or "/"
        await starlette(scope, receive, send)

    return trimmed


class _Face:
    def __init__(self, keystone: Keystone, place: Place) -> None:
        self._keystone = keystone
        self._place = place

    async def versions(self, _request: Request) -> Response:
        return _json(render.versions(self._place), 300)

    async def version_3(self, _request: Request) -> Response:
        return _json(render.version_3(self._place))

    async def version_2(self, _request: Request) -> Response:
        return _json(render.version_2(self._place))

    async def sign_on_v2(self, request: Request) -> Response:
        wish = parse_v2(await _body(request))
        try:
            issued = await self._keystone.sign_on(request.scope, wish)
        except Unauthenticated as error:
            if error.details["reason"] != Reason.NO_CREDENTIAL:
                raise
            return _json(render.error(400, error.message), 400)  # what keystone-voms says to a client without a proxy
        return _json(render.access_v2(issued, self._place))

    async def tenants(self, request: Request) -> Response:
        return _json(render.tenants(self._keystone.projects(await self._keystone.shown(request.scope))))

    async def federated(self, request: Request) -> Response:
        known = (self._place.identity_provider, ByCertificate.method)
        if (request.path_params["provider"], request.path_params["protocol"]) != known:
            raise NotFound("There is no such identity provider or protocol.")
        return self._issued_v3(await self._keystone.sign_on(request.scope, Wish(ByCertificate())), 201, request)

    async def sign_on_v3(self, request: Request) -> Response:
        wish = parse_v3(await _body(request))
        return self._issued_v3(await self._keystone.sign_on(request.scope, wish), 201, request)

    async def validate(self, request: Request) -> Response:
        return self._issued_v3(await self._keystone.subject(request.scope), 200, request)

    async def revoke(self, request: Request) -> Response:
        await self._keystone.revoke(request.scope)
        return Response(status_code=204)

    async def projects(self, request: Request) -> Response:
        return _json(render.projects(self._keystone.projects(await self._keystone.shown(request.scope)), self._place))

    async def domains(self, request: Request) -> Response:
        await self._keystone.shown(request.scope)
        return _json(render.domains(self._place))

    async def catalog(self, request: Request) -> Response:
        if (await self._keystone.shown(request.scope)).grant is None:
            raise Forbidden("An unscoped token has no catalogue; ask for one that is scoped to a project.")
        return _json(render.catalog(self._place))

    async def refused(self, _request: Request, error: Exception) -> Response:
        assert isinstance(error, HansaError)
        told = {"WWW-Authenticate": f"Keystone uri='{self._place.keystone}'"} if error.status == 401 else {}
        return _json(render.error(error.status, error.message), error.status, told)

    async def not_routed(self, _request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        message = "There is nothing here." if error.status_code == 404 else error.detail
        return _json(render.error(error.status_code, message), error.status_code, error.headers)

    def _issued_v3(self, issued: Issued, status: int, request: Request) -> Response:
        body = render.token_v3(issued, self._place, catalog="nocatalog" not in request.query_params)
        return _json(body, status, {"X-Subject-Token": issued.text})


async def _body(request: Request) -> bytes:
    """As much as the listener lets through."""
    try:
        return await request.body()
    except ClientDisconnect:
        raise BadRequest("The client left before the request was whole.") from None


def _json(body: Json, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    kept = {"Vary": "X-Auth-Token", "Cache-Control": "no-store"}
    return Response(orjson.dumps(body), status, {**kept, **(headers or {})}, "application/json")
