"""`/v3/OS-FEDERATION/mappings` and `/v3/OS-FEDERATION/service_providers` (Identity API v3, §OS-FEDERATION)."""

from typing import Any

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hansa.base.errors import BadRequest
from hansa.site.issuers.register import KeptMapping, ServiceProvider
from hansa.site.openstack.identity.answers import Json, answer, collection, done, linked
from hansa.site.openstack.identity.bodies import Body, read
from hansa.site.openstack.identity.desk import Desk
from hansa.site.openstack.identity.listing import read_listing
from hansa.site.openstack.identity.resources.federation import new_name, only

MAPPINGS = "OS-FEDERATION/mappings"
SERVICES = "OS-FEDERATION/service_providers"


class _Mapping(Body):
    rules: list[Any]
    schema_version: str | None = None


class _ServiceProvider(Body):
    auth_url: str | None = Field(None, pattern=r"^https?://\S+$", max_length=225)
    sp_url: str | None = Field(None, pattern=r"^https?://\S+$", max_length=225)
    description: str | None = None
    enabled: bool | None = None
    relay_state_prefix: str | None = Field(None, max_length=256)


def routes(desk: Desk) -> list[Route]:
    return _mapping_routes(desk) + _service_routes(desk)


def _mapping_routes(desk: Desk) -> list[Route]:
    register = desk.register

    async def mappings(request: Request) -> Response:
        await desk.authorise(request, "identity:list_mappings")
        found = [_shown(each, desk) for each in await register.mappings()]
        listing = read_listing(request.query_params.multi_items(), ("id",))
        return answer(collection(desk.place.keystone, MAPPINGS, "mappings", found, listing))

    async def mapping(request: Request) -> Response:
        await desk.authorise(request, "identity:get_mapping")
        return _answer(await register.mapping(request.path_params["mapping"]), desk)

    async def add_mapping(request: Request) -> Response:
        await desk.authorise(request, "identity:create_mapping")
        document = _document(await read(request, "mapping", _Mapping))
        return _answer(await register.add_mapping(new_name(request, "mapping"), document), desk, 201)

    async def change_mapping(request: Request) -> Response:
        await desk.authorise(request, "identity:update_mapping")
        document = _document(await read(request, "mapping", _Mapping))
        return _answer(await register.change_mapping(request.path_params["mapping"], document), desk)

    async def remove_mapping(request: Request) -> Response:
        await desk.authorise(request, "identity:delete_mapping")
        await register.remove_mapping(request.path_params["mapping"])
        return done()

    one = f"/v3/{MAPPINGS}/{{mapping}}"
    return [
        Route(f"/v3/{MAPPINGS}", mappings),
        Route(one, mapping),
        Route(one, add_mapping, methods=["PUT"]),
        Route(one, change_mapping, methods=["PATCH"]),
        Route(one, remove_mapping, methods=["DELETE"]),
    ]


def _service_routes(desk: Desk) -> list[Route]:
    register = desk.register

    async def services(request: Request) -> Response:
        await desk.authorise(request, "identity:list_service_providers")
        found = [_shown_service(each, desk) for each in await register.service_providers()]
        listing = read_listing(request.query_params.multi_items(), ("id", "enabled"))
        return answer(collection(desk.place.keystone, SERVICES, "service_providers", found, listing))

    async def service(request: Request) -> Response:
        await desk.authorise(request, "identity:get_service_provider")
        return _answer_service(await register.service_provider(request.path_params["service"]), desk)

    async def add_service(request: Request) -> Response:
        await desk.authorise(request, "identity:create_service_provider")
        given = _given(only(await read(request, "service_provider", _ServiceProvider)))
        for name in ("auth_url", "sp_url"):
            if given.get(name) is None:
                raise BadRequest(f"'{name}' is a required property.", field=name)
        return _answer_service(
            await register.add_service_provider(ServiceProvider(new_name(request, "service"), **given)), desk, 201
        )

    async def change_service(request: Request) -> Response:
        await desk.authorise(request, "identity:update_service_provider")
        given = _given(only(await read(request, "service_provider", _ServiceProvider)))
        return _answer_service(await register.change_service_provider(request.path_params["service"], given), desk)

    async def remove_service(request: Request) -> Response:
        await desk.authorise(request, "identity:delete_service_provider")
        await register.remove_service_provider(request.path_params["service"])
        return done()

    one = f"/v3/{SERVICES}/{{service}}"
    return [
        Route(f"/v3/{SERVICES}", services),
        Route(one, service),
        Route(one, add_service, methods=["PUT"]),
        Route(one, change_service, methods=["PATCH"]),
        Route(one, remove_service, methods=["DELETE"]),
    ]


def _document(body: _Mapping) -> Json:
    only(body)
    return {"rules": body.rules} | ({"schema_version": body.schema_version} if body.schema_version else {})


def _given(body: _ServiceProvider) -> Json:
    """What was sent; null for an address or a truth is nothing."""
    return {
        name: value
        for name, value in body.given.items()
        if value is not None or name in ("description", "relay_state_prefix")
    }


def _answer(kept: KeptMapping, desk: Desk, status: int = 200) -> Response:
    return answer({"mapping": _shown(kept, desk)}, status)


def _shown(kept: KeptMapping, desk: Desk) -> Json:
    members = {"id": kept.id, "rules": kept.document["rules"], "schema_version": kept.schema_version}
    return linked(desk.place.keystone, MAPPINGS, members)


def _answer_service(kept: ServiceProvider, desk: Desk, status: int = 200) -> Response:
    return answer({"service_provider": _shown_service(kept, desk)}, status)


def _shown_service(kept: ServiceProvider, desk: Desk) -> Json:
    members = {
        "id": kept.id,
        "auth_url": kept.auth_url,
        "sp_url": kept.sp_url,
        "description": kept.description,
        "enabled": kept.enabled,
        "relay_state_prefix": kept.relay_state_prefix,
    }
    return linked(desk.place.keystone, SERVICES, members)
