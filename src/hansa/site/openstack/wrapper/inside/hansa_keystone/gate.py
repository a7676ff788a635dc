"""A WSGI gate: identities that a client wrote go out, the one that Hansa's front sealed comes in.

A sealed assertion is `v1.BODY.MAC`: BODY is base64url of zlib of a JSON object with `at` (seconds), `path`, `not_after` (seconds)
and `variables`; MAC is HMAC-SHA256 in hexadecimal digits over all that is left of it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import re
import stat
import time
import zlib
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

HEADER = "HTTP_X_HANSA_ASSERTION"
NOT_AFTER = "hansa.not_after"
"""Key of the WSGI environment: when the credential ends, in seconds. Clients cannot write such a name."""
LIFE = 60
"""Seconds that a seal is good for, in both directions: clocks of two hosts differ."""
SIZE = 8000
"""Characters. Apache takes 8190 in a header field."""
OPENED = 256 * 1024
SECRET = 32
"""Characters of a secret, at least."""

FILE = "HANSA_KEYSTONE_SECRET_FILE"
KEPT = "HANSA_KEYSTONE_KEEP"
DEFAULT_FILE = "/etc/hansa/keystone.secret"

IDENTITY = re.compile(
    r"HTTP_(?:HTTP_)*(?:X_)*(?:(?:SSL|TLS|GRST|VOMS|HANSA|OIDC|MELLON|SHIB|GSSAPI)(?:_.*)?"
    r"|(?:FORWARDED_)?CLIENT_(?:CERT|VERIFY|DN|S_DN|I_DN)(?:_.*)?"
    r"|(?:FORWARDED_|AUTHENTICATED_)?(?:REMOTE_)?USER(?:_(?:DN|NAME|ID))?|AUTH_TYPE)"
)
OURS = re.compile(r"(?:VOMS|HANSA)_.*|(?:REDIRECT_)+(?:VOMS|HANSA)_.*")

Application = Callable[[Any, Any], Iterable[bytes]]


class Refused(Exception):
    """The assertion proves nothing; the text is for whoever runs the front."""


class Gate:
    """`secrets` gives the secrets of the front: any of them may have sealed. `keep` are words such as `OIDC` that begin the names
    of headers which the web server itself sets, and scrubs."""

    def __init__(
        self,
        application: Application,
        secrets: Callable[[], list[bytes]],
        keep: Iterable[str] = (),
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._application = application
        self._secrets = secrets
        self._keep = tuple(f"HTTP_{word.upper()}_" for word in keep)
        self._clock = clock

    def __call__(self, environ: Any, start_response: Any) -> Iterable[bytes]:
        sealed = environ.get(HEADER)
        self._scrub(environ)
        if sealed is None:
            return self._application(environ, start_response)
        try:
            assertion = opened(sealed, self._secrets(), self._clock())
            if assertion["path"] != environ.get("PATH_INFO"):
                raise Refused("The assertion was sealed for another address.")
        except Refused as error:
            return _refusal(start_response, str(error))
        environ.update(assertion["variables"])
        environ[NOT_AFTER] = assertion["not_after"]
        return self._application(environ, start_response)

    def _scrub(self, environ: Any) -> None:
        for name in list(environ):
            if OURS.fullmatch(name) or (IDENTITY.fullmatch(name) and not name.startswith(self._keep)):
                del environ[name]


def opened(sealed: str, secrets: list[bytes], now: float) -> Mapping[str, Any]:
    """The assertion's members. Raises Refused."""
    signed, _dot, mac = sealed.rpartition(".")
    if len(sealed) > SIZE or not sealed.isascii() or not signed.startswith("v1."):
        raise Refused("The assertion is not one of Hansa's.")
    shown = mac.encode()
    found = [hmac.new(secret, signed.encode(), hashlib.sha256).hexdigest().encode() for secret in secrets]
    if not any(hmac.compare_digest(shown, each) for each in found):
        raise Refused("The assertion was not sealed with the secret of this Keystone.")
    assertion: Mapping[str, Any] = json.loads(_inflated(base64.urlsafe_b64decode(signed[3:])))
    if abs(now - assertion["at"]) > LIFE:
        raise Refused("The assertion is out of date; compare the clocks of both hosts.")
    return assertion


def _inflated(packed: bytes) -> bytes:
    inflate = zlib.decompressobj()
    text = inflate.decompress(packed, OPENED)
    if not inflate.eof:
        raise Refused("The assertion is too long.")
    return text


def _refusal(start_response: Any, message: str) -> Iterable[bytes]:
    """As Keystone says no."""
    error = {"code": 401, "title": HTTPStatus.UNAUTHORIZED.phrase, "message": message}
    body = json.dumps({"error": error}).encode()
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    start_response("401 Unauthorized", headers)
    return [body]


class SecretFile:
    """The secrets in a file, one a line, the newest first; read again when the file changes.

    Raises RuntimeError for a file that is open to everybody, or holds a secret that is too short.
    """

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self._seen: object = None
        self._secrets: list[bytes] = []
        self()

    def __call__(self) -> list[bytes]:
        found = self._path.stat()
        seen = (found.st_ino, found.st_size, found.st_mtime_ns)
        if seen != self._seen:
            self._secrets = self._read(found.st_mode)
            self._seen = seen
        return self._secrets

    def _read(self, mode: int) -> list[bytes]:
        if mode & (stat.S_IROTH | stat.S_IWOTH):
            raise RuntimeError(f"{self._path} is open to everybody; chmod o= it.")
        secrets = self._path.read_bytes().split()
        if not secrets or min(map(len, secrets)) < SECRET:
            raise RuntimeError(f"{self._path} must hold secrets of {SECRET} characters or more, one a line.")
        return secrets


def guarded(application: Application) -> Gate:
    """The gate as the process's environment describes it: `HANSA_KEYSTONE_SECRET_FILE`, `HANSA_KEYSTONE_KEEP`."""
    keep = os.environ.get(KEPT, "").replace(",", " ").split()
    return Gate(application, SecretFile(os.environ.get(FILE, DEFAULT_FILE)), keep)
