"""The real Keystone as the front reaches it: HTTP/1.1, one connection a request, bounded waits.

A connection of its own for each request: uwsgi closes kept ones without a word, and a POST that meets that is not safe to repeat.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

import h11

from hansa.base.errors import BackendDown

Headers = Sequence[tuple[bytes, bytes]]
CONNECT_SECONDS = 5.0
READ = 64 * 1024
BODY = 16 * 1024 * 1024
"""Bytes of an answer that is read whole."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the real one listens: `unix`, or `host` and `port`. `base` is a path before all others, with no slash at its end."""

    host: str = "localhost"
    port: int = 80
    unix: Path | None = None
    tls: bool = False
    base: str = ""

    @classmethod
    def parse(cls, url: str) -> Self:
        """Raises ValueError with a sentence."""
        if url.startswith("unix:/"):
            return cls(unix=Path(url.removeprefix("unix:")))
        parts = urlsplit(url)
        host = parts.hostname
        if parts.scheme not in ("http", "https") or not host or parts.query or parts.fragment or parts.username:
            raise ValueError("it must be http://HOST:PORT, https://HOST:PORT or unix:/PATH")
        tls = parts.scheme == "https"
        if not tls and not _is_loopback(host):
            raise ValueError("tokens and passwords go to another host by https:// only")
        return cls(host, parts.port or (443 if tls else 80), tls=tls, base=parts.path.rstrip("/"))


@dataclass(frozen=True, slots=True)
class Answer:
    """The head of an answer; `body` gives it piece by piece, once."""

    status: int
    headers: Headers
    body: AsyncIterator[bytes]

    def header(self, name: bytes) -> bytes | None:
        return next((value for each, value in self.headers if each == name), None)


class Backend:
    """Raises BackendDown, in `request` and while the body is read."""

    def __init__(self, origin: Origin, timeout: float) -> None:
        self._origin = origin
        self._timeout = timeout
        self._tls = ssl.create_default_context() if origin.tls else None

    @asynccontextmanager
    async def request(self, method: str, target: str, headers: Headers, body: bytes = b"") -> AsyncIterator[Answer]:
        """`target`: path and query below the origin's base; `headers` lack `Content-Length` and `Connection`, perhaps `Host`."""
        reader, writer = await self._connect()
        try:
            yield await self._exchange(reader, writer, method, target, headers, body)
        finally:
            writer.close()

    async def whole(
        self, method: str, target: str, headers: Headers, body: bytes = b""
    ) -> tuple[int, dict[bytes, bytes], bytes]:
        """Status, headers by lower-case name, and the body."""
        async with self.request(method, target, headers, body) as answer:
            pieces = bytearray()
            async for piece in answer.body:
                pieces += piece
                if len(pieces) > BODY:
                    raise BackendDown("Keystone's answer is too long.")
            return answer.status, dict(answer.headers), bytes(pieces)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        origin = self._origin
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                if origin.unix:
                    return await asyncio.open_unix_connection(str(origin.unix), limit=READ)
                return await asyncio.open_connection(origin.host, origin.port, ssl=self._tls, limit=READ)
        except (OSError, TimeoutError) as error:
            raise BackendDown("Keystone does not answer behind this front.") from error

    async def _exchange(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        method: str,
        target: str,
        headers: Headers,
        body: bytes,
    ) -> Answer:
        connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=READ)
        framing = [(b"Content-Length", str(len(body)).encode()), (b"Connection", b"close")]
        if not any(name == b"Host" for name, _ in headers):
            framing.append((b"Host", self._origin.host.encode()))
        request = h11.Request(
            method=method.encode(), target=(self._origin.base + target).encode(), headers=[*headers, *framing]
        )
        sent = (connection.send(request), connection.send(h11.Data(data=body)), connection.send(h11.EndOfMessage()))
        writer.write(b"".join(piece or b"" for piece in sent))
        event = await self._next(connection, reader)
        while isinstance(event, h11.InformationalResponse):
            event = await self._next(connection, reader)
        if not isinstance(event, h11.Response):
            raise BackendDown("Keystone closed the connection without an answer.")
        return Answer(event.status_code, list(event.headers), self._body(connection, reader))

    async def _body(self, connection: h11.Connection, reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
        while isinstance(event := await self._next(connection, reader), h11.Data):
            yield bytes(event.data)
        if not isinstance(event, h11.EndOfMessage):
            raise BackendDown("Keystone's answer ends in its middle.")

    async def _next(self, connection: h11.Connection, reader: asyncio.StreamReader) -> object:
        try:
            async with asyncio.timeout(self._timeout):
                while (event := connection.next_event()) is h11.NEED_DATA:
                    connection.receive_data(await reader.read(READ))
                return event
        except TimeoutError as error:
            raise BackendDown(f"Keystone did not answer within {self._timeout:g} seconds.") from error
        except (OSError, h11.RemoteProtocolError) as error:
            raise BackendDown("Keystone's answer broke off, or is not HTTP.") from error


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
