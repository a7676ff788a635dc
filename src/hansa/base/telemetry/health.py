"""Is the process alive (`/healthz`), and should it get requests (`/readyz`)?

Alive is only that it answers: a missing database is no reason to kill it. Ready is that every named check passes.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from types import MappingProxyType

import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from hansa.base.database import Database
from hansa.base.errors import HansaError

TIMEOUT_SECONDS = 3.0
Check = Callable[[], Awaitable[object]]
"""Raises if what it looks at does not work; its result is not looked at."""
Concern = Callable[[], Awaitable[str | None]]
"""A sentence about what an operator should look at, though the server does its job; None if there is nothing."""

log = structlog.stdlib.get_logger(__name__)


class Health:
    """`checks` by name: what must work for this server to do its job. `concerns`: what is told beside, and changes nothing."""

    def __init__(self, checks: Mapping[str, Check], concerns: Mapping[str, Concern] = MappingProxyType({})) -> None:
        self._checks = dict(checks)
        self._concerns = dict(concerns)

    async def failures(self) -> Mapping[str, str]:
        """The checks that do not pass, each with a sentence that may be shown to anybody."""
        found = await asyncio.gather(*(_failure(name, check) for name, check in self._checks.items()))
        return {name: sentence for name, sentence in zip(self._checks, found, strict=True) if sentence}

    async def warnings(self) -> Mapping[str, str]:
        """What there is to look at. A concern that cannot be asked is one."""
        found: dict[str, str] = {}

        async def ask(name: str, concern: Concern) -> None:
            found.update({name: sentence} if (sentence := await concern()) else {})

        for name, concern in self._concerns.items():
            if failure := await _failure(name, partial(ask, name, concern)):
                found[name] = failure
        return found

    def routes(self) -> list[Route]:
        async def live(_request: Request) -> JSONResponse:
            return JSONResponse({"status": "live"})

        async def ready(_request: Request) -> JSONResponse:
            failures = await self.failures()
            body: dict[str, object] = {
                "status": "not ready" if failures else "ready",
                "checks": dict.fromkeys(self._checks, "ok") | dict(failures),
            }
            if warnings := await self.warnings():
                body["warnings"] = warnings
            return JSONResponse(body, 503 if failures else 200)

        return [Route("/healthz", live), Route("/readyz", ready)]


def database_answers(db: Database) -> Check:
    return lambda: db.read(lambda connection: connection.exec_driver_sql("SELECT 1").scalar())


async def _failure(name: str, check: Check) -> str | None:
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            await check()
    except TimeoutError:
        return f"No answer within {TIMEOUT_SECONDS:g} seconds."
    except HansaError as error:
        return error.message
    except Exception:
        log.exception("health.check_failed", check=name)
        return "It does not work; the log says why."
    return None
