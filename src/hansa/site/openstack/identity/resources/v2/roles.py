"""`/v2.0/OS-KSADM/roles`, and who has them in which tenant (Identity API v2.0, OS-KSADM)."""

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hansa.site.directory import DEFAULT, Kind, Role, Target
from hansa.site.directory.model import Assignment
from hansa.site.openstack.identity.answers import Json, answer, done
from hansa.site.openstack.identity.bodies import Body, read
from hansa.site.openstack.identity.desk import Desk
from hansa.site.openstack.identity.resources.v2.tenants import tenant_of
from hansa.site.openstack.identity.resources.v2.users import user_of

_ROOT = "/v2.0/OS-KSADM/roles"


class _New(Body):
    name: str = Field(min_length=1, max_length=255)


def routes(desk: Desk) -> list[Route]:
    async def listed(request: Request) -> Response:
        await desk.authorise(request, "identity:list_roles")
        every = (await desk.directory.roles.every()).values()
        return answer({"roles": [_shown(each) for each in every if each.domain_id is None]})

    async def shown(request: Request) -> Response:
        await desk.authorise(request, "identity:get_role")
        return answer({"role": _shown(await desk.directory.roles.get(request.path_params["role"]))})

    async def create(request: Request) -> Response:
        await desk.authorise(request, "identity:create_role")
        body = await read(request, "role", _New)
        return answer({"role": _shown(await desk.directory.roles.create(body.name, options={}, extra={}))})

    async def delete(request: Request) -> Response:
        await desk.authorise(request, "identity:delete_role")
        await desk.directory.roles.delete(request.path_params["role"])
        return done()

    async def of_user(request: Request) -> Response:
        await desk.authorise(request, "identity:list_grants", domain_id=DEFAULT, actor_domain_id=DEFAULT)
        user, tenant = await user_of(request, desk), await tenant_of(request, desk)
        target = Target(Kind.PROJECT, tenant.id)
        assigned = await desk.directory.roles.assigned(actors=[(Kind.USER, user.id)], target=target)
        known = await desk.directory.roles.every()
        return answer({"roles": [_shown(known[each.role_id]) for each in assigned if not each.is_inherited]})

    async def nowhere(request: Request) -> Response:
        """Roles that are in no tenant: v2.0 had them once, and nobody has any."""
        await desk.authorise(request, "identity:list_grants", domain_id=DEFAULT, actor_domain_id=DEFAULT)
        await user_of(request, desk)
        return answer({"roles": []})

    async def add(request: Request) -> Response:
        role = await _grant(request, "identity:create_grant")
        await desk.directory.roles.assign(await _assignment(request, role))
        return answer({"role": _shown(role)})

    async def remove(request: Request) -> Response:
        role = await _grant(request, "identity:revoke_grant")
        await desk.directory.roles.unassign(await _assignment(request, role))
        return done()

    async def _grant(request: Request, rule: str) -> Role:
        await desk.bearer(request)
        role = await desk.directory.roles.find(request.path_params["role"])
        domains = {"domain_id": DEFAULT, "actor_domain_id": DEFAULT}
        named = {"role_name": role.name if role else None, "role_domain_id": role.domain_id if role else None}
        await desk.authorise(request, rule, **domains, **named)
        return role or await desk.directory.roles.get(request.path_params["role"])

    async def _assignment(request: Request, role: Role) -> Assignment:
        user, tenant = await user_of(request, desk), await tenant_of(request, desk)
        return Assignment(role.id, Kind.USER, user.id, Target(Kind.PROJECT, tenant.id))

    held = "/v2.0/tenants/{tenant}/users/{user}/roles"
    return [
        Route(_ROOT, listed),
        Route(_ROOT, create, methods=["POST"]),
        Route(f"{_ROOT}/{{role}}", shown),
        Route(f"{_ROOT}/{{role}}", delete, methods=["DELETE"]),
        Route("/v2.0/users/{user}/roles", nowhere),
        Route(held, of_user),
        Route(f"{held}/OS-KSADM/{{role}}", add, methods=["PUT"]),
        Route(f"{held}/OS-KSADM/{{role}}", remove, methods=["DELETE"]),
    ]


def _shown(role: Role) -> Json:
    return {"id": role.id, "name": role.name}
