"""How the face answers: JSON, never kept by anybody on the way, and collections with Keystone's links."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

import orjson
from starlette.responses import Response

from hansa.site.openstack.identity.listing import Listing

Json = dict[str, Any]


def answer(body: Json, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    kept = {"Vary": "X-Auth-Token", "Cache-Control": "no-store"}
    return Response(orjson.dumps(body), status, {**kept, **(headers or {})}, "application/json")


def done() -> Response:
    return Response(status_code=204, headers={"Vary": "X-Auth-Token"})


def linked(base: str, path: str, thing: Json) -> Json:
    """`thing` with the link to itself: `base` is Keystone's public address, `path` its collection below `/v3/`."""
    return thing | {"links": {**thing.get("links", {}), "self": f"{base}/v3/{path}/{quote(str(thing['id']), safe='')}"}}


def collection(base: str, path: str, name: str, things: Sequence[Json], listing: Listing) -> Json:
    """`{name: […], "links": {…}}` of what `listing` lets through. `path` is the address below `/v3/`, without the query."""
    shown, is_cut = listing.apply(things)
    address = f"{base}/v3/{path}"
    query = listing.query
    body: Json = {
        name: shown,
        "links": {"self": f"{address}?{urlencode(query)}" if query else address, "previous": None, "next": None},
    }
    if is_cut:
        further = {key: value for key, value in query if key not in ("marker", "limit")}
        further |= {"marker": shown[-1]["id"], "limit": str(listing.limit)} if shown else {}
        body["links"]["next"] = f"{address}?{urlencode(further)}"
        body["truncated"] = True
    return body
