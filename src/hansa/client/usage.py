"""The client of a site's native API of use (`/hansa/v1/usage`)."""

import json
import ssl
from collections.abc import Mapping
from typing import Any

from hansa.base.errors import BadRequest, Forbidden, HansaError, NotFound, Unauthenticated
from hansa.base.i18n import _
from hansa.client.errors import BadReply
from hansa.client.http import Http, Reply
from hansa.client.profile import Site

PAGE = 1000
_ERRORS: Mapping[str, type[HansaError]] = {
    each.code: each for each in (BadRequest, Forbidden, NotFound, Unauthenticated)
}

Record = Mapping[str, Any]


def machine_use(site: Site, *, tls: ssl.SSLContext | None, all_projects: bool = False) -> list[Record]:
    """What each machine has used, oldest first; keys as in docs/reference/usage-api.md."""
    found: list[Record] = []
    with Http(site.endpoint, tls=tls) as http:
        while len(page := _page(http, "", "machines", all_projects, f"offset={len(found)}")) == PAGE:
            found += page
    return found + page


def usage_events(site: Site, *, tls: ssl.SSLContext | None, all_projects: bool = False) -> list[Record]:
    """What happened to machines, in order."""
    found: list[Record] = []
    with Http(site.endpoint, tls=tls) as http:
        after = 0
        while len(page := _page(http, "/events", "events", all_projects, f"after={after}")) == PAGE:
            found += page
            after = page[-1]["sequence"]
    return found + page


def _page(http: Http, path: str, member: str, all_projects: bool, position: str) -> list[Record]:
    query = f"limit={PAGE}&{position}" + ("&all_projects=true" if all_projects else "")
    reply = http.request("GET", f"/hansa/v1/usage{path}?{query}")
    document = _document(http, reply)
    if reply.status != 200:
        raise _ERRORS.get(document.get("code", ""), BadReply)(str(document.get("detail") or reply.reason))
    page = document.get(member)
    if not isinstance(page, list) or not all(isinstance(each, dict) for each in page):
        raise BadReply(_("{origin} answers without “{member}”.").format(origin=http.origin, member=member))
    return page


def _document(http: Http, reply: Reply) -> dict[str, Any]:
    try:
        document = json.loads(reply.body)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise BadReply(
            _("{origin} has no usage service (it answered {status}).").format(origin=http.origin, status=reply.status)
        )
    return document
