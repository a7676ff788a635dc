"""The registry's API without a network: for the operator who sits at the federation's host and has its database."""

import asyncio
import json
from collections.abc import Mapping, MutableMapping
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, urlencode

from starlette.routing import Router

from hansa.base.mail import configured
from hansa.base.telemetry.audit import AuditLog
from hansa.federation import server
from hansa.federation.api import http
from hansa.federation.commons import Commons
from hansa.federation.config import FederationConfig
from hansa.federation.identity.model import Proof, Scope
from hansa.federation.identity.service import Identity
from hansa.federation.membership.service import Membership
from hansa.standards.x509 import ChainPolicy, TrustStore

ROOT = http.ROOT


class Console:
    """Answers as the server would, on the configured database; refusals are raised as they are. A context manager.

    `user` is the name of the operating system's user, for the history.
    """

    def __init__(self, config: FederationConfig, user: str) -> None:
        self._config = config
        self._user = user
        self._runner = asyncio.Runner()
        self._stack = AsyncExitStack()

    def __enter__(self) -> Self:
        self._runner.__enter__()
        try:
            self._app = self._runner.run(self._open())
        except BaseException:
            self._runner.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._runner.run(self._stack.aclose())
        self._runner.close()

    async def _open(self) -> Router:
        config = self._config
        database = await self._stack.enter_async_context(server.opened(config))
        registry = Membership(database, server.now)
        url = config.web.public_url if config.web else ""
        mail = configured(config.mail, database, server.now)  # what is queued is delivered by the server
        commons = Commons(database, registry, server.now, _Silence(), _no_trust, ChainPolicy(), url, mail)

        async def console(scope: Scope) -> Proof | None:
            return Proof(None, console=self._user)

        return Router(http.routes(commons, Identity(commons, [console])))

    def ask(self, method: str, path: str, document: Mapping[str, Any] | None = None, **query: Any) -> Any:
        """As `hansa.client.registry.Registry`."""
        return self._runner.run(self._ask(method, path, document, query))

    async def _ask(
        self, method: str, path: str, document: Mapping[str, Any] | None, query: Mapping[str, object]
    ) -> Any:
        body = b"" if document is None else json.dumps(document).encode()
        sent: list[MutableMapping[str, Any]] = []

        async def receive() -> MutableMapping[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: MutableMapping[str, Any]) -> None:
            sent.append(message)

        await self._app(_scope(method, path, query), receive, send)
        content = b"".join(message.get("body", b"") for message in sent[1:])
        return json.loads(content) if content else None


class _Silence(AuditLog):
    """The registry's history says who did what at the console; there is no connection to tell of."""

    def __call__(self, event: str, /, **fields: object) -> None:
        pass


def _scope(method: str, path: str, query: Mapping[str, object]) -> Scope:
    given = {name: _text(value) for name, value in query.items() if value is not None}
    return {
        "type": "http",
        "http_version": "1.1",
        "scheme": "https",
        "method": method,
        "path": f"{ROOT}{path}",
        "raw_path": quote(f"{ROOT}{path}").encode(),
        "root_path": "",
        "query_string": urlencode(given).encode(),
        "headers": [(b"content-type", b"application/json")],
        "client": None,
        "server": None,
    }


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _no_trust() -> TrustStore:
    raise AssertionError("nobody shows a certificate at the console")
