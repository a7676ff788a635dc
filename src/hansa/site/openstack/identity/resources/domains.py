"""`/v3/domains` (Identity API v3, §Domains)."""

from typing import Annotated

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hansa.site.directory.book import there
from hansa.site.openstack.identity.answers import answer, collection, done
from hansa.site.openstack.identity.bodies import Body, Name64, Options, check_id, read
from hansa.site.openstack.identity.desk import Desk
from hansa.site.openstack.identity.listing import read_listing
from hansa.site.openstack.identity.resources.projects import Tags, project_values
from hansa.site.openstack.identity.shown import shown_domain

FILTERS = ("name", "enabled")


class _Changes(Body):
    name: Name64 = ""
    description: str | None = None
    enabled: bool = True
    tags: Tags = Field(default_factory=list)
    options: Options = Field(default_factory=Options)


class _New(_Changes):
    name: Name64
    explicit_domain_id: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")] | None = None


def routes(desk: Desk) -> list[Route]:
    async def listed(request: Request) -> Response:
        bearer = await desk.bearer(request)
        await desk.authorise(request, "identity:list_domains", domain_id=bearer.domain_id)
        listing = read_listing(request.query_params.multi_items(), FILTERS)
        found = await desk.directory.projects.listed(is_domain=True, name=listing.exact("name"))
        things = [shown_domain(each, desk) for each in found if bearer.domain_id in (None, each.id)]
        return answer(collection(desk.place.keystone, "domains", "domains", things, listing))

    async def shown(request: Request) -> Response:
        identifier = request.path_params["domain"]
        found = await desk.directory.projects.find(identifier)
        await desk.authorise(request, "identity:get_domain", domain_id=identifier)
        domain = there(found if found and found.is_domain else None, "domain", identifier)
        return answer({"domain": shown_domain(domain, desk)})

    async def create(request: Request) -> Response:
        await desk.bearer(request)
        body = await read(request, "domain", _New)
        await desk.authorise(request, "identity:create_domain")
        given = {name: value for name, value in body.given.items() if name not in ("name", "explicit_domain_id")}
        made = await desk.directory.projects.create(
            body.name, is_domain=True, identifier=body.explicit_domain_id, extra=body.extra, **project_values(given)
        )
        return answer({"domain": shown_domain(made, desk)}, 201)

    async def update(request: Request) -> Response:
        await desk.authorise(request, "identity:update_domain")
        identifier = request.path_params["domain"]
        body = await read(request, "domain", _Changes)
        check_id(body.model_extra or {}, identifier)
        changes = project_values(body.given)
        changed = await desk.directory.projects.update(identifier, changes, body.extra, domain=True)
        return answer({"domain": shown_domain(changed, desk)})

    async def delete(request: Request) -> Response:
        await desk.authorise(request, "identity:delete_domain")
        await desk.directory.projects.delete(request.path_params["domain"], domain=True)
        return done()

    one = "/v3/domains/{domain}"
    return [
        Route("/v3/domains", listed),
        Route("/v3/domains", create, methods=["POST"]),
        Route(one, shown),
        Route(one, update, methods=["PATCH"]),
        Route(one, delete, methods=["DELETE"]),
    ]
