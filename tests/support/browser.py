"""A browser without eyes: it keeps cookies, follows redirects within one host, and fills in the forms of a page."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

from cryptography.hazmat.primitives.serialization import Encoding

from hansa.base.serving.gate import App
from hansa.standards.x509 import Credential

FORM = "application/x-www-form-urlencoded"


@dataclass
class Form:
    action: str
    fields: dict[str, str] = field(default_factory=dict)


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[Form] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            assert given["method"] == "post"
            self.found.append(Form(given["action"]))
        elif tag == "input" and self.found:
            self.found[-1].fields[given["name"]] = given.get("value", "")

    def handle_data(self, data: str) -> None:
        self.text += data


@dataclass(frozen=True)
class Answer:
    url: str
    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str:
        return next((value for each, value in self.headers if each == name), "")

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def location(self) -> str:
        return self.header("location")

    @property
    def query(self) -> dict[str, str]:
        """Of the address that it sends to."""
        return dict(parse_qsl(urlsplit(self.location).query))

    @property
    def forms(self) -> list[Form]:
        return self._page.found

    @property
    def text(self) -> str:
        """What a person reads."""
        return " ".join(self._page.text.split())

    @property
    def _page(self) -> _Forms:
        page = _Forms()
        page.feed(self.body.decode())
        return page

    def form(self, action: str) -> Form:
        """The form that is sent to that path."""
        return next(form for form in self.forms if form.action == action)


@dataclass
class Browser:
    """`user`: whose certificate the connection shows."""

    app: App
    root: str
    user: Credential | None = None
    language: str = "en"
    address: str = "192.0.2.1"
    cookies: dict[str, str] = field(default_factory=dict)

    async def get(self, url: str, **headers: str) -> Answer:
        return await self.send("GET", url, headers=headers)

    async def post(self, url: str, form: Mapping[str, str] | list[tuple[str, str]], **headers: str) -> Answer:
        return await self.send("POST", url, urlencode(form).encode(), {"content-type": FORM} | headers)

    async def submit(self, page: Answer, action: str, **filled: str) -> Answer:
        """Send a form of the page, with what the person types."""
        form = page.form(action)
        return await self.post(form.action, form.fields | filled, origin=self.root)

    async def follow(self, answer: Answer) -> Answer:
        """Go where it sends, as long as that is here."""
        while answer.status == 303 and urljoin(self.root, answer.location).startswith(f"{self.root}/"):
            answer = await self.get(answer.location)
        return answer

    async def send(self, method: str, url: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Answer:
        parts = urlsplit(urljoin(self.root, url))
        assert f"{parts.scheme}://{parts.netloc}" == self.root, url
        told = {"host": parts.netloc, "accept-language": self.language, "content-length": str(len(body))}
        if self.cookies:
            told["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        told |= headers or {}
        chain = [each.public_bytes(Encoding.PEM).decode() for each in self.user.chain] if self.user else []
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": parts.scheme,
            "path": parts.path,
            "raw_path": parts.path.encode(),
            "query_string": parts.query.encode(),
            "root_path": "",
            "headers": [(name.encode(), value.encode("latin-1")) for name, value in told.items()],
            "client": (self.address, 4711),
            "server": (parts.hostname, parts.port or 443),
            "extensions": {"tls": {"client_cert_chain": chain}} if chain else {},
        }
        sent: list[Any] = []

        async def receive() -> Any:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        await self.app(scope, receive, send)
        answered = [(name.decode().lower(), value.decode("latin-1")) for name, value in sent[0]["headers"]]
        content = b"".join(message.get("body", b"") for message in sent[1:])
        answer = Answer(parts.geturl(), sent[0]["status"], answered, content)
        self._keep(answer)
        return answer

    def _keep(self, answer: Answer) -> None:
        for name, value in answer.headers:
            if name == "set-cookie":
                for cookie in SimpleCookie(value).values():
                    if cookie["max-age"] == "0":
                        self.cookies.pop(cookie.key, None)
                    else:
                        self.cookies[cookie.key] = cookie.value
