"""Requests to an issuer: guarded addresses, verified TLS, no redirects, little time and little data. Blocking."""

import ssl
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from hansa.base.i18n import _
from hansa.client.errors import BadReply
from hansa.client.http import Http, Reply, tls_context
from hansa.client.oidc.guard import Guard
from hansa.standards.jwt import JwtError, parse_object

SECONDS = 10.0
MAX_REPLY = 512 * 1024


class Web:
    """One connection for each request: an issuer is asked a few times an hour. `ca_file`: instead of the system's CAs."""

    def __init__(self, guard: Guard, *, ca_file: Path | None = None, seconds: float = SECONDS) -> None:
        self._guard = guard
        self._ca_file = ca_file
        self._seconds = seconds
        self._lock = threading.Lock()
        self._context: ssl.SSLContext | None = None

    def get(self, url: str, headers: Mapping[str, str] | None = None) -> Reply:
        """Raises AddressRefused and what `Http.request` raises."""
        return self._request("GET", url, dict(headers or {}))

    def post(self, url: str, form: Mapping[str, str], headers: Mapping[str, str] | None = None) -> Reply:
        """`form` goes as application/x-www-form-urlencoded."""
        sent = {"Content-Type": "application/x-www-form-urlencoded", **(headers or {})}
        return self._request("POST", url, sent, urlencode(form).encode())

    def _request(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None) -> Reply:
        self._guard.check_url(url)
        parts = urlsplit(url)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        tls = self._tls() if parts.scheme == "https" else None
        with Http(url, tls=tls, timeout=self._seconds, check_peer=self._guard.check_peer, max_body=MAX_REPLY) as http:
            return http.request(method, target, headers={"Accept": "application/json", **headers}, body=body)

    def _tls(self) -> ssl.SSLContext:
        with self._lock:
            if self._context is None:
                self._context = tls_context(certificates=None, ca_file=self._ca_file)
            return self._context


def json_of(reply: Reply, what: str) -> Mapping[str, Any]:
    """The JSON object of an answer 200. Raises BadReply for any other; redirects are not followed."""
    if reply.status != 200:
        raise BadReply(_("{what} answers with status {status}.").format(what=what, status=reply.status))
    try:
        return parse_object(reply.body)
    except JwtError as error:
        raise BadReply(_("{what} answers with something that is no JSON object.").format(what=what)) from error
