"""`/v3/services` (Identity API v3, §Service catalog and endpoints)."""

from dataclasses import replace

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hansa.site.keystone.catalogue import Service
from hansa.site.openstack.identity.answers import Json, answer, collection, done, linked
from hansa.site.openstack.identity.bodies import Body, read
from hansa.site.openstack.identity.desk import Desk
from hansa.site.openstack.identity.listing import read_listing

_FILTERS = ("type", "name")


class _Changes(Body):
    type: str = Field("", min_length=1, max_length=255)
    name: str | None = Field(None, min_length=1, max_length=255)
    description: str | None = None
    enabled: bool = True


class _New(_Changes):
    type: str = Field(min_length=1, max_length=255)


def routes(desk: Desk) -> list[Route]:
    async def listed(request: Request) -> Response:
        await desk.authorise(request, "identity:list_services")
        found = [shown_service(each, desk) for each in await desk.catalogue.services()]
        listing = read_listing(request.query_params.multi_items(), _FILTERS)
        return answer(collection(desk.place.keystone, "services", "services", found, listing))

    async def shown(request: Request) -> Response:
        await desk.authorise(request, "identity:get_service")
        return _answer(await desk.catalogue.service(request.path_params["service"]), desk)

    async def create(request: Request) -> Response:
        await desk.authorise(request, "identity:create_service")
        body = await read(request, "service", _New)
        return _answer(await desk.catalogue.add_service(_changed(Service("", body.type), body)), desk, 201)

    async def update(request: Request) -> Response:
        await desk.authorise(request, "identity:update_service")
        body = await read(request, "service", _Changes)
        service = request.path_params["service"]
        return _answer(await desk.catalogue.change_service(service, lambda found: _changed(found, body)), desk)

    async def delete(request: Request) -> Response:
        await desk.authorise(request, "identity:delete_service")
        await desk.catalogue.remove_service(request.path_params["service"])
        return done()

    one = "/v3/services/{service}"
    return [
        Route("/v3/services", listed),
        Route("/v3/services", create, methods=["POST"]),
        Route(one, shown),
        Route(one, update, methods=["PATCH"]),
        Route(one, delete, methods=["DELETE"]),
    ]


def shown_service(service: Service, desk: Desk) -> Json:
    members: Json = {"id": service.id, "type": service.type, "enabled": service.enabled}
    if service.name is not None:
        members["name"] = service.name
    if service.description is not None:
        members["description"] = service.description
    return linked(desk.place.keystone, "services", {**service.extra, **members})


def _changed(service: Service, body: _Changes) -> Service:
    return replace(service, **body.given, extra={**service.extra, **body.extra})


def _answer(service: Service, desk: Desk, status: int = 200) -> Response:
    return answer({"service": shown_service(service, desk)}, status)
