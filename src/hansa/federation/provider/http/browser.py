"""What all pages share: how they look, who is logged in, forms that are ours, refusals that people can read."""

from collections.abc import Awaitable, Callable, Iterable
from importlib.resources import files
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from hansa.base.errors import HansaError
from hansa.base.pages import Pages
from hansa.federation.provider.http.forms import pairs_of
from hansa.federation.provider.model import Session
from hansa.federation.provider.sessions import Sessions, form_token

PACKAGE = "hansa.federation.provider"
STYLE = "/oidc/style.css"

Page = Callable[[Request], Awaitable[Response]]


class Browser:
    def __init__(self, sessions: Sessions) -> None:
        self.sessions = sessions
        self._pages = Pages(PACKAGE)
        self._style = files(PACKAGE).joinpath("templates/style.css").read_bytes()

    def routes(self) -> list[BaseRoute]:
        return [Route(STYLE, self._look)]

    async def _look(self, _request: Request) -> Response:
        return Response(self._style, headers={"Cache-Control": "public, max-age=86400"}, media_type="text/css")

    async def show(
        self,
        request: Request,
        template: str,
        *,
        status: int = 200,
        session: Session | None = None,
        targets: Iterable[str] = (),
        **values: Any,
    ) -> Response:
        """A page; its forms hang on the session, or on the visitor before there is one."""
        visitor = session.secret if session else self.sessions.visitor(request)
        shown = values | {"form_token": form_token(visitor), "style": STYLE}
        response = self._pages.render(request, template, status=status, targets=targets, **shown)
        if session is None:
            self.sessions.remember(response, visitor)
        return response

    async def form(self, request: Request) -> tuple[dict[str, str], Session | None]:
        """A form of ours, and who is logged in. Raises ForgedForm, InvalidRequest."""
        form = dict(await pairs_of(request))
        session = await self.sessions.current(request)
        self.sessions.check_form(request, session, form.get("form_token", ""))
        return form, session

    def refusing(self, page: Page) -> Page:
        """Refusals as a page."""

        async def answered(request: Request) -> Response:
            try:
                return await page(request)
            except HansaError as error:
                return await self.show(request, "error.html", status=error.status, error=error)

        return answered


def go(url: str) -> Response:
    """Always with GET (RFC 9700 §4.12: never 307)."""
    return RedirectResponse(url, 303, {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"})
