"""Distinguished names as directories compare them (RFC 4514): without idle blanks, escapes resolved, values folded."""

import re
from functools import lru_cache

from hansa.standards.ldap.errors import LdapCode, LdapError
from hansa.standards.ldap.filters import fold

DN_MAX = 4096
"""Characters."""
_PLAIN = re.compile(r"[A-Za-z0-9._:/-]+")
_HEX = re.compile(r"[0-9a-fA-F]{2}")


@lru_cache(maxsize=65536)
def rdns(dn: str) -> tuple[str, ...]:
    """The relative names, normal, the entry's own first; none for the root. Raises LdapError `ldap.dn`."""
    if len(dn) > DN_MAX:
        raise LdapError(LdapCode.DN, f"A name has more than {DN_MAX} characters")
    if not dn.strip():
        return ()
    return tuple(_rdn(part) for part in _split(dn))


def normal(dn: str) -> str:
    """One spelling for all names that are equal. Raises LdapError `ldap.dn`."""
    return ",".join(rdns(dn))


def parent(normal_dn: str) -> str:
    """Of a normal name; of one RDN it is the root, which is empty."""
    position = 0
    while (position := normal_dn.find(",", position)) > 0:
        head = normal_dn[:position]
        if head[-1] != "\\" or (len(head) - len(head.rstrip("\\"))) % 2 == 0:
            return normal_dn[position + 1 :]
        position += 1
    return ""


def _split(dn: str) -> list[str]:
    """At commas (and the semicolons of RFC 2253) that are not escaped."""
    if "\\" not in dn and ";" not in dn:
        return dn.split(",")
    parts, start, position = [], 0, 0
    while position < len(dn):
        if dn[position] == "\\":
            position += 2
            continue
        if dn[position] in ",;":
            parts.append(dn[start:position])
            start = position + 1
        position += 1
    parts.append(dn[start:])
    return parts


@lru_cache(maxsize=65536)
def _rdn(text: str) -> str:
    attribute, sign, value = text.partition("=")
    name = attribute.strip().lower()
    if not sign or not name:
        raise LdapError(LdapCode.DN, "A part of a name is not ATTRIBUTE=VALUE")
    if _PLAIN.fullmatch(value):
        return f"{name}={fold(name, value)}"
    return f"{name}={_escaped(fold(name, _unescaped(value)))}"


def _unescaped(text: str) -> str:
    """RFC 4514 §3: `\\,` and `\\2c`."""
    stripped = text.strip()
    if "\\" not in stripped:
        return stripped
    found, position = bytearray(), 0
    while position < len(stripped):
        character = stripped[position]
        if character != "\\":
            found += character.encode()
            position += 1
        elif _HEX.match(stripped, position + 1):
            found.append(int(stripped[position + 1 : position + 3], 16))
            position += 3
        elif position + 1 < len(stripped):
            found += stripped[position + 1].encode()
            position += 2
        else:
            raise LdapError(LdapCode.DN, "A name ends within an escape")
    try:
        return found.decode()
    except UnicodeDecodeError:
        raise LdapError(LdapCode.DN, "A name is not UTF-8") from None


def _escaped(value: str) -> str:
    escaped = re.sub(r'([,+"\\<>;])', r"\\\1", value)
    return "\\" + escaped if escaped.startswith("#") else escaped
