"""`/v3/users/{user}/application_credentials` and `…/access_rules` (Identity API v3, §Application Credentials)."""

from datetime import UTC, datetime

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hansa.base.errors import Forbidden
from hansa.site.keystone.delegation import AccessRule, ApplicationCredential
from hansa.site.keystone.delegation.applications import Maker, Wanted
from hansa.site.openstack.identity.answers import Json, answer, collection, done, linked
from hansa.site.openstack.identity.bodies import Body, read
from hansa.site.openstack.identity.desk import Desk
from hansa.site.openstack.identity.listing import read_listing
from hansa.site.openstack.identity.resources.named import RoleName, role_id
from hansa.site.openstack.identity.times import parse_time

_ROOT = "/v3/users/{user}"


class _Rule(Body):
    model_config = Body.model_config | {"extra": "forbid"}

    id: str = Field("", max_length=64)
    path: str = Field("", max_length=128)
    method: str = Field("", max_length=16)
    service: str = Field("", max_length=64)


class _New(Body):
    name: str = Field(min_length=1, max_length=255)
    description: str | None = None
    secret: str | None = None
    expires_at: str | None = None
    unrestricted: bool | None = None
    roles: list[RoleName] | None = None
    access_rules: list[_Rule] | None = Field(None, max_length=100)


def routes(desk: Desk) -> list[Route]:
    return [*_credentials(desk), *_rules(desk)]


def _credentials(desk: Desk) -> list[Route]:
    applications = desk.delegates.applications

    async def listed(request: Request) -> Response:
        user = request.path_params["user"]
        await desk.authorise(request, "identity:list_application_credentials", user_id=user)
        found = [await _shown(each, desk) for each in await applications.listed(user)]
        listing = read_listing(request.query_params.multi_items(), ("name",))
        path = f"users/{user}/application_credentials"
        return answer(collection(desk.place.keystone, path, "application_credentials", found, listing))

    async def shown(request: Request) -> Response:
        user = request.path_params["user"]
        await desk.authorise(request, "identity:get_application_credential", user_id=user)
        found = await applications.get(user, request.path_params["credential"])
        return answer({"application_credential": await _shown(found, desk)})

    async def create(request: Request) -> Response:
        user = request.path_params["user"]
        await desk.authorise(request, "identity:create_application_credential", user_id=user)
        maker = await _maker(request)
        body = await read(request, "application_credential", _New)
        made, secret = await applications.create(maker, await _wanted(body, desk))
        return answer({"application_credential": {**await _shown(made, desk), "secret": secret}}, 201)

    async def delete(request: Request) -> Response:
        user = request.path_params["user"]
        await desk.authorise(request, "identity:delete_application_credential", user_id=user)
        await _check_free(request)
        await applications.remove(user, request.path_params["credential"])
        return done()

    async def _maker(request: Request) -> Maker:
        issued = await desk.shown(request)
        if issued.project is None or issued.scoped is None:
            raise Forbidden("An application credential is for a project; show a token that is scoped to it.")
        await _check_free(request)
        parent = await desk.delegates.application(issued.token)
        roles = frozenset(role.name for role in issued.scoped.roles)
        names = issued.token.principal.names
        return Maker(issued.person.user.id, issued.project.id, roles, names, parent)

    async def _check_free(request: Request) -> None:
        """A delegation manages application credentials only if it is an application credential that may."""
        token = (await desk.shown(request)).token
        parent = await desk.delegates.application(token)
        if token.delegation is not None and (parent is None or not parent.unrestricted):
            raise Forbidden("This token is restricted: it manages no application credentials.")

    root = f"{_ROOT}/application_credentials"
    return [
        Route(root, listed),
        Route(root, create, methods=["POST"]),
        Route(f"{root}/{{credential}}", shown),
        Route(f"{root}/{{credential}}", delete, methods=["DELETE"]),
    ]


def _rules(desk: Desk) -> list[Route]:
    applications = desk.delegates.applications

    async def listed(request: Request) -> Response:
        user = request.path_params["user"]
        await desk.authorise(request, "identity:list_access_rules", user_id=user)
        path = f"users/{user}/access_rules"
        found = [linked(desk.place.keystone, path, _rule(each)) for each in await applications.rules(user)]
        listing = read_listing(request.query_params.multi_items(), ("service", "path", "method"))
        return answer(collection(desk.place.keystone, path, "access_rules", found, listing))

    async def shown(request: Request) -> Response:
        user = request.path_params["user"]
        await desk.authorise(request, "identity:get_access_rule", user_id=user)
        found = await applications.rule(user, request.path_params["rule"])
        return answer({"access_rule": linked(desk.place.keystone, f"users/{user}/access_rules", _rule(found))})

    async def delete(request: Request) -> Response:
        user = request.path_params["user"]
        await desk.authorise(request, "identity:delete_access_rule", user_id=user)
        await applications.remove_rule(user, request.path_params["rule"])
        return done()

    root = f"{_ROOT}/access_rules"
    return [
        Route(root, listed),
        Route(f"{root}/{{rule}}", shown),
        Route(f"{root}/{{rule}}", delete, methods=["DELETE"]),
    ]


async def _wanted(body: _New, desk: Desk) -> Wanted:
    roles = None if body.roles is None else tuple([await role_id(each, desk) for each in body.roles])
    rules = None
    if body.access_rules is not None:
        rules = [AccessRule(each.id, each.service, each.path, each.method) for each in body.access_rules]
    return Wanted(
        name=body.name,
        secret=body.secret,
        description=body.description,
        roles=roles,
        expires=parse_time(body.expires_at, "expires_at") if body.expires_at is not None else None,
        unrestricted=bool(body.unrestricted),
        access_rules=rules,
    )


async def _shown(credential: ApplicationCredential, desk: Desk) -> Json:
    known = (await desk.directory.things()).roles
    roles = [known[role] for role in credential.roles if role in known]
    members: Json = {
        "id": credential.id,
        "name": credential.name,
        "description": credential.description,
        "user_id": credential.user,
        "project_id": credential.project,
        "roles": [{"id": role.id, "name": role.name, "domain_id": role.domain_id} for role in roles],
        "expires_at": _plain(credential.expires),
        "unrestricted": credential.unrestricted,
        "system": None,
    }
    if credential.access_rules is not None:
        members["access_rules"] = [_rule(each) for each in credential.access_rules]
    return linked(desk.place.keystone, f"users/{credential.user}/application_credentials", members)


def _plain(time: datetime | None) -> str | None:
    """Keystone says this one time without a zone; it is UTC."""
    return time.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") if time else None


def _rule(rule: AccessRule) -> Json:
    return {"id": rule.id, "service": rule.service, "path": rule.path, "method": rule.method}
