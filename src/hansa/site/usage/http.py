"""The native API of use: `GET /hansa/v1/usage` and `GET /hansa/v1/usage/events`."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from hansa.base.errors import BadRequest, HansaError
from hansa.base.problem import problem
from hansa.cloud.model import ServerEvent
from hansa.site.identity import Identity
from hansa.site.usage.model import MachineUse
from hansa.site.usage.service import LIMIT, Usage

Answer = Callable[[Request], Awaitable[Mapping[str, Any]]]


def routes(usage: Usage, identity: Identity) -> list[Route]:
    """Both need a credential; `all_projects=true` needs the role `admin`."""

    async def machines(request: Request) -> Mapping[str, Any]:
        caller = await identity.caller(request.scope)
        everywhere, limit = _flag(request, "all_projects"), _number(request, "limit", LIMIT)
        used = await usage.machines(caller, all_projects=everywhere, limit=limit, offset=_number(request, "offset", 0))
        now = usage.clock()
        return {"time": now.isoformat(), "machines": [machine_json(use, now) for use in used]}

    async def events(request: Request) -> Mapping[str, Any]:
        caller = await identity.caller(request.scope)
        everywhere, limit = _flag(request, "all_projects"), _number(request, "limit", LIMIT)
        told = await usage.events(caller, all_projects=everywhere, after=_number(request, "after", 0), limit=limit)
        return {"events": [event_json(event) for event in told]}

    return [
        Route("/hansa/v1/usage", _answering(machines, identity), methods=["GET"]),
        Route("/hansa/v1/usage/events", _answering(events, identity), methods=["GET"]),
    ]


def machine_json(use: MachineUse, now: datetime) -> dict[str, Any]:
    """Times are RFC 3339, durations whole seconds."""
    return {
        "id": use.server,
        "name": use.name,
        "project": use.project,
        "user": use.user,
        "vo": use.vo,
        "fqan": use.fqan,
        "image": use.image,
        "vcpus": use.vcpus,
        "ram_mib": use.ram_mib,
        "disk_gib": use.disk_gib,
        "status": use.status.removeprefix("server."),
        "created": use.created.isoformat(),
        "started": use.started.isoformat() if use.started else None,
        "ended": use.ended.isoformat() if use.ended else None,
        "wall_seconds": int(use.wall(now).total_seconds()),
        "cpu_wall_seconds": int(use.cpu_wall(now).total_seconds()),
    }


def event_json(event: ServerEvent) -> dict[str, Any]:
    return {
        "sequence": event.sequence,
        "time": event.time.isoformat(),
        "kind": event.kind.value,
        "id": event.server,
        "name": event.name,
        "project": event.project,
        "user": event.user,
        "vo": event.vo,
        "fqan": event.fqan,
        "image": event.image,
        "vcpus": event.vcpus,
        "ram_mib": event.ram_mib,
        "disk_gib": event.disk_gib,
        "detail": event.detail,
    }


def _answering(answer: Answer, identity: Identity) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            return JSONResponse(await answer(request))
        except HansaError as error:
            challenge = {"WWW-Authenticate": ", ".join(identity.challenges)} if error.status == 401 else {}
            return problem(error, headers={name: value for name, value in challenge.items() if value})

    return endpoint


def _number(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name)
    if text is None:
        return default
    if not text.isascii() or not text.isdecimal() or len(text) > 18:
        raise BadRequest(f"{name} must be a whole number.", field=name)
    return int(text)


def _flag(request: Request, name: str) -> bool:
    text = request.query_params.get(name, "false")
    if text not in ("true", "false"):
        raise BadRequest(f"{name} must be true or false.", field=name)
    return text == "true"
