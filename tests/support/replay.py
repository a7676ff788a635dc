"""A peer that says what it is told to say: fixed answers by method and path, and a record of what was asked."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Said:
    """One answer."""

    body: str = "OK"
    kind: str = "text/plain"
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Asked:
    """One request."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Peer:
    url: str
    answers: dict[tuple[str, str], Said | list[Said]]
    """A list is said one after the other, its last for ever."""
    asked: list[Asked] = field(default_factory=list)

    def answer(self, asked: Asked) -> Said:
        self.asked.append(asked)
        said = self.answers.get((asked.method, asked.target), Said("Nothing here", status=404))
        if isinstance(said, list):
            return said.pop(0) if len(said) > 1 else said[0]
        return said


@contextmanager
def replaying(answers: Mapping[tuple[str, str], Said | list[Said]]) -> Iterator[Peer]:
    """Serve `answers` on a free port of the loopback interface while the block lasts."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            headers = {name.title(): value for name, value in self.headers.items()}
            said = peer.answer(Asked(self.command, self.path, headers, self.rfile.read(length)))
            self.send_response(said.status)
            self.send_header("Content-Type", said.kind)
            for name, value in said.headers:
                self.send_header(name, value)
            content = said.body.encode()
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = handle_any  # noqa: N815 - http.server's names

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    peer = Peer(f"http://127.0.0.1:{server.server_address[1]}", dict(answers))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield peer
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
