"""`/v3/endpoints` (Identity API v3, §Service catalog and endpoints)."""

from dataclasses import replace
from typing import Any

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hansa.base.errors import BadRequest
from hansa.site.keystone.catalogue import Endpoint
from hansa.site.keystone.catalogue.model import Interface
from hansa.site.openstack.identity.answers import Json, answer, collection, done, linked
from hansa.site.openstack.identity.bodies import Body, read
from hansa.site.openstack.identity.desk import Desk
from hansa.site.openstack.identity.listing import read_listing

FILTERS = ("interface", "service_id", "region_id", "enabled")


class _Changes(Body):
    """`region` is the word of the time before regions were things: it makes what it names."""

    interface: Interface = Field(Interface.PUBLIC, strict=False)
    service_id: str = ""
    url: str = ""
    region_id: str | None = Field(None, max_length=255)
    region: str | None = Field(None, max_length=255)
    enabled: bool = True


class _New(_Changes):
    interface: Interface = Field(strict=False)
    service_id: str
    url: str


def routes(desk: Desk) -> list[Route]:
    async def listed(request: Request) -> Response:
        await desk.authorise(request, "identity:list_endpoints")
        found = [shown_endpoint(each, desk) for each in await desk.catalogue.endpoints()]
        listing = read_listing(request.query_params.multi_items(), FILTERS)
        return answer(collection(desk.place.keystone, "endpoints", "endpoints", found, listing))

    async def shown(request: Request) -> Response:
        await desk.authorise(request, "identity:get_endpoint")
        return _answer(await desk.catalogue.endpoint(request.path_params["endpoint"]), desk)

    async def create(request: Request) -> Response:
        await desk.authorise(request, "identity:create_endpoint")
        body = await read(request, "endpoint", _New)
        new = _changed(Endpoint("", body.service_id, body.interface, body.url), body)
        return _answer(await desk.catalogue.add_endpoint(new, make_region=_makes_region(body)), desk, 201)

    async def update(request: Request) -> Response:
        await desk.authorise(request, "identity:update_endpoint")
        body = await read(request, "endpoint", _Changes)
        changed = await desk.catalogue.change_endpoint(
            request.path_params["endpoint"], lambda found: _changed(found, body), make_region=_makes_region(body)
        )
        return _answer(changed, desk)

    async def delete(request: Request) -> Response:
        await desk.authorise(request, "identity:delete_endpoint")
        await desk.catalogue.remove_endpoint(request.path_params["endpoint"])
        return done()

    one = "/v3/endpoints/{endpoint}"
    return [
        Route("/v3/endpoints", listed),
        Route("/v3/endpoints", create, methods=["POST"]),
        Route(one, shown),
        Route(one, update, methods=["PATCH"]),
        Route(one, delete, methods=["DELETE"]),
    ]


def shown_endpoint(endpoint: Endpoint, desk: Desk) -> Json:
    members = {
        "id": endpoint.id,
        "service_id": endpoint.service,
        "interface": endpoint.interface.value,
        "url": endpoint.url,
        "region_id": endpoint.region,
        "region": endpoint.region,
        "enabled": endpoint.enabled,
    }
    return linked(desk.place.keystone, "endpoints", {**endpoint.extra, **members})


def _makes_region(body: _Changes) -> bool:
    return body.region is not None and body.region_id is None


def _changed(endpoint: Endpoint, body: _Changes) -> Endpoint:
    given: dict[str, Any] = dict(body.given)
    region = given.pop("region", None)
    region_id = given.pop("region_id", None)
    if region is not None and region_id is not None and region != region_id:
        raise BadRequest("'region' and 'region_id' name different regions.", field="region")
    if not body.given.keys().isdisjoint({"region", "region_id"}):
        given["region"] = region_id or region or None
    if "service_id" in given:
        given["service"] = given.pop("service_id")
    return replace(endpoint, **given, extra={**endpoint.extra, **body.extra})


def _answer(endpoint: Endpoint, desk: Desk, status: int = 200) -> Response:
    return answer({"endpoint": shown_endpoint(endpoint, desk)}, status)
