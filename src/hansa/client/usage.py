"""The client of a site's native API of use (`/hansa/v1/usage`)."""

import json
from collections.abc import Mapping
from typing import Any

from hansa.base.i18n import _
from hansa.client.errors import BadReply
from hansa.client.occi import Occi

PAGE = 1000

Record = Mapping[str, Any]


def machine_use(session: Occi, *, all_projects: bool = False) -> list[Record]:
    """What each machine has used, oldest first; keys as in docs/reference/usage-api.md."""
    found: list[Record] = []
    while len(page := _page(session, "", "machines", all_projects, f"offset={len(found)}")) == PAGE:
        found += page
    return found + page


def usage_events(session: Occi, *, all_projects: bool = False) -> list[Record]:
    """What happened to machines, in order."""
    found: list[Record] = []
    after = 0
    while len(page := _page(session, "/events", "events", all_projects, f"after={after}")) == PAGE:
        found += page
        after = page[-1]["sequence"]
    return found + page


def _page(session: Occi, path: str, member: str, all_projects: bool, position: str) -> list[Record]:
    query = f"limit={PAGE}&{position}" + ("&all_projects=true" if all_projects else "")
    reply = session.get(f"/hansa/v1/usage{path}?{query}", accept="application/json")
    try:
        page = json.loads(reply.body)[member]
    except (ValueError, RecursionError, TypeError, KeyError):
        page = None
    if not isinstance(page, list) or not all(isinstance(each, dict) for each in page):
        raise BadReply(_("{origin} answers without “{member}”.").format(origin=session.origin, member=member))
    return page
