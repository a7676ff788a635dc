"""Roles of users and groups on projects, domains and the system, one by one (Identity API v3, §Roles and OS-INHERIT)."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hansa.base.errors import NotFound
from hansa.site.directory import Assignment, Group, Kind, Project, Role, Target, User
from hansa.site.directory.book import there
from hansa.site.directory.model import SYSTEM
from hansa.site.openstack.identity.answers import answer, collection, done
from hansa.site.openstack.identity.desk import Desk
from hansa.site.openstack.identity.listing import read_listing
from hansa.site.openstack.identity.shown import shown_role

_INHERITED = "inherited_to_projects"


@dataclass(frozen=True, slots=True)
class _Named:
    """What the address names, as far as it is there. `project` is the project or domain, None on the system."""

    target: Target
    project: Project | None
    actor_kind: Kind
    actor_id: str
    actor: User | Group | None
    role_id: str | None
    role: Role | None

    def rule_target(self) -> dict[str, str | None]:
        domain = None
        if self.project is not None:
            domain = self.project.id if self.project.is_domain else self.project.domain_id
        found: dict[str, str | None] = {"domain_id": domain, "actor_domain_id": getattr(self.actor, "domain_id", None)}
        if self.role is not None:
            found |= {"role_name": self.role.name, "role_domain_id": self.role.domain_id}
        elif self.role_id is not None:
            found |= {"role_domain_id": "", "role_name": ""}  # no rule is about a role that is not there
        return found

    def assignment(self, *, is_inherited: bool, gone: bool = False) -> Assignment:
        """NotFound for what is not there; `gone`: the actor need not be any more."""
        role = there(self.role, "role", self.role_id or "")
        if not gone:
            there(self.actor, self.actor_kind.value, self.actor_id)
        if self.target != SYSTEM:
            there(self.project, self.target.kind.value, self.target.id)
        return Assignment(role.id, self.actor_kind, self.actor_id, self.target, is_inherited)


def routes(desk: Desk) -> list[Route]:
    found: list[Route] = []
    for actor in (Kind.USER, Kind.GROUP):
        for target in (Kind.PROJECT, Kind.DOMAIN):
            path = f"/{target}s/{{target}}/{actor}s/{{actor}}/roles"
            found += _routes(desk, actor, target, f"/v3{path}", is_inherited=False)
            found += _routes(desk, actor, target, f"/v3/OS-INHERIT{path}", is_inherited=True)
        found += _routes(desk, actor, Kind.SYSTEM, f"/v3/system/{actor}s/{{actor}}/roles", is_inherited=False)
    return found


def _routes(desk: Desk, actor: Kind, target: Kind, path: str, *, is_inherited: bool) -> list[Route]:
    roles = desk.directory.roles
    subject = f"system_grant{{}}_for_{actor}" if target is Kind.SYSTEM else "grant{}"

    async def named(request: Request, action: str, plural: str = "") -> _Named:
        which = await _named(desk, request, actor, target)
        await desk.authorise(request, f"identity:{action}_{subject.format(plural)}", **which.rule_target())
        return which

    async def listed(request: Request) -> Response:
        which = await named(request, "list", "s")
        there(which.actor, actor.value, which.actor_id)
        if which.target != SYSTEM:
            there(which.project, target.value, which.target.id)
        held = await roles.assigned(actors=[(actor, which.actor_id)], target=which.target)
        known = await roles.every()
        given = {each.role_id for each in held if each.is_inherited == is_inherited}
        things = [shown_role(role, desk) for role in known.values() if role.id in given]
        listing = read_listing(request.query_params.multi_items(), ("name",))
        return answer(collection(desk.place.keystone, request.url.path.removeprefix("/v3/"), "roles", things, listing))

    async def check(request: Request) -> Response:
        assignment = (await named(request, "check")).assignment(is_inherited=is_inherited)
        if not await roles.has(assignment):
            raise NotFound(f"Could not find role assignment with role: {assignment.role_id}.")
        return done()

    async def create(request: Request) -> Response:
        await roles.assign((await named(request, "create")).assignment(is_inherited=is_inherited))
        return done()

    async def revoke(request: Request) -> Response:
        await roles.unassign((await named(request, "revoke")).assignment(is_inherited=is_inherited, gone=True))
        return done()

    one = f"{path}/{{role}}/{_INHERITED}" if is_inherited else f"{path}/{{role}}"
    return [
        Route(f"{path}/{_INHERITED}" if is_inherited else path, listed),
        Route(one, check),
        Route(one, create, methods=["PUT"]),
        Route(one, revoke, methods=["DELETE"]),
    ]


async def _named(desk: Desk, request: Request, actor_kind: Kind, kind: Kind) -> _Named:
    await desk.bearer(request)
    directory, given = desk.directory, request.path_params
    actor: User | Group | None
    if actor_kind is Kind.USER:
        actor = await directory.users.find(given["actor"])
    else:
        actor = await directory.groups.find(given["actor"])
    project = None
    target = SYSTEM
    if kind is not Kind.SYSTEM:
        target = Target(kind, given["target"])
        project = await directory.projects.find(target.id)
        if project is not None and project.is_domain != (kind is Kind.DOMAIN):
            project = None
    role_id = given.get("role")
    role = await directory.roles.find(role_id) if role_id else None
    return _Named(target, project, actor_kind, given["actor"], actor, role_id, role)
