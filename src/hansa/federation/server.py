"""The federation's servers, assembled from its configuration: what `hansa federation serve` runs."""

import secrets
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from ssl import SSLContext

import structlog
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from starlette.routing import BaseRoute

from hansa.base.database import Database
from hansa.base.errors import ConfigurationError
from hansa.base.mail import configured
from hansa.base.migrations import upgrade
from hansa.base.rates import Rate, RateLimit
from hansa.base.serving import Gsi, Limits, Listener, Tls, listener_name, serve
from hansa.base.serving.gate import App, Receive, Scope, Send
from hansa.base.telemetry.app import observed
from hansa.base.telemetry.audit import AuditLog
from hansa.base.telemetry.health import Health, database_answers
from hansa.base.telemetry.logs import configure
from hansa.base.watch import Watched
from hansa.client.http import tls_context
from hansa.federation import web
from hansa.federation.api import http as api
from hansa.federation.commons import Commons
from hansa.federation.config import FederationConfig, KeyPair, TrustSettings, operators
from hansa.federation.enrolment import room as enrolment
from hansa.federation.identity.service import Identity
from hansa.federation.membership.clock import swept
from hansa.federation.membership.http import VomsApp
from hansa.federation.membership.issuing import AttributeAuthority, Authority, VoServer
from hansa.federation.membership.service import Membership
from hansa.federation.propagation import room as propagation
from hansa.federation.provider import service as provider
from hansa.standards.voms.wire import Dialect
from hansa.standards.x509 import AuthorityPolicy, ChainPolicy, CrlPolicy, TrustPolicy, TrustStore

log = structlog.stdlib.get_logger(__name__)

LIMITS = Limits(head_size=64 * 1024, body_size=64 * 1024)
MIN_RSA_BITS = 2048


@dataclass(frozen=True, slots=True)
class Federation:
    """The application and where it wants to listen."""

    app: App
    listeners: Sequence[Listener]
    registry: Membership


def now() -> datetime:
    return datetime.now(UTC)


@asynccontextmanager
async def opened(config: FederationConfig) -> AsyncIterator[Database]:
    """The configured database, its tables up to date."""
    database = Database(config.database.url, threads=config.database.threads)
    try:
        await upgrade(database, "federation")
        yield database
    finally:
        database.close()


@asynccontextmanager
async def registry(config: FederationConfig) -> AsyncIterator[Membership]:
    """The registry of members on the configured database."""
    async with opened(config) as database:
        yield Membership(database, now)


@asynccontextmanager
async def assembled(config: FederationConfig) -> AsyncIterator[Federation]:
    """Everything but the sockets. Raises ConfigurationError for files that do not serve their purpose."""
    voms = config.voms
    trust = watched_trust(config.trust)
    authority = watched_authority(voms.authority)
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(opened(config))
        members = Membership(database, now)
        audit = AuditLog(config.telemetry.audit)
        stack.callback(audit.close)
        known = {vo.name for vo in await members.vos()}
        for name in sorted(voms.vos.keys() - known):
            log.warning("federation.vo_unknown", vo=name, next=f"hansa vo create {name}")
        issuing = AttributeAuthority(
            members,
            lambda: authority.current,
            RateLimit(Rate(per_minute=voms.requests_per_minute), time.monotonic),
            now,
            partial(secrets.randbits, 126),
            audit,
            config.web.public_url if config.web else "",
        )
        policy = ChainPolicy(allow_legacy_proxies=config.trust.legacy_proxies)
        voms_app = VomsApp(_servers(config), issuing, lambda: trust.current, now, policy, audit)
        url = config.web.public_url if config.web else ""
        mail = configured(config.mail, database, now)
        await mail.open()
        stack.push_async_callback(mail.close)
        commons = Commons(
            database, members, now, audit, lambda: trust.current, policy, url, mail, operators(config.operators)
        )
        await stack.enter_async_context(swept(members))
        opened_provider = provider.opened(commons, config.provider) if config.provider else None
        tokens = await stack.enter_async_context(opened_provider) if opened_provider else None
        identity = Identity(commons, tokens.authenticators if tokens else ())
        routes = [*web_routes(commons, identity), *(tokens.routes if tokens else ())]
        if config.web is not None:
            routes += await stack.enter_async_context(enrolment.opened(commons, identity, config.enrolment))
        if config.feed is not None:
            routes += await stack.enter_async_context(
                propagation.opened(commons, config.feed, partial(_our_tls, config))
            )
        app = doors(voms_app, web.app(routes), config)
        health = Health({"database": database_answers(database)})
        yield Federation(observed(app, health, config.telemetry), _listeners(config), members)


