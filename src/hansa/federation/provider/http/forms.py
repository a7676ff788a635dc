"""Requests of clients: forms (RFC 6749 Appendix B), the client's own credentials, bearer tokens."""

import base64
import binascii
import re
from collections.abc import Awaitable, Callable
from urllib.parse import parse_qsl, unquote_plus

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from hansa.base.errors import HansaError
from hansa.federation.provider.clients import Shown
from hansa.federation.provider.errors import InvalidClient, InvalidRequest, InvalidToken, OAuthError
from hansa.federation.provider.parameters import COUNT_MAX, Parameters

NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}
FORM = "application/x-www-form-urlencoded"
_BEARER = re.compile(r"[Bb][Ee][Aa][Rr][Ee][Rr] +([A-Za-z0-9._~+/-]+=*) *")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

Endpoint = Callable[[Request], Awaitable[Response]]


async def pairs_of(request: Request) -> list[tuple[str, str]]:
    """The form in a request's body. Raises InvalidRequest."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise InvalidRequest(f"The request is not a form ({FORM}).")
    return parse_pairs((await request.body()).decode("latin-1"))


def parse_pairs(text: str) -> list[tuple[str, str]]:
    """Raises InvalidRequest for what is not UTF-8, or has control characters."""
    try:
        found = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=COUNT_MAX)
    except ValueError:
        raise InvalidRequest("The parameters cannot be read.") from None
    if any(_CONTROL.search(value) for pair in found for value in pair):
        raise InvalidRequest("The parameters have control characters.")
    return found


async def form_of(request: Request) -> Parameters:
    return Parameters(await pairs_of(request))


def basic(request: Request) -> Shown | None:
    """`client_secret_basic`: both halves are encoded as in a form first (RFC 6749 §2.3.1). Raises InvalidClient."""
    given = request.headers.getlist("authorization")
    if not given or not given[0].lower().startswith("basic "):
        return None
    try:
        name, colon, secret = base64.b64decode(given[0][6:].strip(), validate=True).decode().partition(":")
        if colon and len(given) == 1:
            return Shown(unquote_plus(name, errors="strict"), unquote_plus(secret, errors="strict"))
    except (binascii.Error, UnicodeDecodeError, ValueError):
        pass
    raise InvalidClient("The Authorization header is not client:secret in base64.")


def posted(form: Parameters, by_header: Shown | None) -> Shown | None:
    """`client_secret_post`, or a public client's bare name, which may also stand beside the header. Raises InvalidRequest."""
    name, secret = form.get("client_id"), form.get("client_secret")
    if by_header and secret is None and name in (None, by_header.id):
        return None
    return Shown(name, secret) if name else None


def bearer(request: Request) -> str:
    """The token in the header (RFC 6750 §2.1). Raises InvalidToken."""
    given = request.headers.getlist("authorization")
    match = _BEARER.fullmatch(given[0]) if len(given) == 1 else None
    if match is None:
        raise InvalidToken("There is no bearer token.")
    return match[1]


def refusing(endpoint: Endpoint) -> Endpoint:
    """Refusals as clients read them (RFC 6749 §5.2, RFC 6750 §3)."""

    async def answered(request: Request) -> Response:
        try:
            return await endpoint(request)
        except OAuthError as error:
            return refusal(error)
        except HansaError as error:
            name = "temporarily_unavailable" if error.status == 503 else "invalid_request"
            content = {"error": name, "error_description": error.message}
            return JSONResponse(content, error.status, NO_STORE)

    return answered


def refusal(error: OAuthError) -> Response:
    headers = dict(NO_STORE)
    if error.status == InvalidClient.status and isinstance(error, InvalidClient):
        headers["WWW-Authenticate"] = 'Basic realm="Hansa", charset="UTF-8"'
    elif error.status in (401, 403):
        headers["WWW-Authenticate"] = f'Bearer error="{error.error}", error_description="{_plain(error.message)}"'
    return JSONResponse({"error": error.error, "error_description": error.message}, error.status, headers)


def _plain(text: str) -> str:
    """RFC 6750 §3: characters of a quoted string, without quotes and backslashes."""
    return "".join(letter for letter in text if " " <= letter <= "~" and letter not in '"\\')
