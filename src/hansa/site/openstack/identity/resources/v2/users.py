"""`/v2.0/users` (Identity API v2.0, OS-KSADM)."""

from typing import Any

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hansa.base.errors import NotFound
from hansa.site.directory import DEFAULT, Kind, Target, User
from hansa.site.openstack.identity.answers import Json, answer, done
from hansa.site.openstack.identity.bodies import Body, read
from hansa.site.openstack.identity.desk import Desk
from hansa.site.openstack.identity.resources.v2.tenants import tenant_of


class _Changes(Body):
    """`tenantId` is the user's default project, and gives no role in it."""

    name: str = Field("", min_length=1, max_length=255)
    password: str | None = Field(None, repr=False)
    email: str | None = Field(None, max_length=255)
    tenantId: str | None = Field(None, max_length=64)  # noqa: N815  (the API's word)
    enabled: bool = True


class _New(_Changes):
    name: str = Field(min_length=1, max_length=255)


def routes(desk: Desk) -> list[Route]:
    async def listed(request: Request) -> Response:
        await desk.authorise(request, "identity:list_users", domain_id=DEFAULT)
        name = request.query_params.get("name")
        found = [_shown(each) for each in await desk.directory.users.listed(domain_id=DEFAULT, name=name)]
        if name is not None:
            if not found:
                raise NotFound(f"Could not find user: {name}.")
            return answer({"user": found[0]})
        return answer({"users": found})

    async def of_tenant(request: Request) -> Response:
        await desk.authorise(request, "identity:list_users", domain_id=DEFAULT)
        tenant = await tenant_of(request, desk)
        assigned = await desk.directory.roles.assigned(target=Target(Kind.PROJECT, tenant.id))
        people = await desk.directory.users.several(
            [each.actor_id for each in assigned if each.actor_kind is Kind.USER]
        )
        return answer({"users": [_shown(each) for each in people.values()]})

    async def shown(request: Request) -> Response:
        await desk.authorise(request, "identity:get_user", domain_id=DEFAULT, user_id=request.path_params["user"])
        return answer({"user": _shown(await user_of(request, desk))})

    async def create(request: Request) -> Response:
        await desk.authorise(request, "identity:create_user", domain_id=DEFAULT)
        body = await read(request, "user", _New)
        made = await desk.directory.users.create(
            body.name,
            domain_id=DEFAULT,
            password=body.password,
            enabled=body.enabled,
            default_project_id=body.tenantId or None,
            options={},
            extra={"email": body.email} if body.email else {},
        )
        return answer({"user": _shown(made)})

    async def update(request: Request) -> Response:
        """All of the user, or by the last word of the address its password, its tenant or whether it is enabled."""
        await desk.authorise(request, "identity:update_user", domain_id=DEFAULT)
        body = await read(request, "user", _Changes)
        user = await user_of(request, desk)
        changes: dict[str, Any] = dict(body.given)
        extra = {"email": changes.pop("email")} if "email" in changes else {}
        if "tenantId" in changes:
            changes["default_project_id"] = changes.pop("tenantId") or None
        return answer({"user": _shown(await desk.directory.users.update(user.id, changes, extra))})

    async def delete(request: Request) -> Response:
        await desk.authorise(request, "identity:delete_user", domain_id=DEFAULT)
        await desk.directory.users.delete((await user_of(request, desk)).id)
        return done()

    one = "/v2.0/users/{user}"
    return [
        Route("/v2.0/users", listed),
        Route("/v2.0/users", create, methods=["POST"]),
        Route("/v2.0/tenants/{tenant}/users", of_tenant),
        Route(one, shown),
        Route(one, update, methods=["PUT"]),
        Route(one, delete, methods=["DELETE"]),
        *(Route(f"{one}/OS-KSADM/{part}", update, methods=["PUT"]) for part in ("enabled", "password", "tenant")),
    ]


async def user_of(request: Request, desk: Desk) -> User:
    """NotFound also for one of another domain."""
    found = await desk.directory.users.get(request.path_params["user"])
    if found.domain_id != DEFAULT:
        raise NotFound(f"Could not find user: {found.id}.")
    return found


def _shown(user: User) -> Json:
    return {
        "id": user.id,
        "name": user.name,
        "username": user.name,
        "email": user.extra.get("email"),
        "enabled": user.enabled,
        "tenantId": user.default_project_id,
    }
