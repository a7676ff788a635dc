"""The front as an ASGI application: the VOMS sign-on is proved here, everything else passes to Keystone as it is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson

from hansa.base.errors import BackendDown, HansaError, Unauthenticated
from hansa.base.serving.gate import App, Message, Receive, Scope, Send
from hansa.site.identity import Identity, Principal
from hansa.site.identity.grid import GridCertificate
from hansa.site.identity.model import Reason
from hansa.site.openstack.identity.render import error as keystone_error
from hansa.site.openstack.wrapper import v2
from hansa.site.openstack.wrapper.assertion import HEADER, Assertion, FrontReason, seal, variables
from hansa.site.openstack.wrapper.backend import Backend, Headers

Json = dict[str, Any]

HOP_BY_HOP = {
    b"connection",
    b"keep-alive",
    b"proxy-authenticate",
    b"proxy-authorization",
    b"te",
    b"trailer",
    b"upgrade",
}
"""RFC 9110 §7.6.1."""
NOT_ASKED = HOP_BY_HOP | {b"transfer-encoding", b"content-length", b"expect", b"host", b"forwarded"}
NOT_ANSWERED = HOP_BY_HOP | {b"transfer-encoding", b"date"}


@dataclass(frozen=True, slots=True)
class Place:
    """The public address, and what the sign-on is called in Keystone. `min_life`: what is left of a credential, at least."""

    public_url: str
    provider: str
    protocol: str
    min_life: timedelta = timedelta()

    @property
    def sign_on(self) -> str:
        return f"/v3/OS-FEDERATION/identity_providers/{self.provider}/protocols/{self.protocol}/auth"


class Front:
    """`secrets` gives the present ones, the sealing one first."""

    def __init__(
        self,
        backend: Backend,
        identity: Identity,
        place: Place,
        secrets: Callable[[], tuple[bytes, ...]],
        clock: Callable[[], datetime],
    ) -> None:
        self._backend = backend
        self._identity = identity
        self._place = place
        self._secrets = secrets
        self._clock = clock
        scheme, _colon, rest = place.public_url.partition("://")
        self._said = ((b"Host", rest.partition("/")[0].encode()), (b"X-Forwarded-Proto", scheme.encode()))

    def app(self) -> App:
        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            started = False

            async def noted(message: Message) -> None:
                nonlocal started
                started = True
                await send(message)

            try:
                await self._answer(scope, await _body(receive), noted)
            except HansaError as error:
                if started:
                    raise
                await self._refuse(error, send)

        return app

    async def _answer(self, scope: Scope, body: bytes, send: Send) -> None:
        asked = (scope["method"], scope["path"].rstrip("/"))
        if asked in (("GET", self._place.sign_on), ("POST", self._place.sign_on)):
            sealed = await self._sealed(scope)
            await self._pass_on(scope, send, "POST", self._place.sign_on, ((HEADER, sealed),), b"")
        elif asked == ("GET", "/v2.0"):
            await _json(send, 200, v2.version(self._place.public_url))
        elif asked == ("POST", "/v2.0/tokens"):
            await _json(send, *await self._token_v2(scope, v2.parse(body)))
        elif asked == ("GET", "/v2.0/tenants"):
            status, answer, _token = await self._ask(scope, "GET", "/v3/auth/projects", token=_shown(scope))
            await _json(send, status, v2.tenants(answer) if status == 200 else answer)
        else:
            kept = tuple((name, value) for name, value in scope["headers"] if _passes(name))
            await self._pass_on(scope, send, scope["method"], _target(scope), kept, body)

    async def _pass_on(self, scope: Scope, send: Send, method: str, target: str, headers: Headers, body: bytes) -> None:
        async with self._backend.request(method, target, (*headers, *self._said_of(scope)), body) as answer:
            kept = [(name, value) for name, value in answer.headers if name not in NOT_ANSWERED]
            await send({"type": "http.response.start", "status": answer.status, "headers": kept})
            async for piece in answer.body:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b""})

    async def _sealed(self, scope: Scope) -> bytes:
        """The assertion for Keystone. Raises Unauthenticated or Forbidden; both ends are noted."""
        principal, sealed = await self._identity.admit(scope, self._proved(scope))
        fqans = [fqan for membership in principal.memberships for fqan in membership.fqans]
        self._identity.issued(scope, principal, fqans=fqans)
        return sealed

    async def _proved(self, scope: Scope) -> tuple[Principal, bytes]:
        way = self._identity.way(GridCertificate)
        principal = await way(scope) if way else None
        if principal is None:
            message = "Show a VOMS proxy as TLS client certificate."
            raise Unauthenticated(message, reason=Reason.NO_CREDENTIAL.value)
        if principal.limited:
            message = "A limited proxy gets no token; make a full one (voms-proxy-init without -limited)."
            raise Unauthenticated(message, reason=Reason.READ_ONLY.value)
        await self._identity.grants(principal)
        now, ends = self._clock(), principal.not_after
        if ends is None or ends < now + self._place.min_life:
            raise Unauthenticated("Your proxy is about to expire; make a new one.", reason=FrontReason.SHORT_REST.value)
        principal = self._identity.relevant(principal)
        assertion = Assertion(self._place.sign_on, variables(principal, self._place.provider), ends)
        return principal, seal(assertion, self._secrets()[0], now)

    async def _token_v2(self, scope: Scope, wish: v2.Wish) -> tuple[int, Json]:
        token = wish.token
        if token is None:
            sealed = await self._sealed(scope)
            status, answer, token = await self._ask(scope, "POST", self._place.sign_on, ((HEADER, sealed),))
            if token is None or (wish.tenant is None and status < 300):
                return (200, v2.access(answer, token)) if token else (status, answer)
        scoping: Json | None = None
        if wish.tenant is not None:
            status, answer, _ = await self._ask(scope, "GET", "/v3/auth/projects", token=token)
            if status != 200:
                return status, answer
            scoping = {"project": {"id": v2.chosen(answer, wish.tenant)}}
        status, answer, scoped = await self._ask(scope, "POST", "/v3/auth/tokens", body=v2.exchange(token, scoping))
        return (200, v2.access(answer, scoped)) if scoped else (status, answer)

    async def _ask(
        self,
        scope: Scope,
        method: str,
        target: str,
        headers: Headers = (),
        *,
        token: str | None = None,
        body: bytes = b"",
    ) -> tuple[int, Json, str | None]:
        """Status, document and `X-Subject-Token` of Keystone's answer."""
        typed = ((b"Content-Type", b"application/json"),) if body else ()
        shown = ((b"X-Auth-Token", token.encode()),) if token else ()
        every = (*headers, *typed, *shown, *self._said_of(scope))
        status, answered, document = await self._backend.whole(method, target, every, body)
        try:
            parsed = orjson.loads(document)
        except orjson.JSONDecodeError as error:
            raise BackendDown("Keystone's answer is not JSON.") from error
        issued = answered.get(b"x-subject-token", b"").decode("latin-1") if status < 300 else ""
        return status, parsed, issued or None

    def _said_of(self, scope: Scope) -> Headers:
        client = scope.get("client")
        return (*self._said, (b"X-Forwarded-For", client[0].encode())) if client else self._said

    async def _refuse(self, error: HansaError, send: Send) -> None:
        status = 401 if error.status == 403 else error.status  # Keystone has one word for all whom it does not know
        told = {"WWW-Authenticate": f"Keystone uri='{self._place.public_url}'"} if status == 401 else {}
        await _json(send, status, keystone_error(status, error.message), told)


