"""`/v3/projects` and their tags (Identity API v3, §Projects)."""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hansa.base.errors import BadRequest, Forbidden, NotFound
from hansa.site.directory import Project
from hansa.site.directory.book import there
from hansa.site.directory.projects import MAX_TAGS
from hansa.site.openstack.identity.answers import Json, answer, collection, done
from hansa.site.openstack.identity.bodies import Body, Id, Name64, Options, check_id, document, parse, read
from hansa.site.openstack.identity.desk import Desk
from hansa.site.openstack.identity.listing import asks, is_true, read_listing
from hansa.site.openstack.identity.shown import shown_project

FILTERS = ("name", "enabled", "domain_id", "parent_id", "is_domain", "description")
Tag = Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[^,/]*$")]
Tags = Annotated[list[Tag], Field(max_length=MAX_TAGS)]


class _Changes(Body):
    name: Name64 = ""
    description: str | None = None
    enabled: bool = True
    tags: Tags = Field(default_factory=list)
    options: Options = Field(default_factory=Options)
    domain_id: Id | None = None
    parent_id: Id | None = None
    is_domain: bool = False


class _New(_Changes):
    name: Name64


class _Tags(Body):
    tags: Tags


class _Tag(Body):
    tag: Tag


_PLACE = frozenset({"domain_id", "parent_id", "is_domain"})


def routes(desk: Desk) -> list[Route]:
    async def listed(request: Request) -> Response:
        bearer = await desk.bearer(request)
        await desk.authorise(request, "identity:list_projects", domain_id=bearer.domain_id)
        listing = read_listing(request.query_params.multi_items(), FILTERS)
        wanted = listing.exact("is_domain")
        found = await desk.directory.projects.listed(
            is_domain=wanted is not None and is_true(wanted),
            domain_id=bearer.domain_id or listing.exact("domain_id"),
            parent_id=listing.exact("parent_id"),
            name=listing.exact("name"),
        )
        tagged = [each for each in found if _is_tagged(each, request.query_params)]
        things = [shown_project(each, desk) for each in tagged]
        return answer(collection(desk.place.keystone, "projects", "projects", things, listing))

    async def shown(request: Request) -> Response:
        project = await authorised(desk, request, "identity:get_project")
        members = shown_project(project, desk) | await _family(desk, project, request.query_params)
        return answer({"project": members})

    async def create(request: Request) -> Response:
        bearer = await desk.bearer(request)
        body = await read(request, "project", _New)
        domain_id = body.domain_id or (None if body.is_domain or body.parent_id else bearer.domain_id)
        await desk.authorise(request, "identity:create_project", domain_id=domain_id)
        rest = project_values({name: value for name, value in body.given.items() if name not in _PLACE})
        rest.pop("name")
        made = await desk.directory.projects.create(
            body.name,
            domain_id=domain_id,
            parent_id=body.parent_id,
            is_domain=body.is_domain,
            extra=body.extra,
            **rest,
        )
        return answer({"project": shown_project(made, desk)}, 201)

    async def update(request: Request) -> Response:
        project = await authorised(desk, request, "identity:update_project")
        body = await read(request, "project", _Changes)
        check_id(body.model_extra or {}, project.id)
        changes = dict(body.given)
        if changes.pop("domain_id", project.domain_id) != project.domain_id:
            raise BadRequest("Cannot change Domain ID", field="domain_id")
        if changes.pop("parent_id", project.parent_id) != project.parent_id:
            raise Forbidden("Update of `parent_id` is not allowed.")
        if changes.pop("is_domain", project.is_domain) != project.is_domain:
            raise BadRequest("Update of `is_domain` is not allowed.", field="is_domain")
        changed = await desk.directory.projects.update(project.id, project_values(changes), body.extra)
        return answer({"project": shown_project(changed, desk)})

    async def delete(request: Request) -> Response:
        project = await authorised(desk, request, "identity:delete_project")
        await desk.directory.projects.delete(project.id)
        return done()

    one = "/v3/projects/{project}"
    return [
        Route("/v3/projects", listed),
        Route("/v3/projects", create, methods=["POST"]),
        Route(one, shown),
        Route(one, update, methods=["PATCH"]),
        Route(one, delete, methods=["DELETE"]),
        *_tags(desk),
    ]


