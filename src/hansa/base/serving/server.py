"""Listeners, their connections, and an orderly end."""

import asyncio
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from uvicorn.config import Config
from uvicorn.lifespan.on import LifespanOn
from uvicorn.server import ServerState

from hansa.base.errors import ConfigurationError
from hansa.base.serving.channel import TlsChannel
from hansa.base.serving.gate import App, TlsFacts
from hansa.base.serving.http import GsiProtocol, HttpProtocol
from hansa.base.serving.listener import Listener
from hansa.base.serving.sockets import bound_socket
from hansa.base.serving.tls import HostCredentials

log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Address:
    """Where a listener ended up (port 0 has become a real one)."""

    listener: str
    host: str
    port: int
    unix: Path | None = None


class Server:
    """One application behind any number of listeners, in this event loop."""

    def __init__(self, app: App, listeners: Sequence[Listener]) -> None:
        self._app = app
        self._runs = [_Run(app, listener) for listener in listeners]
        self._lifespan = LifespanOn(_config(app, listeners[0]))

    @property
    def addresses(self) -> tuple[Address, ...]:
        """In the order of the listeners."""
        return tuple(run.address for run in self._runs)

    def port(self, name: str) -> int:
        """The TCP port of the listener of that name."""
        return next(address.port for address in self.addresses if address.listener == name)

    async def start(self) -> None:
        """Run the application's start-up, then listen. Raises ConfigurationError when an address cannot be had."""
        await self._lifespan.startup()
        if self._lifespan.should_exit:
            raise ConfigurationError("The application did not start; the log says why.")
        try:
            for run in self._runs:
                await run.start(self._lifespan.state)
                log.info(
                    "serving.listening", listener=run.address.listener, host=run.address.host, port=run.address.port
                )
        except BaseException:
            await self.stop(0)
            raise

    async def stop(self, grace: float) -> None:
        """Stop listening, let requests finish for `grace` seconds, cut the rest, run the application's shutdown."""
        for run in self._runs:
            run.close()
        await asyncio.gather(*(run.drain(grace) for run in self._runs))
        await self._lifespan.shutdown()


@asynccontextmanager
async def running(app: App, listeners: Sequence[Listener], *, grace: float = 10.0) -> AsyncIterator[Server]:
    """The server, started; stopped at the end of the block."""
    server = Server(app, listeners)
    await server.start()
    try:
        yield server
    finally:
        await server.stop(grace)


async def serve(app: App, listeners: Sequence[Listener], *, grace: float = 10.0) -> None:
    """Serve until SIGTERM or SIGINT, then finish open requests within `grace` seconds."""
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    try:
        async with running(app, listeners, grace=grace):
            await told.wait()
            log.info("serving.stopping", grace=grace)
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)


class _Run:
    """One listener at work."""

    def __init__(self, app: App, listener: Listener) -> None:
        self._listener = listener
        self._config = _config(app, listener)
        self._state = ServerState()
        self._channels: set[TlsChannel] = set()
        self._tls = HostCredentials(listener.tls) if listener.tls else None
        self._server: asyncio.Server | None = None
        self._app_state: dict[str, Any] = {}

    @property
    def address(self) -> Address:
        listener = self._listener
        if listener.unix:
            return Address(listener.name, "", 0, listener.unix)
        assert self._server
        host, port = self._server.sockets[0].getsockname()[:2]
        return Address(listener.name, host, port)

    async def start(self, app_state: dict[str, Any]) -> None:
        self._app_state = app_state
        sock = bound_socket(self._listener)
        self._server = await asyncio.get_running_loop().create_server(self._accept, sock=sock, backlog=512)

    def close(self) -> None:
        if self._server is None:
            return
        self._server.close()
        if self._listener.unix:
            self._listener.unix.unlink(missing_ok=True)

    async def drain(self, grace: float) -> None:
        """Close what is idle, wait for what is at work, cut what is left."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + grace
        for connection in [*self._state.connections, *self._channels]:
            connection.shutdown()
        while self._alive() and loop.time() < deadline:  # noqa: ASYNC110  # uvicorn's sets: nothing announces their changes
            await asyncio.sleep(0.02)
        cut = list(self._state.tasks)
        for task in cut:
            task.cancel()
        if cut:
            log.warning("serving.requests_cut", listener=self._listener.name, count=len(cut))
            await asyncio.wait(cut, timeout=1)
        for transport in [each.transport for each in self._state.connections] + [each.raw for each in self._channels]:
            transport.abort()

    def _alive(self) -> bool:
        return bool(self._state.connections or self._state.tasks or self._channels)

    def _accept(self) -> asyncio.Protocol:
        limits = self._listener.limits
        if max(len(self._state.connections), len(self._channels)) >= limits.connections:
            log.warning("serving.full", listener=self._listener.name, limit=limits.connections)
            return _Full()
        if self._tls is None:
            return self._http(None)
        return TlsChannel(self._tls.context(), limits.handshake, self._established, self._channels)

    def _established(self, chain: list[str], version: int) -> HttpProtocol:
        return self._http(TlsFacts(chain, version))

    def _http(self, tls: TlsFacts | None) -> HttpProtocol:
        protocol = GsiProtocol if self._listener.gsi else HttpProtocol
        return protocol(self._config, self._state, self._app_state, self._listener, tls)


class _Full(asyncio.Protocol):
    """Takes a connection and drops it: a listener that is full must not leave peers waiting in the backlog."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.abort()


def _config(app: App, listener: Listener) -> Config:
    limits = listener.limits
    return Config(
        app,
        interface="asgi3",
        http=HttpProtocol,
        ws="none",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        h11_max_incomplete_event_size=limits.head_size,
        timeout_keep_alive=int(limits.keep_alive),
    )