def _passes(name: bytes) -> bool:
    """What the front says itself (`X-Forwarded-…`) is not the client's to say, in no spelling: WSGI servers read `_` as `-`."""
    return name not in NOT_ASKED and not name.startswith(b"x-forwarded-") and b"_" not in name


async def _body(receive: Receive) -> bytes:
    """As much as the listener lets through."""
    pieces = bytearray()
    while True:
        message = await receive()
        pieces += message.get("body", b"")
        if not message.get("more_body"):
            return bytes(pieces)


async def _json(send: Send, status: int, document: Json, headers: Mapping[str, str] | None = None) -> None:
    body = orjson.dumps(document)
    kept = {"Content-Type": "application/json", "Content-Length": str(len(body)), "Cache-Control": "no-store"}
    listed = [(name.lower().encode(), value.encode()) for name, value in {**kept, **(headers or {})}.items()]
    await send({"type": "http.response.start", "status": status, "headers": listed})
    await send({"type": "http.response.body", "body": body})


def _target(scope: Scope) -> str:
    path, query = scope["raw_path"].decode("ascii"), scope["query_string"].decode("ascii")
    return f"{path}?{query}" if query else path


def _shown(scope: Scope) -> str:
    values = [value for name, value in scope["headers"] if name == b"x-auth-token"]
    if len(values) == 1:
        return str(values[0].decode("latin-1"))
    raise Unauthenticated("Show one token in X-Auth-Token.", reason=Reason.NO_CREDENTIAL.value)
