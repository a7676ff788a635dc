"""`/v3/credentials` (Identity API v3, §Credentials), and `/v3/users/{user}/credentials/OS-EC2`, a narrower view of the same."""

import secrets

import orjson
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hansa.base.errors import NotFound
from hansa.site.keystone.vault import Credential, Vault
from hansa.site.keystone.vault.model import BLOB_MAX, EC2, ec2_id
from hansa.site.openstack.identity.answers import Json, answer, collection, done, linked
from hansa.site.openstack.identity.bodies import Body, document, parse, read
from hansa.site.openstack.identity.desk import Desk
from hansa.site.openstack.identity.listing import Listing, read_listing
from hansa.site.openstack.identity.rules import RULES


class _Changes(Body):
    model_config = Body.model_config | {"extra": "forbid"}

    blob: str = Field(max_length=BLOB_MAX)


class _New(Body):
    user_id: str = Field(min_length=1, max_length=64)
    type: str = Field(min_length=1, max_length=255)
    blob: str = Field(max_length=BLOB_MAX)
    project_id: str | None = Field(None, min_length=1, max_length=64)


class _Ec2(Body):
    tenant_id: str = Field(min_length=1, max_length=64)


def routes(desk: Desk) -> list[Route]:
    return [*_credentials(desk, desk.vault), *_ec2(desk, desk.vault)]


def _credentials(desk: Desk, vault: Vault) -> list[Route]:
    async def listed(request: Request) -> Response:
        query = request.query_params
        await desk.undelegated(request, "keeps no credentials")
        asker = await desk.bearer(request)
        await desk.authorise(request, "identity:list_credentials", user_id=query.get("user_id", asker.user_id))
        may = RULES["identity:get_credential"]
        every = await vault.listed(query.get("user_id"), query.get("type"))
        found = [_shown(each, desk) for each in every if may(asker, {"user_id": each.user})]
        listing = read_listing(query.multi_items(), ("user_id", "type", "project_id"))
        return answer(collection(desk.place.keystone, "credentials", "credentials", found, listing))

    async def shown(request: Request) -> Response:
        return _answer(await _allowed(request, "get"), desk)

    async def create(request: Request) -> Response:
        await desk.undelegated(request, "keeps no credentials")
        body = await read(request, "credential", _New)
        await desk.authorise(request, "identity:create_credential", user_id=body.user_id)
        new = Credential("", body.user_id, body.type, body.blob, body.project_id)
        return _answer(await vault.add(new), desk, 201)

    async def update(request: Request) -> Response:
        credential = await _allowed(request, "update")
        body = await read(request, "credential", _Changes)
        return _answer(await vault.change(credential.id, body.blob), desk)

    async def delete(request: Request) -> Response:
        await vault.remove((await _allowed(request, "delete")).id)
        return done()

    async def _allowed(request: Request, verb: str) -> Credential:
        """Whose it is decides; of one that is not there only an administrator hears so."""
        await desk.undelegated(request, "keeps no credentials")
        identifier = request.path_params["credential"]
        try:
            found = await vault.get(identifier)
        except NotFound:
            await desk.authorise(request, f"identity:{verb}_credential", user_id=None)
            raise
        await desk.authorise(request, f"identity:{verb}_credential", user_id=found.user)
        return found

    one = "/v3/credentials/{credential}"
    return [
        Route("/v3/credentials", listed),
        Route("/v3/credentials", create, methods=["POST"]),
        Route(one, shown),
        Route(one, update, methods=["PATCH"]),
        Route(one, delete, methods=["DELETE"]),
    ]


def _ec2(desk: Desk, vault: Vault) -> list[Route]:
    async def listed(request: Request) -> Response:
        user = request.path_params["user"]
        await desk.undelegated(request, "keeps no credentials")
        await desk.authorise(request, "identity:ec2_list_credentials", user_id=user)
        found = [_shown_ec2(each, desk) for each in await vault.listed(user, EC2)]
        path = f"users/{user}/credentials/OS-EC2"
        return answer(collection(desk.place.keystone, path, "credentials", found, Listing()))

    async def shown(request: Request) -> Response:
        return answer({"credential": _shown_ec2(await _allowed(request, "get"), desk)})

    async def create(request: Request) -> Response:
        user = request.path_params["user"]
        await desk.undelegated(request, "keeps no credentials")
        await desk.authorise(request, "identity:ec2_create_credential", user_id=user)
        body = parse(await document(request), _Ec2)
        await desk.directory.projects.get(body.tenant_id)
        blob = {"access": secrets.token_hex(16), "secret": secrets.token_hex(16), "trust_id": None}
        made = await vault.add(Credential("", user, EC2, orjson.dumps(blob).decode(), body.tenant_id))
        return answer({"credential": _shown_ec2(made, desk)}, 201)

    async def delete(request: Request) -> Response:
        await vault.remove((await _allowed(request, "delete")).id)
        return done()

    async def _allowed(request: Request, verb: str) -> Credential:
        user = request.path_params["user"]
        await desk.undelegated(request, "keeps no credentials")
        await desk.authorise(request, f"identity:ec2_{verb}_credential", user_id=user)
        found = await vault.get(ec2_id(request.path_params["access"]))
        if found.user != user or found.type != EC2:
            raise NotFound("There is no such EC2 key.")
        return found

    root = "/v3/users/{user}/credentials/OS-EC2"
    return [
        Route(root, listed),
        Route(root, create, methods=["POST"]),
        Route(f"{root}/{{access}}", shown),
        Route(f"{root}/{{access}}", delete, methods=["DELETE"]),
    ]


def _answer(credential: Credential, desk: Desk, status: int = 200) -> Response:
    return answer({"credential": _shown(credential, desk)}, status)


def _shown(credential: Credential, desk: Desk) -> Json:
    members = {
        "id": credential.id,
        "user_id": credential.user,
        "project_id": credential.project,
        "type": credential.type,
        "blob": credential.blob,
    }
    return linked(desk.place.keystone, "credentials", members)


def _shown_ec2(credential: Credential, desk: Desk) -> Json:
    content = orjson.loads(credential.blob)
    path = f"users/{credential.user}/credentials/OS-EC2"
    return {
        "user_id": credential.user,
        "tenant_id": credential.project,
        "access": content["access"],
        "secret": content["secret"],
        "trust_id": content.get("trust_id"),
        "links": {"self": f"{desk.place.keystone}/v3/{path}/{content['access']}"},
    }
