"""Routes made from the table: prove the caller, ask the table of rules, read strictly, call, answer."""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence

from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from hansa.base.errors import BadRequest, NotFound
from hansa.federation.api import members, persons, vos
from hansa.federation.api.documents import is_clean
from hansa.federation.api.etags import etag
from hansa.federation.api.openapi import describe
from hansa.federation.api.table import ME, Call, Matching, Operation
from hansa.federation.body import read_model
from hansa.federation.commons import Commons
from hansa.federation.identity.model import Caller
from hansa.federation.identity.rules import RULES, Right, Target
from hansa.federation.identity.service import SAFE, Identity
from hansa.federation.membership.errors import NoSuchPerson

ROOT = "/api/v1"
OPERATIONS: tuple[Operation, ...] = (*vos.OPERATIONS, *members.OPERATIONS, *persons.OPERATIONS)
_HEADERS = {"cache-control": "no-store", "x-content-type-options": "nosniff"}


def routes(commons: Commons, identity: Identity) -> Sequence[BaseRoute]:
    description = json.dumps(describe(OPERATIONS, f"{commons.url}{ROOT}"), ensure_ascii=False).encode()

    async def openapi(_request: Request) -> Response:
        return Response(description, media_type="application/json")

    return [
        Route(f"{ROOT}/openapi.json", openapi, methods=["GET"]),
        *(Route(f"{ROOT}{o.path}", _endpoint(o, commons, identity), methods=[o.method]) for o in OPERATIONS),
    ]


def _endpoint(operation: Operation, commons: Commons, identity: Identity) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        caller = await identity.caller(request.scope)
        path = _path(request, caller)
        if operation.action is not None:
            target = await _target(operation, path, caller, commons)
            identity.check(request.scope, caller, operation.action, target)
        query = _query(request, operation.query)
        body = await read_model(request, operation.body) if operation.body else None
        call = Call(commons, caller, path, request.headers.get("if-match"), body, query)
        result = await operation.handler(call)
        if operation.method not in SAFE:
            _note(commons, request, operation, caller)
        return _response(operation, result)

    return answer


def _path(request: Request, caller: Caller) -> Mapping[str, str]:
    path = {name: str(value) for name, value in request.path_params.items()}
    if not all(map(is_clean, path.values())):
        raise NotFound("There is nothing at this address.")
    if path.get("uid") == ME:
        if caller.person is None:
            raise NoSuchPerson("Your credential belongs to no registered person.")
        path["uid"] = caller.person.uid
    return path


async def _target(operation: Operation, path: Mapping[str, str], caller: Caller, commons: Commons) -> Target:
    vo, uid, group = path.get("vo"), path.get("uid"), path.get("group")
    full = f"/{vo}/{group}" if vo is not None and group is not None else None
    if full is not None and operation.at_parent:
        full = full.rpartition("/")[0]
    sponsor = None
    if uid is not None and operation.action and Right.SPONSOR in RULES[operation.action] and caller.person:
        robots = await commons.registry.robots_of(caller.person.uid)
        sponsor = caller.person.uid if uid in {each.uid for each in robots} else None
    return Target(vo, full, uid, sponsor)


def _query(request: Request, model: type[BaseModel] | None) -> BaseModel | None:
    pairs = request.query_params.multi_items()
    if model is None:
        if pairs:
            raise BadRequest("This address takes no query.", field=pairs[0][0])
        return None
    if len({name for name, _ in pairs}) < len(pairs):
        raise BadRequest("A parameter is given twice.")
    try:
        return model.model_validate(dict(pairs))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        raise BadRequest(f"{field}: {first['msg']}.", field=field) from error


def _response(operation: Operation, result: BaseModel | None) -> Response:
    if result is None:
        return Response(status_code=204, headers=_HEADERS)
    headers = dict(_HEADERS)
    if operation.matching is not Matching.NONE:
        headers["etag"] = etag(result)
    return Response(result.model_dump_json(), operation.status, headers, "application/json")


def _note(commons: Commons, request: Request, operation: Operation, caller: Caller) -> None:
    """What was changed stands in the registry's history; from where, here."""
    client = request.client.host if request.client else None
    commons.audit("federation.changed", action=operation.id, user=caller.actor, path=request.url.path, client=client)
