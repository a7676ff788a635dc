"""What clients call themselves: tokens, their inspection and their end."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from prometheus_client import Counter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from hansa.base.telemetry.metrics import REGISTRY
from hansa.federation.provider import scopes
from hansa.federation.provider.clients import Clients, one_way
from hansa.federation.provider.desk import Desk, hashed
from hansa.federation.provider.devices import Devices
from hansa.federation.provider.errors import (
    InsufficientScope,
    InvalidToken,
    OAuthError,
    UnauthorizedClient,
    UnsupportedGrantType,
)
from hansa.federation.provider.granting import Granting
from hansa.federation.provider.http.forms import NO_STORE, basic, bearer, form_of, posted, refusing
from hansa.federation.provider.logins import address
from hansa.federation.provider.model import Client, GrantType
from hansa.federation.provider.parameters import Parameters
from hansa.federation.provider.store import grants as store
from hansa.federation.provider.tokens import Bearer, Tokens, audience_of

answers = Counter(
    "hansa_provider_tokens",
    "Answers to token requests of known clients, by grant type: `issued` or the code of the refusal.",
    ["grant", "answer"],
    registry=REGISTRY,
)
ANYBODY = "https://wlcg.cern.ch/jwt/v1/any"
"""The WLCG profile's audience for all."""


class Endpoints:
    def __init__(self, desk: Desk, clients: Clients, tokens: Tokens, granting: Granting, devices: Devices) -> None:
        self._desk = desk
        self._clients = clients
        self._tokens = tokens
        self._granting = granting
        self._devices = devices

    def routes(self) -> Sequence[BaseRoute]:
        return [
            Route("/oidc/token", refusing(self.token), methods=["POST"]),
            Route("/oidc/device_authorization", refusing(self.device_authorization), methods=["POST"]),
            Route("/oidc/userinfo", refusing(self.userinfo), methods=["GET", "POST"]),
            Route("/oidc/introspect", refusing(self.introspect), methods=["POST"]),
            Route("/oidc/revoke", refusing(self.revoke), methods=["POST"]),
        ]

    async def token(self, request: Request) -> Response:
        """RFC 6749 §3.2."""
        form = await form_of(request)
        client = await self._client(request, form)
        grant = next((each.name.lower() for each in GrantType if each.value == form.get("grant_type")), "unknown")
        try:
            answer = await self._granted(client, form)
        except OAuthError as error:
            answers.labels(grant, error.code).inc()
            audit = self._desk.commons.audit
            audit("provider.token_refused", client=client.id, code=error.code, grant_type=form.get("grant_type"))
            raise
        answers.labels(grant, "issued").inc()
        return JSONResponse(answer, headers=NO_STORE)

    async def _granted(self, client: Client, form: Parameters) -> dict[str, Any]:
        asked = scopes.parse(form.get("scope") or "")
        match form.need("grant_type"):
            case GrantType.CODE:
                code, uri = form.need("code"), form.need("redirect_uri")
                return await self._granting.redeem(client, code, uri, form.need("code_verifier"))
            case GrantType.REFRESH:
                return await self._granting.refresh(client, form.need("refresh_token"), asked)
            case GrantType.DEVICE:
                return await self._devices.redeem(client, form.need("device_code"))
            case GrantType.CLIENT:
                return self._granting.for_client(client, asked, form.audiences())
        raise UnsupportedGrantType("The grant type is not supported.")

    async def device_authorization(self, request: Request) -> Response:
        """RFC 8628 §3.1."""
        form = await form_of(request)
        client = await self._client(request, form)
        asked = scopes.parse(form.get("scope") or "")
        answer = await self._devices.begin(client, address(request), asked, form.audiences())
        return JSONResponse(answer, headers=NO_STORE)

    async def userinfo(self, request: Request) -> Response:
        """OpenID Connect Core §5.3."""
        found = await self._tokens.bearer(bearer(request))
        if found.standing is None or scopes.OPENID not in found.scope:
            raise InsufficientScope("The access token was not made for the scope openid.")
        return JSONResponse(self._tokens.claims_of(found.standing, found.scope), headers=NO_STORE)

    async def introspect(self, request: Request) -> Response:
        """RFC 7662; for services with a secret, of tokens that are for them or were made for them."""
        form = await form_of(request)
        client = await self._client(request, form)
        if not client.confidential:
            raise UnauthorizedClient("Only a client with a secret may look into tokens.")
        token = form.need("token")
        answer = await self._inspected(client, token) or await self._inspected_refresh(client, token)
        return JSONResponse(answer or {"active": False}, headers=NO_STORE)

    async def _inspected(self, client: Client, token: str) -> dict[str, Any] | None:
        try:
            found = await self._tokens.bearer(token)
        except InvalidToken:
            return None
        if not _concerns(client, found):
            return None
        answer = {"active": True, "token_type": "Bearer", **found.claims}
        if found.standing:
            answer |= self._tokens.claims_of(found.standing, found.scope)
            answer["username"] = found.standing.person.login or found.standing.person.uid
        return answer

    async def _inspected_refresh(self, client: Client, token: str) -> dict[str, Any] | None:
        found = await self._desk.commons.database.read(lambda connection: store.refresh(connection, hashed(token)))
        if found is None or found.used or found.expires <= self._desk.now or found.grant.client != client.id:
            return None
        if await self._tokens.standing(found.grant.login.person) is None:
            return None
        return {
            "active": True,
            "iss": self._desk.issuer,
            "sub": found.grant.login.person,
            "client_id": client.id,
            "scope": " ".join(found.grant.scope),
            "exp": int(found.expires.timestamp()),
        }

    async def revoke(self, request: Request) -> Response:
        """RFC 7009: a refresh token ends with all that came of its grant, an access token by itself."""
        form = await form_of(request)
        client = await self._client(request, form)
        token = form.need("token")
        database = self._desk.commons.database
        found = await database.read(lambda connection: store.refresh(connection, hashed(token)))
        if found and found.grant.client == client.id:
            await self._granting.revoke(found.grant.id)
            self._desk.commons.audit("provider.revoked", client=client.id, grant=found.grant.id)
        elif not found:
            await self._revoke_access(client, token)
        return Response(status_code=200, headers=NO_STORE)

    async def _revoke_access(self, client: Client, token: str) -> None:
        try:
            claims = self._tokens.read(token)
        except InvalidToken:
            return
        if claims["client_id"] == client.id:
            expires = datetime.fromtimestamp(claims["exp"], UTC)
            await self._desk.commons.database.write(lambda c: store.revoke_access(c, claims["jti"], expires))
            self._desk.commons.audit("provider.revoked", client=client.id, jti=claims["jti"])

    async def _client(self, request: Request, form: Parameters) -> Client:
        by_header = basic(request)
        return await self._clients.prove(one_way((by_header, posted(form, by_header))))


def _concerns(client: Client, token: Bearer) -> bool:
    concerned = audience_of(token.claims) & {*client.audiences, client.id, ANYBODY}
    return token.claims["client_id"] == client.id or bool(concerned)
