"""`/v3/OS-TRUST/trusts` (Identity API v3 extensions, OS-TRUST)."""

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hansa.base.errors import Forbidden, NotFound
from hansa.site.directory import Role
from hansa.site.keystone.delegation import Trust
from hansa.site.keystone.delegation.trusts import Wanted
from hansa.site.openstack.identity.answers import Json, answer, collection, done, linked
from hansa.site.openstack.identity.bodies import Body, read
from hansa.site.openstack.identity.delegates import TRUST
from hansa.site.openstack.identity.desk import Desk
from hansa.site.openstack.identity.listing import read_listing
from hansa.site.openstack.identity.render import micro
from hansa.site.openstack.identity.resources.named import RoleName, role_id
from hansa.site.openstack.identity.times import parse_time

_ROOT = "/v3/OS-TRUST/trusts"
_PATH = "OS-TRUST/trusts"


class _New(Body):
    trustor_user_id: str = Field(min_length=1, max_length=64)
    trustee_user_id: str = Field(min_length=1, max_length=64)
    impersonation: bool
    project_id: str | None = Field(None, max_length=64)
    roles: list[RoleName] = Field(default_factory=list, max_length=100)
    expires_at: str | None = None
    remaining_uses: int | None = Field(None, ge=1, le=2_147_483_647)
    allow_redelegation: bool | None = None
    redelegation_count: int | None = Field(None, ge=0, le=1000)


def routes(desk: Desk) -> list[Route]:
    trusts = desk.delegates.trusts

    async def listed(request: Request) -> Response:
        trustor = request.query_params.get("trustor_user_id")
        trustee = request.query_params.get("trustee_user_id")
        if trustor is not None:
            await desk.authorise(request, "identity:list_trusts_for_trustor", trustor_user_id=trustor)
        elif trustee is not None:
            await desk.authorise(request, "identity:list_trusts_for_trustee", trustee_user_id=trustee)
        else:
            await desk.authorise(request, "identity:list_trusts")
        await _check_free(request, desk)
        found = [_summary(each, desk) for each in await trusts.listed(trustor=trustor, trustee=trustee)]
        listing = read_listing(request.query_params.multi_items(), ("project_id",))
        return answer(collection(desk.place.keystone, _PATH, "trusts", found, listing))

    async def create(request: Request) -> Response:
        await _check_free(request, desk)
        body = await read(request, "trust", _New)
        await desk.authorise(request, "identity:create_trust", trustor_user_id=body.trustor_user_id)
        issued = await desk.shown(request)
        kind, parent = issued.token.delegation or (None, None)
        wanted = Wanted(
            trustor=body.trustor_user_id,
            trustee=body.trustee_user_id,
            project=body.project_id or None,
            roles=tuple([await role_id(each, desk) for each in body.roles]),
            impersonation=body.impersonation,
            expires=parse_time(body.expires_at, "expires_at") if body.expires_at is not None else None,
            remaining_uses=body.remaining_uses,
            allow_redelegation=bool(body.allow_redelegation),
            redelegation_count=body.redelegation_count,
            parent=parent if kind == TRUST else None,
            names=issued.token.principal.names,
        )
        return answer({"trust": await _shown(await trusts.create(wanted), desk)}, 201)

    async def shown(request: Request) -> Response:
        return answer({"trust": await _shown(await _allowed(request, "get_trust", desk), desk)})

    async def delete(request: Request) -> Response:
        await trusts.remove((await _allowed(request, "delete_trust", desk)).id)
        return done()

    async def roles(request: Request) -> Response:
        trust = await _allowed(request, "list_roles_for_trust", desk)
        path = f"{_PATH}/{trust.id}/roles"
        found = [_role(each, desk) for each in await _roles(trust, desk)]
        return answer(collection(desk.place.keystone, path, "roles", found, read_listing((), ())))

    async def role(request: Request) -> Response:
        trust = await _allowed(request, "get_role_for_trust", desk)
        for each in await _roles(trust, desk):
            if each.id == request.path_params["role"]:
                return answer({"role": _role(each, desk)})
        raise NotFound(f"Could not find role: {request.path_params['role']}.")

    one = f"{_ROOT}/{{trust}}"
    return [
        Route(_ROOT, listed),
        Route(_ROOT, create, methods=["POST"]),
        Route(one, shown),
        Route(one, delete, methods=["DELETE"]),
        Route(f"{one}/roles", roles),
        Route(f"{one}/roles/{{role}}", role),
    ]


def _summary(trust: Trust, desk: Desk) -> Json:
    members = {
        "id": trust.id,
        "trustor_user_id": trust.trustor,
        "trustee_user_id": trust.trustee,
        "project_id": trust.project,
        "impersonation": trust.impersonation,
        "expires_at": micro(trust.expires) if trust.expires else None,
        "remaining_uses": trust.remaining_uses,
        "redelegation_count": trust.redelegation_count,
        "redelegated_trust_id": trust.redelegated_from,
        "deleted_at": None,
    }
    return linked(desk.place.keystone, _PATH, members)


async def _allowed(request: Request, rule: str, desk: Desk) -> Trust:
    """One that is not there is not found, whoever asks, as in Keystone: ids are not to be guessed."""
    await _check_free(request, desk)
    found = await desk.delegates.trusts.get(request.path_params["trust"])
    people = {"trustor_user_id": found.trustor, "trustee_user_id": found.trustee}
    await desk.authorise(request, f"identity:{rule}", **people)
    return found


async def _check_free(request: Request, desk: Desk) -> None:
    """An application credential manages no trusts: it would give on more than it has. A trust may be redelegated."""
    delegation = (await desk.shown(request)).token.delegation
    if delegation is not None and delegation[0] != TRUST:
        raise Forbidden("Delegated tokens cannot manage trusts.")


async def _roles(trust: Trust, desk: Desk) -> list[Role]:
    known = (await desk.directory.things()).roles
    return [known[each] for each in trust.roles if each in known]


def _role(role: Role, desk: Desk) -> Json:
    return linked(desk.place.keystone, "roles", {"id": role.id, "name": role.name, "domain_id": role.domain_id})


async def _shown(trust: Trust, desk: Desk) -> Json:
    links = {"self": f"{desk.place.keystone}/v3/{_PATH}/{trust.id}/roles", "next": None, "previous": None}
    return {
        **_summary(trust, desk),
        "roles": [_role(each, desk) for each in await _roles(trust, desk)],
        "roles_links": links,
    }
