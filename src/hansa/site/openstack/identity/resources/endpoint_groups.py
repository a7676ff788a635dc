"""`/v3/OS-EP-FILTER`: which endpoints a project's tokens show, one by one or by groups (Identity API v3, extensions)."""

from dataclasses import replace
from typing import Literal

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hansa.base.errors import BadRequest, NotFound
from hansa.site.keystone.catalogue import Endpoint, EndpointGroup
from hansa.site.openstack.identity.answers import Json, answer, collection, done, linked
from hansa.site.openstack.identity.bodies import Body, read
from hansa.site.openstack.identity.desk import Desk
from hansa.site.openstack.identity.listing import Listing, read_listing
from hansa.site.openstack.identity.resources.endpoints import shown_endpoint

_ROOT = "/v3/OS-EP-FILTER"
_PATH = "OS-EP-FILTER/endpoint_groups"
ID_MAX = 64


class _Filters(Body):
    """Each is an endpoint's member that must have that value."""

    model_config = Body.model_config | {"extra": "forbid"}

    interface: Literal["public", "internal", "admin"] = "public"
    service_id: str = ""
    region_id: str | None = None
    enabled: bool = True


class _Changes(Body):
    name: str = Field("", min_length=1, max_length=255)
    description: str | None = None
    filters: _Filters = Field(default_factory=_Filters)


class _New(_Changes):
    name: str = Field(min_length=1, max_length=255)
    filters: _Filters


def routes(desk: Desk) -> list[Route]:
    return [*_groups(desk), *_projects(desk)]


def _groups(desk: Desk) -> list[Route]:
    async def listed(request: Request) -> Response:
        await desk.authorise(request, "identity:list_endpoint_groups")
        found = [_shown(each, desk) for each in await desk.catalogue.groups()]
        listing = read_listing(request.query_params.multi_items(), ("name",))
        return answer(collection(desk.place.keystone, _PATH, "endpoint_groups", found, listing))

    async def shown(request: Request) -> Response:
        await desk.authorise(request, "identity:get_endpoint_group")
        return _answer(await desk.catalogue.group(request.path_params["group"]), desk)

    async def create(request: Request) -> Response:
        await desk.authorise(request, "identity:create_endpoint_group")
        body = await read(request, "endpoint_group", _New)
        return _answer(await desk.catalogue.add_group(_changed(EndpointGroup("", body.name), body)), desk, 201)

    async def update(request: Request) -> Response:
        await desk.authorise(request, "identity:update_endpoint_group")
        body = await read(request, "endpoint_group", _Changes)
        group = request.path_params["group"]
        return _answer(await desk.catalogue.change_group(group, lambda found: _changed(found, body)), desk)

    async def delete(request: Request) -> Response:
        await desk.authorise(request, "identity:delete_endpoint_group")
        await desk.catalogue.remove_group(request.path_params["group"])
        return done()

    async def endpoints(request: Request) -> Response:
        await desk.authorise(request, "identity:list_endpoints_associated_with_endpoint_group")
        group = await desk.catalogue.group(request.path_params["group"])
        return _endpoints([each for each in await desk.catalogue.endpoints() if group.holds(each)], request, desk)

    one = f"{_ROOT}/endpoint_groups/{{group}}"
    return [
        Route(f"{_ROOT}/endpoint_groups", listed),
        Route(f"{_ROOT}/endpoint_groups", create, methods=["POST"]),
        Route(one, shown),
        Route(one, update, methods=["PATCH"]),
        Route(one, delete, methods=["DELETE"]),
        Route(f"{one}/endpoints", endpoints),
    ]


