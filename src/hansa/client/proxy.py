"""What a proxy file says, for people: the fields that voms-proxy-info has always shown. Nothing here is verified."""

from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from hansa.standards.errors import StandardError
from hansa.standards.voms import AttributeCertificate, decode_ac, decode_ac_sequence
from hansa.standards.voms.asn1types import AC_SEQUENCE
from hansa.standards.x509 import Name, ProxyKind, ProxyPolicy
from hansa.standards.x509.facts import Facts, read
from hansa.standards.x509.proxychain import kind_of_proxy
from hansa.standards.x509.proxyinfo import PROXY_CERT_INFO, decode_proxy_info
from hansa.standards.x509.trust import load_certificates

_USAGES = (
    ("digital_signature", "Digital Signature"),
    ("content_commitment", "Non Repudiation"),
    ("key_encipherment", "Key Encipherment"),
    ("data_encipherment", "Data Encipherment"),
    ("key_agreement", "Key Agreement"),
    ("key_cert_sign", "Certificate Sign"),
    ("crl_sign", "CRL Sign"),
)


@dataclass(frozen=True, slots=True)
class Link:
    """One certificate of the chain."""

    subject: Name
    issuer: Name
    bits: int
    not_after: datetime


@dataclass(frozen=True, slots=True)
class ProxySummary:
    """A credential file's public part."""

    chain: tuple[Link, ...]
    """Leaf first."""
    identity: Name
    """The end-entity certificate's subject."""
    type: str
    not_after: datetime
    """When the first certificate of the chain expires."""
    key_usage: tuple[str, ...]
    acs: tuple[AttributeCertificate, ...]
    certificates: tuple[x509.Certificate, ...]

    @property
    def leaf(self) -> Link:
        return self.chain[0]


def summarize(data: bytes) -> ProxySummary:
    """Read a proxy file (PEM: certificate, key, chain). Raises StandardError if its certificates cannot be read."""
    certificates = tuple(load_certificates(data))
    facts = [read(certificate) for certificate in certificates]
    owner = next((fact for fact in facts if kind_of_proxy(fact) is ProxyKind.NONE), facts[-1])
    users = facts[: facts.index(owner) + 1]
    return ProxySummary(
        chain=tuple(Link(f.subject, f.issuer, _bits(f.certificate), f.not_after) for f in users),
        identity=owner.subject if owner in users else users[-1].issuer,
        type=_type(facts[0]),
        not_after=min(fact.not_after for fact in users),
        key_usage=_key_usage(facts[0]),
        acs=_acs(users),
        certificates=certificates,
    )


def _acs(chain: list[Facts]) -> tuple[AttributeCertificate, ...]:
    """Of the first certificate from the leaf that has any."""
    for fact in chain:
        encoded = fact.raw(AC_SEQUENCE)
        if encoded is not None:
            return tuple(decode_ac(ac) for ac in decode_ac_sequence(encoded))
    return ()


def _type(leaf: Facts) -> str:
    match kind_of_proxy(leaf):
        case ProxyKind.NONE:
            return "unknown"
        case ProxyKind.LEGACY:
            return "legacy globus proxy"
        case ProxyKind.DRAFT:
            return "draft (GT3) proxy"
    return "RFC compliant limited proxy" if _is_limited(leaf) else "RFC compliant proxy"


def _is_limited(leaf: Facts) -> bool:
    encoded = leaf.raw(PROXY_CERT_INFO)
    try:
        return encoded is not None and decode_proxy_info(encoded).policy is ProxyPolicy.LIMITED
    except StandardError:  # an unknown policy: shown, not judged
        return False


def _key_usage(leaf: Facts) -> tuple[str, ...]:
    usage = leaf.key_usage
    return tuple(words for name, words in _USAGES if usage is not None and getattr(usage, name))


def _bits(certificate: x509.Certificate) -> int:
    key = certificate.public_key()
    return key.key_size if isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey) else 0
