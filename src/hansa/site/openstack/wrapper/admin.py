"""A Keystone's own interface, as its administrator: who that is stands in the `OS_…` variables of OpenStack's clients."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode, urlsplit

from hansa.base.errors import BackendDown, BadRequest, Forbidden, Unauthenticated
from hansa.client.http import Http, Reply, tls_context

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    document: Json


class Admin:
    """A context manager. Raises Unauthenticated when the sign-on fails, and what `Http` raises."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        url = environ.get("OS_AUTH_URL")
        if not url:
            message = (
                "Say where Keystone is and who administers it: OS_AUTH_URL, OS_USERNAME, OS_PASSWORD, OS_PROJECT_NAME."
            )
            raise BadRequest(message, field="OS_AUTH_URL")
        ca_file = Path(environ["OS_CACERT"]) if environ.get("OS_CACERT") else None
        tls = tls_context(certificates=None, ca_file=ca_file) if url.startswith("https:") else None
        self._http = Http(url, tls=tls)
        self._base = urlsplit(url).path.rstrip("/").removesuffix("/v3").rstrip("/")
        self._environ = environ
        self._token = environ.get("OS_TOKEN", "")

    def __enter__(self) -> Self:
        if not self._token:
            self._token = self._sign_on()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def find(self, path: str) -> Json | None:
        """The thing at that path below `/v3`, or None."""
        answer = self._ask("GET", path, allowed=(200, 404))
        return answer.document if answer.status == 200 else None

    def named(self, kind: str, name: str, **where: str) -> Json | None:
        """The only thing of that kind (`projects`) with that name."""
        query = urlencode({"name": name, **where})
        listed = self._ask("GET", f"/{kind}?{query}", allowed=(200,)).document[kind]
        return next((each for each in listed if each["name"] == name), None)

    def has(self, path: str) -> bool:
        return self._ask("HEAD", path, allowed=(200, 204, 404)).status != 404

    def make(self, method: str, path: str, document: Json | None = None) -> Json:
        return self._ask(method, path, document, allowed=(200, 201, 204)).document

    def _ask(self, method: str, path: str, document: Json | None = None, *, allowed: tuple[int, ...]) -> Answer:
        reply = self._send(method, path, document, {"X-Auth-Token": self._token})
        if reply.status in allowed:
            return Answer(reply.status, _document(reply))
        message = f"Keystone refuses {method} {path.partition('?')[0]}: {_reason(reply)}."
        raise (Forbidden if reply.status in (401, 403) else BackendDown)(message)

    def _sign_on(self) -> str:
        reply = self._send("POST", "/auth/tokens", {"auth": _proof(self._environ)}, {})
        token = reply.header("X-Subject-Token")
        if reply.status != 201 or not token:
            raise Unauthenticated(f"Keystone does not let the administrator in: {_reason(reply)}.")
        return token

    def _send(self, method: str, path: str, document: Json | None, headers: Mapping[str, str]) -> Reply:
        body = None if document is None else json.dumps(document).encode()
        typed = {"Content-Type": "application/json"} if body else {}
        return self._http.request(method, f"{self._base}/v3{path}", headers={**headers, **typed}, body=body)


def _proof(environ: Mapping[str, str]) -> Json:
    """As OpenStack's clients read their variables: an application credential, or a password in a project."""
    if identifier := environ.get("OS_APPLICATION_CREDENTIAL_ID"):
        secret = environ.get("OS_APPLICATION_CREDENTIAL_SECRET", "")
        credential = {"id": identifier, "secret": secret}
        return {"identity": {"methods": ["application_credential"], "application_credential": credential}}
    user = {
        "name": environ.get("OS_USERNAME", ""),
        "password": environ.get("OS_PASSWORD", ""),
        "domain": _domain(environ, "OS_USER_DOMAIN"),
    }
    identity = {"methods": ["password"], "password": {"user": user}}
    if environ.get("OS_SYSTEM_SCOPE") == "all":
        return {"identity": identity, "scope": {"system": {"all": True}}}
    project = {"name": environ.get("OS_PROJECT_NAME", ""), "domain": _domain(environ, "OS_PROJECT_DOMAIN")}
    return {"identity": identity, "scope": {"project": project}}


def _domain(environ: Mapping[str, str], prefix: str) -> Json:
    if identifier := environ.get(f"{prefix}_ID"):
        return {"id": identifier}
    return {"name": environ.get(f"{prefix}_NAME") or environ.get("OS_DEFAULT_DOMAIN") or "Default"}


def _document(reply: Reply) -> Json:
    try:
        document = json.loads(reply.body) if reply.body else {}
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise BackendDown("Keystone's answer is not a JSON object.")
    return document


def _reason(reply: Reply) -> str:
    try:
        message = json.loads(reply.body)["error"]["message"]
    except (ValueError, KeyError, TypeError, RecursionError):
        message = reply.reason
    return f"{reply.status} {str(message)[:300].rstrip('.')}"
