"""Raw clients for servers under test: bytes out, bytes back."""

import asyncio
import ssl
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path


def client_context(
    chain: Path | None = None, key: Path | None = None, *, version: ssl.TLSVersion | None = None
) -> ssl.SSLContext:
    """A TLS client that shows `chain` (PEM, leaf first) and trusts anybody: the server is what is tested."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if version:
        context.minimum_version = context.maximum_version = version
    if chain:
        context.load_cert_chain(chain, key or chain)
    return context


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes
    raw_headers: list[tuple[str, str]] = field(default_factory=list)


class Wire:
    """One open connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def to(cls, port: int, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> "Wire":
        return cls(*await asyncio.wait_for(asyncio.open_connection(host, port, ssl=tls), 20))

    @classmethod
    async def to_unix(cls, path: Path) -> "Wire":
        return cls(*await asyncio.wait_for(asyncio.open_unix_connection(str(path)), 20))

    async def __aenter__(self) -> "Wire":
        return self

    async def __aexit__(self, *exc: object) -> None:
        self.writer.close()
        try:
            await asyncio.wait_for(self.writer.wait_closed(), 5)
        except (OSError, TimeoutError):
            with suppress(AttributeError):  # Python 3.11.2 aborts a TLS connection that is gone already this way
                self.writer.transport.abort()

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def rest(self) -> bytes:
        """Everything until the server closes (a reset counts as a close)."""
        got = bytearray()
        try:
            async with asyncio.timeout(20):
                while data := await self.reader.read(65536):
                    got += data
        except (ConnectionError, ssl.SSLError):
            pass
        return bytes(got)

    async def answer(self) -> Answer:
        """One HTTP response that declares its length."""
        async with asyncio.timeout(20):
            head = await self.reader.readuntil(b"\r\n\r\n")
            status, pairs = _head(head)
            headers = {name.lower(): value for name, value in pairs}
            body = await self.reader.readexactly(int(headers.get("content-length", "0")))
        return Answer(status, headers, body, pairs)

    async def get(self, path: str = "/", *headers: str) -> Answer:
        lines = [f"GET {path} HTTP/1.1", "Host: test", *headers]
        await self.send(("\r\n".join(lines) + "\r\n\r\n").encode())
        return await self.answer()


def _head(head: bytes) -> tuple[int, list[tuple[str, str]]]:
    first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    pairs = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]
    return int(first.split()[1]), pairs