def web_routes(commons: Commons, identity: Identity) -> Sequence[BaseRoute]:
    """Of the rooms that need nothing else."""
    return api.routes(commons, identity)


def _our_tls(config: FederationConfig) -> SSLContext:
    """With which we call sites: the VOMS server's host certificate shows who we are."""
    pair = config.voms.tls
    return tls_context(certificates=config.trust.certificates, proxy=pair.certificate, key=pair.key)


def doors(voms_app: App, web_app: App, config: FederationConfig) -> App:
    """The web interface on its own listeners, the VOMS server on those of the VOs."""
    names = {each.name for each in config.web.listeners} if config.web else set()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        is_web = scope["type"] == "http" and listener_name(scope) in names
        await (web_app if is_web else voms_app)(scope, receive, send)

    return app


async def run(config: FederationConfig) -> None:
    """Serve until SIGTERM or SIGINT. Raises ConfigurationError for what cannot be had."""
    configure(config.telemetry.log)
    async with assembled(config) as federation:
        await serve(federation.app, federation.listeners)


def watched_trust(settings: TrustSettings) -> Watched[TrustStore]:
    crls = CrlPolicy(grace=timedelta(hours=settings.crl_grace_hours))
    policy = TrustPolicy(AuthorityPolicy(crls, settings.namespaces))
    try:
        return Watched([settings.certificates], partial(_trust, policy))
    except OSError as error:
        raise ConfigurationError(
            f"The trusted authorities cannot be read: {error}.", key="trust.certificates"
        ) from error


def _trust(policy: TrustPolicy, files: Mapping[str, bytes]) -> TrustStore:
    store = TrustStore.from_files(files, policy=policy)
    for problem in store.problems:
        log.warning("trust.file_not_used", file=problem.file, code=problem.error.code, error=problem.error.reason)
    return store


def watched_authority(pair: KeyPair) -> Watched[Authority]:
    try:
        return Watched(dict.fromkeys((pair.certificate, pair.key)), partial(_authority, pair))
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"The authority's certificate or key cannot be read: {error}.", key="voms.authority"
        ) from error


def _authority(pair: KeyPair, files: Mapping[str, bytes]) -> Authority:
    certificate = x509.load_pem_x509_certificate(files[pair.certificate.name])
    key = load_pem_private_key(files[pair.key.name], None)
    if not isinstance(key, RSAPrivateKey) or key.key_size < MIN_RSA_BITS:
        raise ValueError(
            f"attribute certificates are signed with RSA of at least {MIN_RSA_BITS} bits, or Java clients refuse them"
        )
    if key.public_key() != certificate.public_key():
        raise ValueError("the key does not belong to the certificate")
    try:
        certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    except x509.ExtensionNotFound:
        raise ValueError("the certificate lacks the subjectKeyIdentifier extension, which Java clients need") from None
    return Authority(certificate, key)


def _listener_name(vo: str) -> str:
    return f"voms:{vo}"


def _servers(config: FederationConfig) -> dict[str, VoServer]:
    voms = config.voms
    return {
        _listener_name(name): VoServer(name, voms.hostname, vo.port, timedelta(seconds=vo.max_lifetime))
        for name, vo in voms.vos.items()
    }


def _listeners(config: FederationConfig) -> list[Listener]:
    voms = config.voms
    tls = Tls(voms.tls.certificate, voms.tls.key)
    return [
        Listener(
            _listener_name(name),
            host=voms.listen,
            port=vo.port,
            tls=tls,
            gsi=Gsi(http=Dialect.REST in vo.dialects, xml=Dialect.LEGACY in vo.dialects),
            limits=LIMITS,
        )
        for name, vo in voms.vos.items()
    ] + [each.listener() for each in (config.web.listeners if config.web else ())]
