"""Answers in every rendering: what the service gives, as status, headers and body."""

import json as plain_json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import hansa
from hansa.base.errors import HansaError
from hansa.site.occi.negotiation import ACCEPT, HEADERS, JSON, TEXT, URIS, NotAcceptable, check_listing
from hansa.site.occi.session import Session
from hansa.standards.occi import Category, Entity, text_occi, text_plain, uri_list

SERVER = f"Hansa/{hansa.__version__} OCCI/1.1 OCCI/1.2"
"""On every response: clients and testers look for the versions here (GFD.223 §5.5)."""


@dataclass(frozen=True, slots=True)
class Response:
    status: int
    media_type: str
    body: bytes = b""
    headers: Sequence[tuple[str, str]] = field(default=())


def done(media_type: str) -> Response:
    """Nothing to show but success."""
    if media_type == JSON:
        return Response(200, JSON, b"{}")
    return Response(200, TEXT if media_type == URIS else media_type, b"OK")


def model(session: Session, media_type: str, categories: Sequence[Category]) -> Response:
    check_listing(media_type)
    if media_type == JSON:
        return Response(200, JSON, session.dialect.render_model(categories))
    if media_type == HEADERS:
        return _in_headers(session, 200, text_occi.render_model(categories))
    return Response(200, TEXT, text_plain.render_model(categories))


def entity(session: Session, media_type: str, found: Entity) -> Response:
    check_listing(media_type)
    if media_type == JSON:
        return Response(200, JSON, session.dialect.render_entity(found))
    if media_type == HEADERS:
        return _in_headers(session, 200, text_occi.render_entity(found))
    return Response(200, TEXT, text_plain.render_entity(found))


def updated(session: Session, media_type: str, found: Entity, path: str) -> Response:
    """The entity as it is now. In headers also its location: rOCCI looks for nothing else there."""
    shown = entity(session, media_type, found)
    return replace(shown, headers=(*shown.headers, ("Location", session.url(path)))) if media_type == HEADERS else shown


def created(session: Session, media_type: str, found: Entity, path: str) -> Response:
    """201 with `Location`, and the location (or in JSON the entity) again where each client looks for it."""
    url = session.url(path)
    location = ("Location", url)
    if media_type == JSON:
        return Response(201, JSON, session.dialect.render_entity(found), (location,))
    if media_type == HEADERS:
        return Response(201, HEADERS, text_occi.BODY, (location, *text_occi.render_locations((url,))))
    if media_type == URIS:
        return Response(201, URIS, uri_list.render_locations((url,)), (location,))
    return Response(201, TEXT, text_plain.render_locations((url,)), (location,))


def locations(session: Session, media_type: str, paths: Sequence[str]) -> Response:
    base = session.settings.public_url
    urls = [base + path for path in paths]
    if media_type == URIS:
        return Response(200, URIS, uri_list.render_locations(urls))
    if media_type == HEADERS:
        return _in_headers(session, 200, text_occi.render_locations(urls))
    return Response(200, TEXT, text_plain.render_locations(urls))


def entities(session: Session, found: Iterable[Entity], *, links: bool) -> Response:
    return Response(200, JSON, session.dialect.render_entities(found, links=links))


def failed(error: HansaError, media_type: str, headers: Sequence[tuple[str, str]] = ()) -> Response:
    """Text: `code: sentence` on one line. JSON (which no document of OCCI defines): an object `error`."""
    told = (*headers, ("X-Hansa-Code", error.code))
    if reason := error.details.get("reason"):
        told = (*told, ("X-Hansa-Reason", str(reason)))
    retry = error.details.get("retry_after")
    if retry is not None:
        told = (*told, ("Retry-After", str(retry)))
    if media_type == JSON:
        members = {"code": error.code, "message": error.message, **_plain(error.details)}
        return Response(error.status, JSON, plain_json.dumps({"error": members}, ensure_ascii=False).encode(), told)
    line = " ".join(f"{error.code}: {error.message}".split())
    return Response(error.status, TEXT if media_type == URIS else media_type, line.encode(), told)


def _plain(details: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in details.items() if isinstance(value, str | int | float | bool)}


def _in_headers(session: Session, status: int, headers: text_occi.Headers) -> Response:
    size = sum(len(name) + len(value) for name, value in headers)
    if size > session.settings.header_bytes:
        raise NotAcceptable(f"The answer of {size} bytes does not fit into headers; ask for text/plain.")
    return Response(status, HEADERS, text_occi.BODY, headers)


def asgi_headers(response: Response, profile: str) -> list[tuple[bytes, bytes]]:
    """`profile` is what the site may claim of CRTP."""
    own = [
        ("Server", f"{SERVER} {profile}".rstrip()),
        ("Content-Type", response.media_type),
        ("Content-Length", str(len(response.body))),
        ("Cache-Control", "private, no-cache"),
        ("Vary", "Accept"),
    ]
    if response.status < 400:
        own.append(("Accept", ACCEPT))
    return [(name.lower().encode(), _header_value(value)) for name, value in (*own, *response.headers)]


def _header_value(value: str) -> bytes:
    return value.replace("\r", " ").replace("\n", " ").encode()
