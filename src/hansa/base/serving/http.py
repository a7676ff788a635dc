"""HTTP/1.1 by uvicorn's h11 protocol, with the clocks that a public server needs."""

import asyncio
import socket
import time
from email.utils import formatdate
from functools import lru_cache
from typing import Any

import h11
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from hansa.base.serving.gate import Gate, TlsFacts
from hansa.base.serving.listener import LEGACY_VOMS_PATH, Listener

LEGACY_SIZE = 64 * 1024  # bytes of a legacy VOMS request


@lru_cache(maxsize=1)
def _date(second: int) -> tuple[bytes, bytes]:
    return b"date", formatdate(second, usegmt=True).encode()


class HttpProtocol(H11Protocol):
    """One connection that speaks HTTP."""

    def __init__(
        self,
        config: Config,
        state: ServerState,
        app_state: dict[str, Any],
        listener: Listener,
        tls: TlsFacts | None = None,
    ) -> None:
        super().__init__(config, state, app_state)
        self._limits = listener.limits
        self._clock: asyncio.TimerHandle | None = None
        self._fixed_headers = [(b"connection", b"close")] if listener.gsi else []
        self.app = Gate(config.loaded_app, listener, tls)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        super().connection_made(transport)
        _cut_stalled_peers(transport, self._limits.stall)
        self._start_clock(self._limits.head)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_clock()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        if not self.transport.is_closing():
            super().shutdown()

    def data_received(self, data: bytes) -> None:
        self.server_state.default_headers = [_date(int(time.time())), *self._fixed_headers]
        super().data_received(data)
        self._watch_client()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._watch_client()

    def _watch_client(self) -> None:
        """A head must arrive whole in time; a body must not fall silent."""
        if self.transport.is_closing():
            return self._stop_clock()
        match self.conn.their_state:
            case h11.IDLE:
                if self._clock is None and self.conn.trailing_data[0]:
                    self._start_clock(self._limits.head)
            case h11.SEND_BODY:
                self._start_clock(self._limits.body)
            case _:
                self._stop_clock()
        return None

    def _start_clock(self, seconds: float) -> None:
        self._stop_clock()
        self._clock = self.loop.call_later(seconds, self._time_is_up)

    def _stop_clock(self) -> None:
        if self._clock:
            self._clock.cancel()
            self._clock = None

    def _time_is_up(self) -> None:
        if self.flow.read_paused:  # the application is slow, not the client
            return self._start_clock(self._limits.body)
        return self.transport.abort()


class GsiProtocol(HttpProtocol):
    """HTTP as the clients of VOMS speak it (both dialects on one port).

    The C++ client writes a `0` first (GSI: no delegation), then an HTTP/1.0 head with bare line feeds, which h11 accepts. The
    older dialect is an XML document without any HTTP: it becomes `POST /.voms-legacy`, and only the response's body goes back.
    """

    def __init__(
        self,
        config: Config,
        state: ServerState,
        app_state: dict[str, Any],
        listener: Listener,
        tls: TlsFacts | None = None,
    ) -> None:
        super().__init__(config, state, app_state, listener, tls)
        assert listener.gsi
        self._gsi = listener.gsi
        self._first: bytearray | None = bytearray()

    def data_received(self, data: bytes) -> None:
        if self._first is None:
            return super().data_received(data)
        self._first += data
        begin = 1 if self._first.startswith(b"0") else 0
        if len(self._first) == begin:
            return None
        is_xml = self._first[begin : begin + 1] == b"<"
        if not (self._gsi.xml if is_xml else self._gsi.http):
            return self.transport.close()
        if not is_xml:
            return self._begin(bytes(self._first[begin:]))
        if len(self._first) > LEGACY_SIZE:
            return self.transport.abort()
        if b"</voms>" not in self._first[-len(data) - len(b"</voms>") :]:
            return None
        document = bytes(self._first[begin:])
        self.transport = _BodyOnly(self.transport)
        head = f"POST {LEGACY_VOMS_PATH} HTTP/1.0\r\nContent-Type: text/xml\r\nContent-Length: {len(document)}\r\n\r\n"
        return self._begin(head.encode("ascii") + document)

    def _begin(self, data: bytes) -> None:
        self._first = None
        super().data_received(data)


class _BodyOnly(asyncio.Transport):
    """Drops the head of the one response that passes through."""

    def __init__(self, below: asyncio.Transport) -> None:
        super().__init__()
        self._below = below
        self._head: bytes | None = b""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self._head is None:
            return self._below.write(data)
        head, end, body = (self._head + data).partition(b"\r\n\r\n")
        self._head = None if end else head
        return self._below.write(body)

    def close(self) -> None:
        self._below.close()

    def abort(self) -> None:
        self._below.abort()

    def is_closing(self) -> bool:
        return self._below.is_closing()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._below.get_extra_info(name, default)


def _cut_stalled_peers(transport: asyncio.Transport, seconds: float) -> None:
    """Let the kernel end a connection whose peer stops reading (TCP user time-out, RFC 5482; covers zero windows on Linux)."""
    connection: socket.socket | None = transport.get_extra_info("socket")
    if connection is not None and connection.family in (socket.AF_INET, socket.AF_INET6):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(seconds * 1000))
