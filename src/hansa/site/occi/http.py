"""The OCCI face: an ASGI application that decodes a request, calls the service, and renders what it gives.

What a request means is a row of `ROUTES`: what the path names × method × whether there is an `?action=`.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from typing import Any

import structlog

from hansa.base.database import Database
from hansa.base.errors import BadRequest, HansaError, TooLarge, Unauthenticated
from hansa.cloud.model import Caller
from hansa.cloud.port import Cloud
from hansa.site.occi import definitions, respond, service
from hansa.site.occi.negotiation import JSON, TEXT, URIS, accepted, check_listing, check_version
from hansa.site.occi.request import (
    Receive,
    Request,
    Scope,
    Target,
    body_of,
    filter_of,
    head_of,
    hosts_of,
    message_of,
    parameters_of,
    path_of,
    query_of,
    target_of,
)
from hansa.site.occi.respond import Response
from hansa.site.occi.service import Member, Service
from hansa.site.occi.session import Session
from hansa.site.occi.settings import OcciSettings
from hansa.standards.errors import StandardError
from hansa.standards.occi import Kind, Message, Mixin, entities_of, invocation_of, json, patch_of, references_of
from hansa.standards.occi import infrastructure as infra

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Authenticate = Callable[[Scope], Awaitable[Caller]]
Bound = Kind | Mixin | None
Use = Callable[[Session, Request, Bound], Awaitable[Response]]

_log = structlog.stdlib.get_logger(__name__)


class MethodNotAllowed(HansaError):
    """The path is there, and the method means nothing on it. `details["allow"]` lists those that do."""

    code = "method_not_allowed"
    status = 405


class Refused(HansaError):
    """Content that the standard does not allow. `details["reason"]` is the standard's own code."""

    code = "occi_content"
    status = 400


def app(
    cloud: Cloud,
    authenticate: Authenticate,
    settings: OcciSettings,
    database: Database,
    *,
    challenges: Sequence[str] = (),
    clock: Callable[[], float] | None = None,
) -> App:
    """The ASGI application, to be mounted at `/` of its own address: clients drop a path from the endpoint.

    `authenticate` raises Unauthenticated or Forbidden. `challenges` go into WWW-Authenticate of a 401, unless a Keystone
    is configured: clients stumble over a second challenge beside it. `clock`: monotonic seconds.
    """
    return _Face(Service(cloud, database, settings, clock), authenticate, settings, challenges)


class _Face:
    def __init__(
        self, service: Service, authenticate: Authenticate, settings: OcciSettings, challenges: Sequence[str]
    ) -> None:
        self._service = service
        self._authenticate = authenticate
        self._settings = settings
        keystone = settings.keystone_url
        asked = (f"Keystone uri='{keystone}'",) if keystone else tuple(challenges)
        self._challenges = tuple(("WWW-Authenticate", challenge) for challenge in asked)
        self._models = _ModelCache()
        self._profile = ""  # flavors are everybody's: what one caller's view shows holds for all

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send)
            return
        response = await self._respond(scope, receive)
        headers = respond.asgi_headers(response, self._profile)
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        body = b"" if scope["method"] == "HEAD" else response.body
        await send({"type": "http.response.body", "body": body})

    async def _respond(self, scope: Scope, receive: Receive) -> Response:
        media_type = TEXT
        scope["hansa.route"] = "occi"  # metrics go by what a path names, once that is known
        try:
            headers = head_of(scope)
            accept = ",".join(value for name, value in headers if name == "accept")
            media_type = accepted(accept)
            caller = await self._authenticate(scope)
            body = await body_of(receive, self._settings.body_bytes)
            request = Request(scope["method"], path_of(scope), headers, parameters_of(scope), body, media_type)
            check_version(request.header("user-agent"))
            dialect = json.rocci4 if "rOCCI-core/4." in request.header("user-agent") else json
            session = await self._service.session(caller, hosts_of(self._settings, request), dialect)
            self._profile = session.view.profile
            return await self._use(session, request, scope)
        except HansaError as error:
            told = self._challenges if isinstance(error, Unauthenticated) else ()
            if isinstance(error, MethodNotAllowed):
                told = (("Allow", str(error.details["allow"])),)
            return respond.failed(error, media_type, told)
        except StandardError as error:
            return respond.failed(_refusal(error), media_type)
        except Exception:  # noqa: BLE001 - every answer of this face names its version and has a code
            _log.exception("occi.failed", path=scope["path"], method=scope["method"])
            return respond.failed(HansaError("Something went wrong at the site; its log says what."), media_type)

    async def _use(self, session: Session, request: Request, scope: Scope) -> Response:
        target, bound = target_of(session.view.model, request.path)
        scope["hansa.route"] = f"occi: {target.value}"
        method = "GET" if request.method == "HEAD" else request.method
        if target is Target.MODEL and method == "GET":
            return self._models.respond(session, request)
        acting = "action" in request.parameters
        use = ROUTES.get((target, method, acting))
        if use is None:
            allow = sorted({known for aim, known, acts in ROUTES if aim is target and acts is acting})
            raise MethodNotAllowed(f"{request.method} means nothing on {target.value}.", allow=", ".join(allow))
        return await use(session, request, bound)


