"""Verification of the attribute certificates in a validated credential.

Nothing inside a credential is ever an anchor: the server's certificate must be named by the vomsdir and lead to a trusted root
under the same rules as a user's. One bad attribute certificate refuses the whole credential.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from hansa.standards.voms.ac import AttributeCertificate, GenericAttribute, decode_ac, decode_ac_sequence
from hansa.standards.voms.asn1types import AC_SEQUENCE
from hansa.standards.voms.errors import VomsCode, VomsError
from hansa.standards.voms.fqan import Fqan
from hansa.standards.voms.vomsdir import VomsDir, lsc_matches
from hansa.standards.x509.chain import ChainPolicy, Purpose, VerifiedIdentity, validate_read
from hansa.standards.x509.errors import X509Code, refusing
from hansa.standards.x509.facts import Facts, accepted_key, read
from hansa.standards.x509.keys import DEFAULT_KEYS, KeyPolicy, PublicKey, signature_matches
from hansa.standards.x509.name import Name
from hansa.standards.x509.trust import TrustStore


@dataclass(frozen=True, slots=True)
class AcPolicy:
    """`skew` forgives clocks that run ahead at the server; nothing is forgiven at the end."""

    skew: timedelta = timedelta(minutes=5)
    max_lifetime: timedelta = timedelta(days=8)
    keys: KeyPolicy = field(default=DEFAULT_KEYS)


DEFAULT_AC_POLICY = AcPolicy()


@dataclass(frozen=True, slots=True)
class VomsAttributes:
    """What one server said of the user, verified."""

    vo: str
    host: str
    port: int
    fqans: tuple[Fqan, ...]
    """The first is the primary one."""
    attributes: tuple[GenericAttribute, ...]
    not_before: datetime
    not_after: datetime
    """Never later than the credential's own end."""
    issuer: Name
    serial: int


def verify_acs(
    identity: VerifiedIdentity,
    trust: TrustStore,
    vomsdir: VomsDir,
    *,
    now: datetime,
    hostnames: Iterable[str] = (),
    policy: AcPolicy = DEFAULT_AC_POLICY,
) -> tuple[VomsAttributes, ...]:
    """Attributes in the credential's lowest proxy that has any; empty if none has.

    `hostnames` are this service's own, for certificates limited to targets. Raises `VomsError`, or `X509Error` for the
    server's chain.
    """
    hosts = frozenset(host.lower() for host in hostnames)
    encoded = next(_sequences(identity), None)
    acs = [decode_ac(ac) for ac in decode_ac_sequence(encoded)] if encoded is not None else []
    return tuple(verify_ac(ac, identity, trust, vomsdir, now=now, hostnames=hosts, policy=policy) for ac in acs)


def carried_acs(identity: VerifiedIdentity) -> tuple[tuple[AttributeCertificate, ...], ...]:
    """The attribute certificates of each proxy that has any, leaf first, decoded and *not verified*.

    Good for narrowing a right, never for giving one: use `verify_acs`. To narrow, heed all of them: whoever holds a proxy can
    put one of any content below it. Raises `VomsError`.
    """
    return tuple(tuple(decode_ac(ac) for ac in decode_ac_sequence(each)) for each in _sequences(identity))


def _sequences(identity: VerifiedIdentity) -> Iterator[bytes]:
    return (encoded for proxy in identity.chain[: identity.depth] if (encoded := _sequence(proxy)) is not None)


def verify_ac(
    ac: AttributeCertificate,
    identity: VerifiedIdentity,
    trust: TrustStore,
    vomsdir: VomsDir,
    *,
    now: datetime,
    hostnames: frozenset[str] = frozenset(),
    policy: AcPolicy = DEFAULT_AC_POLICY,
) -> VomsAttributes:
    """Check one attribute certificate against its holder, its time, its targets, its server."""
    _check_time(ac, now, policy)
    _check_holder(ac, identity)
    _check_targets(ac, hostnames)
    server = _server(ac, vomsdir)
    _check_signature(ac, server, policy.keys)
    server_policy = ChainPolicy(max_proxies=0, keys=policy.keys, purpose=Purpose.ANY)
    validate_read((server, *ac.chain[1:]), trust, now=now, policy=server_policy)
    return VomsAttributes(
        vo=ac.vo,
        host=ac.host,
        port=ac.port,
        fqans=ac.fqans,
        attributes=ac.attributes,
        not_before=ac.not_before,
        not_after=min(ac.not_after, identity.not_after),
        issuer=ac.issuer,
        serial=ac.serial,
    )


