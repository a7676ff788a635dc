"""Search filters (RFC 4511 §4.5.1.7), and the folding by which values are compared (RFC 4518 in its useful part).

Runs of blanks count as one. GLUE 2's own attributes tell capital letters apart (`caseExactMatch` in GLUE20.schema), all others
do not.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum

from hansa.standards.ldap.ber import Reader
from hansa.standards.ldap.errors import LdapCode, LdapError

DEPTH_MAX = 32
TERMS_MAX = 1024


class Tag(IntEnum):
    AND = 0xA0
    OR = 0xA1
    NOT = 0xA2
    EQUAL = 0xA3
    SUBSTRINGS = 0xA4
    AT_LEAST = 0xA5
    AT_MOST = 0xA6
    PRESENT = 0x87
    APPROX = 0xA8
    EXTENSIBLE = 0xA9
    INITIAL = 0x80
    ANY = 0x81
    FINAL = 0x82


@dataclass(frozen=True, slots=True)
class And:
    terms: tuple["Filter", ...]


@dataclass(frozen=True, slots=True)
class Or:
    terms: tuple["Filter", ...]


@dataclass(frozen=True, slots=True)
class Not:
    term: "Filter"


@dataclass(frozen=True, slots=True)
class Equal:
    """`attribute` in lower case; `value` folded."""

    attribute: str
    value: str


@dataclass(frozen=True, slots=True)
class AtLeast:
    attribute: str
    value: str


@dataclass(frozen=True, slots=True)
class AtMost:
    attribute: str
    value: str


@dataclass(frozen=True, slots=True)
class Approx:
    """Served as equality, which the standard allows."""

    attribute: str
    value: str


@dataclass(frozen=True, slots=True)
class Present:
    attribute: str


@dataclass(frozen=True, slots=True)
class Substrings:
    """Pieces folded; `initial` and `final` are empty where the filter has a star."""

    attribute: str
    initial: str
    middle: tuple[str, ...]
    final: str


@dataclass(frozen=True, slots=True)
class Extensible:
    """Understood, never true: no matching rules are served (RFC 4511: such a term is Undefined)."""


Filter = And | Or | Not | Equal | AtLeast | AtMost | Approx | Present | Substrings | Extensible


_COMPARISONS: Mapping[int, Callable[[str, str], Filter]] = {
    Tag.EQUAL: Equal,
    Tag.AT_LEAST: AtLeast,
    Tag.AT_MOST: AtMost,
    Tag.APPROX: Approx,
}


def fold(attribute: str, value: str) -> str:
    """What values of the attribute (in lower case) have in common that count as equal."""
    squeezed = " ".join(value.split())
    return squeezed if attribute.startswith("glue2") else squeezed.lower()


def parse_filter(reader: Reader) -> Filter:
    """The next element. Raises LdapError: `ldap.syntax`, `ldap.too_deep`, `ldap.too_many`."""
    return _Parser().filter(reader, 0)


class _Parser:
    def __init__(self) -> None:
        self._terms = 0

    def filter(self, reader: Reader, depth: int) -> Filter:
        if depth > DEPTH_MAX:
            raise LdapError(LdapCode.TOO_DEEP, f"A filter is nested more than {DEPTH_MAX} deep")
        self._terms += 1
        if self._terms > TERMS_MAX:
            raise LdapError(LdapCode.TOO_MANY, f"A filter has more than {TERMS_MAX} terms")
        tag, start, end = reader.element()
        inner = reader.sub(start, end)
        match tag:
            case Tag.AND:
                return And(self._several(inner, depth))
            case Tag.OR:
                return Or(self._several(inner, depth))
            case Tag.NOT:
                term = self.filter(inner, depth + 1)
                inner.finish()
                return Not(term)
            case Tag.SUBSTRINGS:
                return _substrings(inner)
            case Tag.PRESENT:
                return Present(_attribute(inner.rest()))
            case Tag.EXTENSIBLE:
                return Extensible()
            case Tag.EQUAL | Tag.AT_LEAST | Tag.AT_MOST | Tag.APPROX:
                attribute = _attribute(inner.text())
                value = fold(attribute, inner.text())
                inner.finish()
                return _COMPARISONS[tag](attribute, value)
        raise LdapError(LdapCode.SYNTAX, f"There is no filter of tag {tag:#04x}")

    def _several(self, reader: Reader, depth: int) -> tuple[Filter, ...]:
        """None at all is allowed: absolute true and false (RFC 4526)."""
        found = []
        while reader:
            found.append(self.filter(reader, depth + 1))
        return tuple(found)


def _substrings(reader: Reader) -> Substrings:
    attribute = _attribute(reader.text())
    pieces = reader.inside(0x30)
    reader.finish()
    initial, middle, final = "", [], ""
    count = 0
    while pieces:
        tag = pieces.peek()
        text = pieces.text(tag)
        if tag == Tag.INITIAL and count == 0:
            initial = _piece(attribute, text).lstrip()
        elif tag == Tag.FINAL and not pieces:
            final = _piece(attribute, text).rstrip()
        elif tag == Tag.ANY:
            middle.append(_piece(attribute, text))
        else:
            raise LdapError(LdapCode.SYNTAX, "The pieces of a substring filter are out of order")
        count += 1
        if count > TERMS_MAX:
            raise LdapError(LdapCode.TOO_MANY, f"A filter has more than {TERMS_MAX} pieces")
    if not count:
        raise LdapError(LdapCode.SYNTAX, "A substring filter has no piece")
    return Substrings(attribute, initial, tuple(middle), final)


def _piece(attribute: str, text: str) -> str:
    """Folded, but a blank at its ends may be the blank between two words."""
    folded = fold(attribute, text)
    if not folded:
        return " " if text else ""
    return (" " if text[0].isspace() else "") + folded + (" " if text[-1].isspace() else "")


def _attribute(description: str) -> str:
    """Without options (`;lang-ko`), in lower case."""
    return description.partition(";")[0].lower()