class _ModelCache:
    """Renderings of whole models, by their content: what every client asks first, and asks always."""

    def __init__(self) -> None:
        self._renderings: OrderedDict[str, Response] = OrderedDict()

    def respond(self, session: Session, request: Request) -> Response:
        wanted, _ = filter_of(request, session.settings)
        if wanted:
            return respond.model(session, request.accept, definitions.categories(session, wanted))
        dialect = "rocci4-" if session.dialect is json.rocci4 else ""
        tag = f'"{session.view.model.generation}-{dialect}{request.accept}"'
        if request.header("if-none-match") == tag:
            return Response(304, request.accept, headers=(("ETag", tag),))
        found = self._renderings.get(tag)
        if found is None:
            plain = respond.model(session, request.accept, session.view.model.categories)
            found = Response(plain.status, plain.media_type, plain.body, (*plain.headers, ("ETag", tag)))
            self._renderings[tag] = found
            if len(self._renderings) > 64:
                self._renderings.popitem(last=False)
        self._renderings.move_to_end(tag)
        return found


def _refusal(error: StandardError) -> HansaError:
    if error.code == "occi.too_large":
        return TooLarge(str(error), reason=error.code)
    details = {"line": error.line, "column": error.column}
    return Refused(str(error), reason=error.code, **{name: at for name, at in details.items() if at is not None})


async def _live(receive: Receive, send: Send) -> None:
    """Nothing to start or to stop: the cloud and the database are their owner's."""
    while True:
        event = await receive()
        await send({"type": f"{event['type']}.complete"})
        if event["type"] == "lifespan.shutdown":
            return


# --------------------------------------------------------------------------------------------------------------- the uses


def _read(session: Session, request: Request) -> Message:
    return message_of(request, session.settings, session.view.model)


async def _define(session: Session, request: Request, _bound: Bound) -> Response:
    await definitions.define_mixins(session, _read(session, request).categories)
    return respond.done(request.accept)


async def _undefine(session: Session, request: Request, _bound: Bound) -> Response:
    wanted, _ = filter_of(request, session.settings)
    if request.body.strip():
        wanted = tuple(category.id for category in _read(session, request).categories)
    await definitions.remove_mixins(session, wanted)
    return respond.done(request.accept)


async def _list(session: Session, request: Request, bound: Bound) -> Response:
    found = await service.members(session, bound, query_of(session, request))
    return _listing(session, request, bound, found)


async def _list_below(session: Session, request: Request, _bound: Bound) -> Response:
    found = await service.members_below(session, request.path, query_of(session, request))
    return _listing(session, request, None, found)


def _listing(session: Session, request: Request, bound: Bound, found: Sequence[Member]) -> Response:
    if request.accept == JSON:
        links = bound is not None and session.view.model.is_a(bound.id, infra.LINK.id)
        return respond.entities(session, (member.render(session) for member in found), links=links)
    return respond.locations(session, request.accept, [member.path(session) for member in found])


