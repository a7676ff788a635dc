"""A small OpenID Provider on a loopback address, whose answers a test may bend."""

import base64
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote_plus

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from hansa.standards.jwt import Key, sign

WELL_KNOWN = "/.well-known/openid-configuration"
CLIENT, SECRET = "our site", "s:e/c+r e%t"
Answer = tuple[int, Any]


def new_key(kid: str) -> Key:
    private = ec.generate_private_key(ec.SECP256R1())
    return Key.from_pem(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), kid=kid)


class Upstream:
    """`answers`: by path, the status and the JSON (or bytes) of every request but those about tokens; `asked`: what was asked."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.key = new_key("k1")
        self.published = [self.key]
        self.asked: list[str] = []
        self.opaque: dict[str, Mapping[str, Any]] = {}
        self.people: dict[str, Mapping[str, Any]] = {}
        self.answers: dict[str, Answer | Callable[[Mapping[str, str]], Answer]] = {}

    @property
    def metadata(self) -> dict[str, Any]:
        return {
            "issuer": self.url,
            "jwks_uri": f"{self.url}/jwks",
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "introspection_endpoint": f"{self.url}/introspect",
            "userinfo_endpoint": f"{self.url}/userinfo",
        }

    def token(self, now: datetime, *, key: Key | None = None, typ: str = "at+jwt", **claims: Any) -> str:
        times = {"iat": int(now.timestamp()), "exp": int((now + timedelta(hours=1)).timestamp())}
        body = {"iss": self.url, "sub": "alice", "aud": "https://site.example.org", **times, **claims}
        return sign({name: value for name, value in body.items() if value is not None}, key or self.key, typ)

    def rotate(self) -> None:
        self.key = new_key(f"k{len(self.published) + 1}")
        self.published = [self.key]

    def answer(self, path: str, form: Mapping[str, str], authorization: str) -> Answer:
        self.asked.append(path)
        if bent := self.answers.get(path):
            return bent(form) if callable(bent) else bent
        match path:
            case "/.well-known/openid-configuration":
                return 200, self.metadata
            case "/jwks":
                return 200, {"keys": [key.jwk() for key in self.published]}
            case "/introspect" if _client(form, authorization) == (CLIENT, SECRET):
                return 200, self.opaque.get(form.get("token", ""), {"active": False})
            case "/introspect":
                return 401, {"error": "invalid_client"}
            case "/userinfo":
                found = self.people.get(authorization.removeprefix("Bearer "))
                return (200, found) if found else (401, {"error": "invalid_token"})
        return 404, {}


def _client(form: Mapping[str, str], authorization: str) -> tuple[str, str]:
    if not authorization.startswith("Basic "):
        return form.get("client_id", ""), form.get("client_secret", "")
    name, _, secret = base64.b64decode(authorization[6:]).decode().partition(":")
    return unquote_plus(name), unquote_plus(secret)


@contextmanager
def upstream(path: str = "") -> Iterator[Upstream]:
    """Served while the block lasts, at `http://127.0.0.1:PORT` + `path`."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer({})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            self._answer(dict(parse_qsl(body, keep_blank_values=True)))

        def _answer(self, form: Mapping[str, str]) -> None:
            asked = self.path.partition("?")[0].removeprefix(path)
            status, content = found.answer(asked, form, self.headers.get("Authorization", ""))
            body = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", f"{found.url}/jwks")
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with suppress(ConnectionError):  # some hang up on long answers
                self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the name is given
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = False
    found = Upstream(f"http://127.0.0.1:{server.server_port}{path}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
