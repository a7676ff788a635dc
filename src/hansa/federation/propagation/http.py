"""The feed's face: `/feed/v1/pages` for sites, `/feed/v1/keys` for whoever verifies documents."""

import asyncio
import re
from collections.abc import Coroutine, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from hansa.federation.propagation.caller import SiteCaller
from hansa.federation.propagation.errors import BadWish
from hansa.federation.propagation.service import LONGEST_WAIT, Feed
from hansa.standards.jwt import KeySet
from hansa.standards.memberfeed import MEDIA_TYPE, FeedError, Wish

PAGES = "/feed/v1/pages"
KEYS = "/feed/v1/keys"
_SECONDS = re.compile(r"[0-9]{1,3}(\.[0-9]{1,3})?")


def routes(feed: Feed, caller: SiteCaller, keys: KeySet) -> Sequence[BaseRoute]:
    async def pages(request: Request) -> Response:
        site = await caller(request)
        try:
            wish = Wish.parse(request.query_params)
        except FeedError as error:
            raise BadWish(f"The request is wrong: {error.reason}.", reason=error.code) from error
        document = await _unless_gone(request, feed.document(site, wish, wait=_wait(request)))
        return Response(document, media_type=MEDIA_TYPE, headers={"Cache-Control": "no-store"})

    async def published(_request: Request) -> Response:
        return JSONResponse(keys.jwks(), media_type="application/jwk-set+json")

    return [Route(PAGES, pages, methods=["GET"]), Route(KEYS, published, methods=["GET"])]


async def _unless_gone(request: Request, answer: Coroutine[Any, Any, bytes]) -> bytes:
    """The answer, if there is still somebody to take it: who hangs up leaves no waiting behind."""
    asking, leaving = asyncio.create_task(answer), asyncio.create_task(_gone(request))
    try:
        await asyncio.wait((asking, leaving), return_when=asyncio.FIRST_COMPLETED)
        return asking.result() if asking.done() else b""
    finally:
        asking.cancel()
        leaving.cancel()
        await asyncio.gather(asking, leaving, return_exceptions=True)


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _wait(request: Request) -> float:
    text = request.query_params.get("wait", "0")
    if not _SECONDS.fullmatch(text):
        raise BadWish(f"wait is a number of seconds, {LONGEST_WAIT:g} at most.", field="wait")
    return float(text)
