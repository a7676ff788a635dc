"""Making a proxy: the user's certificate and key in, a proxy with VOMS attributes out.

Nothing secret touches the disk but the finished proxy: the temporary one that VOMS servers see lives in memory.
"""

import os
import secrets
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs12

from hansa.base.errors import BadRequest, HansaError
from hansa.base.i18n import _
from hansa.client.errors import NoCredential, VomsRefused
from hansa.client.files import read_private, write_private
from hansa.client.http import tls_context
from hansa.client.profile import Paths
from hansa.client.trust import load_trust, load_vomsdir, servers_of
from hansa.client.voms import request_ac
from hansa.standards.errors import StandardError
from hansa.standards.voms import Fqan, VomsServer, ac_extension, verify_acs
from hansa.standards.voms.wire import AcReply, AcRequest
from hansa.standards.x509 import (
    Credential,
    Name,
    ProxyKind,
    ProxyPolicy,
    create_proxy,
    parse_credential,
    render_credential,
    validate_chain,
)
from hansa.standards.x509.facts import read
from hansa.standards.x509.proxychain import kind_of_proxy


class Step(Enum):
    """What is going on, for whoever shows it."""

    TEMPORARY = auto()
    CONTACTING = auto()
    CONTACTED = auto()
    REFUSED = auto()
    WARNING = auto()
    CREATING = auto()


Observer = Callable[[Step, str, VomsServer | None], None]


@dataclass(frozen=True, slots=True)
class Membership:
    """A VO and the groups and roles wanted of it; none means the VO's own group."""

    vo: str
    wanted: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> "Membership":
        """`vo`, `vo:/vo/group`, `vo:/vo/Role=x`, `vo:Role=x`, `vo:all`."""
        vo, _colon, wanted = text.partition(":")
        return cls(vo, (wanted,) if wanted else ())

    def request(self, server: VomsServer, wish: "Wish") -> AcRequest:
        everything = "all" in self.wanted
        names = tuple(_fqan(text, server.vo) for text in self.wanted if text != "all")
        return AcRequest(
            fqans=() if everything else names or (Fqan(f"/{server.vo}"),),
            everything=everything,
            order=tuple(_fqan(text, server.vo) for text in wish.order),
            targets=wish.targets,
            lifetime=int((wish.ac_lifetime or wish.lifetime).total_seconds()),
        )


def _fqan(text: str, vo: str) -> Fqan:
    """Names as people write them: a group, `group:role`, `Role=x` of the VO itself."""
    group, colon, role = text.partition(":")
    if colon:
        return Fqan.parse(f"{group}/Role={role}")
    if group.lstrip("/").startswith("Role="):
        return Fqan.parse(f"/{vo}/{group.lstrip('/')}")
    return Fqan.parse(group)


@dataclass(frozen=True, slots=True)
class Wish:
    """The proxy to make."""

    memberships: tuple[Membership, ...] = ()
    lifetime: timedelta = timedelta(hours=12)
    ac_lifetime: timedelta | None = None
    bits: int = 2048
    limited: bool = False
    path_length: int | None = None
    order: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    verify: bool = True
    timeout: float = 30.0


def memberships(texts: Sequence[str]) -> tuple[Membership, ...]:
    """Several `--voms` for the same VO are one membership with all their groups and roles."""
    found: dict[str, Membership] = {}
    for text in texts:
        one = Membership.parse(text)
        before = found.get(one.vo, Membership(one.vo))
        found[one.vo] = replace(before, wanted=before.wanted + one.wanted)
    return tuple(found.values())


def load_user(cert: Path, key: Path, ask: Callable[[], str]) -> Credential:
    """The user's certificate and key; `ask` gives the passphrase if the key has one.

    A PKCS #12 file in the place of `cert`, or beside it as usercred.p12 when there is no `cert`, holds both.
    """
    bundle = cert if cert.suffix in {".p12", ".pfx"} else cert.with_name("usercred.p12")
    if bundle.exists() and (bundle == cert or not cert.exists()):
        return _check(_from_pkcs12(read_private(bundle), ask), bundle)
    try:
        certificates = cert.read_bytes()
    except FileNotFoundError:
        raise NoCredential(
            _("There is no user certificate {path}.").format(path=cert),
            next=_("put your certificate and key into ~/.globus, or name them with --cert and --key"),
        ) from None
    secret = read_private(key)
    password = ask().encode() if b"ENCRYPTED" in secret else None
    return _check(parse_credential(_only_certificates(certificates) + b"\n" + secret, password), cert)


def _from_pkcs12(data: bytes, ask: Callable[[], str]) -> Credential:
    """As browsers export it. The library's own words do not tell a wrong passphrase from a damaged file."""
    try:
        key, certificate, others = pkcs12.load_key_and_certificates(data, ask().encode())
    except ValueError as error:
        raise NoCredential(_("The PKCS #12 file cannot be read: it is damaged, or the passphrase is wrong.")) from error
    if certificate is None or not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise NoCredential(_("The PKCS #12 file holds no certificate with its RSA or elliptic curve key."))
    return Credential((certificate, *others), key)


def load_proxy(path: Path) -> Credential:
    """An existing proxy, to make another from."""
    return _check(parse_credential(read_private(path)), path)


