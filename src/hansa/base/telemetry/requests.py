"""The outermost ASGI layer of every server: request id, access line, metrics, and an answer when nothing else gave one.

The id is ours (`req-` and a UUID), sent back as `X-Request-Id`, in every log line of the request and in problem details. The
access line holds the path without its query, which may hold secrets. Metrics go by the route's template:
Starlette's, or what another application puts into `scope["hansa.route"]`.
"""

import time
import uuid
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import structlog
from structlog.contextvars import bound_contextvars, get_contextvars

from hansa.base.errors import HansaError
from hansa.base.telemetry import metrics

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
PROBES = frozenset({"/healthz", "/readyz", "/metrics"})  # asked every few seconds, told only at level debug
log = structlog.stdlib.get_logger("hansa.access")


def current_request_id() -> str | None:
    """Of the request that this task works for."""
    return get_contextvars().get("request_id")


class Observed:
    """`Observed(app)` around an application. `new_id` makes request ids."""

    def __init__(self, app: App, *, new_id: Callable[[], str] = lambda: f"req-{uuid.uuid4()}") -> None:
        self._app = app
        self._new_id = new_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        request_id = self._new_id()
        scope.setdefault("state", {})["request_id"] = request_id
        with bound_contextvars(request_id=request_id), metrics.http_in_progress.track_inprogress():
            await self._observe(scope, receive, _Answer(send, request_id))
        return None

    async def _observe(self, scope: Scope, receive: Receive, answer: "_Answer") -> None:
        began = time.perf_counter()
        try:
            await self._app(scope, receive, answer.send)
        except HansaError as error:
            if answer.status:
                raise
            await answer.refuse(scope, receive, error)
        except Exception:
            log.exception("request.failed", method=scope["method"], path=scope["path"])
            if answer.status:
                raise
            await answer.refuse(
                scope, receive, HansaError("Something went wrong inside; the operator finds it by this id.")
            )
        finally:
            _tell(scope, answer, time.perf_counter() - began)


class _Answer:
    """What goes to the client, noted on its way."""

    def __init__(self, send: Send, request_id: str) -> None:
        self._send = send
        self._request_id = request_id
        self.status = 0
        self.size = 0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message.get("headers", ()), (b"x-request-id", self._request_id.encode())]
        elif message["type"] == "http.response.body":
            self.size += len(message.get("body", b""))
        await self._send(message)

    async def refuse(self, scope: Scope, receive: Receive, error: HansaError) -> None:
        from hansa.base.problem import problem  # which imports us for the id

        await problem(error)(scope, receive, self.send)


def _tell(scope: Scope, answer: _Answer, seconds: float) -> None:
    method = scope["method"] if scope["method"] in METHODS else "other"
    route = scope.get("hansa.route") or getattr(scope.get("route"), "path", None) or "other"
    metrics.http_requests.labels(method, route, str(answer.status)).inc()
    metrics.http_seconds.labels(method, route).observe(seconds)
    client = scope.get("client")
    say = log.debug if scope["path"] in PROBES and answer.status < 400 else log.info
    say(
        "request",
        method=scope["method"],
        path=scope["path"],
        status=answer.status or None,
        milliseconds=round(seconds * 1000, 2),
        size=answer.size,
        client=client[0] if client else None,
    )
