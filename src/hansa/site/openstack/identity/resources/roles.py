"""`/v3/roles` and what they imply (Identity API v3, §Roles)."""

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hansa.base.errors import BadRequest, NotFound
from hansa.site.directory import Role
from hansa.site.directory.book import there
from hansa.site.openstack.identity.answers import Json, answer, collection, done
from hansa.site.openstack.identity.bodies import Body, Id, Name255, Options, check_id, read
from hansa.site.openstack.identity.desk import Desk
from hansa.site.openstack.identity.listing import read_listing
from hansa.site.openstack.identity.shown import shown_role


class _Changes(Body):
    name: Name255 = ""
    description: str | None = None
    options: Options = Field(default_factory=Options)
    domain_id: Id | None = None


class _New(_Changes):
    name: Name255


def routes(desk: Desk) -> list[Route]:
    async def listed(request: Request) -> Response:
        wanted = request.query_params.get("domain_id") or None
        await desk.authorise(request, f"identity:list_{'domain_' if wanted else ''}roles")
        listing = read_listing(request.query_params.multi_items(), ("name",))
        found = (await desk.directory.roles.every()).values()
        things = [shown_role(role, desk) for role in found if role.domain_id == wanted]
        return answer(collection(desk.place.keystone, "roles", "roles", things, listing))

    async def shown(request: Request) -> Response:
        return answer({"role": shown_role(await _authorised(desk, request, "get"), desk)})

    async def create(request: Request) -> Response:
        await desk.bearer(request)
        body = await read(request, "role", _New)
        await desk.authorise(request, f"identity:create_{'domain_' if body.domain_id else ''}role")
        made = await desk.directory.roles.create(
            **{"options": {}, **body.given, "domain_id": body.domain_id}, extra=body.extra
        )
        return answer({"role": shown_role(made, desk)}, 201)

    async def update(request: Request) -> Response:
        role = await _authorised(desk, request, "update")
        body = await read(request, "role", _Changes)
        check_id(body.model_extra or {}, role.id)
        changes = dict(body.given)
        if changes.pop("domain_id", role.domain_id) != role.domain_id:
            raise BadRequest("Update of `domain_id` is not allowed.", field="domain_id")
        changed = await desk.directory.roles.update(role.id, changes, body.extra)
        return answer({"role": shown_role(changed, desk)})

    async def delete(request: Request) -> Response:
        role = await _authorised(desk, request, "delete")
        await desk.directory.roles.delete(role.id)
        return done()

    one = "/v3/roles/{role}"
    return [
        Route("/v3/roles", listed),
        Route("/v3/roles", create, methods=["POST"]),
        Route(one, shown),
        Route(one, update, methods=["PATCH"]),
        Route(one, delete, methods=["DELETE"]),
        *_implications(desk),
    ]


def _implications(desk: Desk) -> list[Route]:
    directory = desk.directory

    def named(role: Role) -> Json:
        return {"id": role.id, "name": role.name, "links": {"self": desk.url(f"roles/{role.id}")}}

    async def every(request: Request) -> Response:
        await desk.authorise(request, "identity:list_role_inference_rules")
        roles, implied = await directory.roles.every(), await directory.roles.implications()
        inferences = [
            {"prior_role": named(roles[prior]), "implies": [named(roles[each]) for each in found]}
            for prior, found in implied.items()
        ]
        return answer({"role_inferences": inferences, "links": {"self": desk.url("role_inferences")}})

    async def listed(request: Request) -> Response:
        prior = await _prior(request, "list_implied_roles")
        roles, implied = await directory.roles.every(), await directory.roles.implications()
        implies = [named(roles[each]) for each in implied.get(prior.id, ())]
        links = {"self": desk.url(f"roles/{prior.id}/implies")}
        return answer({"role_inference": {"prior_role": named(prior), "implies": implies}, "links": links})

    async def shown(request: Request) -> Response:
        rule = "check_implied_role" if request.method == "HEAD" else "get_implied_role"
        prior, implied = await _prior(request, rule), await _implied(request)
        if implied.id not in (await directory.roles.implications()).get(prior.id, ()):
            raise NotFound(f"{prior.id} does not imply {implied.id}.")
        return done() if request.method == "HEAD" else inference(prior, implied)

    async def create(request: Request) -> Response:
        prior, implied = await _prior(request, "create_implied_role"), await _implied(request)
        await directory.roles.imply(prior.id, implied.id)
        return inference(prior, implied, 201)

    async def delete(request: Request) -> Response:
        prior, implied = await _prior(request, "delete_implied_role"), await _implied(request)
        await directory.roles.forget_implication(prior.id, implied.id)
        return done()

    async def _prior(request: Request, rule: str) -> Role:
        await desk.authorise(request, f"identity:{rule}")
        return await directory.roles.get(request.path_params["prior"])

    async def _implied(request: Request) -> Role:
        return await directory.roles.get(request.path_params["implied"])

    def inference(prior: Role, implied: Role, status: int = 200) -> Response:
        links = {"self": desk.url(f"roles/{prior.id}/implies/{implied.id}")}
        body = {"role_inference": {"prior_role": named(prior), "implies": named(implied)}, "links": links}
        return answer(body, status)

    one = "/v3/roles/{prior}/implies/{implied}"
    return [
        Route("/v3/role_inferences", every),
        Route("/v3/roles/{prior}/implies", listed),
        Route(one, shown),
        Route(one, create, methods=["PUT"]),
        Route(one, delete, methods=["DELETE"]),
    ]


async def _authorised(desk: Desk, request: Request, action: str) -> Role:
    identifier = request.path_params["role"]
    found = await desk.directory.roles.find(identifier)
    kind = "domain_role" if found and found.domain_id else "role"
    target = {"role_name": found.name, "role_domain_id": found.domain_id} if found else {}
    await desk.authorise(request, f"identity:{action}_{kind}", **target)
    return there(found, "role", identifier)