def owner(credential: Credential) -> Name:
    """Whose credential it is: the subject of its end-entity certificate."""
    facts = [read(certificate) for certificate in credential.chain]
    return next((fact.subject for fact in facts if kind_of_proxy(fact) is ProxyKind.NONE), facts[-1].issuer)


def _only_certificates(data: bytes) -> bytes:
    """Without any key: the key file's is the one that counts."""
    end = b"-----END CERTIFICATE-----"
    start = b"-----BEGIN CERTIFICATE-----"
    parts = [part[part.index(start) :] + end for part in data.split(end) if start in part]
    return b"\n".join(parts)


def _check(credential: Credential, path: Path) -> Credential:
    end = min(certificate.not_valid_after_utc for certificate in credential.chain)
    if end <= datetime.now(UTC):
        raise NoCredential(
            _("The certificate in {path} expired on {date:%Y-%m-%d %H:%M} UTC.").format(path=path, date=end),
            next=_("renew it with your certificate authority"),
        )
    return credential


def make_proxy(wish: Wish, issuer: Credential, paths: Paths, out: Path, observe: Observer) -> Credential:
    """Contact the VOMS servers, make the proxy, verify it as a site would, write it to `out`."""
    key = rsa.generate_private_key(65537, wish.bits)
    acs: list[bytes] = []
    if wish.memberships:
        observe(Step.TEMPORARY, "", None)
        # Servers give no attributes beyond the end of what we show them.
        longest = max(wish.lifetime, wish.ac_lifetime or wish.lifetime)
        temporary = Credential((_proxy(wish, issuer, key, longest), *issuer.chain), key)
        tls = _tls(temporary, paths.certificates)
        acs = [_ask_servers(wish, membership, tls, paths, observe).ac for membership in wish.memberships]
    observe(Step.CREATING, "", None)
    leaf = _proxy(wish, issuer, key, wish.lifetime, acs)
    made = Credential((leaf, *issuer.chain), key)
    if acs and wish.verify:
        _verify(made, wish, paths)
    write_private(out, render_credential(made))
    return made


def _proxy(
    wish: Wish, issuer: Credential, key: rsa.RSAPrivateKey, lifetime: timedelta, acs: Sequence[bytes] = ()
) -> x509.Certificate:
    return create_proxy(
        issuer,
        key.public_key(),
        now=datetime.now(UTC),
        serial=secrets.randbelow(2**31 - 1) + 1,
        lifetime=lifetime,
        policy=ProxyPolicy.LIMITED if wish.limited else ProxyPolicy.INHERIT_ALL,
        path_length=wish.path_length,
        extensions=[ac_extension(acs)] if acs else [],
    )


def _tls(credential: Credential, certificates: Path) -> ssl.SSLContext:
    """A context with the credential, which the TLS library can only read from a file: one in memory."""
    handle = os.memfd_create("proxy", os.MFD_CLOEXEC)
    with os.fdopen(handle, "wb") as file:
        file.write(render_credential(credential))
        file.flush()
        return tls_context(certificates=certificates, proxy=Path(f"/proc/self/fd/{handle}"))


def _ask_servers(wish: Wish, membership: Membership, tls: ssl.SSLContext, paths: Paths, observe: Observer) -> AcReply:
    """The first good answer of the VO's servers."""
    refusals: list[HansaError] = []
    for server in servers_of(membership.vo, paths.vomses):
        observe(Step.CONTACTING, "", server)
        try:
            reply = request_ac(server, membership.request(server, wish), tls, timeout=wish.timeout)
        except HansaError as error:
            observe(Step.REFUSED, error.message, server)
            refusals.append(error)
            continue
        observe(Step.CONTACTED, "", server)
        for warning in reply.warnings:
            observe(Step.WARNING, warning.text, server)
        return reply
    raise VomsRefused(
        _("No VOMS server of {vo} gave you its attributes: {reasons}").format(
            vo=membership.vo, reasons=" · ".join(error.message for error in refusals)
        ),
        cause=_why(refusals),
        next=_("ask the VO's managers, or check the group and role you asked for"),
        vo=membership.vo,
        servers=[error.message for error in refusals],
    )


def _why(refusals: Sequence[HansaError]) -> str | None:
    causes = {
        "NoSuchUser": _("Your certificate is not registered in the VO."),
        "SuspendedUser": _("The VO has suspended your membership."),
        "BadRequest": _("You do not hold the group or role you asked for."),
    }
    return next((causes[word] for error in refusals if (word := error.details.get("refusal")) in causes), None)


def _verify(made: Credential, wish: Wish, paths: Paths) -> None:
    """What a site will check, so that the user hears of trouble here and now."""
    trust = load_trust(paths.certificates)
    now = datetime.now(UTC)
    try:
        identity = validate_chain(made.chain, trust, now=now)
        verify_acs(identity, trust, load_vomsdir(paths.vomsdir), now=now, hostnames=wish.targets)
    except StandardError as error:
        raise BadRequest(
            _("The proxy would not be accepted: {reason}").format(reason=error),
            rule=error.code,
            next=_("update your trust files, or skip this check with --no-verify"),
        ) from error
