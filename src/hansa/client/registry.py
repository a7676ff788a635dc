"""The client of the federation's registry (`/api/v1`, docs/reference/federation-api.md)."""

import json
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any, Protocol, Self
from urllib.parse import quote, urlencode

from hansa.base.errors import (
    BackendDown,
    BadRequest,
    Conflict,
    Forbidden,
    HansaError,
    NotFound,
    TooLarge,
    TooManyRequests,
    Unauthenticated,
)
from hansa.base.i18n import _
from hansa.client.errors import BadReply
from hansa.client.http import Http

PAGE = 1000
MAX_ANSWER = 32 * 1024 * 1024
Document = Mapping[str, Any]


class Registry(Protocol):
    """Whoever answers requests of the API: a server far away, or the database itself."""

    def ask(self, method: str, path: str, document: Document | None = None, **query: Any) -> Any:
        """The answer, None if it is empty. `path` is below `/api/v1`; None in `query` is left out. Raises HansaError."""


class RemoteRegistry:
    """Over HTTP; `token` is an access token made for the federation, where no certificate speaks for the user."""

    def __init__(self, http: Http, token: str | None = None) -> None:
        self._http = http
        self._headers = {"Accept": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def ask(self, method: str, path: str, document: Document | None = None, **query: Any) -> Any:
        headers, body = dict(self._headers), None
        if document is not None:
            headers["Content-Type"], body = "application/json", json.dumps(document).encode()
        reply = self._http.request(method, f"/api/v1{target(path, query)}", headers=headers, body=body)
        if reply.status >= 300:
            raise _refusal(reply.status, reply.body, self._http.origin)
        if not reply.body:
            return None
        try:
            return json.loads(reply.body)
        except (ValueError, RecursionError) as error:
            raise BadReply(_("{origin} does not answer in JSON.").format(origin=self._http.origin)) from error


def target(path: str, query: Mapping[str, object]) -> str:
    """Path and query as a request has them."""
    given = {name: _text(value) for name, value in query.items() if value is not None}
    return quote(path, safe="/") + (f"?{urlencode(given)}" if given else "")


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def pages(registry: Registry, path: str, **query: Any) -> Iterator[Any]:
    """Every item of a list that comes in pages."""
    after: object = 0
    while after is not None:
        page = registry.ask("GET", path, limit=PAGE, after=after, **query)
        yield from page["items"]
        after = page["next"]


_KINDS: tuple[type[HansaError], ...] = (
    BadRequest,
    Unauthenticated,
    Forbidden,
    NotFound,
    Conflict,
    TooLarge,
    TooManyRequests,
    BackendDown,
)


def _refusal(status: int, body: bytes, origin: str) -> HansaError:
    """The server's refusal, as the class of its status, with its own code and words."""
    try:
        problem = json.loads(body)
        sentence, code = str(problem["detail"]), str(problem["code"])
    except (ValueError, RecursionError, TypeError, KeyError):
        return BadReply(_("{origin} answers with status {status} and no reason.").format(origin=origin, status=status))
    base = next((kind for kind in _KINDS if kind.status == status), HansaError)
    details = {key: value for key, value in problem.items() if key not in _OF_THE_FORMAT}
    error = base(sentence, **details)
    error.code = code  # type: ignore[misc]  # the server's codes are its own; classes of ours for each would only repeat them
    return error


_OF_THE_FORMAT = frozenset({"type", "title", "status", "detail", "code", "message"})