def _tags(desk: Desk) -> list[Route]:
    async def listed(request: Request) -> Response:
        return _answer(await authorised(desk, request, "identity:list_project_tags"))

    async def replace(request: Request) -> Response:
        project = await authorised(desk, request, "identity:update_project_tags")
        body = parse(await document(request), _Tags)
        return _answer(await desk.directory.projects.update(project.id, project_values({"tags": body.tags}), {}))

    async def clear(request: Request) -> Response:
        project = await authorised(desk, request, "identity:delete_project_tags")
        await desk.directory.projects.update(project.id, {"tags": ()}, {})
        return done()

    async def check(request: Request) -> Response:
        project = await authorised(desk, request, "identity:get_project_tag")
        _held(project, request.path_params["tag"])
        return done()

    async def add(request: Request) -> Response:
        project = await authorised(desk, request, "identity:create_project_tag")
        tag = parse({"tag": request.path_params["tag"]}, _Tag).tag
        if tag not in project.tags and len(project.tags) >= MAX_TAGS:
            raise BadRequest(f"A project may have {MAX_TAGS} tags.", field="tags")
        await desk.directory.projects.update(project.id, project_values({"tags": [*project.tags, tag]}), {})
        return Response(status_code=201, headers={"Location": desk.url(f"projects/{project.id}/tags/{tag}")})

    async def remove(request: Request) -> Response:
        project = await authorised(desk, request, "identity:delete_project_tag")
        tag = _held(project, request.path_params["tag"])
        left = tuple(each for each in project.tags if each != tag)
        await desk.directory.projects.update(project.id, {"tags": left}, {})
        return done()

    def _answer(project: Project) -> Response:
        links = {"self": desk.url(f"projects/{project.id}/tags"), "previous": None, "next": None}
        return answer({"tags": list(project.tags), "links": links})

    every, one = "/v3/projects/{project}/tags", "/v3/projects/{project}/tags/{tag}"
    return [
        Route(every, listed),
        Route(every, replace, methods=["PUT"]),
        Route(every, clear, methods=["DELETE"]),
        Route(one, check),
        Route(one, add, methods=["PUT"]),
        Route(one, remove, methods=["DELETE"]),
    ]


async def authorised(desk: Desk, request: Request, rule: str) -> Project:
    """The project of the address, if the bearer may do that to it; NotFound only for those who may."""
    identifier = request.path_params["project"]
    found = await desk.directory.projects.find(identifier)
    await desk.authorise(request, rule, project_id=identifier, domain_id=found.domain_id if found else None)
    return there(found, "project", identifier)


def project_values(given: Mapping[str, Any]) -> dict[str, Any]:
    """What a body says of a project or domain, as the directory takes it."""
    values = dict(given)
    if "tags" in values:
        values["tags"] = tuple(dict.fromkeys(values["tags"]))
    if "description" in values:
        values["description"] = values["description"] or ""
    return values


def _held(project: Project, tag: str) -> str:
    if tag not in project.tags:
        raise NotFound(f"Could not find project tag: {tag}.")
    return tag


_TAGGED: Mapping[str, Callable[[set[str], set[str]], bool]] = {
    "tags": lambda wanted, held: wanted <= held,
    "tags-any": lambda wanted, held: bool(wanted & held),
    "not-tags": lambda wanted, held: not wanted <= held,
    "not-tags-any": lambda wanted, held: not wanted & held,
}


def _is_tagged(project: Project, query: Mapping[str, str]) -> bool:
    held = set(project.tags)
    return all(fits(set(query[name].split(",")), held) for name, fits in _TAGGED.items() if name in query)


async def _family(desk: Desk, project: Project, query: Mapping[str, str]) -> Json:
    """Parents and children, as far as the query asks for them."""
    for kind in ("parents", "subtree"):
        if asks(query, f"{kind}_as_list") and asks(query, f"{kind}_as_ids"):
            raise BadRequest(f"Cannot use {kind}_as_list and {kind}_as_ids at the same time.", field=f"{kind}_as_ids")
    found: Json = {}
    if asks(query, "parents_as_list") or asks(query, "parents_as_ids"):
        above = await desk.directory.projects.ancestors(project)
        listed = [{"project": shown_project(each, desk)} for each in above if not each.is_domain]
        found["parents"] = listed if asks(query, "parents_as_list") else _chain([each.id for each in above])
    if asks(query, "subtree_as_list") or asks(query, "subtree_as_ids"):
        below = await desk.directory.projects.subtree(project.id)
        listed = [{"project": shown_project(each, desk)} for each in below]
        found["subtree"] = listed if asks(query, "subtree_as_list") else _tree(project.id, below)
    return found


def _chain(identifiers: Sequence[str]) -> Json | None:
    nested: Json | None = None
    for identifier in reversed(identifiers):
        nested = {identifier: nested}
    return nested


def _tree(identifier: str, below: Sequence[Project]) -> Json | None:
    return {each.id: _tree(each.id, below) for each in below if each.parent_id == identifier} or None
