"""What path validation needs to know of one certificate, read once and strictly."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, TypeVar

from cryptography import x509
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtensionOID, ObjectIdentifier

from hansa.standards.x509.errors import X509Code, X509Error, refusing
from hansa.standards.x509.keys import KeyPolicy, PublicKey, check_hash, signature_matches
from hansa.standards.x509.name import Name
from hansa.standards.x509.proxyinfo import DRAFT_PROXY_CERT_INFO, PROXY_CERT_INFO

_E = TypeVar("_E", bound=x509.ExtensionType)

_UNDERSTOOD = frozenset(
    {
        ExtensionOID.BASIC_CONSTRAINTS,
        ExtensionOID.KEY_USAGE,
        ExtensionOID.EXTENDED_KEY_USAGE,
        ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
        ExtensionOID.ISSUER_ALTERNATIVE_NAME,
        ExtensionOID.SUBJECT_KEY_IDENTIFIER,
        ExtensionOID.AUTHORITY_KEY_IDENTIFIER,
        ExtensionOID.CRL_DISTRIBUTION_POINTS,
        ExtensionOID.AUTHORITY_INFORMATION_ACCESS,
        ExtensionOID.CERTIFICATE_POLICIES,
        ExtensionOID.NAME_CONSTRAINTS,
        PROXY_CERT_INFO,
        DRAFT_PROXY_CERT_INFO,
    }
)
"""Extensions that may be critical. Policy constraints and mappings are not among them: they would have to be evaluated."""


@dataclass(frozen=True, slots=True)
class Facts:
    """One certificate, taken apart."""

    certificate: x509.Certificate
    subject: Name
    issuer: Name
    serial: int
    not_before: datetime
    not_after: datetime
    extensions: Mapping[ObjectIdentifier, x509.Extension[x509.ExtensionType]]
    fingerprint: bytes

    @property
    def is_self_issued(self) -> bool:
        return self.subject == self.issuer

    @property
    def basic_constraints(self) -> x509.BasicConstraints | None:
        return self._value(x509.BasicConstraints)

    @property
    def is_ca(self) -> bool:
        constraints = self.basic_constraints
        return constraints is not None and constraints.ca

    @property
    def key_usage(self) -> x509.KeyUsage | None:
        return self._value(x509.KeyUsage)

    @property
    def extended_key_usage(self) -> x509.ExtendedKeyUsage | None:
        return self._value(x509.ExtendedKeyUsage)

    @property
    def name_constraints(self) -> x509.NameConstraints | None:
        return self._value(x509.NameConstraints)

    @property
    def key_identifier(self) -> bytes | None:
        identifier = self._value(x509.SubjectKeyIdentifier)
        return identifier.digest if identifier is not None else None

    @property
    def alternative_names(self) -> tuple[x509.GeneralName, ...]:
        names = self._value(x509.SubjectAlternativeName)
        return tuple(names) if names is not None else ()

    def raw(self, oid: ObjectIdentifier) -> bytes | None:
        """Value of an extension that the library does not decode."""
        extension = self.extensions.get(oid)
        if extension is None or not isinstance(extension.value, x509.UnrecognizedExtension):
            return None
        return extension.value.value

    def _value(self, kind: type[_E]) -> _E | None:
        extension = self.extensions.get(kind.oid)
        return extension.value if extension is not None and isinstance(extension.value, kind) else None


def read(certificate: x509.Certificate) -> Facts:
    """Take a certificate apart. Raises `X509Error` (`x509.malformed`)."""
    with refusing(X509Code.MALFORMED, "A certificate of the chain is damaged"):
        return Facts(
            certificate=certificate,
            subject=Name.from_x509(certificate.subject),
            issuer=Name.from_x509(certificate.issuer),
            serial=certificate.serial_number,
            not_before=certificate.not_valid_before_utc,
            not_after=certificate.not_valid_after_utc,
            extensions={extension.oid: extension for extension in certificate.extensions},
            fingerprint=certificate.fingerprint(hashes.SHA256()),
        )


def check_validity(facts: Facts, now: datetime) -> None:
    """Refuse outside the certificate's period (RFC 5280 §4.1.2.5), both ends included."""
    if now > facts.not_after:
        raise X509Error(
            X509Code.EXPIRED, f"The certificate {facts.subject} expired on {facts.not_after:%Y-%m-%d %H:%M} UTC"
        )
    if now < facts.not_before:
        raise X509Error(
            X509Code.NOT_YET_VALID,
            f"The certificate {facts.subject} is not valid before {facts.not_before:%Y-%m-%d %H:%M} UTC: check both clocks",
        )


