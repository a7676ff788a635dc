"""The VOMS server's face: `/generate-ac` and the legacy XML dialect on one port for each VO (docs/reference/voms-server.md)."""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

import structlog
from prometheus_client import Counter

from hansa.base.errors import HansaError
from hansa.base.serving import LEGACY_VOMS_PATH, listener_name
from hansa.base.telemetry.audit import AuditLog
from hansa.base.telemetry.metrics import REGISTRY
from hansa.federation.membership.errors import (
    CredentialSuspended,
    MembershipEnded,
    MemberSuspended,
    NotAMember,
    NotHeld,
    PolicyOverdue,
)
from hansa.federation.membership.issuing import Asker, AttributeAuthority, VoServer
from hansa.federation.membership.model import Clock
from hansa.standards.voms import VomsCode, VomsError
from hansa.standards.voms.wire import AcReply, AcRequest, Dialect, ErrorReply, Refusal, Reply, legacy, rest
from hansa.standards.x509 import ChainPolicy, TrustStore, VerifiedIdentity, X509Error, load_chain, validate_chain

answers = Counter(
    "hansa_voms_answers",
    "Answers to VOMS clients: `issued`, `listed` or the code of the refusal.",
    ["dialect", "answer"],
    registry=REGISTRY,
)
log = structlog.stdlib.get_logger(__name__)

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class VomsApp:
    """ASGI application. `servers` by the name of the listener; `trust` gives the present trust snapshot."""

    def __init__(
        self,
        servers: Mapping[str, VoServer],
        authority: AttributeAuthority,
        trust: Callable[[], TrustStore],
        clock: Clock,
        policy: ChainPolicy,
        audit: AuditLog,
    ) -> None:
        self._servers = servers
        self._authority = authority
        self._trust = trust
        self._clock = clock
        self._policy = policy
        self._audit = audit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await _lifespan(receive, send)
        server = self._servers[listener_name(scope)]
        dialect = _dialect(scope)
        if dialect is None:
            return await _respond(send, 404, b"")
        scope["hansa.route"] = scope["path"]
        if dialect is Dialect.LEGACY:
            reply = await self._reply(server, dialect, scope, await _body(receive))
            return await _respond(send, 200, legacy.render_reply(reply))
        answer = rest.render_reply(await self._reply(server, dialect, scope, b""))
        return await _respond(send, answer.status, answer.body)

    async def _reply(self, server: VoServer, dialect: Dialect, scope: Scope, body: bytes) -> Reply:
        vo = server.vo
        client = scope["client"][0] if scope["client"] else ""
        try:
            identity = self._identity(scope)
            request = _request(dialect, scope, body)
            reply = await self._authority.answer(server, request, Asker(identity, client, dialect.value))
            answers.labels(dialect.value, "issued" if isinstance(reply, AcReply) else "listed").inc()
            return reply
        except (HansaError, X509Error, VomsError) as error:
            answers.labels(dialect.value, error.code).inc()
            subject = _claimed_subject(scope)
            self._audit("voms.refused", vo=vo, code=error.code, reason=str(error), subject=subject, client=client)
            return _refusal(vo, error)
        except Exception:  # a client of this protocol must get its document whatever happens
            answers.labels(dialect.value, "internal").inc()
            log.exception("voms.failed", vo=vo, client=client)
            return ErrorReply.internal(vo)

    def _identity(self, scope: Scope) -> VerifiedIdentity:
        chain = scope["extensions"].get("tls", {}).get("client_cert_chain", ())
        certificates = load_chain(chain, self._policy)
        return validate_chain(certificates, self._trust(), now=self._clock(), policy=self._policy)


def _dialect(scope: Scope) -> Dialect | None:
    match scope["method"], scope["path"]:
        case "GET", rest.PATH:
            return Dialect.REST
        case "POST", path if path == LEGACY_VOMS_PATH:
            return Dialect.LEGACY
    return None


def _request(dialect: Dialect, scope: Scope, body: bytes) -> AcRequest:
    if dialect is Dialect.REST:
        return rest.parse_query(scope["query_string"].decode("latin-1"))
    request = legacy.parse_request(body)
    if request is None:
        raise VomsError(VomsCode.REQUEST_SYNTAX, "The request is not complete")
    return request


def _refusal(vo: str, error: HansaError | X509Error | VomsError) -> ErrorReply:
    """In words that clients know: they show the text, and tell refusals apart by it."""
    match error:
        case NotAMember():
            return ErrorReply.not_a_member(vo)
        case MemberSuspended() | CredentialSuspended():
            return ErrorReply.suspended(error.details["reason"])
        case MembershipEnded() | PolicyOverdue():
            return ErrorReply(Refusal.SUSPENDED_USER, f"{vo}: {error.message}")
        case NotHeld() if error.details["wanted"]:
            return ErrorReply.unsatisfiable(vo, error.details["wanted"])
        case X509Error():
            return ErrorReply(Refusal.NO_SUCH_USER, f"{vo}: Your certificate is not accepted: {error.reason}.")
        case VomsError():
            return ErrorReply(Refusal.BAD_REQUEST, f"{vo}: {error.reason}.")
        case HansaError(status=status) if status < 500:
            return ErrorReply(Refusal.BAD_REQUEST, f"{vo}: {error.message}")
    return ErrorReply.internal(vo)


def _claimed_subject(scope: Scope) -> str:
    """Whom the certificate names, for the log; possession was proved, nothing else."""
    try:
        return load_chain(scope["extensions"]["tls"]["client_cert_chain"][:1])[0].subject.rfc4514_string()
    except (X509Error, KeyError, IndexError, ValueError):
        return ""


async def _body(receive: Receive) -> bytes:
    body, more = bytearray(), True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return bytes(body)


async def _respond(send: Send, status: int, body: bytes) -> None:
    headers = [(b"content-type", rest.CONTENT_TYPE.encode()), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _lifespan(receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.complete"})
