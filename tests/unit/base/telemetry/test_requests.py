"""Every request has an id, an access line and its metrics; nothing inside leaks out."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from structlog.testing import capture_logs

from hansa.base.errors import CapacityExceeded, Conflict, HansaError
from hansa.base.problem import on_hansa_error
from hansa.base.telemetry.app import TelemetrySettings, observed
from hansa.base.telemetry.health import Health
from hansa.base.telemetry.metrics import REGISTRY, metrics_app
from hansa.base.telemetry.requests import App, Observed, current_request_id


async def ask(app: App, path: str, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
    """One request straight into the application: status, headers, body."""
    sent: list[Any] = []
    scope = {
        "type": "http", "http_version": "1.1", "method": method, "path": path.partition("?")[0], "root_path": "",
        "query_string": path.partition("?")[2].encode(), "headers": [], "client": ("192.0.2.7", 1), "scheme": "https",
        "server": ("localhost", 443),
    }  # fmt: skip

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    headers = {name.decode().lower(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], headers, b"".join(message.get("body", b"") for message in sent)


async def machine(request: Request) -> Response:
    return PlainTextResponse(str(current_request_id()))


async def busy(request: Request) -> Response:
    raise Conflict("The machine is busy; try again.")


async def full(scope: Any, receive: Any, send: Any) -> None:
    raise CapacityExceeded("No room.")


@pytest.fixture
def app() -> Observed:
    routes = [Route("/machine/{id}", machine), Route("/busy", busy), Mount("/full", full)]
    return Observed(Starlette(routes=routes, exception_handlers={HansaError: on_hansa_error}))


def counted(route: str, status: str) -> float:
    labels = {"method": "GET", "route": route, "status": status}
    return REGISTRY.get_sample_value("hansa_http_requests_total", labels) or 0.0


async def test_the_id_reaches_code_log_and_client(app: Observed) -> None:
    with capture_logs(processors=[structlog.contextvars.merge_contextvars]) as logs:
        _, headers, body = await ask(app, "/machine/1?token=sesame")
    assert re.fullmatch(r"req-[0-9a-f-]{36}", headers["x-request-id"])
    assert body.decode() == headers["x-request-id"] == logs[0]["request_id"]
    assert (logs[0]["event"], logs[0]["path"], logs[0]["status"], logs[0]["client"]) == (
        "request",
        "/machine/1",
        200,
        "192.0.2.7",
    )
    assert "sesame" not in str(logs)
    assert current_request_id() is None


async def test_two_requests_at_once_keep_their_ids_apart(app: Observed) -> None:
    answers = await asyncio.gather(*(ask(app, f"/machine/{n}") for n in range(20)))
    assert len({body for _, _, body in answers}) == 20
    assert all(headers["x-request-id"] == body.decode() for _, headers, body in answers)


async def test_requests_are_counted_by_route_and_never_by_path(app: Observed) -> None:
    before = counted("/machine/{id}", "200"), counted("other", "404")
    for path in ("/machine/1", "/machine/2", "/made/up"):
        await ask(app, path)
    assert counted("/machine/{id}", "200") == before[0] + 2
    assert counted("other", "404") == before[1] + 1


async def test_a_refusal_is_a_problem_with_the_id(app: Observed) -> None:
    status, headers, body = await ask(app, "/busy")
    assert (status, headers["content-type"]) == (409, "application/problem+json")
    assert f'"request_id":"{headers["x-request-id"]}"' in body.decode()


async def test_a_refusal_that_nobody_caught_is_a_problem_too(app: Observed) -> None:
    status, _, body = await ask(app, "/full/x")
    assert status == 503
    assert b"No room." in body


async def test_a_bug_is_logged_and_its_words_stay_inside(app: Observed) -> None:
    async def bare(scope: Any, receive: Any, send: Any) -> None:
        raise RuntimeError("inner words")

    with capture_logs() as logs:
        status, headers, body = await ask(Observed(bare), "/broken")
    assert status == 500
    assert headers["content-type"] == "application/problem+json"
    assert b"inner" not in body
    assert [entry["event"] for entry in logs] == ["request.failed", "request"]


async def test_metrics_are_published() -> None:
    status, _, body = await ask(Observed(metrics_app), "/metrics")
    assert status == 200
    assert b"hansa_http_requests_total" in body
    assert b"process_resident_memory_bytes" in body


def checks(**outcomes: Exception | None) -> Health:
    def check(error: Exception | None) -> Callable[[], Awaitable[None]]:
        async def run() -> None:
            if error:
                raise error

        return run

    return Health({name: check(error) for name, error in outcomes.items()})


async def test_ready_says_which_check_fails_and_only_what_anybody_may_read() -> None:
    health = checks(database=None, cloud=CapacityExceeded("The disk is full."), trust=RuntimeError("secret path"))
    app = Starlette(routes=health.routes())
    status, _, body = await ask(app, "/readyz")
    assert status == 503
    assert JSONResponse({"status": "not ready", "checks": {"database": "ok", "cloud": "The disk is full.",
                         "trust": "It does not work; the log says why."}}).body == body  # fmt: skip
    assert (await ask(app, "/healthz"))[0] == 200


@pytest.mark.parametrize(("network", "status"), [("192.0.2.0/24", 200), ("127.0.0.0/8", 403)])
async def test_metrics_are_read_from_named_networks_only(network: str, status: int) -> None:
    settings = TelemetrySettings.model_validate({"metrics_from": [network]})
    app = observed(Starlette(routes=[Route("/machine/{id}", machine)]), checks(database=None), settings)
    assert (await ask(app, "/metrics"))[0] == status
    assert (await ask(app, "/readyz"))[0] == 200
    assert (await ask(app, "/machine/1"))[0] == 200
    assert (await ask(app, "/other"))[0] == 404
