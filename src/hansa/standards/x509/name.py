"""Distinguished names, compared by structure and never as strings.

A one-line (slash) name is ambiguous: `/CN=host/x` may be one attribute or two, and programs differ in how they escape.
So strings are parsed to structures at the edge, and only structures are compared (RFC 5280 §7.1, without case folding).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Self

from cryptography import x509
from cryptography.hazmat import asn1
from cryptography.x509.oid import NameOID, ObjectIdentifier

from hansa.standards.x509 import nametext
from hansa.standards.x509.der import SEQUENCE, SET, UTF8_STRING, tlv
from hansa.standards.x509.errors import X509Code, refusing
from hansa.standards.x509.nametext import Attribute, Rdn

_SHOWN = 300
"""Characters of a name in a message."""
_STRING_TYPE = {"C": 0x13, "serialNumber": 0x13, "dnQualifier": 0x13, "DC": 0x16, "emailAddress": 0x16}
"""PrintableString and IA5String; the rest is UTF8String."""
_COMMON_NAME = NameOID.COMMON_NAME.dotted_string


@asn1.sequence
class _AttributeTypeAndValue:
    oid: ObjectIdentifier
    value: asn1.TLV


@asn1.sequence
class _Wrapped:
    """A Name, put into one more sequence because the codec wants a record at the root."""

    rdns: list[asn1.SetOf[_AttributeTypeAndValue]]


@dataclass(frozen=True, slots=True)
class Name:
    """Distinguished name, most significant RDN first; equality and hash are those of `rdns`."""

    rdns: tuple[Rdn, ...]
    der: bytes = field(compare=False, repr=False)
    """The encoding it was read from, or a fresh one for a name that began as text."""

    @classmethod
    def from_x509(cls, name: x509.Name) -> Self:
        rdns = tuple(
            tuple(sorted(Attribute(a.oid.dotted_string, _text(a.value)) for a in rdn)) if len(rdn) > 1 else _single(rdn)
            for rdn in name.rdns
        )
        with refusing(X509Code.MALFORMED, "The certificate contains a name that cannot be encoded"):
            return cls(rdns, name.public_bytes())

    @classmethod
    def from_der(cls, der: bytes) -> Self:
        """Read an encoded Name. Raises `X509Error` (`x509.malformed`)."""
        with refusing(X509Code.MALFORMED, "A name is damaged"):
            found = asn1.decode_der(_Wrapped, tlv(SEQUENCE, der)).rdns
            rdns = (
                tuple(sorted(Attribute(a.oid.dotted_string, _decoded(a.value)) for a in rdn.as_list())) for rdn in found
            )
            return cls(tuple(rdns), der)

    @classmethod
    def of(cls, *attributes: tuple[str, str]) -> Self:
        """From pairs such as `("DC", "org")`, one attribute per RDN."""
        return cls._build(tuple((Attribute(nametext.type_oid(kind), value),) for kind, value in attributes))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the slash form, taking OpenSSL's escapes (`\\/`, `\\+`, `\\xC3`) for what they mean.

        A text without escapes reads the same as in the older, unescaped form. Raises `X509Error` (`x509.name.syntax`).
        """
        return cls._build(nametext.parse_slash(text, escapes=True))

    @classmethod
    def readings(cls, text: str) -> tuple[Self, ...]:
        """Every name the slash form may stand for: with escapes understood and, if that differs, taken literally."""
        names = [cls.parse(text)]
        if "\\" in text:
            literal = cls._build(nametext.parse_slash(text, escapes=False))
            names += [literal] if literal != names[0] else []
        return tuple(names)

    @classmethod
    def parse_rfc4514(cls, text: str) -> Self:
        """Read what `rfc4514` writes, and RFC 4514 otherwise but for values in hexadecimal. Raises as `parse`."""
        return cls._build(nametext.parse_rfc4514(text))

    @classmethod
    def _build(cls, rdns: tuple[Rdn, ...]) -> Self:
        with refusing(X509Code.NAME_SYNTAX, "The name holds an attribute value that its type does not allow"):
            return cls(rdns, _encode(rdns))

    def slash(self) -> str:
        """The older one-line form, `/DC=org/CN=host/x`, nothing escaped: for people and for Globus-style files.

        Several structures share one such text: never an identity. Use the `Name` itself, or `rfc4514`.
        """
        return nametext.slash(self.rdns)

    def slash_escaped(self) -> str:
        """The one-line form of OpenSSL 3: `/` and `+` escaped, bytes outside printable ASCII as `\\xHH`."""
        return nametext.slash_escaped(self.rdns)

    def rfc4514(self) -> str:
        """The unambiguous text form, fit to be a key in a database; read back with `parse_rfc4514`."""
        return nametext.rfc4514(self.rdns)

    def to_x509(self) -> x509.Name:
        """The library's name, for issuing: lengths are checked, and it is encoded anew. Raises `X509Error`."""
        with refusing(X509Code.NAME_SYNTAX, "The name {} holds a value that its type does not allow", self):
            return x509.Name(
                x509.RelativeDistinguishedName(x509.NameAttribute(ObjectIdentifier(a.oid), a.value) for a in rdn)
                for rdn in self.rdns
            )

    def child(self, common_name: str) -> Self:
        """This name and one more `CN`: how proxies are named (RFC 3820 §3.4)."""
        return self._build((*self.rdns, (Attribute(_COMMON_NAME, common_name),)))

    def is_child_of(self, parent: "Name") -> bool:
        """Whether this is `parent` and exactly one single-valued `CN` more."""
        return self.rdns[:-1] == parent.rdns and self.last_common_name is not None

    def is_within(self, base: "Name") -> bool:
        """Whether this lies in the subtree of `base` (RFC 5280 §4.2.1.10, directoryName)."""
        return self.rdns[: len(base.rdns)] == base.rdns

    @property
    def last_common_name(self) -> str | None:
        """Value of the last RDN if that is a single `CN`."""
        if not self.rdns or len(self.rdns[-1]) != 1 or self.rdns[-1][0].oid != _COMMON_NAME:
            return None
        return self.rdns[-1][0].value

    @property
    def is_plain_in_slash_form(self) -> bool:
        """Whether the older one-line form reads back as this very name."""
        return nametext.is_plain_in_slash_form(self.rdns)

    def __str__(self) -> str:
        """For messages: the slash form, bounded, control characters made visible."""
        text = self.slash()
        shown = "".join(char if char.isprintable() else f"\\x{ord(char):02X}" for char in text[:_SHOWN])
        return shown if len(text) <= _SHOWN else f"{shown}..."


