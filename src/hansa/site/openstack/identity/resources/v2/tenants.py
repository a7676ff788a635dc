"""`/v2.0/tenants` (Identity API v2.0 §Tenants, and its administrator's part)."""

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hansa.base.errors import NotFound
from hansa.cloud.model import ADMIN
from hansa.site.directory import DEFAULT, Project
from hansa.site.openstack.identity import render
from hansa.site.openstack.identity.answers import answer, done
from hansa.site.openstack.identity.bodies import Body, read
from hansa.site.openstack.identity.desk import Desk


class _Changes(Body):
    name: str = Field("", min_length=1, max_length=64)
    description: str | None = None
    enabled: bool = True


class _New(_Changes):
    name: str = Field(min_length=1, max_length=64)


def routes(desk: Desk) -> list[Route]:
    async def listed(request: Request) -> Response:
        """One's own; all, for an administrator with a token of a project, as at the administrator's port of old."""
        issued = await desk.shown(request)
        if issued.scoped is not None and ADMIN in issued.scoped.powers:
            await desk.authorise(request, "identity:list_projects", domain_id=DEFAULT)
            found = await desk.directory.projects.listed(domain_id=DEFAULT)
        else:
            found = await desk.keystone.scoping.projects(issued.token.principal)
        name = request.query_params.get("name")
        ours = [each for each in found if each.domain_id == DEFAULT and name in (None, each.name)]
        if name is not None and ours:
            return answer({"tenant": render.tenant(ours[0])})
        return answer(render.tenants(ours))

    async def shown(request: Request) -> Response:
        await desk.authorise(request, "identity:get_project", domain_id=DEFAULT)
        return answer({"tenant": render.tenant(await tenant_of(request, desk))})

    async def create(request: Request) -> Response:
        await desk.authorise(request, "identity:create_project", domain_id=DEFAULT)
        body = await read(request, "tenant", _New)
        made = await desk.directory.projects.create(
            body.name, domain_id=DEFAULT, description=body.description or "", enabled=body.enabled
        )
        return answer({"tenant": render.tenant(made)})

    async def update(request: Request) -> Response:
        await desk.authorise(request, "identity:update_project", domain_id=DEFAULT)
        body = await read(request, "tenant", _Changes)
        project = await tenant_of(request, desk)
        changes = {**body.given, **({"description": body.description or ""} if "description" in body.given else {})}
        return answer({"tenant": render.tenant(await desk.directory.projects.update(project.id, changes, {}))})

    async def delete(request: Request) -> Response:
        await desk.authorise(request, "identity:delete_project", domain_id=DEFAULT)
        await desk.directory.projects.delete((await tenant_of(request, desk)).id)
        return done()

    one = "/v2.0/tenants/{tenant}"
    return [
        Route("/v2.0/tenants", listed),
        Route("/v2.0/tenants", create, methods=["POST"]),
        Route(one, shown),
        Route(one, update, methods=["POST", "PUT"]),
        Route(one, delete, methods=["DELETE"]),
    ]


async def tenant_of(request: Request, desk: Desk) -> Project:
    """NotFound also for one of another domain."""
    found = await desk.directory.projects.get(request.path_params["tenant"])
    if found.domain_id != DEFAULT or found.is_domain:
        raise NotFound(f"Could not find project: {found.id}.")
    return found
