"""Distinguished names, compared by structure and never as strings.

A one-line (slash) name is ambiguous: `/CN=host/x` may be one attribute or two, and programs differ in how they escape.
So strings are parsed to structures at the edge, and only structures are compared (RFC 5280 §7.1, without case folding).
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, Self

from cryptography import x509
from cryptography.hazmat import asn1
from cryptography.x509.oid import NameOID, ObjectIdentifier

from hansa.standards.x509.der import SEQUENCE, tlv
from hansa.standards.x509.errors import X509Code, X509Error, refusing

MAX_NAME_TEXT = 4096
"""Characters of a name in text form."""
_SHOWN = 300

_SHORT = {
    "2.5.4.3": "CN",
    "2.5.4.4": "SN",
    "2.5.4.5": "serialNumber",
    "2.5.4.6": "C",
    "2.5.4.7": "L",
    "2.5.4.8": "ST",
    "2.5.4.9": "street",
    "2.5.4.10": "O",
    "2.5.4.11": "OU",
    "2.5.4.12": "title",
    "2.5.4.13": "description",
    "2.5.4.17": "postalCode",
    "2.5.4.42": "GN",
    "2.5.4.43": "initials",
    "2.5.4.44": "generationQualifier",
    "2.5.4.46": "dnQualifier",
    "2.5.4.65": "pseudonym",
    "2.5.4.97": "organizationIdentifier",
    "0.9.2342.19200300.100.1.1": "UID",
    "0.9.2342.19200300.100.1.25": "DC",
    "1.2.840.113549.1.9.1": "emailAddress",
    "1.2.840.113549.1.9.2": "unstructuredName",
}
_OID = {short.lower(): oid for oid, short in _SHORT.items()} | {
    "e": "1.2.840.113549.1.9.1",
    "email": "1.2.840.113549.1.9.1",
    "userid": "0.9.2342.19200300.100.1.1",
    "s": "2.5.4.8",
    "streetaddress": "2.5.4.9",
    "surname": "2.5.4.4",
    "g": "2.5.4.42",
    "givenname": "2.5.4.42",
}
_TYPE = rf"(?:{'|'.join(_OID)}|\d+(?:\.\d+)+)"
_RDN_START = re.compile(rf"/(?={_TYPE}=)", re.IGNORECASE)
_ESCAPED_RDN_START = re.compile(rf"(?<!\\)/(?={_TYPE}=)", re.IGNORECASE)
_ESCAPED_PLUS = re.compile(rf"(?<!\\)\+(?={_TYPE}=)", re.IGNORECASE)
_ESCAPE = re.compile(r"(?:\\x[0-9A-Fa-f]{2})+|\\[/+]")
_COMMON_NAME = NameOID.COMMON_NAME.dotted_string


@asn1.sequence
class _AttributeTypeAndValue:
    oid: ObjectIdentifier
    value: asn1.TLV


@asn1.sequence
class _Wrapped:
    """A Name, put into one more sequence because the codec wants a record at the root."""

    rdns: list[asn1.SetOf[_AttributeTypeAndValue]]


class Attribute(NamedTuple):
    """One attribute of a name: dotted OID and text. The ASN.1 string type is no part of its meaning."""

    oid: str
    value: str


Rdn = tuple[Attribute, ...]
"""Relative distinguished name: sorted attributes, almost always one."""


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
        return cls._build(tuple((Attribute(_oid(kind), value),) for kind, value in attributes))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the slash form, taking OpenSSL's escapes (`\\/`, `\\+`, `\\xC3`) for what they mean.

        A text without escapes reads the same as in the older, unescaped form. Raises `X509Error` (`x509.name.syntax`).
        """
        return cls._build(_parse_slash(text, escapes=True))

    @classmethod
    def readings(cls, text: str) -> tuple[Self, ...]:
        """Every name the slash form may stand for: with escapes understood and, if that differs, taken literally."""
        names = [cls.parse(text)]
        if "\\" in text:
            literal = cls._build(_parse_slash(text, escapes=False))
            names += [literal] if literal != names[0] else []
        return tuple(names)

    @classmethod
    def parse_rfc4514(cls, text: str) -> Self:
        """Read what `rfc4514` writes."""
        if len(text) > MAX_NAME_TEXT:
            raise X509Error(X509Code.NAME_SYNTAX, f"A name is longer than {MAX_NAME_TEXT} characters")
        with refusing(X509Code.NAME_SYNTAX, "The text is not a distinguished name in RFC 4514 form"):
            overrides = {short: ObjectIdentifier(oid) for oid, short in _SHORT.items()}
            return cls.from_x509(x509.Name.from_rfc4514_string(text, overrides))

    @classmethod
    def _build(cls, rdns: tuple[Rdn, ...]) -> Self:
        with refusing(X509Code.NAME_SYNTAX, "The name holds an attribute value that its type does not allow"):
            return cls(rdns, _to_x509(rdns).public_bytes())

    def slash(self) -> str:
        """The older one-line form, `/DC=org/CN=host/x`, nothing escaped: for people and for Globus-style files.

        Several structures share one such text: never an identity. Use the `Name` itself, or `rfc4514`.
        """
        return "".join("/" + "+".join(f"{_kind(a.oid)}={a.value}" for a in rdn) for rdn in self.rdns)

    def slash_escaped(self) -> str:
        """The one-line form of OpenSSL 3: `/` and `+` escaped, bytes outside printable ASCII as `\\xHH`."""
        return "".join("/" + "+".join(f"{_kind(a.oid)}={_escape(a.value)}" for a in rdn) for rdn in self.rdns)

    def rfc4514(self) -> str:
        """The unambiguous text form, fit to be a key in a database; read back with `parse_rfc4514`."""
        return ",".join("+".join(f"{_kind(a.oid)}={_rfc4514(a.value)}" for a in rdn) for rdn in reversed(self.rdns))

    def to_x509(self) -> x509.Name:
        """The library's name. It encodes anew: where the certificate's own bytes matter, use `der`."""
        return _to_x509(self.rdns)

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
        with_readings = _split(self.slash(), _RDN_START)
        return len(with_readings) == len(self.rdns) and all(len(rdn) == 1 for rdn in self.rdns)

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


