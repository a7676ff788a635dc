"""TLS between a socket and an HTTP protocol: OpenSSL on memory buffers, no verification of the client's chain.

asyncio's own TLS hides the chain of the peer and lets OpenSSL refuse what the application must judge (RFC 3820 proxies
among it), so the record layer is driven here.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from OpenSSL import SSL

from hansa.base.serving.tls import client_chain

RECORDS = 64 * 1024  # bytes moved through OpenSSL at once


class TlsChannel(asyncio.Protocol):
    """One accepted connection, in the set `alive` while it lasts. `established(chain, version)` makes the protocol above."""

    def __init__(
        self,
        context: SSL.Context,
        handshake_timeout: float,
        established: Callable[[list[str], int], asyncio.Protocol],
        alive: "set[TlsChannel]",
    ) -> None:
        self._tls = SSL.Connection(context, None)
        self._tls.set_accept_state()
        self._timeout = handshake_timeout
        self._make = established
        self._alive = alive
        self.raw: asyncio.Transport
        self._timer: asyncio.TimerHandle
        self.inner: asyncio.Protocol | None = None
        self._above: TlsTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.raw = transport
        self._alive.add(self)
        self._timer = asyncio.get_running_loop().call_later(self._timeout, transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        self._timer.cancel()
        self._alive.discard(self)
        if self.inner:
            self.inner.connection_lost(exc)

    def shutdown(self) -> None:
        """The server stops: a handshake is not worth waiting for, the protocol above looks after itself."""
        if self.inner is None:
            self.raw.abort()

    def data_received(self, data: bytes) -> None:
        self._tls.bio_write(data)
        if self.inner or self._handshake():
            self.pump()

    def eof_received(self) -> None:
        """A truncated connection ends like a closed one: VOMS clients never send close_notify."""
        if self.inner:
            self.inner.eof_received()

    def pause_writing(self) -> None:
        if self.inner:
            self.inner.pause_writing()

    def resume_writing(self) -> None:
        if self.inner:
            self.inner.resume_writing()

    def _handshake(self) -> bool:
        try:
            self._tls.do_handshake()
        except SSL.WantReadError:
            self.flush()
            return False
        except SSL.Error:
            self.flush()  # the alert
            self.raw.close()
            return False
        self.flush()
        self._timer.cancel()
        self.inner = self._make(client_chain(self._tls), self._tls.get_protocol_version())
        self._above = TlsTransport(self, self.raw, self._tls)
        self.inner.connection_made(self._above)
        return True

    def pump(self) -> None:
        """Hand decrypted bytes up until there are no more, or the protocol above has had enough."""
        assert self.inner
        while not self._above.reading_paused and not self._above.is_closing():
            try:
                data = self._tls.recv(RECORDS)
            except SSL.WantReadError:
                break
            except SSL.ZeroReturnError:
                self._above.close()
                break
            except SSL.Error:
                self.flush()
                self.raw.abort()
                return
            self.inner.data_received(data)
        self.flush()

    def flush(self) -> None:
        """Send what OpenSSL has ready."""
        while True:
            try:
                self.raw.write(self._tls.bio_read(RECORDS))
            except SSL.WantReadError:
                return


class TlsTransport(asyncio.Transport):
    """What the protocol above TLS writes to."""

    def __init__(self, channel: TlsChannel, raw: asyncio.Transport, tls: SSL.Connection) -> None:
        super().__init__()
        self._channel = channel
        self._raw = raw
        self._tls = tls
        self._closing = False
        self._unsent = 0
        self.reading_paused = False

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        if name == "sslcontext":  # how uvicorn tells https from http
            return self._tls.get_context()
        return self._raw.get_extra_info(name, default)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if not data or self.is_closing():
            return
        if not self._unsent:
            asyncio.get_running_loop().call_soon(self._flush)  # head, body and end of a response leave together
        self._unsent += len(data)
        self._tls.sendall(bytes(data))
        if self._unsent > RECORDS:
            self._flush()

    def _flush(self) -> None:
        self._unsent = 0
        self._channel.flush()

    def is_closing(self) -> bool:
        return self._closing or self._raw.is_closing()

    def close(self) -> None:
        """Say close_notify, send what is buffered, close."""
        if self.is_closing():
            return
        self._closing = True
        self._tls.shutdown()
        self._channel.flush()
        self._raw.close()

    def abort(self) -> None:
        self._closing = True
        self._raw.abort()

    def pause_reading(self) -> None:
        self.reading_paused = True
        self._raw.pause_reading()

    def resume_reading(self) -> None:
        if not self.reading_paused:
            return
        self.reading_paused = False
        self._raw.resume_reading()
        asyncio.get_running_loop().call_soon(self._channel.pump)  # bytes already decrypted wait in OpenSSL

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        assert isinstance(protocol, asyncio.Protocol)
        self._channel.inner = protocol

    def get_protocol(self) -> asyncio.BaseProtocol:
        assert self._channel.inner
        return self._channel.inner
