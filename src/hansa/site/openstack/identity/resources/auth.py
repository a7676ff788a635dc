"""`/v3/auth/…` beside the tokens: what the bearer of a token may ask about itself."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hansa.base.errors import Forbidden
from hansa.site.openstack.identity import render
from hansa.site.openstack.identity.answers import answer, collection
from hansa.site.openstack.identity.catalog import catalog_v3, seen_by
from hansa.site.openstack.identity.desk import Desk
from hansa.site.openstack.identity.listing import read_listing
from hansa.site.openstack.identity.shown import shown_domain, shown_project

FILTERS = ("name", "enabled", "domain_id")


def routes(desk: Desk) -> list[Route]:
    async def projects(request: Request) -> Response:
        found = await desk.keystone.scoping.projects((await desk.shown(request)).token.principal)
        things = [shown_project(each, desk) for each in found]
        listing = read_listing(request.query_params.multi_items(), FILTERS)
        return answer(collection(desk.place.keystone, "auth/projects", "projects", things, listing))

    async def domains(request: Request) -> Response:
        found = await desk.keystone.scoping.domains((await desk.shown(request)).token.principal)
        things = [shown_domain(each, desk) for each in found]
        listing = read_listing(request.query_params.multi_items(), FILTERS)
        return answer(collection(desk.place.keystone, "auth/domains", "domains", things, listing))

    async def system(request: Request) -> Response:
        principal = (await desk.shown(request)).token.principal
        found = [{"all": True}] if await desk.keystone.scoping.is_on_system(principal) else []
        return answer({"system": found, "links": {"self": desk.url("auth/system")}})

    async def catalog(request: Request) -> Response:
        shown = await desk.shown(request)
        if shown.scoped is None:
            raise Forbidden("An unscoped token has no catalogue; ask for one that is scoped to a project.")
        return answer(render.catalog(catalog_v3(await seen_by(desk.catalogue, shown)), desk.place))

    return [
        Route("/v3/auth/projects", projects),
        Route("/v3/OS-FEDERATION/projects", projects),
        Route("/v3/auth/domains", domains),
        Route("/v3/OS-FEDERATION/domains", domains),
        Route("/v3/auth/system", system),
        Route("/v3/auth/catalog", catalog),
    ]
