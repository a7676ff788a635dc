"""text/plain (also `text/occi+plain`): one `Field: item` a line, in the body."""

from collections.abc import Iterable

from hansa.standards.occi import text
from hansa.standards.occi.entity import Entity, Invocation
from hansa.standards.occi.errors import ParseError
from hansa.standards.occi.message import REQUEST_LIMITS, Limits, Message
from hansa.standards.occi.model import Category

MEDIA_TYPE = "text/plain"


def parse(body: bytes, limits: Limits = REQUEST_LIMITS) -> Message:
    """Lines may end in LF, CRLF or LFCR; empty lines and a body of the literal `OK` say nothing."""
    if len(body) > limits.body_bytes:
        raise ParseError("occi.too_large", f"The body is longer than {limits.body_bytes} bytes")
    try:
        lines = body.decode().split("\n")
    except UnicodeDecodeError as e:
        raise ParseError("occi.text.syntax", "The body is not UTF-8", line=body.count(b"\n", 0, e.start) + 1) from e
    reader = text.Reader(limits)
    if body.strip() == b"OK":
        return reader.message()
    for number, line in enumerate(lines, start=1):
        line = line.strip("\r")
        if not line.strip():
            continue
        name, colon, _ = line.partition(":")
        field = text.FIELDS.get(name.strip().lower())
        if not colon or field is None:
            raise ParseError(
                "occi.text.syntax", f"A line begins with one of {', '.join(text.FIELDS.values())}", line=number
            )
        reader.field(field, line, number, len(name) + 1)
    return reader.message()


def render_model(categories: Iterable[Category]) -> bytes:
    return _body(text.fields_of_model(categories))


def render_entity(entity: Entity) -> bytes:
    return _body(text.fields_of_entity(entity))


def render_invocation(invocation: Invocation) -> bytes:
    return _body(text.fields_of_invocation(invocation))


def render_locations(locations: Iterable[str]) -> bytes:
    return _body(text.fields_of_locations(locations))


def _body(fields: Iterable[text.FieldLine]) -> bytes:
    return "\n".join([f"{name}: {item}" for name, item in fields]).encode()
