"""Logging somebody in at an issuer with a browser: authorization code with PKCE (RFC 7636; OpenID Connect Core §3.1)."""

import asyncio
import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from urllib.parse import urlencode

from hansa.base.errors import Unauthenticated
from hansa.base.i18n import _
from hansa.client.errors import BadReply
from hansa.client.http import Reply
from hansa.client.oidc.issuer import Issuer
from hansa.client.oidc.web import json_of
from hansa.standards.jwt import JwtError


class LoginReason(StrEnum):
    """Why a log-in at an issuer fails, beside the rules of `standards.jwt`; stands in `details["reason"]`."""

    STATE = "oidc.state"
    ISSUER = "oidc.issuer"
    DENIED = "oidc.denied"
    CODE = "oidc.code"
    NONCE = "oidc.nonce"


@dataclass(frozen=True, slots=True)
class Attempt:
    """What must be remembered, with the very browser, until it comes back. The issuer never sees `verifier` before the end."""

    state: str
    nonce: str
    verifier: str = field(repr=False)
    redirect_uri: str


@dataclass(frozen=True, slots=True)
class Login:
    """Who came back: the claims of the ID token, and the access token that came with it."""

    claims: Mapping[str, Any]
    access_token: str = field(repr=False)


async def begin(
    issuer: Issuer, redirect_uri: str, scopes: Sequence[str], random: Callable[[], str], **extra: str
) -> tuple[str, Attempt]:
    """The address to send the browser to, and what to remember. `random` gives 256 bits as text for an address each time."""
    endpoint = (await issuer.metadata()).authorization_endpoint
    if endpoint is None or issuer.client is None:
        raise BadReply(_("{issuer} has no page to log in at.").format(issuer=issuer.url))
    attempt = Attempt(random(), random(), random(), redirect_uri)
    digest = hashlib.sha256(attempt.verifier.encode()).digest()
    query = {
        "response_type": "code",
        "client_id": issuer.client.id,
        "redirect_uri": redirect_uri,
        "scope": " ".join(scopes),
        "state": attempt.state,
        "nonce": attempt.nonce,
        "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
        "code_challenge_method": "S256",
        **extra,
    }
    return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(query)}", attempt


async def finish(issuer: Issuer, attempt: Attempt, answer: Mapping[str, str]) -> Login:
    """Redeem the code that the browser brought back in `answer`, the query. Raises Unauthenticated, BackendDown, BadReply.

    The caller has found `attempt` by the browser's own secret, not by `state` alone.
    """
    metadata = await issuer.metadata()
    if not hmac.compare_digest(answer.get("state", "").encode(), attempt.state.encode()):
        raise _failed(_("The log-in was begun in another window or long ago; begin again."), LoginReason.STATE)
    if (metadata.names_itself or "iss" in answer) and answer.get("iss") != issuer.url:  # RFC 9207 §2.4
        raise _failed(_("The answer is from another identity provider; begin again."), LoginReason.ISSUER)
    if "error" in answer or not answer.get("code"):
        raise _failed(_("The identity provider did not log you in."), LoginReason.DENIED)
    endpoint = metadata.token_endpoint
    if endpoint is None:
        raise BadReply(_("{issuer} has no page to log in at.").format(issuer=issuer.url))
    form = {
        "grant_type": "authorization_code",
        "code": answer["code"],
        "redirect_uri": attempt.redirect_uri,
        "code_verifier": attempt.verifier,
    }
    reply: Reply = await asyncio.to_thread(issuer.post, endpoint, form)
    if reply.status == 400:
        raise _failed(_("The identity provider does not take its code back; begin again."), LoginReason.CODE)
    return await _login(issuer, attempt, json_of(reply, endpoint))


async def _login(issuer: Issuer, attempt: Attempt, tokens: Mapping[str, Any]) -> Login:
    access, identity = tokens.get("access_token"), tokens.get("id_token")
    if not isinstance(access, str) or not isinstance(identity, str):
        raise BadReply(_("{issuer} gave no tokens.").format(issuer=issuer.url))
    assert issuer.client is not None
    try:
        claims = await issuer.verify(identity, audience=issuer.client.id)
    except JwtError as error:
        raise _failed(f"{error.reason}.", error.code) from error
    if (
        claims.get("nonce") != attempt.nonce
        or claims.get("azp", issuer.client.id) != issuer.client.id
        or not claims.get("sub")
    ):
        raise _failed(_("The answer belongs to another log-in; begin again."), LoginReason.NONCE)
    return Login(claims, access)


def _failed(message: str, reason: str) -> Unauthenticated:
    return Unauthenticated(message, reason=reason)
