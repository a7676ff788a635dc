"""VOMS attribute certificates (RFC 5755 with VOMS' deviations): the value and its strict decoding."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives import hashes

from hansa.standards.errors import StandardError
from hansa.standards.voms import asn1types as der
from hansa.standards.voms.errors import VomsCode, VomsError
from hansa.standards.voms.fqan import Fqan, check_vo_name
from hansa.standards.x509.der import SEQUENCE, tlv
from hansa.standards.x509.errors import X509Code, refusing
from hansa.standards.x509.facts import Facts, read
from hansa.standards.x509.name import Name

MAX_AC_BYTES = 50_000
MAX_ACS = 16
MAX_FQANS = 1000
MAX_ATTRIBUTES = 1000
MAX_CERTIFICATES = 5
"""Of the server's chain inside an attribute certificate."""

_AUTHORITY = re.compile(r"([^:/]+)://([^:/]+):([0-9]{1,5})")


@dataclass(frozen=True, slots=True)
class GenericAttribute:
    """A name and value the virtual organisation gives a member; the qualifier is a group or the VO."""

    name: str
    value: str
    qualifier: str


@dataclass(frozen=True, slots=True)
class AttributeCertificate:
    """Decoded, and structurally sound; nothing in it is verified. `verify_acs` does that."""

    holder: Name
    holder_serial: int
    issuer: Name
    serial: int
    not_before: datetime
    not_after: datetime
    vo: str
    host: str
    port: int
    fqans: tuple[Fqan, ...]
    attributes: tuple[GenericAttribute, ...]
    targets: tuple[str, ...] | None
    chain: tuple[Facts, ...]
    """The issuing server's certificate and perhaps intermediate authorities, as sent along."""
    key_identifier: bytes
    signed: bytes
    """What the signature covers."""
    signature: bytes
    hash: hashes.HashAlgorithm
    elliptic: bool
    """Signed with ECDSA, otherwise RSA."""


def decode_ac(data: bytes) -> AttributeCertificate:
    """Decode one attribute certificate strictly: DER, no trailing bytes, bounded, only what VOMS writes.

    Raises `VomsError` (`voms.ac.*`). Signature, time, holder and issuer are checked by `verify_acs`.
    """
    if len(data) > MAX_AC_BYTES:
        raise VomsError(VomsCode.AC_TOO_LARGE, f"The attribute certificate is longer than {MAX_AC_BYTES} bytes")
    with _decoding():
        outer = asn1.decode_der(der.SignedInfo, data)
        info = outer.info.parse(der.Info)
    extensions = _extensions(info.extensions)
    vo, host, port, fqans = _fqans(info.attributes)
    hash_, elliptic = _algorithm(outer, info)
    return AttributeCertificate(
        holder=_one_name(info.holder.base_certificate_id.issuer, VomsCode.AC_HOLDER),
        holder_serial=info.holder.base_certificate_id.serial,
        issuer=_one_name(info.issuer.names, VomsCode.AC_ISSUER),
        serial=_serial(info),
        not_before=info.validity.not_before.as_datetime(),
        not_after=info.validity.not_after.as_datetime(),
        vo=vo,
        host=host,
        port=port,
        fqans=fqans,
        attributes=_attributes(extensions, f"{vo}://{host}:{port}"),
        targets=_targets(extensions),
        chain=_chain(extensions),
        key_identifier=_key_identifier(extensions),
        signed=tlv(SEQUENCE, outer.info.data),
        signature=_signature(outer.signature),
        hash=hash_,
        elliptic=elliptic,
    )


def decode_ac_sequence(data: bytes) -> tuple[bytes, ...]:
    """The attribute certificates, still encoded, in a proxy's extension. Raises `VomsError`."""
    if len(data) > MAX_AC_BYTES:
        raise VomsError(VomsCode.AC_TOO_LARGE, f"The attribute certificates are longer than {MAX_AC_BYTES} bytes")
    with _decoding():
        acs = asn1.decode_der(der.AcSequence, data).acs
    if len(acs) > MAX_ACS:
        raise VomsError(VomsCode.AC_TOO_LARGE, f"The proxy carries more than {MAX_ACS} attribute certificates")
    if any(ac.tag_bytes != _SEQUENCE_TAG for ac in acs):
        raise VomsError(VomsCode.AC_MALFORMED, _DAMAGED)
    return tuple(tlv(SEQUENCE, ac.data) for ac in acs)