def _single(rdn: x509.RelativeDistinguishedName) -> Rdn:
    return tuple(Attribute(a.oid.dotted_string, _text(a.value)) for a in rdn)


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else "#" + value.hex()


def _decoded(value: asn1.TLV) -> str:
    """Text of an attribute value by its string type, the way the certificate library reads it."""
    tag, data = bytes(value.tag_bytes), bytes(value.data)
    if tag == b"\x03":
        return "#" + data[1:].hex()
    return data.decode({b"\x1e": "utf-16-be", b"\x1c": "utf-32-be"}.get(tag, "utf-8"))


def _encode(rdns: Iterable[Rdn]) -> bytes:
    """DER, in the string types that RFC 5280 names; the library would also enforce lengths, by bytes instead of characters."""
    return tlv(SEQUENCE, *(tlv(SET, *sorted(_encode_attribute(a) for a in rdn)) for rdn in rdns))


def _encode_attribute(attribute: Attribute) -> bytes:
    tag = (
        _STRING_TYPE.get(nametext.short_type(attribute.oid), UTF8_STRING) if attribute.value.isascii() else UTF8_STRING
    )
    return tlv(SEQUENCE, asn1.encode_der(ObjectIdentifier(attribute.oid)), tlv(tag, attribute.value.encode()))
