"""`/v3/auth/…` beside the tokens: what the bearer of a token may ask about itself."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hansa.base.errors import Forbidden
from hansa.site.openstack.identity import render
from hansa.site.openstack.identity.answers import answer
from hansa.site.openstack.identity.desk import Desk


def routes(desk: Desk) -> list[Route]:
    async def projects(request: Request) -> Response:
        return answer(render.projects(desk.keystone.projects(await desk.shown(request)), desk.place))

    async def domains(request: Request) -> Response:
        await desk.shown(request)
        return answer(render.domains(desk.place))

    async def catalog(request: Request) -> Response:
        if (await desk.shown(request)).grant is None:
            raise Forbidden("An unscoped token has no catalogue; ask for one that is scoped to a project.")
        return answer(render.catalog(desk.place))

    return [
        Route("/v3/auth/projects", projects),
        Route("/v3/OS-FEDERATION/projects", projects),
        Route("/v3/auth/domains", domains),
        Route("/v3/OS-FEDERATION/domains", domains),
        Route("/v3/auth/catalog", catalog),
    ]
