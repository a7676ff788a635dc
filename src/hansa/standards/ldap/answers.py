"""Answers in bytes. Entries are put together from blocks encoded once: most of a directory's work is copying them."""

from collections.abc import Iterable, Sequence
from enum import IntEnum
from functools import lru_cache

from hansa.standards.ldap.ber import ENUMERATED, OCTETS, SEQUENCE, SET, integer, tlv

_ENTRY, _CONTROLS, _RESPONSE_NAME = 0x64, 0xA0, 0x8A
PAGED = "1.2.840.113556.1.4.319"
"""Simple paged results (RFC 2696)."""


class Result(IntEnum):
    """RFC 4511 §4.1.9, what we say of it."""

    SUCCESS = 0
    OPERATIONS_ERROR = 1
    PROTOCOL_ERROR = 2
    TIME_LIMIT_EXCEEDED = 3
    SIZE_LIMIT_EXCEEDED = 4
    AUTH_METHOD_NOT_SUPPORTED = 7
    ADMIN_LIMIT_EXCEEDED = 11
    UNAVAILABLE_CRITICAL_EXTENSION = 12
    NO_SUCH_OBJECT = 32
    INVALID_DN_SYNTAX = 34
    INAPPROPRIATE_AUTHENTICATION = 48
    INVALID_CREDENTIALS = 49
    INSUFFICIENT_ACCESS_RIGHTS = 50
    BUSY = 51
    UNAVAILABLE = 52
    UNWILLING_TO_PERFORM = 53


class Answer(IntEnum):
    """Tags of the answers that end an operation."""

    BIND = 0x61
    SEARCH = 0x65
    EXTENDED = 0x78


def render_result(
    message: int,
    tag: int,
    result: Result,
    text: str = "",
    *,
    matched: str = "",
    control: bytes = b"",
    name: bytes = b"",
) -> bytes:
    """The answer that ends an operation. `matched`: how much of the base's name exists; `control`: one, encoded.

    `name`: what an unasked extended answer is (RFC 4511 §4.4).
    """
    content = integer(result, ENUMERATED) + tlv(OCTETS, matched.encode()) + tlv(OCTETS, text.encode())
    content += tlv(_RESPONSE_NAME, name) if name else b""
    controls = tlv(_CONTROLS, control) if control else b""
    return tlv(SEQUENCE, integer(message) + tlv(tag, content) + controls)


def search_done_control(cookie: bytes, estimate: int = 0) -> bytes:
    """That of paged results; an empty cookie says that this was the last page."""
    value = tlv(SEQUENCE, integer(estimate) + tlv(OCTETS, cookie))
    return tlv(SEQUENCE, tlv(OCTETS, PAGED.encode()) + tlv(OCTETS, value))


def attribute_block(name: str, values: Iterable[str]) -> bytes:
    """One attribute with its values (`PartialAttribute`)."""
    return tlv(SEQUENCE, tlv(OCTETS, name.encode()) + tlv(SET, b"".join(tlv(OCTETS, each.encode()) for each in values)))


def name_block(dn: str) -> bytes:
    return tlv(OCTETS, dn.encode())


class EntryEncoder:
    """Encodes search result entries for the same message: `name` by `name_block`, `blocks` by `attribute_block`."""

    __slots__ = ("_number",)

    def __init__(self, message: int) -> None:
        self._number = integer(message)

    def render(self, name: bytes, blocks: Sequence[bytes]) -> bytes:
        size = sum(map(len, blocks))
        listed = _head(SEQUENCE, size)
        size += len(listed) + len(name)
        entry = _head(_ENTRY, size)
        size += len(entry) + len(self._number)
        return b"".join((_head(SEQUENCE, size), self._number, entry, name, listed, *blocks))


@lru_cache(maxsize=8192)
def _head(tag: int, length: int) -> bytes:
    """Tag and length of an element."""
    if length < 0x80:
        return bytes((tag, length))
    octets = length.to_bytes((length.bit_length() + 7) // 8)
    return bytes((tag, 0x80 | len(octets))) + octets