def _kind(oid: str) -> str:
    return _SHORT.get(oid, oid)


def _oid(kind: str) -> str:
    if kind[:1].isdigit():
        return kind
    return _OID[kind.lower()]


def _to_x509(rdns: Iterable[Rdn]) -> x509.Name:
    return x509.Name(
        x509.RelativeDistinguishedName(x509.NameAttribute(ObjectIdentifier(a.oid), a.value) for a in rdn)
        for rdn in rdns
    )


def _parse_slash(text: str, *, escapes: bool) -> tuple[Rdn, ...]:
    if len(text) > MAX_NAME_TEXT:
        raise X509Error(X509Code.NAME_SYNTAX, f"A name is longer than {MAX_NAME_TEXT} characters")
    parts = _split(text, _ESCAPED_RDN_START if escapes else _RDN_START)
    if not parts:
        raise X509Error(X509Code.NAME_SYNTAX, "A name must look like /DC=org/CN=Some One")
    return tuple(_parse_rdn(part, escapes=escapes) for part in parts)


def _split(text: str, start: re.Pattern[str]) -> list[str]:
    """The RDNs of a slash name, without their leading slashes; empty if it does not begin with one."""
    head, *parts = start.split(text)
    return parts if not head else []


def _parse_rdn(part: str, *, escapes: bool) -> Rdn:
    attributes = _ESCAPED_PLUS.split(part) if escapes else [part]
    return tuple(sorted(_parse_attribute(a, escapes=escapes) for a in attributes))


def _parse_attribute(text: str, *, escapes: bool) -> Attribute:
    kind, _, value = text.partition("=")
    if escapes:
        value = _ESCAPE.sub(_unescape, value)
    if not value:
        raise X509Error(X509Code.NAME_SYNTAX, f"The attribute {kind!r} of a name is empty")
    return Attribute(_oid(kind), value)


def _unescape(match: re.Match[str]) -> str:
    text = match.group()
    if not text.startswith("\\x"):
        return text[1]
    with refusing(X509Code.NAME_SYNTAX, "The name holds escaped bytes that are not UTF-8"):
        return bytes.fromhex(text.replace("\\x", "")).decode()


def _escape(value: str) -> str:
    return "".join(_escape_byte(byte) for byte in value.encode())


def _escape_byte(byte: int) -> str:
    if not 0x20 <= byte <= 0x7E:
        return f"\\x{byte:02X}"
    return f"\\{chr(byte)}" if byte in b"/+" else chr(byte)


def _rfc4514(value: str) -> str:
    """Escape an attribute value (RFC 4514 §2.4)."""
    text = re.sub(r'([,+"\\<>;])', r"\\\1", value).replace("\0", "\\00")
    if text.startswith((" ", "#")):
        text = "\\" + text
    return text[:-1] + "\\ " if len(text) > 1 and value.endswith(" ") else text


def slash_variants(name: Name) -> Iterator[str]:
    """The slash forms that policy files use for one name: the e-mail and user-id attributes have had several names."""
    text = name.slash()
    for email in ("/emailAddress=", "/Email=", "/E="):
        for user in ("/UID=", "/USERID="):
            variant = text.replace("/emailAddress=", email).replace("/UID=", user)
            if variant != text or (email, user) == ("/emailAddress=", "/UID="):
                yield variant
