"""The client of the federation's enrolment: apply to VOs, see and decide on applications (docs/reference/enrolment-api.md)."""

import json
import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from hansa.base.errors import (
    BackendDown,
    BadRequest,
    Conflict,
    Forbidden,
    HansaError,
    NotFound,
    TooManyRequests,
    Unauthenticated,
)
from hansa.base.i18n import _
from hansa.client.errors import BadReply
from hansa.client.http import Http, Reply

Document = Mapping[str, Any]
PAGE = 100
_KINDS: Mapping[int, type[HansaError]] = {
    400: BadRequest,
    401: Unauthenticated,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    429: TooManyRequests,
}


class EnrolmentClient:
    """`url`: root of the federation's web interface. The caller is known by the certificate of `tls`, or by `bearer`.

    Refusals are raised as the error of their status, with the server's own members (`fields`, `code` as `server_code`).
    """

    def __init__(
        self,
        url: str,
        *,
        tls: ssl.SSLContext | None = None,
        bearer: str | None = None,
        language: str = "en",
        timeout: float = 30.0,
    ) -> None:
        self._http = Http(url, tls=tls, timeout=timeout)
        self._headers = {"Accept": "application/json", "Accept-Language": language}
        if bearer:
            self._headers["Authorization"] = f"Bearer {bearer}"

    def close(self) -> None:
        self._http.close()

    def form(self, vo: str, *, group: str = "", renewal: bool = False) -> Document:
        """The fields to fill in and what is known of the caller."""
        query = {"group": group} if group else {}
        if renewal:
            query["renewal"] = "true"
        return self._ask("GET", f"/api/v1/vos/{_part(vo)}/application-form", query=query)

    def apply(self, vo: str, filled: Document) -> Document:
        """The application that was made. `filled` with `dry_run` is only checked."""
        return self._ask("POST", f"/api/v1/vos/{_part(vo)}/applications", body=filled)

    def mine(self) -> list[Document]:
        return list(self._ask("GET", "/api/v1/applications")["items"])

    def listed(self, vo: str, *, state: str = "", search: str = "", limit: int = PAGE) -> list[Document]:
        """The VO's applications that the caller may decide on, newest first."""
        query = {name: value for name, value in {"state": state, "search": search}.items() if value}
        found: list[Document] = []
        after: int | None = None
        while len(found) < limit:
            position = {"limit": str(min(PAGE, limit - len(found))), **({"after": str(after)} if after else {})}
            page = self._ask("GET", f"/api/v1/vos/{_part(vo)}/applications", query={**query, **position})
            found += page["items"]
            after = page["next"]
            if after is None:
                break
        return found

    def show(self, number: int) -> Document:
        return self._ask("GET", f"/api/v1/applications/{number}")

    def approve(self, number: int) -> Document:
        return self._do(number, "approve")

    def reject(self, number: int, reason: str) -> Document:
        return self._do(number, "reject", {"reason": reason})

    def withdraw(self, number: int) -> Document:
        return self._do(number, "withdraw")

    def mail(self, number: int, email: str | None = None) -> Document:
        """Have another link mailed, to another address if one is given."""
        return self._do(number, "mail", {"email": email} if email else {})

    def link(self, number: int) -> Document:
        """Make the application's credential one more of the caller's own."""
        return self._do(number, "link")

    def rules(self, vo: str) -> Document:
        return self._ask("GET", f"/api/v1/vos/{_part(vo)}/enrolment-rules")

    def set_rules(self, vo: str, rules: Document) -> Document:
        return self._ask("PUT", f"/api/v1/vos/{_part(vo)}/enrolment-rules", body=rules)

    def _do(self, number: int, what: str, body: Document | None = None) -> Document:
        return self._ask("POST", f"/api/v1/applications/{number}/{what}", body=body or {})

    def _ask(
        self, method: str, path: str, *, query: Mapping[str, str] | None = None, body: Document | None = None
    ) -> Document:
        target = f"{path}?{urlencode(query)}" if query else path
        headers, data = dict(self._headers), None
        if body is not None:
            headers["Content-Type"] = "application/json"
            data = json.dumps(dict(body)).encode()
        reply = self._http.request(method, target, headers=headers, body=data)
        document = self._document(reply)
        if reply.status < 300:
            return document
        kind = _KINDS.get(reply.status) or (BackendDown if reply.status >= 500 else BadRequest)
        details = {name: value for name, value in document.items() if name not in {"detail", "message"}}
        details["server_code"] = details.pop("code", None)
        raise kind(str(document.get("detail") or reply.reason), **details)

    def _document(self, reply: Reply) -> Document:
        try:
            document = json.loads(reply.body)
        except (ValueError, RecursionError):
            document = None
        if not isinstance(document, dict):
            raise BadReply(_("{origin} does not answer in JSON.").format(origin=self._http.origin))
        return document


def _part(name: str) -> str:
    return quote(name, safe="")
