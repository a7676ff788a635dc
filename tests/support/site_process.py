"""`hansa site serve` as a process of its own, that can be stopped, killed and started again."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.pki import Grid, write_credential
from tests.support.site import POLICY, free_port

from hansa.base.errors import HansaError
from hansa.client.http import Http, Reply, tls_context
from hansa.standards.x509 import Credential

CONFIG = """\
[site]
public_url = "https://localhost:{port}"
[[listeners]]
name = "public"
port = {port}
tls = {{ certificate = "hostcert.pem", key = "hostkey.pem" }}
[database]
url = "sqlite:///{directory}/site.db"
[identity]
trust_dir = "certificates"
vomsdir = "vomsdir"
policy = "voms.json"
[telemetry]
audit = "audit.log"
{rest}
"""
MEMORY = '[cloud]\ndriver = "memory"\n'


@dataclass
class SiteProcess:
    """The grid's clock must be the real one. `rest` is the rest of the configuration file, with the table `[cloud]`."""

    directory: Path
    grid: Grid
    rest: str = MEMORY
    environment: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.grid.write(self.directory)
        (self.directory / "voms.json").write_text(json.dumps(POLICY))
        port = free_port()
        self.url = f"https://localhost:{port}"
        config = CONFIG.format(port=port, directory=self.directory, rest=self.rest)
        (self.directory / "site.toml").write_text(config)
        self.tls = tls_context(certificates=self.directory / "certificates")
        self.process: asyncio.subprocess.Process

    async def launch(self) -> None:
        """Start, and do not wait."""
        self.process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "hansa.cli.main", "site", "serve", "--config", str(self.directory / "site.toml")),
            env={**os.environ, "PYTHONPATH": "src", **self.environment},
            stderr=asyncio.subprocess.PIPE,
        )

    async def start(self) -> None:
        """Start, and wait until it is ready."""
        await self.launch()
        async with asyncio.timeout(60):
            while not await self._is_ready():
                assert self.process.returncode is None, (await self.process.communicate())[1].decode()
                await asyncio.sleep(0.05)

    async def ended(self) -> str:
        """Wait for its end; what it logged."""
        _, log = await asyncio.wait_for(self.process.communicate(), 60)
        return log.decode()

    async def stop(self) -> str:
        self.process.send_signal(signal.SIGTERM)
        return await self.ended()

    async def kill(self) -> None:
        self.process.kill()
        await self.ended()

    def show(self, credential: Credential) -> None:
        """Later requests show this as the TLS client certificate."""
        proxy = write_credential(self.directory / "proxy.pem", credential)
        self.tls = tls_context(certificates=self.directory / "certificates", proxy=proxy)

    async def request(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> Reply:
        def ask() -> Reply:
            with Http(self.url, tls=self.tls) as http:
                return http.request(method, path, headers=headers, body=body)

        return await asyncio.to_thread(ask)

    async def _is_ready(self) -> bool:
        try:
            return (await self.request("GET", "/readyz")).status == 200
        except HansaError:
            return False
