"""`/v3/regions` (Identity API v3, §Regions)."""

from dataclasses import replace

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hansa.base.errors import BadRequest
from hansa.site.keystone.catalogue import Region
from hansa.site.openstack.identity.answers import Json, answer, collection, done, linked
from hansa.site.openstack.identity.bodies import Body, read
from hansa.site.openstack.identity.desk import Desk
from hansa.site.openstack.identity.listing import read_listing

_FILTERS = ("parent_region_id",)


class _Region(Body):
    id: str | None = Field(None, max_length=255)
    description: str | None = None
    parent_region_id: str | None = Field(None, min_length=1, max_length=255)


def routes(desk: Desk) -> list[Route]:
    async def listed(request: Request) -> Response:
        await desk.authorise(request, "identity:list_regions")
        found = [_shown(each, desk) for each in await desk.catalogue.regions()]
        listing = read_listing(request.query_params.multi_items(), _FILTERS)
        return answer(collection(desk.place.keystone, "regions", "regions", found, listing))

    async def shown(request: Request) -> Response:
        await desk.authorise(request, "identity:get_region")
        return _answer(await desk.catalogue.region(request.path_params["region"]), desk)

    async def create(request: Request) -> Response:
        await desk.authorise(request, "identity:create_region")
        body = await read(request, "region", _Region)
        return _answer(await desk.catalogue.add_region(_changed(Region(body.id or ""), body)), desk, 201)

    async def create_as(request: Request) -> Response:
        await desk.authorise(request, "identity:create_region")
        body, name = await read(request, "region", _Region), request.path_params["region"]
        _check_same(body, name)
        return _answer(await desk.catalogue.add_region(_changed(Region(name), body)), desk, 201)

    async def update(request: Request) -> Response:
        await desk.authorise(request, "identity:update_region")
        body, name = await read(request, "region", _Region), request.path_params["region"]
        _check_same(body, name)
        return _answer(await desk.catalogue.change_region(name, lambda region: _changed(region, body)), desk)

    async def delete(request: Request) -> Response:
        await desk.authorise(request, "identity:delete_region")
        await desk.catalogue.remove_region(request.path_params["region"])
        return done()

    one = "/v3/regions/{region}"
    return [
        Route("/v3/regions", listed),
        Route("/v3/regions", create, methods=["POST"]),
        Route(one, shown),
        Route(one, create_as, methods=["PUT"]),
        Route(one, update, methods=["PATCH"]),
        Route(one, delete, methods=["DELETE"]),
    ]


def _check_same(body: _Region, name: str) -> None:
    if body.id not in (None, name):
        raise BadRequest("The id in the body is not the one in the address.", field="id")


def _changed(region: Region, body: _Region) -> Region:
    given = body.given
    return replace(
        region,
        description=(body.description or "") if "description" in given else region.description,
        parent=body.parent_region_id if "parent_region_id" in given else region.parent,
        extra={**region.extra, **body.extra},
    )


def _answer(region: Region, desk: Desk, status: int = 200) -> Response:
    return answer({"region": _shown(region, desk)}, status)


def _shown(region: Region, desk: Desk) -> Json:
    members = {"id": region.id, "description": region.description, "parent_region_id": region.parent}
    return linked(desk.place.keystone, "regions", {**region.extra, **members})
