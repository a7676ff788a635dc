"""Validation of grid credentials: proxies (RFC 3820), the user's certificate, and the path to a trusted root.

`validate_chain` is the only maker of `VerifiedIdentity`; everything that asks "who is it?" starts from one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from hansa.standards.x509.errors import X509Code, X509Error, refusing
from hansa.standards.x509.facts import Facts, accepted_key, check_extensions, check_may_sign, check_validity, read
from hansa.standards.x509.keys import DEFAULT_KEYS, KeyPolicy
from hansa.standards.x509.name import Name
from hansa.standards.x509.path import authority_path
from hansa.standards.x509.proxychain import check_proxies, kind_of_proxy
from hansa.standards.x509.proxyinfo import ProxyKind
from hansa.standards.x509.trust import TrustStore

_ROBOT_USER = "user:"


class Purpose(StrEnum):
    """What the certificate is used for; checked against its extended key usage, if it has one."""

    CLIENT = "client"
    ANY = "any"


@dataclass(frozen=True, slots=True)
class ChainPolicy:
    """What a deployment accepts. The defaults are the strict ones."""

    max_certificates: int = 20
    max_bytes: int = 100_000
    max_proxies: int = 10
    allow_legacy_proxies: bool = False
    keys: KeyPolicy = DEFAULT_KEYS
    purpose: Purpose = Purpose.CLIENT
    robots: frozenset[tuple[Name, Name]] = frozenset()
    """(issuer, subject) of robots whose proxies named `user:<id>` stand for their own users (per-user sub-proxies)."""


@dataclass(frozen=True, slots=True)
class VerifiedIdentity:
    """Whose credential it is, after every check. The identity is the pair of `issuer` and `subject`, never a string."""

    subject: Name
    issuer: Name
    eec: x509.Certificate
    """The user's own, end-entity certificate."""
    kind: ProxyKind
    depth: int
    """Number of proxies below the user's certificate."""
    limited: bool
    """It may authenticate and fetch, not start machines nor get wider rights."""
    not_after: datetime
    """When the first certificate of the chain expires."""
    chain: tuple[x509.Certificate, ...]
    """Leaf first: proxies, the user's certificate, authorities up to the trusted root."""
    robot_user: str | None = None
    """The person a listed robot acts for."""


DEFAULT_POLICY = ChainPolicy()


def validate_chain(
    chain: Sequence[x509.Certificate], trust: TrustStore, *, now: datetime, policy: ChainPolicy = DEFAULT_POLICY
) -> VerifiedIdentity:
    """Validate certificates as a peer sent them, leaf first; possession of the leaf's key must have been proved already.

    Raises `X509Error` with the first rule that is broken; docs/reference/x509-and-voms.md lists them.
    """
    _check_size(chain, policy)
    return validate_read([read(certificate) for certificate in chain], trust, now=now, policy=policy)


def validate_read(facts: Sequence[Facts], trust: TrustStore, *, now: datetime, policy: ChainPolicy) -> VerifiedIdentity:
    """`validate_chain` for certificates that are taken apart already, and bounded by whoever did."""
    kinds, proxies, user, sent = _sort(facts, policy)
    _check_is_user(user, has_proxies=bool(proxies))
    for link in (*proxies, user):
        _check_link(link, now, policy)
    limited = check_proxies(proxies, user, kinds, policy.keys)
    authorities = authority_path(user, sent, trust, now=now, keys=policy.keys)
    path = (*proxies, user, *authorities)
    return VerifiedIdentity(
        subject=user.subject,
        issuer=user.issuer,
        eec=user.certificate,
        kind=kinds[0] if proxies else ProxyKind.NONE,
        depth=len(proxies),
        limited=limited,
        not_after=min(link.not_after for link in path),
        chain=tuple(link.certificate for link in path),
        robot_user=_robot_user(proxies, user, policy),
    )


