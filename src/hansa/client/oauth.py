"""Logging in at an OpenID Provider from the command line: device flow (RFC 8628), renewal, revocation.

The provider's answers are bounded and read strictly; a secret never stands in an error's text.
"""

import json
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

from hansa.base.errors import BackendDown, Unauthenticated
from hansa.base.i18n import _
from hansa.client.errors import BadReply, Timeout
from hansa.client.http import Http, Reply
from hansa.client.logins import Login

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
MAX_WAIT = timedelta(minutes=30)
_MAX_BYTES = 1_000_000


class LoginRefused(Unauthenticated):
    """The provider, or the person asked, said no. `details["error"]` is the provider's code (RFC 6749 §5.2)."""

    code = "client.login_refused"


@dataclass(frozen=True, slots=True)
class Provider:
    """What discovery told (OpenID Connect Discovery 1.0 §3); an address is None where the provider lacks that part."""

    issuer: str
    token: str
    device: str | None
    revocation: str | None
    userinfo: str | None


@dataclass(frozen=True, slots=True)
class Pending:
    """A login that waits for its person. `address` holds the code already, if the provider offers such a one."""

    device_code: str = field(repr=False)
    user_code: str
    page: str
    address: str | None
    interval: float
    ends: datetime


class OAuth:
    """One provider, seen by one public client."""

    def __init__(self, issuer: str, client: str, *, tls: ssl.SSLContext | None = None, timeout: float = 30.0) -> None:
        self.issuer = issuer.rstrip("/")
        self._client = client
        self._tls, self._timeout = tls, timeout
        self._found: Provider | None = None

    @property
    def provider(self) -> Provider:
        """Raises BadReply if the document is not this issuer's, BackendDown and its kin."""
        if self._found is None:
            self._found = self._discover()
        return self._found

    def start(self, scope: str, now: datetime) -> Pending:
        """Ask for a code that a person confirms in a browser, anywhere (RFC 8628 §3.1)."""
        if self.provider.device is None:
            raise LoginRefused(
                _("{issuer} offers no login without a browser on this computer.").format(issuer=self.issuer),
                next=_("use a certificate: hansa login --method proxy"),
                error="unsupported",
            )
        reply = self._post(self.provider.device, {"client_id": self._client, "scope": scope})
        answer = self._document(reply)
        try:
            life = min(timedelta(seconds=float(answer["expires_in"])), MAX_WAIT)
            return Pending(
                device_code=_text(answer, "device_code"),
                user_code=_text(answer, "user_code"),
                page=_web(_text(answer, "verification_uri")),
                address=_web(whole) if isinstance(whole := answer.get("verification_uri_complete"), str) else None,
                interval=min(max(float(answer.get("interval", 5)), 0.1), 60.0),
                ends=now + life,
            )
        except (KeyError, TypeError, ValueError):
            raise self._nonsense() from None

    def wait(
        self, pending: Pending, clock: Callable[[], datetime], sleep: Callable[[float], None] = time.sleep
    ) -> Login:
        """Ask again and again, as slowly as told, until the person has decided (RFC 8628 §3.4). Raises LoginRefused, Timeout."""
        interval = pending.interval
        grant = {"grant_type": DEVICE_GRANT, "device_code": pending.device_code, "client_id": self._client}
        while clock() < pending.ends:
            sleep(interval)
            reply = self._post(self.provider.token, grant)
            match _error(reply):
                case "authorization_pending":
                    continue
                case "slow_down":
                    interval += 5.0
                    continue
            return self._login(reply, clock())
        raise Timeout(_("Nobody confirmed the login in time."), next="hansa login")

    def refresh(self, login: Login, now: datetime) -> Login:
        """New tokens for the old refresh token (RFC 6749 §6). Raises LoginRefused when the login has ended."""
        grant = {"grant_type": "refresh_token", "refresh_token": login.refresh or "", "client_id": login.client}
        return self._login(self._post(self.provider.token, grant), now)

    def revoke(self, login: Login) -> bool:
        """End the login at the provider too (RFC 7009). Whether it could be told."""
        if self.provider.revocation is None:
            return False
        token, hint = (login.refresh, "refresh_token") if login.refresh else (login.access, "access_token")
        form = {"token": token, "token_type_hint": hint, "client_id": login.client}
        return self._post(self.provider.revocation, form).status == 200

    def userinfo(self, login: Login) -> Mapping[str, Any]:
        """The claims about the person (OpenID Connect Core §5.3)."""
        if self.provider.userinfo is None:
            return {}
        address = urlsplit(self.provider.userinfo)
        with Http(self.provider.userinfo, tls=self._tls, timeout=self._timeout) as http:
            return self._document(
                http.request("GET", address.path, headers={"Authorization": f"Bearer {login.access}"})
            )

    def _discover(self) -> Provider:
        path = f"{urlsplit(self.issuer).path}/.well-known/openid-configuration"
        with Http(self.issuer, tls=self._tls, timeout=self._timeout) as http:
            document = self._document(http.request("GET", path, headers={"Accept": "application/json"}))
        if str(document.get("issuer", "")).rstrip("/") != self.issuer:
            raise BadReply(_("What answers at {issuer} calls itself otherwise.").format(issuer=self.issuer))

        def address(name: str) -> str | None:
            found = document.get(name)
            return self._endpoint(found) if isinstance(found, str) else None

        token = address("token_endpoint")
        if token is None:
            raise self._nonsense()
        device, revocation = address("device_authorization_endpoint"), address("revocation_endpoint")
        return Provider(self.issuer, token, device, revocation, address("userinfo_endpoint"))

    def _endpoint(self, address: str) -> str:
        """No secret goes over a plain connection that the issuer's own address would not have allowed."""
        if self.issuer.startswith("https:") and not address.startswith("https:"):
            raise BadReply(_("{issuer} names an address without TLS.").format(issuer=self.issuer))
        return address

    def _post(self, address: str, form: Mapping[str, str]) -> Reply:
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        with Http(address, tls=self._tls, timeout=self._timeout) as http:
            return http.request("POST", urlsplit(address).path, headers=headers, body=urlencode(form).encode())

    def _login(self, reply: Reply, now: datetime) -> Login:
        answer = self._document(reply)
        try:
            if _text(answer, "token_type").lower() != "bearer":
                raise self._nonsense()
            return Login(
                issuer=self.issuer,
                client=self._client,
                access=_text(answer, "access_token"),
                expires=now + timedelta(seconds=min(float(answer.get("expires_in", 300)), 86_400 * 30)),
                scope=str(answer.get("scope", "")),
                refresh=_text(answer, "refresh_token") if "refresh_token" in answer else None,
            )
        except (KeyError, TypeError, ValueError):
            raise self._nonsense() from None

    def _document(self, reply: Reply) -> Mapping[str, Any]:
        if reply.status >= 500:
            raise BackendDown(_("{issuer} fails: {status}.").format(issuer=self.issuer, status=reply.status))
        if reply.status != 200:
            raise self._refusal(reply)
        document = _json_object(reply)
        if document is None:
            raise self._nonsense()
        return document

    def _refusal(self, reply: Reply) -> LoginRefused:
        error = _error(reply) or f"HTTP {reply.status}"
        said = str((_json_object(reply) or {}).get("error_description", ""))[:300]
        reasons = {
            "access_denied": _("The login was refused in the browser."),
            "expired_token": _("Nobody confirmed the login in time."),
            "invalid_grant": _("Your login has ended."),
        }
        message = reasons.get(error) or _("{issuer} refuses: {reason}").format(
            issuer=self.issuer, reason=f"{error} {said}".strip()
        )
        return LoginRefused(message, next="hansa login", error=error)

    def _nonsense(self) -> BadReply:
        return BadReply(_("{issuer} does not answer as an OpenID Provider.").format(issuer=self.issuer))


def _error(reply: Reply) -> str | None:
    """The code of a refusal (RFC 6749 §5.2)."""
    found = (_json_object(reply) or {}).get("error") if reply.status >= 400 else None
    return found if isinstance(found, str) else None


def _json_object(reply: Reply) -> Mapping[str, Any] | None:
    if len(reply.body) > _MAX_BYTES:
        return None
    try:
        document = json.loads(reply.body)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _text(answer: Mapping[str, Any], name: str) -> str:
    value = answer[name]
    if not isinstance(value, str) or not value or len(value) > 16_384:
        raise ValueError(name)
    return value


def _web(address: str) -> str:
    """An address that a person will open."""
    if not address.startswith(("https://", "http://")):
        raise ValueError(address)
    return address
