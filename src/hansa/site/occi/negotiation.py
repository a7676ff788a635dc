"""Which rendering a client sends and which it wants (GFD.223 §5, GFD.185 §3.6), as real clients say it."""

import re
from collections.abc import Mapping

from hansa.base.errors import BadRequest, HansaError
from hansa.standards.occi import json, text_occi, text_plain, uri_list

TEXT, HEADERS, URIS, JSON = text_plain.MEDIA_TYPE, text_occi.MEDIA_TYPE, uri_list.MEDIA_TYPE, json.MEDIA_TYPE
OFFERED = (TEXT, HEADERS, JSON, URIS)
ACCEPT = ", ".join(OFFERED)
"""For the response header `Accept`, by which clients find out what is spoken here (GFD.223)."""

_ALIASES: Mapping[str, str] = {
    "*/*": TEXT,
    "text/*": TEXT,
    "text/occi+plain": TEXT,
    "application/*": JSON,
    "application/json": JSON,
}
_OCCI_VERSION = re.compile(r"\bOCCI/([0-9]{1,3})\.([0-9]{1,3})\b")
_HIGHEST = (1, 2)


class NotAcceptable(HansaError):
    """None of the renderings the client takes (or sends) is spoken here."""

    code = "not_acceptable"
    status = 406


class VersionTooHigh(HansaError):
    """The client asks for a version of OCCI after ours."""

    code = "occi_version"
    status = 501


def accepted(header: str) -> str:
    """The media type to answer in: the highest quality, of equals the first named. NotAcceptable if there is none."""
    best, chosen = 0.0, ""
    for item in header.split(",") if header.strip() else ("*/*",):
        name, _, parameters = item.partition(";")
        media_type = _known(name)
        quality = _quality(parameters)
        if media_type is not None and quality > best:
            best, chosen = quality, media_type
    if not chosen:
        raise NotAcceptable(f"None of what you accept is spoken here; ask for one of {ACCEPT}.")
    return chosen


def sent(header: str, *, has_body: bool) -> str:
    """The media type of a request. Without a body everything is in headers; some clients send a list of types."""
    if not has_body:
        return HEADERS
    if not header.strip():
        return TEXT
    for item in header.split(","):
        media_type = _known(item.partition(";")[0])
        if media_type is not None:
            return media_type
    raise NotAcceptable(f"Content of type {header[:80]} is not spoken here; send one of {TEXT}, {HEADERS}, {JSON}.")


def _known(name: str) -> str | None:
    plain = name.strip().lower()
    return plain if plain in OFFERED else _ALIASES.get(plain)


def _quality(parameters: str) -> float:
    match = re.search(r"(?:^|;)\s*q\s*=\s*([01](?:\.[0-9]{0,3})?)\s*(?:;|$)", parameters)
    return float(match[1]) if match else 1.0


def check_version(user_agent: str) -> None:
    """VersionTooHigh if the client speaks a later OCCI than we do."""
    for match in _OCCI_VERSION.finditer(user_agent[:1000]):
        if (int(match[1]), int(match[2])) > _HIGHEST:
            raise VersionTooHigh(f"OCCI 1.1 and 1.2 are spoken here, not {match[0]}.")


def check_listing(media_type: str) -> None:
    """text/uri-list says nothing but locations (GFD.185 §3.6.6: 400)."""
    if media_type == URIS:
        raise BadRequest("text/uri-list holds listings only; ask for another type here.")