def encode_ac_sequence(acs: Sequence[bytes]) -> bytes:
    """Value of the proxy extension that carries encoded attribute certificates."""
    return tlv(SEQUENCE, tlv(SEQUENCE, *acs))


def ac_extension(acs: Sequence[bytes]) -> x509.UnrecognizedExtension:
    """The extension for `x509.create_proxy(..., extensions=[...])`."""
    return x509.UnrecognizedExtension(der.AC_SEQUENCE, encode_ac_sequence(acs))


_DAMAGED = "The attribute certificate is damaged"
_SEQUENCE_TAG = b"\x30"
_URI_TAG = b"\x86"
_KNOWN = frozenset({der.CERTIFICATES, der.TAGS, der.TARGETS, der.NO_REV_AVAIL, der.AUTHORITY_KEY_IDENTIFIER})


@contextmanager
def _decoding(reason: str = _DAMAGED) -> Iterator[None]:
    """Whatever a codec raises on bad bytes becomes `voms.ac.malformed`; our own refusals pass."""
    try:
        with refusing(X509Code.MALFORMED, reason):
            yield
    except VomsError:
        raise
    except StandardError as error:
        raise VomsError(VomsCode.AC_MALFORMED, reason) from error


def _one_name(names: Sequence[asn1.TLV], code: VomsCode) -> Name:
    if len(names) != 1:
        raise VomsError(code, "The attribute certificate must name exactly one holder and one issuer")
    with _decoding():
        encoded = tlv(SEQUENCE, names[0].data)
        return Name.from_der(encoded)


def _serial(info: der.Info) -> int:
    if info.version != 1:
        raise VomsError(VomsCode.AC_MALFORMED, "The attribute certificate is not of version 2")
    if not 0 < info.serial < 1 << 160:
        raise VomsError(VomsCode.AC_MALFORMED, "The attribute certificate's serial number is out of range")
    return info.serial


def _algorithm(outer: der.SignedInfo, info: der.Info) -> tuple[hashes.HashAlgorithm, bool]:
    inside, outside = info.signature, outer.algorithm
    if inside.oid != outside.oid or inside.parameters != outside.parameters:
        raise VomsError(VomsCode.AC_ALGORITHM, "The attribute certificate names two different signature algorithms")
    oid = outside.oid.dotted_string
    elliptic = oid in der.ECDSA_HASHES
    hash_ = der.ECDSA_HASHES.get(oid) or der.RSA_HASHES.get(oid)
    if hash_ is None:
        raise VomsError(
            VomsCode.AC_ALGORITHM, f"The attribute certificate is signed with {oid}; RSA or ECDSA with SHA-2 is needed"
        )
    return hash_, elliptic


def _signature(bits: asn1.BitString) -> bytes:
    if bits.padding_bits():
        raise VomsError(VomsCode.AC_MALFORMED, _DAMAGED)
    return bits.as_bytes()


def _fqans(attributes: Sequence[der.Attribute]) -> tuple[str, str, int, tuple[Fqan, ...]]:
    """The policy authority (VO, host, port) and the names it grants, in the server's order."""
    found = [attribute.values for attribute in attributes if attribute.oid == der.FQANS]
    if len(found) != 1:
        raise VomsError(
            VomsCode.AC_ATTRIBUTES, "The attribute certificate must have exactly one attribute with group names"
        )
    with _decoding():
        syntax = asn1.decode_der(der.Fqans, bytes(found[0].data))
    if not 0 < len(syntax.values) <= MAX_FQANS:
        raise VomsError(VomsCode.AC_ATTRIBUTES, f"The attribute certificate must grant 1 to {MAX_FQANS} group names")
    vo, host, port = _authority(syntax.authority)
    fqans = tuple(Fqan.parse(_text(value)) for value in syntax.values)
    stranger = next((fqan for fqan in fqans if fqan.vo != vo), None)
    if stranger is not None:
        raise VomsError(
            VomsCode.AC_ATTRIBUTES, f"The server of {vo} has granted {stranger}, which belongs to another organisation"
        )
    return vo, host, port, fqans


