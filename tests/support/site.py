"""A whole site with the memory driver, over real TLS, in this process; and what a client at its door sees."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from structlog.testing import capture_logs
from tests.support.pki import Grid, write_credential

from hansa.base.serving import running
from hansa.client.http import Http, Reply, tls_context
from hansa.site.config import SiteConfig
from hansa.site.server import assembled
from hansa.standards.x509 import Credential

POLICY = {"fedcloud.egi.eu": {"tenant": "fedcloud"}}


@dataclass
class RunningSite:
    url: str
    grid: Grid
    directory: Path
    log: list[Any]
    """Everything that was logged since the site started, as dictionaries."""

    async def request(
        self,
        method: str,
        path: str,
        credential: Credential | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Reply:
        """One request on a connection of its own, with that credential as the TLS client certificate."""
        proxy = write_credential(self.directory / "proxy.pem", credential) if credential else None
        tls = tls_context(certificates=self.directory / "certificates", proxy=proxy)

        def ask() -> Reply:
            with Http(self.url, tls=tls) as http:
                return http.request(method, path, headers=headers, body=body)

        return await asyncio.to_thread(ask)

    def audit(self) -> list[dict[str, Any]]:
        return [line for line in self.log if str(line["event"]).startswith("identity.")]


def site_config(directory: Path, port: int, **tables: Any) -> SiteConfig:
    """Files as `Grid.write` and `running_site` lay them out below `directory`."""
    tls = {"certificate": directory / "hostcert.pem", "key": directory / "hostkey.pem"}
    document: dict[str, Any] = {
        "site": {"name": "TEST-SITE", "public_url": f"https://localhost:{port}"},
        "listeners": [{"name": "occi", "port": port, "tls": tls}],
        "cloud": {"driver": "memory"},
        "database": {"url": f"sqlite:///{directory / 'site.db'}"},
        "identity": {
            "trust_dir": directory / "certificates",
            "vomsdir": directory / "vomsdir",
            "policy": directory / "voms.json",
        },
    }
    return SiteConfig.model_validate(document | tables)


def site_files(directory: Path, grid: Grid, *, port: int, **tables: Any) -> SiteConfig:
    """Lay the site's files out below `directory`; `tables` replace tables of the configuration."""
    grid.write(directory)
    (directory / "voms.json").write_text(json.dumps(POLICY))
    return site_config(directory, port, **tables)


@asynccontextmanager
async def running_site(directory: Path, grid: Grid, **tables: Any) -> AsyncIterator[RunningSite]:
    """`tables` replace tables of the configuration. The grid's clock must be the real one: OpenSSL looks at it."""
    config = site_files(directory, grid, port=free_port(), **tables)
    with capture_logs() as log:
        async with assembled(config) as app, running(app, [each.listener() for each in config.every_listener]):
            yield RunningSite(config.site.public_url, grid, directory, log)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