def check_extensions(facts: Facts) -> None:
    """Refuse a critical extension nobody here evaluates (RFC 5280 §4.2)."""
    for oid, extension in facts.extensions.items():
        if extension.critical and oid not in _UNDERSTOOD:
            raise X509Error(
                X509Code.EXTENSION_UNKNOWN,
                f"The certificate {facts.subject} has the critical extension {oid.dotted_string}, which is not understood",
            )


def check_may_sign(facts: Facts) -> None:
    """Refuse a key that its certificate does not let sign (RFC 3820 §3.6: so do issuers of proxies)."""
    usage = facts.key_usage
    if usage is not None and not usage.digital_signature:
        raise X509Error(X509Code.KEY_USAGE, f"The certificate {facts.subject} does not allow digital signatures")


def check_signed_by(child: Facts, issuer: Facts, policy: KeyPolicy) -> None:
    """Refuse unless `issuer`'s key made the signature of `child`, with an accepted key and hash."""
    with refusing(
        X509Code.SIGNATURE_ALGORITHM, "The certificate {} is signed with an unknown algorithm", child.subject
    ):
        hash_ = check_hash(child.certificate.signature_hash_algorithm, child.subject)
        _check_envelope(child.certificate)
    key = accepted_key(issuer, policy)
    certificate = child.certificate
    if not signature_matches(key, certificate.signature, certificate.tbs_certificate_bytes, hash_):
        raise X509Error(X509Code.SIGNATURE, f"The certificate {child.subject} was not signed by {issuer.subject}")


def accepted_key(facts: Facts, policy: KeyPolicy) -> PublicKey:
    """The certificate's key. Refuses a weak or unknown one."""
    with refusing(X509Code.KEY_UNSUPPORTED, "The key of {} is of an unknown kind", facts.subject):
        return policy.check(facts.certificate.public_key(), facts.subject)


@asn1.sequence
class _Certificate:
    tbs: asn1.TLV
    algorithm: asn1.TLV
    signature: asn1.BitString


@asn1.sequence
class _TbsHead:
    """tbsCertificate as far as its signature algorithm; what follows is named only to be skipped."""

    version: Annotated[int, asn1.Default(0), asn1.Explicit(0)]
    serial: int
    algorithm: asn1.TLV
    issuer: asn1.TLV
    validity: asn1.TLV
    subject: asn1.TLV
    key: asn1.TLV
    issuer_id: Annotated[asn1.BitString | None, asn1.Implicit(1)]
    subject_id: Annotated[asn1.BitString | None, asn1.Implicit(2)]
    extensions: Annotated[list[asn1.TLV] | None, asn1.Explicit(3)]


def _check_envelope(certificate: x509.Certificate) -> None:
    """What the signature does not cover leaves no choice, so that one certificate has one encoding.

    The algorithm outside the signed part is the one inside it (RFC 5280 §4.1.1.2); the signature is whole octets.
    """
    whole = asn1.decode_der(_Certificate, certificate.public_bytes(Encoding.DER))
    outer, inner = whole.algorithm, asn1.decode_der(_TbsHead, certificate.tbs_certificate_bytes).algorithm
    if whole.signature.padding_bits():
        raise X509Error(X509Code.SIGNATURE, "A certificate's signature is not a whole number of octets")
    if outer.tag_bytes != inner.tag_bytes or outer.data != inner.data:
        raise X509Error(X509Code.SIGNATURE_ALGORITHM, "A certificate names two different signature algorithms")
