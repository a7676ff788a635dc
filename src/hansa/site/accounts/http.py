"""Where the federation pushes documents, if we cannot ask for them: `POST /hansa/v1/accounts/feed`.

Nobody is asked who they are: a document proves itself. Every answer says what we wish for next; an empty POST only asks for that.
"""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from hansa.base.errors import Conflict
from hansa.base.problem import problem
from hansa.site.accounts.errors import DocumentRefused
from hansa.site.accounts.service import Accounts

PATH = "/hansa/v1/accounts/feed"
_ASKED_ANEW = frozenset({"memberfeed.nonce", "jwt.expired"})
"""An honest document that came late, or twice."""


def routes(accounts: Accounts) -> Sequence[BaseRoute]:
    async def feed(request: Request) -> Response:
        document = await request.body()
        wish = await accounts.standing_wish()
        if not document:
            return JSONResponse(wish.fields())
        try:
            await accounts.receive(document, wish)
        except Conflict:
            return JSONResponse((await accounts.standing_wish()).fields(), 409)
        except DocumentRefused as error:
            if error.details["reason"] in _ASKED_ANEW:
                return JSONResponse(wish.fields(), 409)
            return problem(error)
        return JSONResponse((await accounts.standing_wish()).fields())

    return [Route(PATH, feed, methods=["POST"])]