def _sequence(proxy: x509.Certificate) -> bytes | None:
    with refusing(X509Code.MALFORMED, "A proxy has damaged extensions"):
        for extension in proxy.extensions:
            if extension.oid == AC_SEQUENCE and isinstance(extension.value, x509.UnrecognizedExtension):
                return extension.value.value
    return None


def _check_time(ac: AttributeCertificate, now: datetime, policy: AcPolicy) -> None:
    if now > ac.not_after:
        raise VomsError(
            VomsCode.AC_EXPIRED,
            f"The membership certificate of {ac.vo} expired on {ac.not_after:%Y-%m-%d %H:%M} UTC: get a new one",
        )
    if now < ac.not_before - policy.skew:
        raise VomsError(
            VomsCode.AC_NOT_YET_VALID, f"The membership certificate of {ac.vo} is not valid yet: check both clocks"
        )
    if not timedelta(0) < ac.not_after - ac.not_before <= policy.max_lifetime:
        raise VomsError(
            VomsCode.AC_LIFETIME, f"The membership certificate of {ac.vo} is valid for too long to be accepted"
        )


def _check_holder(ac: AttributeCertificate, identity: VerifiedIdentity) -> None:
    """The holder is the user's certificate: its serial, with its subject (as VOMS writes) or its issuer (as RFC 5755 says)."""
    if ac.holder_serial != identity.eec.serial_number or ac.holder not in (identity.subject, identity.issuer):
        raise VomsError(
            VomsCode.AC_HOLDER, f"The membership certificate of {ac.vo} was given to another user's certificate"
        )


def _check_targets(ac: AttributeCertificate, hostnames: frozenset[str]) -> None:
    if ac.targets is not None and not hostnames.intersection(target.lower() for target in ac.targets):
        raise VomsError(
            VomsCode.AC_TARGET, f"The membership certificate of {ac.vo} was made for other hosts than this one"
        )


def _server(ac: AttributeCertificate, vomsdir: VomsDir) -> Facts:
    """The issuing server's certificate, if the vomsdir lets it speak for the VO."""
    if ac.chain and ac.chain[0].subject != ac.issuer:
        raise VomsError(
            VomsCode.AC_ISSUER, f"The membership certificate of {ac.vo} was not issued by the server it names"
        )
    if ac.chain and lsc_matches(vomsdir.lsc.get((ac.vo, ac.host), ()), ac.chain):
        return ac.chain[0]
    known = _known_server(ac, vomsdir.certificates_for(ac.vo))
    if known is None:
        raise VomsError(
            VomsCode.AC_UNKNOWN_SERVER, f"The site does not know the server {ac.issuer} at {ac.host} as one of {ac.vo}"
        )
    return known


def _known_server(ac: AttributeCertificate, known: Sequence[x509.Certificate]) -> Facts | None:
    for facts in map(read, known):
        same = facts.fingerprint == ac.chain[0].fingerprint if ac.chain else facts.subject == ac.issuer
        if same:
            return facts
    return None


def _check_signature(ac: AttributeCertificate, server: Facts, keys: KeyPolicy) -> None:
    key = accepted_key(server, keys)
    if isinstance(key, rsa.RSAPublicKey) is ac.elliptic or not signature_matches(key, ac.signature, ac.signed, ac.hash):
        raise VomsError(VomsCode.AC_SIGNATURE, f"The signature of the membership certificate of {ac.vo} is wrong")
    if ac.key_identifier not in _key_identifiers(server, key):
        raise VomsError(
            VomsCode.AC_KEY_IDENTIFIER, f"The membership certificate of {ac.vo} names another key of its server"
        )


def _key_identifiers(server: Facts, key: PublicKey) -> list[bytes]:
    """SHA-1 of the key, and what the certificate itself says."""
    stated = server.key_identifier
    return [x509.SubjectKeyIdentifier.from_public_key(key).digest, *([stated] if stated is not None else [])]
