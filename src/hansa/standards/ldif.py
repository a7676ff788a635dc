"""LDIF content records (RFC 2849) read tolerantly where old programs err, and written so that everybody reads them.

Information providers print LDIF: with CR LF or LF, folded or not, base64 or not, with `dn:` inside values. What cannot be read is
told by line and left out; the entries around it are kept.
"""

import base64
import binascii
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from hansa.standards.errors import StandardError

MAX_BYTES = 64 * 1024 * 1024
MAX_LINE = 1_000_000
_FOLD = 76
_UNSAFE_START = frozenset(" :<")


@dataclass(frozen=True, slots=True)
class Record:
    """One entry. `attributes`: name as written and value, in order. `line`: where it begins, from 1."""

    dn: str
    attributes: tuple[tuple[str, str], ...]
    line: int = 0


@dataclass(frozen=True, slots=True)
class Problem:
    """What was left out, and why."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class Ldif:
    records: tuple[Record, ...]
    problems: tuple[Problem, ...]


class LdifCode(StrEnum):
    TOO_LARGE = "ldif.too_large"


class LdifError(StandardError):
    """The text as a whole is not read."""

    def __init__(self, code: LdifCode, reason: str) -> None:
        super().__init__(code.value, reason)


def parse_ldif(data: bytes, *, limit: int = MAX_BYTES) -> Ldif:
    """All records. Raises LdifError only for a text of more than `limit` bytes."""
    if len(data) > limit:
        raise LdifError(LdifCode.TOO_LARGE, f"More than {limit} bytes of LDIF are not read")
    records: list[Record] = []
    problems: list[Problem] = []
    for line, lines in _blocks(data):
        try:
            if record := _record(line, lines):
                records.append(record)
        except _Unreadable as error:
            problems.append(Problem(error.line, error.reason))
    return Ldif(tuple(records), tuple(problems))


def render_ldif(entries: Iterable[tuple[str, Sequence[tuple[str, str]]]]) -> bytes:
    """Entries (name, attributes in order) with a blank line after each."""
    return b"".join(_rendered(dn, attributes) for dn, attributes in entries)


def values_by_name(record: Record) -> Mapping[str, tuple[str, ...]]:
    """Attributes by lower-case name."""
    found: dict[str, tuple[str, ...]] = {}
    for name, value in record.attributes:
        key = name.lower()
        found[key] = (*found.get(key, ()), value)
    return found


class _Unreadable(Exception):
    def __init__(self, line: int, reason: str) -> None:
        self.line, self.reason = line, reason


def _blocks(data: bytes) -> Iterator[tuple[int, list[tuple[int, bytes]]]]:
    """Runs of lines between blank ones: number of the first line, then (number, line unfolded)."""
    block: list[tuple[int, bytes]] = []
    for number, raw in enumerate(data.split(b"\n"), 1):
        line = raw.rstrip(b"\r")
        if not line.strip():
            if block:
                yield block[0][0], block
                block = []
        elif line[:1] == b" " and block:
            start, before = block[-1]
            block[-1] = (start, before + line[1:])
        else:
            block.append((number, line))
    if block:
        yield block[0][0], block


def _record(line: int, lines: list[tuple[int, bytes]]) -> Record | None:
    meant = [(number, text) for number, text in lines if not text.startswith(b"#")]
    if meant and meant[0][1].lower().startswith(b"version:"):
        meant = meant[1:]
    if not meant:
        return None
    number, first = meant[0]
    name, dn = _pair(number, first)
    if name.lower() != "dn":
        raise _Unreadable(number, "an entry begins with its dn")
    attributes = []
    for number, text in meant[1:]:
        attribute, value = _pair(number, text)
        if attribute.lower() == "changetype":
            raise _Unreadable(number, "this is a change, not an entry")
        attributes.append((attribute, value))
    if not attributes:
        raise _Unreadable(line, f"the entry {dn[:200]!r} has no attributes")
    return Record(dn, tuple(attributes), line)


def _pair(number: int, line: bytes) -> tuple[str, str]:
    if len(line) > MAX_LINE:
        raise _Unreadable(number, f"a line of more than {MAX_LINE} bytes")
    name, sign, rest = line.partition(b":")
    if not sign or not name.strip() or b" " in name.strip():
        raise _Unreadable(number, "a line is not NAME: VALUE")
    try:
        if rest.startswith(b":"):
            value = base64.b64decode(rest[1:].strip(), validate=True).decode()
        elif rest.startswith(b"<"):
            raise _Unreadable(number, "values are not fetched from addresses")
        else:
            value = rest.strip(b" ").decode()
        return name.strip().decode("ascii"), value
    except (binascii.Error, UnicodeDecodeError):
        raise _Unreadable(number, "a value is not base64, or not UTF-8") from None


def _rendered(dn: str, attributes: Sequence[tuple[str, str]]) -> bytes:
    lines = [_line("dn", dn), *(_line(name, value) for name, value in attributes)]
    return b"".join(lines) + b"\n"


def _line(name: str, value: str) -> bytes:
    safe = value.isascii() and value.isprintable() and value[:1] not in _UNSAFE_START and not value.endswith(" ")
    text = f"{name}: {value}" if safe else f"{name}:: {base64.b64encode(value.encode()).decode()}"
    first, rest = text[:_FOLD], text[_FOLD:]
    folded = [first, *(" " + rest[start : start + _FOLD - 1] for start in range(0, len(rest), _FOLD - 1))]
    return "".join(f"{each}\n" for each in folded).encode()