async def _create(session: Session, request: Request, bound: Bound) -> Response:
    entities = entities_of(_read(session, request))
    if len(entities) != 1:
        raise BadRequest("One entity is made at a time.")
    if bound is not None and entities[0].kind != bound.id:
        raise BadRequest(f"Here entities of kind {bound.id} are made, not of {entities[0].kind[:200]}.", field="kind")
    made = await service.create(session, entities[0], request.header("idempotency-key") or None)
    path = made.path(session)
    if request.accept == JSON:
        made = await service.find(session, path)
    return respond.created(session, request.accept, made.render(session), path)


async def _delete_all(session: Session, request: Request, bound: Bound) -> Response:
    assert isinstance(bound, Kind)
    await service.delete_members(session, bound)
    return respond.done(request.accept)


async def _act_on_all(session: Session, request: Request, bound: Bound) -> Response:
    assert bound is not None
    invocation = invocation_of(_read(session, request))
    await service.act_on_members(session, bound, request.parameters["action"], invocation)
    return respond.done(request.accept)


async def _associate(session: Session, request: Request, bound: Bound) -> Response:
    return await _change_set(session, request, bound, service.associate)


async def _replace_set(session: Session, request: Request, bound: Bound) -> Response:
    return await _change_set(session, request, bound, service.replace_associated)


async def _dissociate(session: Session, request: Request, bound: Bound) -> Response:
    return await _change_set(session, request, bound, service.dissociate)


async def _change_set(
    session: Session,
    request: Request,
    bound: Bound,
    change: Callable[[Session, Mixin, Sequence[str]], Awaitable[None]],
) -> Response:
    assert isinstance(bound, Mixin)
    await change(session, bound, references_of(_read(session, request)))
    return respond.done(request.accept)


async def _show(session: Session, request: Request, _bound: Bound) -> Response:
    check_listing(request.accept)
    member = await service.find(session, request.path)
    return respond.entity(session, request.accept, member.render(session))


async def _replace(session: Session, request: Request, _bound: Bound) -> Response:
    return await _update(session, request, whole=True)


async def _change(session: Session, request: Request, _bound: Bound) -> Response:
    return await _update(session, request, whole=False)


async def _update(session: Session, request: Request, *, whole: bool) -> Response:
    check_listing(request.accept)
    patch = patch_of(_read(session, request))
    member = await service.update(session, request.path, patch, whole=whole)
    return respond.updated(session, request.accept, member.render(session), member.path(session))


async def _act(session: Session, request: Request, _bound: Bound) -> Response:
    invocation = invocation_of(_read(session, request))
    made = await service.act(session, request.path, request.parameters["action"], invocation)
    if made is None:
        return respond.done(request.accept)
    return respond.model(session, TEXT if request.accept == URIS else request.accept, (made,))


async def _delete(session: Session, request: Request, _bound: Bound) -> Response:
    await service.delete(session, request.path)
    return respond.done(request.accept)


ROUTES: Mapping[tuple[Target, str, bool], Use] = {
    (Target.MODEL, "POST", False): _define,
    (Target.MODEL, "DELETE", False): _undefine,
    (Target.KIND, "GET", False): _list,
    (Target.KIND, "POST", False): _create,
    (Target.KIND, "POST", True): _act_on_all,
    (Target.KIND, "DELETE", False): _delete_all,
    (Target.MIXIN, "GET", False): _list,
    (Target.MIXIN, "POST", False): _associate,
    (Target.MIXIN, "POST", True): _act_on_all,
    (Target.MIXIN, "PUT", False): _replace_set,
    (Target.MIXIN, "DELETE", False): _dissociate,
    (Target.UNBOUND, "GET", False): _list_below,
    (Target.UNBOUND, "POST", False): _create,
    (Target.ENTITY, "GET", False): _show,
    (Target.ENTITY, "PUT", False): _replace,
    (Target.ENTITY, "POST", False): _change,
    (Target.ENTITY, "POST", True): _act,
    (Target.ENTITY, "DELETE", False): _delete,
}
"""GET of the query interface is answered from `_ModelCache`. HEAD is GET without its body."""
