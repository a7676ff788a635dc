"""Single sign-on with a browser: from a dashboard to the issuer's page and back with an unscoped token (Keystone's websso).

What must be remembered meanwhile is sealed in a cookie of the very browser, so that nobody else's answer is taken.
"""

import html
import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from cryptography.fernet import InvalidToken
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from hansa.base.errors import BadRequest, Unauthenticated
from hansa.client.oidc import Attempt, begin, finish
from hansa.site.identity.model import Reason
from hansa.site.issuers import Provider
from hansa.site.issuers.claims import end_of, subject_of
from hansa.site.issuers.model import Proved
from hansa.site.issuers.proving import PROTOCOL_CLAIMS, prove
from hansa.site.openstack.identity.desk import Desk

ROOT = "/v3/auth/OS-FEDERATION"
BACK = f"{ROOT}/oidc/callback"
COOKIE = "hansa-websso"
PATIENCE = timedelta(minutes=10)
"""For the user to log in at the issuer."""
_PURPOSE = "websso"


def routes(desk: Desk) -> list[Route]:
    async def by_protocol(request: Request) -> Response:
        protocol = request.path_params["protocol"]
        return await _sent(desk, request, await desk.federated.only_page(protocol), protocol)

    async def by_provider(request: Request) -> Response:
        return await _sent(desk, request, request.path_params["provider"], request.path_params["protocol"])

    async def back(request: Request) -> Response:
        return await desk.identity.admit(request.scope, _returned(desk, request))

    return [
        Route(f"{ROOT}/websso/{{protocol}}", by_protocol, methods=["GET", "POST"]),
        Route(
            f"{ROOT}/identity_providers/{{provider}}/protocols/{{protocol}}/websso",
            by_provider,
            methods=["GET", "POST"],
        ),
        Route(BACK, back),
    ]


async def _sent(desk: Desk, request: Request, provider: str, protocol: str) -> Response:
    """To the issuer's page, with the way back sealed in a cookie."""
    origin = request.query_params.get("origin")
    if not origin:
        raise BadRequest("Request must have an origin query parameter.", field="origin")
    if origin not in desk.place.dashboards:
        raise Unauthenticated("That address is not a trusted dashboard host.", reason=Reason.UNTRUSTED_DASHBOARD.value)
    page = await desk.federated.page_of(provider, protocol)
    url, attempt = await begin(page.issuer, desk.place.keystone + BACK, page.scopes, lambda: secrets.token_urlsafe(32))
    memory = {"for": _PURPOSE, "origin": origin, "provider": provider, "protocol": protocol, "attempt": asdict(attempt)}
    sealed = desk.sealing().encrypt_at_time(json.dumps(memory).encode(), int(desk.clock().timestamp())).decode()
    response = RedirectResponse(url, 302, {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"})
    response.set_cookie(
        COOKIE,
        sealed,
        max_age=int(PATIENCE.total_seconds()),
        path=ROOT,
        secure=desk.place.keystone.startswith("https:"),
        httponly=True,
        samesite="lax",  # the issuer sends the browser back from another site, with a GET
    )
    return response


async def _returned(desk: Desk, request: Request) -> Response:
    memory = _memory(desk, request)
    page = await desk.federated.page_of(memory["provider"], memory["protocol"])
    login = await finish(page.issuer, Attempt(**memory["attempt"]), dict(request.query_params))
    proved = await _proved(desk, page, login.claims, login.access_token)
    issued = await desk.federated.logged_in(request.scope, memory["provider"], memory["protocol"], proved)
    response = _handed_over(memory["origin"], issued.text)
    response.delete_cookie(COOKIE, path=ROOT)
    return response


def _memory(desk: Desk, request: Request) -> dict[str, Any]:
    sealed, now = request.cookies.get(COOKIE, ""), int(desk.clock().timestamp())
    try:
        opened = desk.sealing().decrypt_at_time(sealed.encode(), int(PATIENCE.total_seconds()), now)
        memory: dict[str, Any] = json.loads(opened)
    except (InvalidToken, ValueError):
        memory = {}
    if memory.get("for") != _PURPOSE:
        message = "The log-in was begun in another browser or long ago; begin again at the dashboard."
        raise Unauthenticated(message, reason=Reason.WEBSSO.value)
    return memory


async def _proved(desk: Desk, page: Provider, claims: Mapping[str, Any], access_token: str) -> Proved:
    """The claims of the ID token, which was made for us, with what the access token or userinfo says of the same person."""
    now, subject = desk.clock(), subject_of(claims)
    further: Mapping[str, Any] = {}
    try:
        found = await prove(page, access_token, now, thorough=True)
        further = found.claims if found.subject == subject else {}
    except Unauthenticated:  # made for userinfo alone
        further = await page.issuer.userinfo(access_token, subject) or {}
    said = {name: value for name, value in further.items() if name not in PROTOCOL_CLAIMS}
    return Proved(page, subject, {**said, **claims}, end_of(claims, now, page.trust))


def _handed_over(origin: str, token: str) -> Response:
    """A page that posts the token to the dashboard by itself, or at a click where scripts are off."""
    nonce = secrets.token_urlsafe(16)
    where = html.escape(origin, quote=True)
    body = f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Signing on</title></head>
<body><form id="sso" name="sso" action="{where}" method="post">
<input type="hidden" name="token" id="token" value="{html.escape(token, quote=True)}">
<noscript><input type="submit" name="go" value="Go on to the dashboard"></noscript>
</form><script nonce="{nonce}">document.forms["sso"].submit();</script></body></html>
"""
    headers = {
        "Cache-Control": "no-store",
        "Content-Security-Policy": f"default-src 'none'; script-src 'nonce-{nonce}'; form-action {_origin(origin)}; "
        "frame-ancestors 'none'; base-uri 'none'",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }
    return Response(body, 200, headers, "text/html; charset=utf-8")


def _origin(address: str) -> str:
    """Scheme and host, as a policy names them."""
    scheme, _, rest = address.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}"
