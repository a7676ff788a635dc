"""Names as text: the one-line slash form in both its readings, and RFC 4514. Text goes in, RDNs come out, and back."""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from hansa.standards.x509.errors import X509Code, X509Error, refusing

MAX_NAME_TEXT = 4096
"""Characters of a name in text form."""

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
_RFC4514_ATTRIBUTE = re.compile(
    rf"\s*({_TYPE})\s*=((?:[^\\,+\"<>;]|\\[ \"#+,;<=>\\]|\\[0-9A-Fa-f]{{2}})*)(,|\+|\Z)", re.IGNORECASE
)
_RFC4514_ESCAPE = re.compile(r"((?:\\[0-9A-Fa-f]{2})+)|\\(.)")


class Attribute(NamedTuple):
    """One attribute of a name: dotted OID and text. The ASN.1 string type is no part of its meaning."""

    oid: str
    value: str


Rdn = tuple[Attribute, ...]
"""Relative distinguished name: sorted attributes, almost always one."""


def short_type(oid: str) -> str:
    return _SHORT.get(oid, oid)


def type_oid(kind: str) -> str:
    if kind[:1].isdigit():
        return kind
    return _OID[kind.lower()]


def parse_rfc4514(text: str) -> tuple[Rdn, ...]:
    """RFC 4514 §3: the most significant RDN comes last."""
    if len(text) > MAX_NAME_TEXT:
        raise X509Error(X509Code.NAME_SYNTAX, f"A name is longer than {MAX_NAME_TEXT} characters")
    rdns: list[list[Attribute]] = [[]]
    position, separator = 0, ","
    while separator:
        match = _RFC4514_ATTRIBUTE.match(text, position)
        if match is None:
            raise X509Error(
                X509Code.NAME_SYNTAX, "The text is not a name such as CN=Some One,DC=org", line=1, column=position + 1
            )
        rdns[-1].append(Attribute(type_oid(match[1]), _unescape_rfc4514(match[2])))
        separator = match[3]
        position = match.end()
        if separator == ",":
            rdns.append([])
    return tuple(tuple(sorted(rdn)) for rdn in reversed(rdns))


def _unescape_rfc4514(value: str) -> str:
    text = value.lstrip(" ")
    while text.endswith(" ") and not text.endswith("\\ "):
        text = text[:-1]
    if not text or text.startswith("#"):
        raise X509Error(X509Code.NAME_SYNTAX, "A name has an attribute that is empty or in hexadecimal")
    with refusing(X509Code.NAME_SYNTAX, "The name holds escaped bytes that are not UTF-8"):
        return _RFC4514_ESCAPE.sub(
            lambda found: bytes.fromhex(found[1].replace("\\", "")).decode() if found[1] else found[2], text
        )


def parse_slash(text: str, *, escapes: bool) -> tuple[Rdn, ...]:
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
    return Attribute(type_oid(kind), value)


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
    return text[:-1] + "\\ " if len(value) > 1 and value.endswith(" ") else text


def slash(rdns: Sequence[Rdn]) -> str:
    """The older one-line form, nothing escaped."""
    return "".join("/" + "+".join(f"{short_type(a.oid)}={a.value}" for a in rdn) for rdn in rdns)


def slash_escaped(rdns: Sequence[Rdn]) -> str:
    """The one-line form of OpenSSL 3."""
    return "".join("/" + "+".join(f"{short_type(a.oid)}={_escape(a.value)}" for a in rdn) for rdn in rdns)


def rfc4514(rdns: Sequence[Rdn]) -> str:
    """RFC 4514 §2."""
    return ",".join("+".join(f"{short_type(a.oid)}={_rfc4514(a.value)}" for a in rdn) for rdn in reversed(rdns))


def is_plain_in_slash_form(rdns: Sequence[Rdn]) -> bool:
    """Whether the older one-line form reads back as these very RDNs."""
    return len(_split(slash(rdns), _RDN_START)) == len(rdns) and all(len(rdn) == 1 for rdn in rdns)


def slash_variants(text: str) -> Iterator[str]:
    """The slash forms that policy files use for one name: the e-mail and user-id attributes have had several names."""
    for email in ("/emailAddress=", "/Email=", "/E="):
        for user in ("/UID=", "/USERID="):
            variant = text.replace("/emailAddress=", email).replace("/UID=", user)
            if variant != text or (email, user) == ("/emailAddress=", "/UID="):
                yield variant