def load_chain(pems: Iterable[str | bytes], policy: ChainPolicy = DEFAULT_POLICY) -> tuple[x509.Certificate, ...]:
    """Certificates from PEM texts, such as the ASGI TLS extension gives. Raises `X509Error` (`x509.malformed`, too long)."""
    certificates: list[x509.Certificate] = []
    for pem in pems:
        data = pem.encode() if isinstance(pem, str) else pem
        if len(certificates) >= policy.max_certificates or len(data) > policy.max_bytes:
            raise X509Error(X509Code.CHAIN_TOO_LONG, "The chain has too many certificates")
        with refusing(X509Code.MALFORMED, "A certificate of the chain is damaged"):
            certificates += x509.load_pem_x509_certificates(data)
    return tuple(certificates)


def _check_size(chain: Sequence[x509.Certificate], policy: ChainPolicy) -> None:
    if not chain:
        raise X509Error(X509Code.CHAIN_EMPTY, "No certificate was presented")
    if len(chain) > policy.max_certificates:
        raise X509Error(X509Code.CHAIN_TOO_LONG, f"The chain has more than {policy.max_certificates} certificates")
    if sum(len(certificate.public_bytes(Encoding.DER)) for certificate in chain) > policy.max_bytes:
        raise X509Error(X509Code.CHAIN_TOO_LARGE, f"The chain is longer than {policy.max_bytes} bytes")


def _sort(
    facts: Sequence[Facts], policy: ChainPolicy
) -> tuple[tuple[ProxyKind, ...], tuple[Facts, ...], Facts, Sequence[Facts]]:
    """Proxies from the leaf on, the user's certificate, and the rest, which can only be authorities."""
    kinds: list[ProxyKind] = []
    for link in facts:
        kind = kind_of_proxy(link)
        if kind is ProxyKind.NONE:
            break
        kinds.append(kind)
    depth = len(kinds)
    if depth == len(facts):
        raise X509Error(X509Code.CHAIN_NO_USER, "The chain holds proxies only: the user's own certificate is missing")
    if depth > policy.max_proxies:
        raise X509Error(
            X509Code.PROXY_DEPTH, f"The chain has {depth} proxies; at most {policy.max_proxies} are accepted"
        )
    if len(set(kinds)) > 1:
        raise X509Error(X509Code.PROXY_MIXED, "The chain mixes different kinds of proxies")
    if ProxyKind.DRAFT in kinds:
        raise X509Error(X509Code.PROXY_KIND, "Draft (GT3) proxies are not accepted: make an RFC 3820 proxy")
    if ProxyKind.LEGACY in kinds and not policy.allow_legacy_proxies:
        raise X509Error(X509Code.PROXY_KIND, "Legacy (GT2) proxies are not accepted: make an RFC 3820 proxy")
    sent = facts[depth + 1 :]
    if any(kind_of_proxy(link) is not ProxyKind.NONE for link in sent):
        raise X509Error(
            X509Code.CHAIN_ORDER, "The chain has proxies after the user's certificate: it must go from the leaf up"
        )
    return tuple(kinds), tuple(facts[:depth]), facts[depth], sent


def _check_is_user(user: Facts, *, has_proxies: bool) -> None:
    if user.is_ca and has_proxies:
        raise X509Error(
            X509Code.PROXY_ISSUER, "The certificate after the proxies is an authority's, not the user's own"
        )
    if user.is_ca:
        raise X509Error(
            X509Code.CA_AS_USER, f"{user.subject} is an authority's certificate and cannot be used to log in"
        )
    if not user.subject.rdns:
        raise X509Error(X509Code.NAME_EMPTY, "The user's certificate has no subject name")


def _check_link(link: Facts, now: datetime, policy: ChainPolicy) -> None:
    check_validity(link, now)
    accepted_key(link, policy.keys)
    check_extensions(link)
    check_may_sign(link)
    usages = link.extended_key_usage
    accepted = (ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE)
    if policy.purpose is Purpose.CLIENT and usages is not None and not any(oid in usages for oid in accepted):
        raise X509Error(X509Code.PURPOSE, f"The certificate {link.subject} is not meant for clients")


def _robot_user(proxies: Sequence[Facts], user: Facts, policy: ChainPolicy) -> str | None:
    """The user a robot's first proxy names, if the robot is listed; any other robot acts for itself."""
    if not proxies or (user.issuer, user.subject) not in policy.robots:
        return None
    name = proxies[-1].subject.last_common_name or ""
    return name.removeprefix(_ROBOT_USER) or None if name.startswith(_ROBOT_USER) else None
