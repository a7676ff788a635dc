"""`/v3/users` (Identity API v3, §Users)."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

from pydantic import ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hansa.base.errors import BadRequest
from hansa.site.directory import DEFAULT, Kind, User
from hansa.site.directory.book import there
from hansa.site.openstack.identity.answers import answer, collection, done
from hansa.site.openstack.identity.bodies import Body, Id, Name255, check_id, read
from hansa.site.openstack.identity.desk import Desk
from hansa.site.openstack.identity.listing import read_listing
from hansa.site.openstack.identity.requests import ByPassword
from hansa.site.openstack.identity.shown import shown_group, shown_project, shown_user

FILTERS = ("name", "enabled", "domain_id", "email", "description")


class _Options(Body):
    """Those of Keystone that are kept here; None takes one away. Rules for several methods at once are not among them."""

    model_config: ClassVar[ConfigDict] = Body.model_config | {"extra": "forbid"}

    ignore_change_password_upon_first_use: bool | None = None
    ignore_password_expiry: bool | None = None
    ignore_lockout_failure_attempts: bool | None = None
    ignore_user_inactivity: bool | None = None
    lock_password: bool | None = None


class _Changes(Body):
    name: Name255 = ""
    password: str | None = Field(None, repr=False)
    enabled: bool = True
    default_project_id: Id | None = None
    options: _Options = Field(default_factory=_Options)
    domain_id: Id | None = None


class _New(_Changes):
    name: Name255


class _Password(Body):
    model_config: ClassVar[ConfigDict] = Body.model_config | {"extra": "forbid"}

    original_password: str = Field(repr=False)
    password: str = Field(repr=False)


_NOT_EXTRA = frozenset({"password_expires_at", "original_password", "federated"})


def routes(desk: Desk) -> list[Route]:
    async def listed(request: Request) -> Response:
        bearer = await desk.bearer(request)
        await desk.authorise(request, "identity:list_users", domain_id=bearer.domain_id)
        listing = read_listing(request.query_params.multi_items(), FILTERS)
        found = await desk.directory.users.listed(
            domain_id=bearer.domain_id or listing.exact("domain_id"), name=listing.exact("name")
        )
        expires = _expiry(request.query_params)
        things = [shown_user(each, desk) for each in found if expires(each)]
        return answer(collection(desk.place.keystone, "users", "users", things, listing))

    async def shown(request: Request) -> Response:
        return answer({"user": shown_user(await authorised(desk, request, "identity:get_user"), desk)})

    async def create(request: Request) -> Response:
        bearer = await desk.bearer(request)
        body = await read(request, "user", _New)
        domain_id = body.domain_id or bearer.domain_id or DEFAULT
        await desk.authorise(request, "identity:create_user", domain_id=domain_id)
        given = {"options": {}, **body.given, "domain_id": domain_id, "extra": _extra(body)}
        return answer({"user": shown_user(await desk.directory.users.create(**given), desk)}, 201)

    async def update(request: Request) -> Response:
        user = await authorised(desk, request, "identity:update_user")
        body = await read(request, "user", _Changes)
        check_id(body.model_extra or {}, user.id)
        changes = dict(body.given)
        if changes.pop("domain_id", user.domain_id) != user.domain_id:
            raise BadRequest("Cannot change Domain ID", field="domain_id")
        changed = await desk.directory.users.update(user.id, changes, _extra(body))
        return answer({"user": shown_user(changed, desk)})

    async def delete(request: Request) -> Response:
        user = await authorised(desk, request, "identity:delete_user")
        await desk.directory.users.delete(user.id)
        return done()

    async def change_password(request: Request) -> Response:
        """The present password is the credential; no token is needed, and an expired password will do."""
        identifier = request.path_params["user"]
        body = await read(request, "user", _Password)
        proof = ByPassword(body.original_password.encode(), id=identifier)
        principal = await desk.keystone.proved(request.scope, proof, expired=True)
        await desk.directory.users.change_password(identifier, body.password)
        desk.identity.note("identity.password_changed", request.scope, principal)
        return done()

    async def groups(request: Request) -> Response:
        user = await authorised(desk, request, "identity:list_groups_for_user")
        listing = read_listing(request.query_params.multi_items(), ("name",))
        things = [shown_group(each, desk) for each in await desk.directory.groups.of_user(user.id)]
        return answer(collection(desk.place.keystone, f"users/{user.id}/groups", "groups", things, listing))

    async def projects(request: Request) -> Response:
        user = await authorised(desk, request, "identity:list_user_projects")
        listing = read_listing(request.query_params.multi_items(), ("name", "enabled", "domain_id"))
        places = await desk.directory.places_of(user.id)
        found = [each.project for each in places.values() if each.target.kind is Kind.PROJECT and each.project]
        things = [shown_project(each, desk) for each in found]
        return answer(collection(desk.place.keystone, f"users/{user.id}/projects", "projects", things, listing))

    one = "/v3/users/{user}"
    return [
        Route("/v3/users", listed),
        Route("/v3/users", create, methods=["POST"]),
        Route(one, shown),
        Route(one, update, methods=["PATCH"]),
        Route(one, delete, methods=["DELETE"]),
        Route(f"{one}/password", change_password, methods=["POST"]),
        Route(f"{one}/groups", groups),
        Route(f"{one}/projects", projects),
    ]


async def authorised(desk: Desk, request: Request, rule: str) -> User:
    """The user of the address, if the bearer may do that to them; NotFound only for those who may."""
    identifier = request.path_params["user"]
    found = await desk.directory.users.find(identifier)
    await desk.authorise(request, rule, user_id=identifier, domain_id=found.domain_id if found else None)
    return there(found, "user", identifier)


def _extra(body: Body) -> dict[str, Any]:
    return {name: value for name, value in body.extra.items() if name not in _NOT_EXTRA}


_COMPARED: Mapping[str, Callable[[datetime, datetime], bool]] = {
    "lt": lambda held, wanted: held < wanted,
    "lte": lambda held, wanted: held <= wanted,
    "gt": lambda held, wanted: held > wanted,
    "gte": lambda held, wanted: held >= wanted,
    "eq": lambda held, wanted: held == wanted,
    "neq": lambda held, wanted: held != wanted,
}


def _expiry(query: Mapping[str, str]) -> Callable[[User], bool]:
    """`password_expires_at=lt:2026-12-08T22:02:00Z`; whose passwords never expire are not found by it."""
    text = query.get("password_expires_at")
    if text is None:
        return lambda _user: True
    operator, separator, time = text.partition(":")
    compared = _COMPARED.get(operator if separator else "")
    try:
        wanted = datetime.strptime(time, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        compared = None
    if compared is None:
        message = "'password_expires_at' is OPERATOR:TIME, such as lt:2026-12-08T22:02:00Z."
        raise BadRequest(message, field="password_expires_at")
    return lambda user: user.password_expires is not None and compared(user.password_expires, wanted)
