"""A request taken apart: what it is aimed at, what it says, and how the answer is wanted."""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from enum import Enum
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from hansa.base.errors import BadRequest, NotFound, TooLarge
from hansa.site.occi.negotiation import JSON, TEXT, URIS, sent
from hansa.site.occi.service import Query
from hansa.site.occi.session import Session
from hansa.site.occi.settings import OcciSettings
from hansa.standards.occi import (
    Kind,
    Limits,
    Message,
    Mixin,
    Model,
    Value,
    classified,
    json,
    text_occi,
    text_plain,
    uri_list,
)

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

QUERY_PATHS = frozenset({"/-/", "/-", "/.well-known/org/ogf/occi/-/", "/.well-known/org/ogf/occi/-"})
_MAX_PARAMETERS = 64


class Target(Enum):
    """What a path names (GFD.223 §4)."""

    MODEL = "the query interface"
    KIND = "a kind's collection"
    MIXIN = "a mixin's collection"
    UNBOUND = "a path above collections"
    ENTITY = "an entity"


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    parameters: Mapping[str, str]
    body: bytes
    accept: str

    def header(self, name: str) -> str:
        """All values of a header, joined with commas; empty if it is absent."""
        return ",".join(value for key, value in self.headers if key == name)


def head_of(scope: Scope) -> tuple[tuple[str, str], ...]:
    """Headers with lower-case names; values are UTF-8 where they can be."""
    return tuple((name.decode("latin-1").lower(), _decode(value)) for name, value in scope["headers"])


def _decode(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def path_of(scope: Scope) -> str:
    """The path with one slash before it: some clients put theirs before a location that has its own."""
    path: str = scope["path"]
    return "/" + path.lstrip("/")


def parameters_of(scope: Scope) -> dict[str, str]:
    try:
        found = parse_qsl(scope["query_string"].decode("ascii"), keep_blank_values=True, max_num_fields=_MAX_PARAMETERS)
    except ValueError as error:
        raise BadRequest("The query string cannot be read.") from error
    if len(dict(found)) != len(found):
        raise BadRequest("A parameter stands twice in the query string.")
    return dict(found)


async def body_of(receive: Receive, limit: int) -> bytes:
    """The whole body. TooLarge beyond `limit` bytes."""
    chunks: list[bytes] = []
    size = 0
    while True:
        event = await receive()
        if event["type"] == "http.disconnect":
            raise BadRequest("The client left before the request was whole.")
        chunk = event.get("body", b"")
        size += len(chunk)
        if size > limit:
            raise TooLarge(f"A request may have {limit} bytes.")
        chunks.append(chunk)
        if not event.get("more_body", False):
            return b"".join(chunks)


def target_of(model: Model, path: str) -> tuple[Target, Kind | Mixin | None]:
    """What the path names. NotFound for a collection that is not there; whether an entity is, the service says."""
    if path in QUERY_PATHS:
        return Target.MODEL, None
    bound = model.by_location.get(path)
    if bound is not None:
        return (Target.KIND if isinstance(bound, Kind) else Target.MIXIN), bound
    if not path.endswith("/"):
        return Target.ENTITY, None
    if path == "/" or any(location.startswith(path) for location in model.by_location):
        return Target.UNBOUND, None
    raise NotFound(f"There is no collection at {unquote(path)[:200]}.")


def message_of(request: Request, settings: OcciSettings, model: Model) -> Message:
    """The request's content in its rendering, with every category classed. Raises StandardError."""
    limits = Limits(body_bytes=settings.body_bytes)
    media_type = sent(request.header("content-type"), has_body=bool(request.body.strip()))
    if media_type == JSON:
        message = json.parse(request.body, limits)
    elif media_type == TEXT:
        message = text_plain.parse(request.body, limits)
    elif media_type == URIS:
        message = uri_list.parse(request.body, limits)
    else:
        message = text_occi.parse(request.headers, limits)
    return classified(message, model)


def filter_of(request: Request, settings: OcciSettings) -> tuple[tuple[str, ...], Mapping[str, Value]]:
    """Categories and attributes to filter by: from OCCI headers, or from `?category=…&attr.<name>=…`."""
    message = text_occi.parse(request.headers, Limits(body_bytes=settings.body_bytes))
    categories = [*(category.id for category in message.categories), *message.unclassed]
    attributes = dict(message.attributes)
    for name, value in request.parameters.items():
        if name == "category":
            categories.extend(value.split())
        elif name.startswith("attr."):
            attributes[name.removeprefix("attr.")] = value
    return tuple(dict.fromkeys(categories)), attributes


def query_of(session: Session, request: Request) -> Query:
    categories, attributes = filter_of(request, session.settings)
    for type_id in categories:
        if type_id not in session.view.model.by_id:
            raise BadRequest(f"There is no category {type_id[:200]} to filter by.")
    paged = "page" in request.parameters or "number" in request.parameters
    number = _count(request, "number", 100) if paged else 0
    if number > session.settings.page_size:
        raise TooLarge(f"A page may have {session.settings.page_size} entities.")
    return Query(categories, attributes, page=_count(request, "page", 1), number=number)


def _count(request: Request, name: str, default: int) -> int:
    text = request.parameters.get(name, str(default))
    if not text.isascii() or not text.isdigit() or len(text) > 9 or int(text) < 1:
        raise BadRequest(f"{name} counts from 1.", field=name)
    return int(text)


def hosts_of(settings: OcciSettings, request: Request) -> frozenset[str]:
    """Where references to this site may point: its public address, and the one the client used."""
    return frozenset({urlsplit(settings.public_url).netloc.lower(), request.header("host").lower()})
