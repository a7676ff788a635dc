"""The ASN.1 of VOMS attribute certificates, as declarations for the strict DER codec (RFC 5755 §4, VOMS' own extensions)."""

from __future__ import annotations

from typing import Annotated

from cryptography import x509
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives import hashes

_VOMS = "1.3.6.1.4.1.8005.100.100"
FQANS = x509.ObjectIdentifier(f"{_VOMS}.4")
AC_SEQUENCE = x509.ObjectIdentifier(f"{_VOMS}.5")
"""Extension of a proxy that carries attribute certificates."""
CERTIFICATES = x509.ObjectIdentifier(f"{_VOMS}.10")
TAGS = x509.ObjectIdentifier(f"{_VOMS}.11")
TARGETS = x509.ObjectIdentifier("2.5.29.55")
NO_REV_AVAIL = x509.ObjectIdentifier("2.5.29.56")
AUTHORITY_KEY_IDENTIFIER = x509.ObjectIdentifier("2.5.29.35")

SHA256_WITH_RSA = x509.ObjectIdentifier("1.2.840.113549.1.1.11")
ECDSA_WITH_SHA256 = x509.ObjectIdentifier("1.2.840.10045.4.3.2")
RSA_HASHES: dict[str, hashes.HashAlgorithm] = {
    SHA256_WITH_RSA.dotted_string: hashes.SHA256(),
    "1.2.840.113549.1.1.12": hashes.SHA384(),
    "1.2.840.113549.1.1.13": hashes.SHA512(),
}
ECDSA_HASHES: dict[str, hashes.HashAlgorithm] = {
    ECDSA_WITH_SHA256.dotted_string: hashes.SHA256(),
    "1.2.840.10045.4.3.3": hashes.SHA384(),
    "1.2.840.10045.4.3.4": hashes.SHA512(),
}


@asn1.sequence
class Algorithm:
    oid: x509.ObjectIdentifier
    parameters: asn1.Null | None


@asn1.sequence
class IssuerSerial:
    issuer: list[Annotated[asn1.TLV, asn1.Explicit(4)]]
    serial: int


@asn1.sequence
class Holder:
    base_certificate_id: Annotated[IssuerSerial, asn1.Implicit(0)]


@asn1.sequence
class V2Form:
    names: list[Annotated[asn1.TLV, asn1.Explicit(4)]]


@asn1.sequence
class Validity:
    not_before: asn1.GeneralizedTime
    not_after: asn1.GeneralizedTime


@asn1.sequence
class Attribute:
    oid: x509.ObjectIdentifier
    values: asn1.TLV


@asn1.sequence
class Extension:
    oid: x509.ObjectIdentifier
    critical: Annotated[bool, asn1.Default(False)]
    value: bytes


@asn1.sequence
class Info:
    version: int
    holder: Holder
    issuer: Annotated[V2Form, asn1.Implicit(0)]
    signature: Algorithm
    serial: int
    validity: Validity
    attributes: list[Attribute]
    extensions: list[Extension]


@asn1.sequence
class SignedInfo:
    info: asn1.TLV
    algorithm: Algorithm
    signature: asn1.BitString


@asn1.sequence
class Fqans:
    """IetfAttrSyntax; the policy authority is `vo://host:port`."""

    authority: Annotated[list[Annotated[asn1.IA5String, asn1.Implicit(6)]], asn1.Implicit(0)]
    values: list[bytes]


@asn1.sequence
class AcSequence:
    acs: list[asn1.TLV]


@asn1.sequence
class Certificates:
    certificates: list[x509.Certificate]


@asn1.sequence
class Tag:
    name: bytes
    value: bytes
    qualifier: bytes


@asn1.sequence
class TagList:
    authority: list[Annotated[asn1.IA5String, asn1.Implicit(6)]]
    tags: list[Tag]


@asn1.sequence
class Tags:
    lists: list[TagList]


@asn1.sequence
class Target:
    name: Annotated[asn1.TLV, asn1.Explicit(0)]


@asn1.sequence
class Targets:
    targets: list[Target]


@asn1.sequence
class KeyIdentifier:
    key: Annotated[bytes | None, asn1.Implicit(0)]
    issuer: Annotated[list[asn1.TLV] | None, asn1.Implicit(1)]
    serial: Annotated[int | None, asn1.Implicit(2)]