def _authority(names: Sequence[asn1.IA5String]) -> tuple[str, str, int]:
    match = _AUTHORITY.fullmatch(names[0].as_str()) if len(names) == 1 else None
    if match is None:
        raise VomsError(VomsCode.AC_AUTHORITY, "The attribute certificate must name one server as vo://host:port")
    return check_vo_name(match[1]), check_vo_name(match[2]), int(match[3])


def _text(value: bytes) -> str:
    with _decoding("The attribute certificate holds a text that is not UTF-8"):
        return value.decode()


def _extensions(extensions: Sequence[der.Extension]) -> Mapping[x509.ObjectIdentifier, bytes]:
    found = {extension.oid: extension.value for extension in extensions}
    if len(found) != len(extensions):
        raise VomsError(VomsCode.AC_EXTENSION, "The attribute certificate has an extension twice")
    for extension in extensions:
        if extension.critical and extension.oid not in _KNOWN:
            oid = extension.oid.dotted_string
            raise VomsError(
                VomsCode.AC_EXTENSION, f"The attribute certificate has the unknown critical extension {oid}"
            )
        if extension.critical and extension.oid in (der.NO_REV_AVAIL, der.AUTHORITY_KEY_IDENTIFIER):
            raise VomsError(
                VomsCode.AC_EXTENSION, "The attribute certificate marks an extension critical that must not be"
            )
    if found.get(der.NO_REV_AVAIL) != b"\x05\x00":
        raise VomsError(VomsCode.AC_EXTENSION, "The attribute certificate lacks the noRevAvail extension")
    return found


def _attributes(extensions: Mapping[x509.ObjectIdentifier, bytes], authority: str) -> tuple[GenericAttribute, ...]:
    if der.TAGS not in extensions:
        return ()
    with _decoding():
        lists = asn1.decode_der(der.Tags, extensions[der.TAGS]).lists
    if any([name.as_str() for name in tags.authority] != [authority] for tags in lists):
        raise VomsError(VomsCode.AC_AUTHORITY, "The attribute certificate has attributes of another server")
    found = [tag for tags in lists for tag in tags.tags]
    if len(found) > MAX_ATTRIBUTES:
        raise VomsError(VomsCode.AC_TOO_LARGE, f"The attribute certificate has more than {MAX_ATTRIBUTES} attributes")
    return tuple(GenericAttribute(_text(tag.name), _text(tag.value), _text(tag.qualifier)) for tag in found)


def _targets(extensions: Mapping[x509.ObjectIdentifier, bytes]) -> tuple[str, ...] | None:
    """Hosts the certificate is meant for; None if it is meant for all."""
    if der.TARGETS not in extensions:
        return None
    with _decoding():
        names = [target.name for target in asn1.decode_der(der.Targets, extensions[der.TARGETS]).targets]
        if any(name.tag_bytes != _URI_TAG for name in names):
            raise VomsError(VomsCode.AC_TARGET, "The attribute certificate names a target in an unknown way")
        return tuple(bytes(name.data).decode("ascii") for name in names)


def _chain(extensions: Mapping[x509.ObjectIdentifier, bytes]) -> tuple[Facts, ...]:
    """Read whole: the library decodes certificates lazily, and what is damaged must show here."""
    if der.CERTIFICATES not in extensions:
        return ()
    with _decoding("The certificates inside the attribute certificate are damaged"):
        found = asn1.decode_der(der.Certificates, extensions[der.CERTIFICATES]).certificates
        if not 0 < len(found) <= MAX_CERTIFICATES:
            reason = f"The attribute certificate must hold 1 to {MAX_CERTIFICATES} certificates"
            raise VomsError(VomsCode.AC_CERTIFICATES, reason)
        return tuple(read(certificate) for certificate in found)


def _key_identifier(extensions: Mapping[x509.ObjectIdentifier, bytes]) -> bytes:
    with _decoding():
        value = extensions.get(der.AUTHORITY_KEY_IDENTIFIER)
        key = asn1.decode_der(der.KeyIdentifier, value).key if value is not None else None
    if key is None:
        raise VomsError(VomsCode.AC_EXTENSION, "The attribute certificate lacks the authorityKeyIdentifier extension")
    return key
