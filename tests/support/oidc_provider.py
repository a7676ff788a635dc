"""panva's oidc-provider (npm) on a loopback address: an OpenID Provider that nobody here wrote. Skips where it is not installed.

`make peers` installs it, and `npm ci` in `tests/peers/oidc-provider` does it alone.
"""

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from hansa.client.http import Http, Reply

DIRECTORY = Path(__file__).parents[1] / "peers" / "oidc-provider"
AUDIENCE = "https://site.example.org"
SITE, SITE_SECRET = "site", "site-secret"
ROBOT, ROBOT_SECRET = "robot", "robot-secret"


class OidcProvider:
    def __init__(self, url: str, process: "subprocess.Popen[str]") -> None:
        self.url = url
        self._process = process

    def token(self, resource: str = AUDIENCE, scope: str = "groups") -> str:
        """An access token for the client `robot`, for that resource."""
        form = {"grant_type": "client_credentials", "resource": resource, "scope": scope}
        reply = self.post("/token", form | {"client_id": ROBOT, "client_secret": ROBOT_SECRET})
        assert reply.status == 200, reply.body
        return str(json.loads(reply.body)["access_token"])

    def revoke(self, token: str) -> None:
        form = {"token": token, "client_id": ROBOT, "client_secret": ROBOT_SECRET}
        assert self.post("/token/revocation", form).status == 200

    def rotate(self) -> None:
        """A new key in the place of the old one."""
        self._tell("rotate")

    def send_back_to(self, address: str) -> None:
        """Where the client `site` may send browsers back to."""
        self._tell(f"redirect {address}")

    def _tell(self, command: str) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{command}\n")
        self._process.stdin.flush()
        assert any(line == "done\n" for line in self._process.stdout)  # it also prints what it thinks of its settings

    def post(self, path: str, form: Mapping[str, str]) -> Reply:
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        with Http(self.url) as http:
            return http.request("POST", path, headers=headers, body=urlencode(form).encode())


class Browser:
    """Follows redirects of the provider and keeps its cookies, until it is sent elsewhere."""

    def __init__(self) -> None:
        self._cookies: dict[str, str] = {}

    def log_in(self, address: str, user: str) -> str:
        """Through the pages for log-in and consent; the address that the provider sends the browser back to."""
        origin, here = urlsplit(address).netloc, self._follow("GET", address)
        for form in ({"prompt": "login", "login": user, "password": "any"}, {"prompt": "consent"}):
            if urlsplit(here).netloc != origin:
                break
            here = self._follow("POST", here, form)
        return here

    def _follow(self, method: str, address: str, form: Mapping[str, str] | None = None) -> str:
        origin = urlsplit(address).netloc
        for _ in range(10):
            parts = urlsplit(address)
            if parts.netloc != origin:
                return address
            reply = self._ask(method, address, form)
            if reply.status not in (302, 303):
                assert reply.status == 200, reply.body
                return address
            where = reply.header("Location") or ""
            address = where if "://" in where else f"{parts.scheme}://{parts.netloc}{where}"
            method, form = "GET", None
        raise AssertionError(f"too many redirects, the last to {address}")

    def _ask(self, method: str, address: str, form: Mapping[str, str] | None) -> Reply:
        parts = urlsplit(address)
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items())}
        headers |= {"Content-Type": "application/x-www-form-urlencoded"} if form else {}
        with Http(address) as http:
            target = f"{parts.path}?{parts.query}" if parts.query else parts.path
            reply = http.request(method, target, headers=headers, body=urlencode(form).encode() if form else None)
        for name, value in reply.headers:
            if name.lower() == "set-cookie":
                key, _, rest = value.partition("=")
                self._cookies[key] = rest.partition(";")[0]
        return reply


@contextmanager
def oidc_provider(claims: Mapping[str, Any]) -> Iterator[OidcProvider]:
    """`claims` are in every token, beside its own."""
    if not (DIRECTORY / "node_modules").exists():
        pytest.skip("oidc-provider is not installed: run `make peers`, or `npm ci` in tests/peers/oidc-provider")
    process = subprocess.Popen(
        ["node", "provider.mjs"],
        cwd=DIRECTORY,
        env={"PATH": os.environ["PATH"], "CLAIMS": json.dumps(claims), "NODE_NO_WARNINGS": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        url = next((line.strip() for line in process.stdout if line.startswith("http")), None)
        assert url, "oidc-provider did not start"
        yield OidcProvider(url, process)
    finally:
        process.communicate(timeout=20)
