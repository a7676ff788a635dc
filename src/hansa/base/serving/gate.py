"""The last thing before the application: identity headers out, the client's chain in, bodies bounded."""

from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

from hansa.base.errors import TooLarge
from hansa.base.serving.headers import forwarded_chain, front_is_trusted, scrubbed
from hansa.base.serving.listener import Listener

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class TlsFacts:
    """What the handshake of this connection said."""

    chain: list[str]
    version: int


class Gate:
    """An ASGI application around the real one, one for each connection."""

    def __init__(self, app: App, listener: Listener, tls: TlsFacts | None) -> None:
        self._app = app
        self._listener = listener
        self._tls = tls

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        limits = self._listener.limits
        headers: list[tuple[bytes, bytes]] = scope["headers"]
        if sum(len(name) + len(value) for name, value in headers) > limits.head_size:
            return await _refuse(send, 431, "The request's headers are too large.")
        if _declared_length(headers) > limits.body_size:
            await _discard(headers, receive, limits.body_size)
            return await _refuse(send, 413, f"The request body may hold {limits.body_size} bytes at most.")

        scope["extensions"] = {"hansa.listener": {"name": self._listener.name}}
        if self._tls:
            scope["extensions"]["tls"] = _extension(self._tls.chain, self._tls.version)
        if front := self._listener.front:
            peer = scope["client"][0] if scope["client"] else None
            if not front_is_trusted(front, peer, headers):
                return await _refuse(send, 403, "This listener serves its TLS front alone.")
            scope["extensions"]["tls"] = _extension(forwarded_chain(headers), None)
            scope["scheme"] = "https"
        scope["headers"] = scrubbed(headers)
        await self._bounded(scope, receive, send)
        return None

    async def _bounded(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the application; a body that outgrows its bound (chunked: no length was declared) ends the request with 413."""
        left = self._listener.limits.body_size
        more = True
        overrun: TooLarge | None = None
        answered = False

        async def bounded_receive() -> Message:
            nonlocal left, more, overrun
            message = await receive()
            left -= len(message.get("body", b""))
            more = message.get("more_body", False)
            if left < 0:
                overrun = TooLarge(f"The request body may hold {self._listener.limits.body_size} bytes at most.")
                raise overrun
            return message

        async def noted_send(message: Message) -> None:
            nonlocal answered
            answered = True
            await send(message)

        try:
            await self._app(scope, bounded_receive, noted_send)
        except TooLarge as error:
            if error is not overrun or answered:
                raise
            if more:
                await _discard(scope["headers"], receive, self._listener.limits.body_size)
            await _refuse(send, 413, error.message)


def _extension(chain: list[str], version: int | None) -> dict[str, Any]:
    """The ASGI TLS extension (version 0.2). No name and no verdict on the chain: nobody has judged it yet."""
    return {
        "server_cert": None,
        "client_cert_chain": chain,
        "client_cert_name": None,
        "client_cert_error": None,
        "tls_version": version,
        "cipher_suite": None,
    }


def _declared_length(headers: list[tuple[bytes, bytes]]) -> int:
    return next((int(value) for name, value in headers if name == b"content-length"), 0)


async def _discard(headers: list[tuple[bytes, bytes]], receive: Receive, bound: int) -> None:
    """Read a while before refusing a body: closing on unread bytes resets the connection, and the client never sees why."""
    if any(name == b"expect" for name, _ in headers):
        return
    left, more = 8 * bound, True
    while more and left > 0:
        message = await receive()
        left -= len(message.get("body", b""))
        more = message.get("more_body", False)


async def _refuse(send: Send, status: int, text: str) -> None:
    body = text.encode() + b"\n"
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", b"%d" % len(body)),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
