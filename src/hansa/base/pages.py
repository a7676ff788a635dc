"""Pages for people in browsers: Jinja templates of a room, in the reader's language, with headers that keep other sites out.

Pages have no script, and everything in them is escaped. In a template `_("…")` is translated, `_("Hello %(name)s", name=name)`
filled in too.
"""

from collections.abc import Iterable
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from hansa.base.i18n import best_language, translator

HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Vary": "Accept-Language, Cookie",
}
POLICY = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action "


class Pages:
    """`package` has the templates in its folder `templates`."""

    def __init__(self, package: str) -> None:
        self._loader = PackageLoader(package)
        self._languages: dict[str, Environment] = {}

    def render(
        self, request: Request, template: str, *, status: int = 200, targets: Iterable[str] = (), **values: Any
    ) -> HTMLResponse:
        """`targets`: origins other than ours that a form on the page may lead to, by way of redirects."""
        language = best_language(request.headers.get("accept-language", ""))
        text = self._speaking(language).get_template(template).render(lang=language, **values)
        policy = POLICY + " ".join(("'self'", *targets))
        headers = HEADERS | {"Content-Security-Policy": policy, "Content-Language": language}
        return HTMLResponse(text, status, headers)

    def _speaking(self, language: str) -> Environment:
        """An environment for each language, so that readers at the same time do not get each other's."""
        if language not in self._languages:
            environment = Environment(
                loader=self._loader,
                autoescape=True,
                undefined=StrictUndefined,
                trim_blocks=True,
                lstrip_blocks=True,
                extensions=["jinja2.ext.i18n"],
            )
            say = translator(language)
            environment.install_gettext_callables(  # type: ignore[attr-defined]  # the extension's
                say, lambda one, many, n: say(one if n == 1 else many), newstyle=True
            )
            self._languages[language] = environment
        return self._languages[language]
