"""`/v2.0/OS-KSADM/services` and `/v2.0/endpoints` (Identity API v2.0, OS-KSADM): one endpoint has up to three addresses."""

import uuid

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hansa.base.errors import NotFound
from hansa.site.keystone.catalogue import Endpoint, Service
from hansa.site.keystone.catalogue.model import Interface
from hansa.site.openstack.identity.answers import Json, answer, done
from hansa.site.openstack.identity.bodies import Body, read
from hansa.site.openstack.identity.desk import Desk

_SERVICE = "OS-KSADM:service"
_TOGETHER = "legacy_endpoint_id"
"""What the endpoints of v3 that were made as one of v2.0 have in common, in Keystone's word for it."""


class _NewService(Body):
    name: str | None = Field(None, min_length=1, max_length=255)
    type: str = Field(min_length=1, max_length=255)
    description: str | None = None


class _NewEndpoint(Body):
    service_id: str
    region: str | None = Field(None, max_length=255)
    publicurl: str
    internalurl: str | None = None
    adminurl: str | None = None


def routes(desk: Desk) -> list[Route]:
    return [*_services(desk), *_endpoints(desk)]


def _services(desk: Desk) -> list[Route]:
    async def listed(request: Request) -> Response:
        await desk.authorise(request, "identity:list_services")
        return answer({"OS-KSADM:services": [_shown(each) for each in await desk.catalogue.services()]})

    async def shown(request: Request) -> Response:
        await desk.authorise(request, "identity:get_service")
        return answer({_SERVICE: _shown(await desk.catalogue.service(request.path_params["service"]))})

    async def create(request: Request) -> Response:
        await desk.authorise(request, "identity:create_service")
        body = await read(request, _SERVICE, _NewService)
        made = await desk.catalogue.add_service(Service("", body.type, body.name, body.description))
        return answer({_SERVICE: _shown(made)})

    async def delete(request: Request) -> Response:
        await desk.authorise(request, "identity:delete_service")
        await desk.catalogue.remove_service(request.path_params["service"])
        return done()

    root = "/v2.0/OS-KSADM/services"
    return [
        Route(root, listed),
        Route(root, create, methods=["POST"]),
        Route(f"{root}/{{service}}", shown),
        Route(f"{root}/{{service}}", delete, methods=["DELETE"]),
    ]


def _endpoints(desk: Desk) -> list[Route]:
    async def listed(request: Request) -> Response:
        await desk.authorise(request, "identity:list_endpoints")
        by_id: dict[str, list[Endpoint]] = {}
        for each in await desk.catalogue.endpoints():
            by_id.setdefault(_identifier(each), []).append(each)
        return answer({"endpoints": [_together(identifier, found) for identifier, found in by_id.items()]})

    async def create(request: Request) -> Response:
        await desk.authorise(request, "identity:create_endpoint")
        body = await read(request, "endpoint", _NewEndpoint)
        identifier = uuid.uuid4().hex
        urls = {"public": body.publicurl, "internal": body.internalurl, "admin": body.adminurl}
        made = [
            await desk.catalogue.add_endpoint(
                Endpoint("", body.service_id, Interface(name), url, body.region, extra={_TOGETHER: identifier}),
                make_region=True,
            )
            for name, url in urls.items()
            if url
        ]
        return answer({"endpoint": _together(identifier, made)})

    async def delete(request: Request) -> Response:
        await desk.authorise(request, "identity:delete_endpoint")
        wanted = request.path_params["endpoint"]
        found = [each for each in await desk.catalogue.endpoints() if _identifier(each) == wanted]
        if not found:
            raise NotFound("There is no such endpoint.")
        for each in found:
            await desk.catalogue.remove_endpoint(each.id)
        return done()

    return [
        Route("/v2.0/endpoints", listed),
        Route("/v2.0/endpoints", create, methods=["POST"]),
        Route("/v2.0/endpoints/{endpoint}", delete, methods=["DELETE"]),
    ]


def _identifier(endpoint: Endpoint) -> str:
    return str(endpoint.extra.get(_TOGETHER) or endpoint.id)


def _together(identifier: str, endpoints: list[Endpoint]) -> Json:
    first = endpoints[0]
    urls = {f"{each.interface}url": each.url for each in endpoints}
    return {"id": identifier, "service_id": first.service, "region": first.region, "enabled": first.enabled, **urls}


def _shown(service: Service) -> Json:
    return {"id": service.id, "name": service.name, "type": service.type, "description": service.description}
