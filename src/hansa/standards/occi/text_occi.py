"""text/occi: everything in headers; a successful response has the body `OK`."""

from collections.abc import Iterable

from hansa.standards.occi import text
from hansa.standards.occi.entity import Entity, Invocation
from hansa.standards.occi.errors import ParseError
from hansa.standards.occi.message import REQUEST_LIMITS, Limits, Message
from hansa.standards.occi.model import Category

MEDIA_TYPE = "text/occi"
BODY = b"OK"

Headers = list[tuple[str, str]]
"""One header a field, its items joined with `, `. Values may hold any Unicode: send them as UTF-8."""


def parse(headers: Iterable[tuple[str, str]], limits: Limits = REQUEST_LIMITS) -> Message:
    """From decoded headers, repeated or joined; others than the four OCCI fields are ignored. Errors count headers as lines."""
    reader = text.Reader(limits)
    found = [(text.FIELDS[name.lower()], value) for name, value in headers if name.lower() in text.FIELDS]
    if sum(len(value) for _, value in found) > limits.body_bytes:
        raise ParseError("occi.too_large", f"The headers are longer than {limits.body_bytes} characters")
    for number, (name, value) in enumerate(found, start=1):
        if value.strip():
            reader.field(name, value, number)
    return reader.message()


def render_model(categories: Iterable[Category]) -> Headers:
    return _headers(text.fields_of_model(categories))


def render_entity(entity: Entity) -> Headers:
    return _headers(text.fields_of_entity(entity))


def render_invocation(invocation: Invocation) -> Headers:
    return _headers(text.fields_of_invocation(invocation))


def render_locations(locations: Iterable[str]) -> Headers:
    return _headers(text.fields_of_locations(locations))


def _headers(fields: Iterable[text.FieldLine]) -> Headers:
    grouped: dict[str, list[str]] = {}
    for name, item in fields:
        grouped.setdefault(name, []).append(item)
    return [(name, ", ".join(items)) for name, items in grouped.items()]
