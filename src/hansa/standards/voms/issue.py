"""Issuing attribute certificates, in the form every known verifier takes.

The traps: the holder is named by its own subject and not its issuer's (VOMS' deviation from RFC 5755); names are in the
long form; noRevAvail and authorityKeyIdentifier are there and not critical; the server's certificate travels along.
"""

from collections.abc import Sequence
from datetime import datetime

from cryptography import x509
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding

from hansa.standards.voms import asn1types as types
from hansa.standards.voms.ac import GenericAttribute
from hansa.standards.voms.errors import VomsCode, VomsError
from hansa.standards.voms.fqan import Fqan, check_vo_name
from hansa.standards.x509.der import BIT_STRING, OCTET_STRING, SEQUENCE, SET, URI, context, tlv
from hansa.standards.x509.keys import PrivateKey, sign

_TRUE = b"\x01\x01\xff"
_NULL = b"\x05\x00"


def issue_ac(
    *,
    holder: x509.Certificate,
    issuer: x509.Certificate,
    key: PrivateKey,
    vo: str,
    host: str,
    port: int,
    fqans: Sequence[Fqan],
    not_before: datetime,
    not_after: datetime,
    serial: int,
    attributes: Sequence[GenericAttribute] = (),
    targets: Sequence[str] = (),
) -> bytes:
    """An encoded attribute certificate that gives `fqans` to the user certificate `holder`.

    `holder` is never a proxy. `key` belongs to `issuer` and should be RSA: the Java library cannot verify others. `serial` is a
    positive random number of at most 160 bits. `targets` limit the certificate to these hosts. Times are whole seconds, UTC.
    """
    authority = f"{check_vo_name(vo)}://{check_vo_name(host)}:{port}"
    _check(vo, fqans)
    algorithm = _algorithm(key)
    info = tlv(
        SEQUENCE,
        asn1.encode_der(1),
        tlv(SEQUENCE, tlv(context(0), _general_names(holder.subject), asn1.encode_der(holder.serial_number))),
        tlv(context(0), _general_names(issuer.subject)),
        algorithm,
        asn1.encode_der(serial),
        tlv(SEQUENCE, _time(not_before), _time(not_after)),
        tlv(SEQUENCE, _fqan_attribute(authority, fqans)),
        tlv(SEQUENCE, *_extensions(authority, issuer, attributes, targets)),
    )
    return tlv(SEQUENCE, info, algorithm, tlv(BIT_STRING, b"\0", sign(key, info)))


def _check(vo: str, fqans: Sequence[Fqan]) -> None:
    if not fqans or any(fqan.vo != vo for fqan in fqans):
        raise VomsError(VomsCode.AC_ATTRIBUTES, f"An attribute certificate of {vo} must grant groups of {vo}")


def _algorithm(key: PrivateKey) -> bytes:
    if isinstance(key, rsa.RSAPrivateKey):
        return tlv(SEQUENCE, asn1.encode_der(types.SHA256_WITH_RSA), _NULL)
    return tlv(SEQUENCE, asn1.encode_der(types.ECDSA_WITH_SHA256))


def _general_names(name: x509.Name) -> bytes:
    return tlv(SEQUENCE, tlv(context(4), name.public_bytes()))


def _time(moment: datetime) -> bytes:
    return asn1.encode_der(asn1.GeneralizedTime(moment.replace(microsecond=0)))


def _uri(text: str) -> bytes:
    return tlv(URI, text.encode("ascii"))


def _octets(text: str) -> bytes:
    return tlv(OCTET_STRING, text.encode())


def _fqan_attribute(authority: str, fqans: Sequence[Fqan]) -> bytes:
    names = tlv(SEQUENCE, *(_octets(fqan.long) for fqan in fqans))
    return tlv(SEQUENCE, asn1.encode_der(types.FQANS), tlv(SET, tlv(SEQUENCE, tlv(context(0), _uri(authority)), names)))


def _extensions(
    authority: str, issuer: x509.Certificate, attributes: Sequence[GenericAttribute], targets: Sequence[str]
) -> list[bytes]:
    found = []
    if attributes:
        found.append(_extension(types.TAGS, _tags(authority, attributes)))
    if targets:
        names = (tlv(SEQUENCE, tlv(context(0), _uri(target))) for target in targets)
        found.append(_extension(types.TARGETS, tlv(SEQUENCE, tlv(SEQUENCE, *names)), critical=True))
    certificates = tlv(SEQUENCE, tlv(SEQUENCE, issuer.public_bytes(Encoding.DER)))
    found.append(_extension(types.CERTIFICATES, certificates))
    found.append(_extension(types.NO_REV_AVAIL, _NULL))
    identifier = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(_key_identifier(issuer))
    found.append(_extension(types.AUTHORITY_KEY_IDENTIFIER, identifier.public_bytes()))
    return found


def _extension(oid: x509.ObjectIdentifier, value: bytes, *, critical: bool = False) -> bytes:
    return tlv(SEQUENCE, asn1.encode_der(oid), _TRUE if critical else b"", tlv(OCTET_STRING, value))


def _tags(authority: str, attributes: Sequence[GenericAttribute]) -> bytes:
    tags = (tlv(SEQUENCE, _octets(a.name), _octets(a.value), _octets(a.qualifier)) for a in attributes)
    return tlv(SEQUENCE, tlv(SEQUENCE, tlv(SEQUENCE, tlv(SEQUENCE, _uri(authority)), tlv(SEQUENCE, *tags))))


def _key_identifier(issuer: x509.Certificate) -> x509.SubjectKeyIdentifier:
    return x509.SubjectKeyIdentifier.from_public_key(issuer.public_key())
