"""HTTP/1.1 over TLS with a proxy chain: one connection, time limits, bounded replies, no redirects.

The standard library's client starts fast and is enough; servers are verified against a directory of hashed CA files.
"""

import http.client
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from hansa.base.errors import BadRequest
from hansa.base.i18n import _
from hansa.client.errors import BadReply, CredentialRefused, ServerUntrusted, Timeout, Unreachable

MAX_BODY = 64 * 1024 * 1024
_CHUNK = 64 * 1024


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer. `headers` keeps order and repetition; names compare without case through `header`."""

    status: int
    reason: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = field(repr=False)

    def header(self, name: str) -> str | None:
        """The first value of a header."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    @property
    def media_type(self) -> str:
        return (self.header("Content-Type") or "").partition(";")[0].strip().lower()


def tls_context(
    *,
    certificates: Path | None,
    ca_file: Path | None = None,
    proxy: Path | None = None,
    key: Path | None = None,
    password: Callable[[], str] | None = None,
    verify: bool = True,
) -> ssl.SSLContext:
    """A client context: servers proved by the CAs in `certificates` (hashed names) or `ca_file`, ourselves by `proxy`.

    `proxy` is a file with certificate, key and chain, as voms-proxy-init writes it, or a certificate whose key is in `key`;
    `password` is called when the key is encrypted. `verify=False` trusts anybody. A directory that holds revocation lists
    must hold a fresh one of the server's authority, too.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif certificates is not None or ca_file is not None:
        context.load_verify_locations(cafile=ca_file, capath=certificates)
        if certificates is not None and any(certificates.glob("*.r0")):
            context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF  # revocation lists are kept here: then they count
    else:
        context.load_default_certs()
    if proxy is not None:
        try:
            context.load_cert_chain(
                proxy, key, password or str
            )  # str() gives "": never ask the terminal behind our back
        except ssl.SSLError as error:
            raise CredentialRefused(
                _("{path} holds no usable certificate and key.").format(path=proxy),
                next=_("make a new proxy: hansa proxy init"),
            ) from error
    return context


class Http:
    """A connection to one origin. Not for several threads at once; opens when used, closes as a context manager."""

    def __init__(
        self,
        url: str,
        *,
        tls: ssl.SSLContext | None = None,
        timeout: float = 30.0,
        check_peer: Callable[[ssl.SSLSocket], None] | None = None,
        max_body: int = MAX_BODY,
    ) -> None:
        """`url` is scheme://host[:port]; a path is ignored. `timeout` is for each request as a whole, in seconds.

        `check_peer` may refuse a server after the handshake, before anything is sent. `max_body`: bytes of an answer.
        """
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise BadRequest(_("{url} is not an http or https address.").format(url=url), field="url")
        try:
            port = parts.port
        except ValueError:
            raise BadRequest(_("{url} has no usable port.").format(url=url), field="url") from None
        self.origin = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        self._timeout = timeout
        self._used = False
        self._check_peer = check_peer
        self._max_body = max_body
        self._connection: http.client.HTTPConnection
        if parts.scheme == "https":
            context = tls or tls_context(certificates=None)
            self._connection = http.client.HTTPSConnection(parts.hostname, port, timeout=timeout, context=context)
        else:
            self._connection = http.client.HTTPConnection(parts.hostname, port, timeout=timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._connection.close()

    def abort(self) -> None:
        """From another thread: whoever waits for an answer stops waiting (Unreachable)."""
        if (connected := self._connection.sock) is not None:
            with suppress(OSError):
                socket.socket.shutdown(connected, socket.SHUT_RDWR)

    def request(
        self, method: str, target: str, *, headers: Mapping[str, str | bytes] | None = None, body: bytes | None = None
    ) -> Reply:
        """Send and wait. Raises Unreachable, Timeout, ServerUntrusted, CredentialRefused, BadReply."""
        deadline = time.monotonic() + self._timeout
        reused = self._used and self._connection.sock is not None
        try:
            return self._exchange(method, target, headers or {}, body, deadline)
        except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError) as error:
            self.close()
            # A kept connection may have been closed while idle; only what changes nothing is safe to say twice.
            if not reused or method not in {"GET", "HEAD"}:
                raise Unreachable(
                    _("{origin} closed the connection without an answer.").format(origin=self.origin)
                ) from error
        return self._exchange(method, target, headers or {}, body, deadline)

    def _exchange(
        self, method: str, target: str, headers: Mapping[str, str | bytes], body: bytes | None, deadline: float
    ) -> Reply:
        try:
            if self._connection.sock is None:
                self._connect()
            self._connection.request(method, target, body=body, headers=dict(headers))
            with self._connection.getresponse() as response:
                self._used = True
                content = self._read(response, deadline)
                return Reply(response.status, response.reason, tuple(response.getheaders()), content)
        except ConnectionRefusedError as error:
            raise Unreachable(
                _("Nothing answers at {origin}.").format(origin=self.origin),
                cause=_("The service is not running, or a firewall is in the way."),
            ) from error
        except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
            raise
        except ssl.SSLError as error:  # before ValueError: a failed verification is one
            self.close()
            raise explain(error, self.origin) from error
        except (http.client.HTTPException, ValueError) as error:
            self.close()
            raise BadReply(_("{origin} does not answer in HTTP.").format(origin=self.origin)) from error
        except TimeoutError as error:
            self.close()
            raise Timeout(
                _("{origin} did not answer within {seconds:g} seconds.").format(
                    origin=self.origin, seconds=self._timeout
                )
            ) from error
        except OSError as error:
            self.close()
            raise explain(error, self.origin) from error

    def _connect(self) -> None:
        self._connection.connect()
        connected = self._connection.sock
        if self._check_peer and isinstance(connected, ssl.SSLSocket):
            self._check_peer(connected)

    def _read(self, response: http.client.HTTPResponse, deadline: float) -> bytes:
        chunks = bytearray()
        while chunk := response.read1(_CHUNK):
            chunks += chunk
            if len(chunks) > self._max_body:
                raise BadReply(
                    _("{origin} sent more than {limit} bytes.").format(origin=self.origin, limit=self._max_body)
                )
            if time.monotonic() > deadline:
                raise TimeoutError
        return bytes(chunks)


_CRL_MISSING, _CRL_EXPIRED, _REVOKED = 3, 12, 23
"""Of X509_verify_cert (OpenSSL)."""


def _advice(verify_code: int) -> dict[str, str]:
    if verify_code in {_CRL_MISSING, _CRL_EXPIRED}:
        return {
            "cause": _("Your trust directory has no fresh revocation list of its authority."),
            "next": _("run fetch-crl, or have it run"),
        }
    if verify_code == _REVOKED:
        return {"cause": _("Its key may be stolen: do not go on."), "next": _("tell the site")}
    return {
        "cause": _(
            "Its certificate authority is not in your trust directory, or the address is not the certificate's."
        ),
        "next": _("check X509_CERT_DIR and the address"),
    }


def explain(error: OSError, origin: str) -> ServerUntrusted | CredentialRefused | Unreachable:
    """What a failed connection or handshake means for the person who tried it."""
    match error:
        case ssl.SSLCertVerificationError():
            return ServerUntrusted(
                _("{origin} could not prove its identity: {reason}.").format(
                    origin=origin, reason=error.verify_message
                ),
                **_advice(error.verify_code),
            )
        case ssl.SSLError() if "ALERT" in (error.reason or ""):
            return CredentialRefused(
                _("{origin} refused your certificate: {reason}.").format(
                    origin=origin, reason=(error.reason or "").lower().replace("_", " ")
                )
            )
        case socket.gaierror():
            return Unreachable(_("The host name of {origin} is unknown.").format(origin=origin))
    return Unreachable(_("No connection to {origin}: {reason}.").format(origin=origin, reason=error.strerror or error))
