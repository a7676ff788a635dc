"""What clients ask (RFC 4511 §4.2–4.12): one message's bytes in, a `Request` out."""

from dataclasses import dataclass, field
from enum import Enum, IntEnum

from hansa.standards.ldap.ber import BOOLEAN, ENUMERATED, SEQUENCE, Reader
from hansa.standards.ldap.errors import LdapCode, LdapError
from hansa.standards.ldap.filters import Filter, parse_filter

ATTRIBUTES_MAX = 1024
CONTROLS_MAX = 16


class Tag(IntEnum):
    BIND = 0x60
    UNBIND = 0x42
    SEARCH = 0x63
    ABANDON = 0x50
    EXTENDED = 0x77
    CONTROLS = 0xA0
    SIMPLE = 0x80
    SASL = 0xA3
    EXTENDED_NAME = 0x80


class Scope(IntEnum):
    BASE = 0
    ONE = 1
    SUBTREE = 2


class Change(Enum):
    """What a read-only server refuses: the request's tag, and the tag of its answer."""

    MODIFY = (0x66, 0x67)
    ADD = (0x68, 0x69)
    DELETE = (0x4A, 0x6B)
    RENAME = (0x6C, 0x6D)
    COMPARE = (0x6E, 0x6F)


@dataclass(frozen=True, slots=True)
class Bind:
    """`password` is None for a SASL bind."""

    version: int
    name: str
    password: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Unbind:
    pass


@dataclass(frozen=True, slots=True)
class Abandon:
    message: int


@dataclass(frozen=True, slots=True)
class Extended:
    oid: str


@dataclass(frozen=True, slots=True)
class Search:
    """Limits are 0 for none; `attributes` as asked, in lower case; seconds and entries."""

    base: str
    scope: Scope
    size_limit: int
    time_limit: int
    types_only: bool
    filter: Filter
    attributes: tuple[str, ...]


Operation = Bind | Unbind | Abandon | Extended | Search | Change


@dataclass(frozen=True, slots=True)
class Control:
    oid: str
    critical: bool
    value: bytes


@dataclass(frozen=True, slots=True)
class Request:
    message: int
    operation: Operation
    controls: tuple[Control, ...] = ()


def parse_request(data: bytes) -> Request:
    """One whole message. Raises LdapError (`ldap.unknown` for an operation that does not exist)."""
    outer = Reader(data)
    message = outer.inside(SEQUENCE)
    outer.finish()
    number = message.integer()
    operation = _operation(message)
    controls = _controls(message) if message else ()
    message.finish()
    return Request(number, operation, controls)


def _operation(message: Reader) -> Operation:
    tag, start, end = message.element()
    content = message.sub(start, end)
    match tag:
        case Tag.BIND:
            return _bind(content)
        case Tag.SEARCH:
            return _search(content)
        case Tag.UNBIND:
            return Unbind()
        case Tag.ABANDON:
            return Abandon(_number(content))
        case Tag.EXTENDED:
            return Extended(content.text(Tag.EXTENDED_NAME))
    for change in Change:
        if change.value[0] == tag:
            return change
    raise LdapError(LdapCode.UNKNOWN, f"There is no operation of tag {tag:#04x}")


def _bind(content: Reader) -> Bind:
    version, name = content.integer(), content.text()
    tag, start, end = content.element()
    if tag == Tag.SIMPLE:
        return Bind(version, name, content.sub(start, end).raw())
    if tag == Tag.SASL:
        return Bind(version, name, None)
    raise LdapError(LdapCode.SYNTAX, "A bind is simple or SASL")


def _number(content: Reader) -> int:
    raw = content.raw()
    if not 0 < len(raw) <= 5:
        raise LdapError(LdapCode.SYNTAX, "A number has too many octets, or none")
    return int.from_bytes(raw)


def _search(content: Reader) -> Search:
    base = content.text()
    scope = content.integer(ENUMERATED)
    if scope not in tuple(Scope):
        raise LdapError(LdapCode.SYNTAX, "A scope is base, one or sub")
    content.integer(ENUMERATED)  # aliases: there are none
    size_limit, time_limit, types_only = content.integer(), content.integer(), content.boolean()
    chosen = parse_filter(content)
    listed = content.inside(SEQUENCE)
    attributes = []
    while listed:
        attributes.append(listed.text().lower())
        if len(attributes) > ATTRIBUTES_MAX:
            raise LdapError(LdapCode.TOO_MANY, f"A search names more than {ATTRIBUTES_MAX} attributes")
    content.finish()
    return Search(base, Scope(scope), size_limit, time_limit, types_only, chosen, tuple(attributes))


def _controls(message: Reader) -> tuple[Control, ...]:
    listed = message.inside(Tag.CONTROLS)
    found: list[Control] = []
    while listed:
        control = listed.inside(SEQUENCE)
        oid = control.text()
        critical = control.boolean() if control and control.peek() == BOOLEAN else False
        value = control.octets() if control else b""
        control.finish()
        found.append(Control(oid, critical, value))
        if len(found) > CONTROLS_MAX:
            raise LdapError(LdapCode.TOO_MANY, f"A message has more than {CONTROLS_MAX} controls")
    return tuple(found)
