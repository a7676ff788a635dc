"""`/v3/policies` (Identity API v3, §Policies)."""

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hansa.site.keystone.policies import Policies, Policy
from hansa.site.openstack.identity.answers import Json, answer, collection, done, linked
from hansa.site.openstack.identity.bodies import Body, read
from hansa.site.openstack.identity.desk import Desk
from hansa.site.openstack.identity.listing import read_listing


class _Changes(Body):
    type: str = Field("", min_length=1, max_length=255)
    blob: str = Field("", min_length=1, max_length=65_536)


class _New(_Changes):
    type: str = Field(min_length=1, max_length=255)
    blob: str = Field(min_length=1, max_length=65_536)


def routes(desk: Desk) -> list[Route]:
    policies = Policies(desk.database)

    async def listed(request: Request) -> Response:
        await desk.authorise(request, "identity:list_policies")
        found = [_shown(each, desk) for each in await policies.listed()]
        listing = read_listing(request.query_params.multi_items(), ("type",))
        return answer(collection(desk.place.keystone, "policies", "policies", found, listing))

    async def shown(request: Request) -> Response:
        await desk.authorise(request, "identity:get_policy")
        return _answer(await policies.get(request.path_params["policy"]), desk)

    async def create(request: Request) -> Response:
        await desk.authorise(request, "identity:create_policy")
        body = await read(request, "policy", _New)
        return _answer(await policies.add(body.type, body.blob), desk, 201)

    async def update(request: Request) -> Response:
        await desk.authorise(request, "identity:update_policy")
        body = await read(request, "policy", _Changes)
        return _answer(await policies.change(request.path_params["policy"], **body.given), desk)

    async def delete(request: Request) -> Response:
        await desk.authorise(request, "identity:delete_policy")
        await policies.remove(request.path_params["policy"])
        return done()

    one = "/v3/policies/{policy}"
    return [
        Route("/v3/policies", listed),
        Route("/v3/policies", create, methods=["POST"]),
        Route(one, shown),
        Route(one, update, methods=["PATCH"]),
        Route(one, delete, methods=["DELETE"]),
    ]


def _answer(policy: Policy, desk: Desk, status: int = 200) -> Response:
    return answer({"policy": _shown(policy, desk)}, status)


def _shown(policy: Policy, desk: Desk) -> Json:
    return linked(desk.place.keystone, "policies", {"id": policy.id, "type": policy.type, "blob": policy.blob})
