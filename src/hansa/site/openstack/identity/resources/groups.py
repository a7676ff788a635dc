"""`/v3/groups` and who is in them (Identity API v3, §Groups)."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hansa.base.errors import BadRequest, NotFound
from hansa.site.directory import DEFAULT, Group
from hansa.site.directory.book import there
from hansa.site.openstack.identity.answers import answer, collection, done
from hansa.site.openstack.identity.bodies import Body, Id, Name255, check_id, read
from hansa.site.openstack.identity.desk import Desk
from hansa.site.openstack.identity.listing import read_listing
from hansa.site.openstack.identity.shown import shown_group, shown_user

FILTERS = ("name", "domain_id")


class _Changes(Body):
    name: Name255 = ""
    description: str | None = None
    domain_id: Id | None = None


class _New(_Changes):
    name: Name255


def routes(desk: Desk) -> list[Route]:
    async def listed(request: Request) -> Response:
        bearer = await desk.bearer(request)
        await desk.authorise(request, "identity:list_groups", domain_id=bearer.domain_id)
        listing = read_listing(request.query_params.multi_items(), FILTERS)
        found = await desk.directory.groups.listed(
            domain_id=bearer.domain_id or listing.exact("domain_id"), name=listing.exact("name")
        )
        things = [shown_group(each, desk) for each in found]
        return answer(collection(desk.place.keystone, "groups", "groups", things, listing))

    async def shown(request: Request) -> Response:
        return answer({"group": shown_group(await _authorised(desk, request, "identity:get_group"), desk)})

    async def create(request: Request) -> Response:
        bearer = await desk.bearer(request)
        body = await read(request, "group", _New)
        domain_id = body.domain_id or bearer.domain_id or DEFAULT
        await desk.authorise(request, "identity:create_group", domain_id=domain_id)
        made = await desk.directory.groups.create(
            body.name, domain_id=domain_id, description=body.description or "", extra=body.extra
        )
        return answer({"group": shown_group(made, desk)}, 201)

    async def update(request: Request) -> Response:
        group = await _authorised(desk, request, "identity:update_group")
        body = await read(request, "group", _Changes)
        check_id(body.model_extra or {}, group.id)
        changes = dict(body.given)
        if changes.pop("domain_id", group.domain_id) != group.domain_id:
            raise BadRequest("Cannot change Domain ID", field="domain_id")
        if "description" in changes:
            changes["description"] = changes["description"] or ""
        changed = await desk.directory.groups.update(group.id, changes, body.extra)
        return answer({"group": shown_group(changed, desk)})

    async def delete(request: Request) -> Response:
        group = await _authorised(desk, request, "identity:delete_group")
        await desk.directory.groups.delete(group.id)
        return done()

    one = "/v3/groups/{group}"
    return [
        Route("/v3/groups", listed),
        Route("/v3/groups", create, methods=["POST"]),
        Route(one, shown),
        Route(one, update, methods=["PATCH"]),
        Route(one, delete, methods=["DELETE"]),
        *_members(desk),
    ]


def _members(desk: Desk) -> list[Route]:
    async def listed(request: Request) -> Response:
        group = await _authorised(desk, request, "identity:list_users_in_group")
        listing = read_listing(request.query_params.multi_items(), ("name", "enabled", "domain_id"))
        domain_id = (await desk.bearer(request)).domain_id
        found = await desk.directory.groups.members(group.id)
        things = [shown_user(each, desk) for each in found if domain_id in (None, each.domain_id)]
        return answer(collection(desk.place.keystone, f"groups/{group.id}/users", "users", things, listing))

    async def both(request: Request, rule: str) -> tuple[str, str]:
        """Ids of the group and the user."""
        group_id, user_id = request.path_params["group"], request.path_params["user"]
        group, user = await desk.directory.groups.find(group_id), await desk.directory.users.find(user_id)
        ends = {"domain_id": group.domain_id if group else None, "actor_domain_id": user.domain_id if user else None}
        await desk.authorise(request, rule, **ends)
        return there(group, "group", group_id).id, there(user, "user", user_id).id

    async def check(request: Request) -> Response:
        group_id, user_id = await both(request, "identity:check_user_in_group")
        if not await desk.directory.groups.has(group_id, user_id):
            raise NotFound(f"User {user_id} is not in group {group_id}.")
        return done()

    async def add(request: Request) -> Response:
        await desk.directory.groups.add(*await both(request, "identity:add_user_to_group"))
        return done()

    async def remove(request: Request) -> Response:
        await desk.directory.groups.remove(*await both(request, "identity:remove_user_from_group"))
        return done()

    one = "/v3/groups/{group}/users/{user}"
    return [
        Route("/v3/groups/{group}/users", listed),
        Route(one, check),
        Route(one, add, methods=["PUT"]),
        Route(one, remove, methods=["DELETE"]),
    ]


async def _authorised(desk: Desk, request: Request, rule: str) -> Group:
    identifier = request.path_params["group"]
    found = await desk.directory.groups.find(identifier)
    await desk.authorise(request, rule, domain_id=found.domain_id if found else None)
    return there(found, "group", identifier)
