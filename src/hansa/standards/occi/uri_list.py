"""text/uri-list (RFC 2483): a listing as one absolute URI a line. Nothing else can be said in it."""

from collections.abc import Iterable

from hansa.standards.occi.errors import ParseError
from hansa.standards.occi.message import REQUEST_LIMITS, Limits, Message

MEDIA_TYPE = "text/uri-list"


def parse(body: bytes, limits: Limits = REQUEST_LIMITS) -> Message:
    """Lines that begin with `#` are comments."""
    if len(body) > limits.body_bytes:
        raise ParseError("occi.too_large", f"The body is longer than {limits.body_bytes} bytes")
    try:
        lines = [line.strip() for line in body.decode().split("\n")]
    except UnicodeDecodeError as e:
        raise ParseError("occi.uri_list.syntax", "The body is not UTF-8") from e
    locations = []
    for number, line in enumerate(lines, start=1):
        if not line or line.startswith("#"):
            continue
        if len(line.split()) > 1 or not line.isprintable():
            raise ParseError("occi.uri_list.syntax", "A line holds one URI", line=number)
        locations.append(line)
    if len(locations) > limits.items:
        raise ParseError("occi.too_large", f"More than {limits.items} items")
    return Message(locations=tuple(locations))


def render_locations(locations: Iterable[str]) -> bytes:
    """Lines end in LF alone: some clients split there and keep whatever is left."""
    return "\n".join(locations).encode()
