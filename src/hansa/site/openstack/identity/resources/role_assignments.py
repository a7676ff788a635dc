"""`/v3/role_assignments` (Identity API v3, §Role assignments): who has which role where, and why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hansa.base.errors import BadRequest
from hansa.site.directory import Group, Kind, Project, Role, Target, User
from hansa.site.directory.listed import Listed, Wanted
from hansa.site.directory.model import SYSTEM
from hansa.site.openstack.identity.answers import Json, answer, collection
from hansa.site.openstack.identity.desk import Desk
from hansa.site.openstack.identity.listing import asks, read_listing

_INHERITED = "scope.OS-INHERIT:inherited_to"


@dataclass(frozen=True, slots=True)
class _Names:
    """By id, what there is in a list."""

    projects: Mapping[str, Project]
    users: Mapping[str, User]
    groups: Mapping[str, Group]
    roles: Mapping[str, Role]


def routes(desk: Desk) -> list[Route]:
    async def listed(request: Request) -> Response:
        bearer, query = await desk.bearer(request), request.query_params
        wanted = _wanted(query)
        domain_id = bearer.domain_id
        if wanted.with_subtree and wanted.target is not None:
            project = await desk.directory.projects.find(wanted.target.id)
            domain_id = project.domain_id if project else None
        suffix = "_for_tree" if wanted.with_subtree else ""
        await desk.authorise(request, f"identity:list_role_assignments{suffix}", domain_id=domain_id)
        if wanted.with_subtree and wanted.target is None:
            raise BadRequest(
                "scope.project.id must be specified if include_subtree is also specified", field="scope.project.id"
            )
        found = await desk.directory.assignments(wanted, effective=asks(query, "effective"))
        names = await _names(desk, found)
        if bearer.domain_id is not None:
            found = [each for each in found if _domain_of(each.assignment.target, names) == bearer.domain_id]
        things = [_shown(each, names if asks(query, "include_names") else None, desk) for each in found]
        listing = read_listing(query.multi_items(), ())
        return answer(collection(desk.place.keystone, "role_assignments", "role_assignments", things, listing))

    return [Route("/v3/role_assignments", listed)]


def _wanted(query: Mapping[str, str]) -> Wanted:
    actor = _one(query, {"user.id": Kind.USER, "group.id": Kind.GROUP})
    target = _one(
        query, {"scope.project.id": Kind.PROJECT, "scope.domain.id": Kind.DOMAIN, "scope.system": Kind.SYSTEM}
    )
    is_inherited = query[_INHERITED] == "projects" if _INHERITED in query else None
    if asks(query, "effective"):
        if actor and actor[0] is Kind.GROUP:
            raise BadRequest(
                "Combining effective and group filter will always result in an empty list.", field="group.id"
            )
        if is_inherited and target and target[0] is Kind.DOMAIN:
            message = "Combining effective, domain and inherited filters will always result in an empty list."
            raise BadRequest(message, field=_INHERITED)
    return Wanted(
        role_id=query.get("role.id") or None,
        actor=actor,
        target=_target(*target) if target else None,
        with_subtree=asks(query, "include_subtree"),
        is_inherited=is_inherited,
    )


def _target(kind: Kind, identifier: str) -> Target:
    return SYSTEM if kind is Kind.SYSTEM else Target(kind, identifier)


def _one(query: Mapping[str, str], kinds: Mapping[str, Kind]) -> tuple[Kind, str] | None:
    given = [(kind, query[name]) for name, kind in kinds.items() if query.get(name)]
    if len(given) > 1:
        first, second = given[0][0], given[1][0]
        raise BadRequest(f"Specify a {first} or {second}, not both", field=second.value)
    return given[0] if given else None


async def _names(desk: Desk, found: Sequence[Listed]) -> _Names:
    made = [each.assignment for each in found]
    directory = desk.directory
    return _Names(
        await directory.projects.several([each.target.id for each in made]) | dict((await directory.things()).domains),
        await directory.users.several([each.actor_id for each in made if each.actor_kind is Kind.USER]),
        await directory.groups.several([each.actor_id for each in made if each.actor_kind is Kind.GROUP]),
        await directory.roles.every(),
    )


def _domain_of(target: Target, names: _Names) -> str | None:
    if target.kind is Kind.DOMAIN:
        return target.id
    project = names.projects.get(target.id)
    return project.domain_id if project else None


def _shown(each: Listed, names: _Names | None, desk: Desk) -> Json:
    made = each.assignment
    inherited = made.is_inherited or each.origin is not None
    scope = _scope(made.target, names)
    if inherited:
        scope["OS-INHERIT:inherited_to"] = "projects"
    links = {"assignment": desk.url(_address(each, inherited=inherited))}
    if each.group_id:
        links["membership"] = desk.url(f"groups/{each.group_id}/users/{made.actor_id}")
    if each.prior_id:
        links["prior_role"] = desk.url(f"prior_role/{each.prior_id}/implies/{made.role_id}")
    role = names.roles.get(made.role_id) if names else None
    return {
        "scope": scope,
        made.actor_kind.value: _actor(each, names),
        "role": _named(made.role_id, role, role.domain_id if role else None, names),
        "links": links,
    }


def _address(each: Listed, *, inherited: bool) -> str:
    """Of the assignment as it was made."""
    made, target = each.assignment, each.origin or each.assignment.target
    where = "system" if target == SYSTEM else f"{target.kind}s/{target.id}"
    who = f"groups/{each.group_id}" if each.group_id else f"{made.actor_kind}s/{made.actor_id}"
    path = f"{where}/{who}/roles/{each.prior_id or made.role_id}"
    return f"OS-INHERIT/{path}/inherited_to_projects" if inherited else path


def _scope(target: Target, names: _Names | None) -> Json:
    if target == SYSTEM:
        return {"system": {"all": True}}
    project = names.projects.get(target.id) if names else None
    return {target.kind.value: _named(target.id, project, project.domain_id if project else None, names)}


def _actor(each: Listed, names: _Names | None) -> Json:
    identifier = each.assignment.actor_id
    actor: User | Group | None = (names.users.get(identifier) or names.groups.get(identifier)) if names else None
    return _named(identifier, actor, actor.domain_id if actor else None, names)


def _named(
    identifier: str, thing: Project | User | Group | Role | None, domain_id: str | None, names: _Names | None
) -> Json:
    shown: Json = {"id": identifier}
    if thing is not None:
        shown["name"] = thing.name
    if domain_id is not None and names is not None:
        domain = names.projects.get(domain_id)
        shown["domain"] = {"id": domain_id, "name": domain.name if domain else ""}
    return shown