def _projects(desk: Desk) -> list[Route]:
    """What a project is confined to: `{kind}` is `endpoint` or `group` below."""

    def confining(rule: str) -> list[Route]:
        async def check(request: Request) -> Response:
            await desk.authorise(request, f"identity:{'get' if rule.startswith('endpoint_group') else 'check'}_{rule}")
            project, thing = _named(request)
            if project not in await desk.catalogue.projects_of(**thing):
                raise NotFound("The project is not confined to that.")
            if "group" not in thing:
                return done()
            path = f"{_PATH}/{thing['group']}/projects"
            shown = {"endpoint_group_id": thing["group"], "project_id": project, "id": project}
            return answer({"project_endpoint_group": linked(desk.place.keystone, path, shown)})

        async def add(request: Request) -> Response:
            await desk.authorise(request, f"identity:add_{rule.replace('_in_', '_to_')}")
            project, thing = _named(request)
            await desk.catalogue.confine(project, **thing)
            return done()

        async def remove(request: Request) -> Response:
            await desk.authorise(request, f"identity:remove_{rule.replace('_in_', '_from_')}")
            project, thing = _named(request)
            await desk.catalogue.unconfine(project, **thing)
            return done()

        path = (
            f"{_ROOT}/endpoint_groups/{{group}}/projects/{{project}}"
            if rule.startswith("endpoint_group")
            else f"{_ROOT}/projects/{{project}}/endpoints/{{endpoint}}"
        )
        return [Route(path, check), Route(path, add, methods=["PUT"]), Route(path, remove, methods=["DELETE"])]

    async def endpoints(request: Request) -> Response:
        await desk.authorise(request, "identity:list_endpoints_for_project")
        return _endpoints(await desk.catalogue.confined(request.path_params["project"]) or [], request, desk)

    async def groups(request: Request) -> Response:
        await desk.authorise(request, "identity:list_endpoint_groups_for_project")
        project = request.path_params["project"]
        _, named = await desk.catalogue.confined_by(project)
        path = f"OS-EP-FILTER/projects/{project}/endpoint_groups"
        found = [_shown(each, desk) for each in named]
        return answer(collection(desk.place.keystone, path, "endpoint_groups", found, Listing()))

    async def projects(request: Request) -> Response:
        is_group = "group" in request.path_params
        rule = "projects_associated_with_endpoint_group" if is_group else "projects_for_endpoint"
        await desk.authorise(request, f"identity:list_{rule}")
        found = await desk.catalogue.projects_of(**request.path_params)
        shown = [linked(desk.place.keystone, "projects", {"id": each}) for each in found]
        path = request.url.path.removeprefix("/v3/")
        return answer(collection(desk.place.keystone, path, "projects", shown, Listing()))

    return [
        *confining("endpoint_in_project"),
        *confining("endpoint_group_in_project"),
        Route(f"{_ROOT}/projects/{{project}}/endpoints", endpoints),
        Route(f"{_ROOT}/projects/{{project}}/endpoint_groups", groups),
        Route(f"{_ROOT}/endpoints/{{endpoint}}/projects", projects),
        Route(f"{_ROOT}/endpoint_groups/{{group}}/projects", projects),
    ]


def _named(request: Request) -> tuple[str, dict[str, str]]:
    """The project, and the one other thing that the address names."""
    thing = dict(request.path_params)
    project = thing.pop("project")
    if len(project) > ID_MAX:
        raise NotFound("There is no such project.")
    return project, thing


def _endpoints(found: list[Endpoint], request: Request, desk: Desk) -> Response:
    path = request.url.path.removeprefix("/v3/")
    shown = [shown_endpoint(each, desk) for each in found]
    return answer(collection(desk.place.keystone, path, "endpoints", shown, Listing()))


def _changed(group: EndpointGroup, body: _Changes) -> EndpointGroup:
    given = dict(body.given)
    if "filters" in given:
        given["filters"] = dict(body.filters.given)
        if not given["filters"]:
            raise BadRequest("'filters' must name at least one member of an endpoint.", field="filters")
    return replace(group, **given)


def _answer(group: EndpointGroup, desk: Desk, status: int = 200) -> Response:
    return answer({"endpoint_group": _shown(group, desk)}, status)


def _shown(group: EndpointGroup, desk: Desk) -> Json:
    members = {
        "id": group.id,
        "name": group.name,
        "description": group.description,
        "filters": dict(group.filters),
    }
    return linked(desk.place.keystone, _PATH, members)
