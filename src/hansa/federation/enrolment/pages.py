"""What opens when somebody follows a mailed link: a page that asks, and a button that does.

Opening changes nothing, since mail scanners open every link; pressing the button does. No script, no style, nothing loaded, and
no address of ours handed on. The secret comes in the query or the form, never in the path that logs show.
"""

from collections.abc import Sequence
from urllib.parse import parse_qs

from jinja2 import Environment, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from hansa.base.errors import BadRequest, HansaError, TooLarge
from hansa.base.i18n import Translate, best_language, translator
from hansa.federation.enrolment.errors import LinkExpired, LinkInvalid
from hansa.federation.enrolment.model import Link, Purpose, State
from hansa.federation.enrolment.office import CONFIRM_PATH, DECLINE_PATH
from hansa.federation.enrolment.service import Enrolment

MAX_FORM = 2048
HEADERS = {
    "content-security-policy": "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "x-robots-tag": "noindex",
}
_PAGE = Environment(autoescape=True, undefined=StrictUndefined).from_string("""\
<!DOCTYPE html>
<html lang="{{ language }}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{{ title }}</title></head>
<body>
<main>
<h1>{{ title }}</h1>
{% for line in lines %}<p>{{ line }}</p>
{% endfor %}{% if button %}<form method="post" action="{{ action }}">
<input type="hidden" name="code" value="{{ code }}">
<button>{{ button }}</button>
</form>
{% endif %}</main>
</body>
</html>
""")


def routes(enrolment: Enrolment) -> Sequence[BaseRoute]:
    pages = _Pages(enrolment)
    return [
        Route(CONFIRM_PATH, pages.ask_confirm, methods=["GET"]),
        Route(CONFIRM_PATH, pages.confirm, methods=["POST"]),
        Route(DECLINE_PATH, pages.ask_decline, methods=["GET"]),
        Route(DECLINE_PATH, pages.decline, methods=["POST"]),
    ]


class _Pages:
    def __init__(self, enrolment: Enrolment) -> None:
        self._enrolment = enrolment

    async def ask_confirm(self, request: Request) -> Response:
        view, code = _View(request), request.query_params.get("code", "")[:200]
        try:
            link = await self._enrolment.look(code, Purpose.CONFIRM)
        except HansaError as error:
            return view.refused(error)
        return view.ask_confirm(link, code)

    async def confirm(self, request: Request) -> Response:
        view = _View(request)
        try:
            client = request.client.host if request.client else ""
            found = await self._enrolment.confirm(await _code(request), client=client)
        except HansaError as error:
            return view.refused(error)
        return view.confirmed(found.vo, found.state, is_known=found.same_as is not None)

    async def ask_decline(self, request: Request) -> Response:
        view, code = _View(request), request.query_params.get("code", "")[:200]
        try:
            link = await self._enrolment.look(code, Purpose.DECLINE)
        except HansaError as error:
            return view.refused(error)
        return view.ask_decline(link, code)

    async def decline(self, request: Request) -> Response:
        view = _View(request)
        try:
            link = await self._enrolment.decline(await _code(request))
        except HansaError as error:
            return view.refused(error)
        return view.declined(link)


class _View:
    """Pages in the reader's language."""

    def __init__(self, request: Request) -> None:
        self._language = best_language(request.headers.get("accept-language", ""))
        self._translate = translator(self._language)

    def ask_confirm(self, link: Link, code: str) -> Response:
        _ = self._translate
        lines = [
            _("Somebody applies for membership of {vo} with the address {email}.").format(vo=link.vo, email=link.email),
            _("Press the button if that is you. If not, close this page."),
        ]
        return self._page(_("Confirm your e-mail address"), lines, CONFIRM_PATH, code, _("Confirm"))

    def confirmed(self, vo: str, state: State, *, is_known: bool) -> Response:
        _ = self._translate
        if state is State.APPROVED:
            return self._page(_("You are a member of {vo}").format(vo=vo), [_("Your application was approved.")])
        lines = [_("Please wait until your application is either approved or rejected by the VO administrator.")]
        if is_known:
            lines.append(
                _("Somebody is known by this address already. If that is you, link both: see your application.")
            )
        return self._page(_("Your e-mail address is confirmed"), lines)

    def ask_decline(self, link: Link, code: str) -> Response:
        _ = self._translate
        lines = [
            _("Your membership of {vo} ends on {date:%Y-%m-%d}.").format(vo=link.vo, date=link.expires),
            _("Press the button and you will not be reminded again; the membership then ends on that day."),
        ]
        return self._page(_("Do you let your membership end?"), lines, DECLINE_PATH, code, _("I do not renew"))

    def declined(self, link: Link) -> Response:
        _ = self._translate
        line = _("Your membership of {vo} ends on {date:%Y-%m-%d}.").format(vo=link.vo, date=link.expires)
        return self._page(_("You will not be reminded again"), [line])

    def refused(self, error: HansaError) -> Response:
        title, lines = self._words(error)
        return self._page(title, lines, status=error.status)

    def _words(self, error: HansaError) -> tuple[str, list[str]]:
        _: Translate = self._translate
        match error:
            case LinkExpired() if error.details.get("used"):
                return _("This is done already"), [_("The link was used before; there is nothing left to do.")]
            case LinkExpired():
                return _("This link is too old"), [_("Ask for another: hansa vo applications mail NUMBER")]
            case LinkInvalid():
                return _("There is no such link"), [_("Copy the address from the message whole.")]
        return _("That did not work"), [error.message]

    def _page(
        self, title: str, lines: Sequence[str], action: str = "", code: str = "", button: str = "", *, status: int = 200
    ) -> Response:
        html = _PAGE.render(language=self._language, title=title, lines=lines, action=action, code=code, button=button)
        return HTMLResponse(html, status, HEADERS)


async def _code(request: Request) -> str:
    """The field of the form; the secret alone lets it through, so a forged form is worth nothing."""
    body = await request.body()
    if len(body) > MAX_FORM:
        raise TooLarge("The form is too long.")
    try:
        fields = parse_qs(body.decode("utf-8", "replace"), max_num_fields=5)
    except ValueError as error:
        raise BadRequest("The form has too many fields.") from error
    return fields.get("code", [""])[0]
