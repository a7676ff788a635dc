"""`/v3/OS-FEDERATION/identity_providers` and their protocols (Identity API v3, §OS-FEDERATION)."""

from typing import Annotated, TypeVar

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hansa.base.errors import BadRequest
from hansa.site.issuers.register import IdentityProvider, Protocol
from hansa.site.issuers.register.model import REMOTE_ID_MAX
from hansa.site.openstack.identity.answers import Json, answer, collection, done, linked
from hansa.site.openstack.identity.bodies import Body, read
from hansa.site.openstack.identity.desk import Desk
from hansa.site.openstack.identity.listing import read_listing

PROVIDERS = "OS-FEDERATION/identity_providers"
NAME_MAX = 64
B = TypeVar("B", bound=Body)


class _Provider(Body):
    enabled: bool | None = None
    description: str | None = None
    authorization_ttl: int | None = Field(None, ge=0, le=2**31 - 1)
    remote_ids: list[Annotated[str, Field(min_length=1, max_length=REMOTE_ID_MAX)]] | None = Field(None, max_length=100)


class _NewProvider(_Provider):
    domain_id: str | None = Field(None, max_length=64)


class _Protocol(Body):
    mapping_id: str = Field(min_length=1, max_length=NAME_MAX)
    remote_id_attribute: str | None = Field(None, max_length=64)


_ONE = f"/v3/{PROVIDERS}/{{provider}}"
_EACH = f"{_ONE}/protocols/{{protocol}}"


def routes(desk: Desk) -> list[Route]:
    return _provider_routes(desk) + _protocol_routes(desk)


def _provider_routes(desk: Desk) -> list[Route]:
    register = desk.register

    async def providers(request: Request) -> Response:
        await desk.authorise(request, "identity:list_identity_providers")
        found = [_shown(each, desk) for each in await register.providers()]
        listing = read_listing(request.query_params.multi_items(), ("id", "enabled"))
        return answer(collection(desk.place.keystone, PROVIDERS, "identity_providers", found, listing))

    async def provider(request: Request) -> Response:
        await desk.authorise(request, "identity:get_identity_provider")
        return _answer(await register.provider(_name(request, "provider")), desk)

    async def add_provider(request: Request) -> Response:
        await desk.authorise(request, "identity:create_identity_provider")
        body = only(await read(request, "identity_provider", _NewProvider))
        given = _changes(body)
        if body.domain_id is not None:
            given["domain_id"] = body.domain_id
        return _answer(await register.add_provider(IdentityProvider(new_name(request, "provider"), **given)), desk, 201)

    async def change_provider(request: Request) -> Response:
        await desk.authorise(request, "identity:update_identity_provider")
        body = only(await read(request, "identity_provider", _Provider))
        return _answer(await register.change_provider(_name(request, "provider"), _changes(body)), desk)

    async def remove_provider(request: Request) -> Response:
        await desk.authorise(request, "identity:delete_identity_provider")
        await register.remove_provider(_name(request, "provider"))
        return done()

    return [
        Route(f"/v3/{PROVIDERS}", providers),
        Route(_ONE, provider),
        Route(_ONE, add_provider, methods=["PUT"]),
        Route(_ONE, change_provider, methods=["PATCH"]),
        Route(_ONE, remove_provider, methods=["DELETE"]),
    ]


def _protocol_routes(desk: Desk) -> list[Route]:
    register = desk.register

    async def protocols(request: Request) -> Response:
        await desk.authorise(request, "identity:list_protocols")
        name = _name(request, "provider")
        found = [_shown_protocol(each, desk) | {"idp_id": name} for each in await register.protocols(name)]
        listing = read_listing(request.query_params.multi_items(), ("id",))
        return answer(collection(desk.place.keystone, f"{PROVIDERS}/{name}/protocols", "protocols", found, listing))

    async def protocol(request: Request) -> Response:
        await desk.authorise(request, "identity:get_protocol")
        return _answer_protocol(await register.protocol(_name(request, "provider"), _name(request, "protocol")), desk)

    async def add_protocol(request: Request) -> Response:
        await desk.authorise(request, "identity:create_protocol")
        body = only(await read(request, "protocol", _Protocol))
        new = Protocol(
            _name(request, "provider"), new_name(request, "protocol"), body.mapping_id, body.remote_id_attribute
        )
        return _answer_protocol(await register.add_protocol(new), desk, 201)

    async def change_protocol(request: Request) -> Response:
        await desk.authorise(request, "identity:update_protocol")
        body = only(await read(request, "protocol", _Protocol))
        changes = {"mapping": body.mapping_id}
        if body.remote_id_attribute is not None:
            changes["remote_id_attribute"] = body.remote_id_attribute
        changed = await register.change_protocol(_name(request, "provider"), _name(request, "protocol"), changes)
        return _answer_protocol(changed, desk)

    async def remove_protocol(request: Request) -> Response:
        await desk.authorise(request, "identity:delete_protocol")
        await register.remove_protocol(_name(request, "provider"), _name(request, "protocol"))
        return done()

    return [
        Route(f"{_ONE}/protocols", protocols),
        Route(_EACH, protocol),
        Route(_EACH, add_protocol, methods=["PUT"]),
        Route(_EACH, change_protocol, methods=["PATCH"]),
        Route(_EACH, remove_protocol, methods=["DELETE"]),
    ]


def only(body: B) -> B:
    """These bodies have no extras."""
    if body.extra:
        name = sorted(body.extra)[0]
        raise BadRequest(f"Additional properties are not allowed ('{name[:64]}' was unexpected).", field=name[:64])
    return body


def new_name(request: Request, what: str) -> str:
    """A name for something new, from its address."""
    name = _name(request, what)
    if len(name) > NAME_MAX or not name.isprintable():
        raise BadRequest(f"A name may have {NAME_MAX} characters that can be printed.", field="id")
    return name


def _name(request: Request, what: str) -> str:
    return str(request.path_params[what])


def _changes(body: _Provider) -> Json:
    given = dict(body.given)
    given.pop("domain_id", None)
    if "enabled" in given:
        given["enabled"] = bool(given["enabled"])
    if "remote_ids" in given:
        given["remote_ids"] = tuple(sorted(set(given["remote_ids"] or ())))
    return given


def _answer(kept: IdentityProvider, desk: Desk, status: int = 200) -> Response:
    return answer({"identity_provider": _shown(kept, desk)}, status)


def _shown(kept: IdentityProvider, desk: Desk) -> Json:
    members: Json = {
        "id": kept.id,
        "enabled": kept.enabled,
        "description": kept.description,
        "domain_id": kept.domain_id,
        "authorization_ttl": kept.authorization_ttl,
        "remote_ids": list(kept.remote_ids),
        "links": {"protocols": desk.url(f"{PROVIDERS}/{kept.id}/protocols")},
    }
    return linked(desk.place.keystone, PROVIDERS, members)


def _answer_protocol(kept: Protocol, desk: Desk, status: int = 200) -> Response:
    return answer({"protocol": _shown_protocol(kept, desk)}, status)


def _shown_protocol(kept: Protocol, desk: Desk) -> Json:
    members: Json = {
        "id": kept.id,
        "mapping_id": kept.mapping,
        "remote_id_attribute": kept.remote_id_attribute,
        "links": {"identity_provider": desk.url(f"{PROVIDERS}/{kept.provider}")},
    }
    return linked(desk.place.keystone, f"{PROVIDERS}/{kept.provider}/protocols", members)
