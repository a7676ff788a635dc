"""A federation's server with its feed, and sites that follow it: real sockets, real TLS, in this process or in others."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from tests.support.memberfeed import private_key_pem
from tests.support.pki import Grid, write_secret
from tests.support.ports import free_port
from tests.support.voms import holder, write_config

from hansa.base.config import load
from hansa.base.database import Database
from hansa.base.serving import running
from hansa.federation.config import FederationConfig
from hansa.federation.membership.certificates import credential_in
from hansa.federation.membership.model import Member
from hansa.federation.membership.service import Membership
from hansa.federation.propagation.model import Site
from hansa.federation.propagation.register import Register
from hansa.federation.propagation.room import published_keys
from hansa.federation.server import assembled, now
from hansa.standards.x509 import Credential

SITE = "TEST-SITE"


@dataclass
class FeedServer:
    """`config`: its file; `keys`: what sites verify documents with."""

    grid: Grid
    config: Path
    url: str
    keys: Path
    registry: Membership
    register: Register

    async def admit(self, user: Credential) -> Member:
        return await self.registry.add_member(self.grid.vo, holder(user), name="A user", email="user@example.org")

    async def add_site(self, **fields: Any) -> None:
        """The test site, known by the grid's host certificate."""
        host = credential_in((self.config.parent / "hostcert.pem").read_bytes())
        known: dict[str, Any] = {"name": SITE, "created": now(), "vos": (self.grid.vo,), "certificate": host}
        await self.register.add(Site(**known | fields))

    def accounts(self, directory: Path, **settings: Any) -> dict[str, Any]:
        """The table `accounts` of a site whose files are in `directory`."""
        known = {
            "federation": self.url,
            "keys": self.keys,
            "certificate": directory / "hostcert.pem",
            "key": directory / "hostkey.pem",
        }
        return {**known, **settings}


def feed_files(grid: Grid, home: Path) -> tuple[Path, str]:
    """Configuration, keys and certificates of the federation; its file, and its address."""
    home.mkdir(exist_ok=True)
    path, port = write_config(grid, home, grid.port), free_port()
    url = f"https://localhost:{port}"
    write_secret(home / "feedkey.pem", private_key_pem())
    path.write_text(
        path.read_text()
        + f"""
[feed]
key = "feedkey.pem"
interval = 0.05
[web]
public_url = "{url}"
[[web.listeners]]
name = "web"
port = {port}
tls = {{certificate = "hostcert.pem", key = "hostkey.pem"}}
"""
    )
    return path, url


def _made(grid: Grid, path: Path, url: str, registry: Membership, database: Database) -> FeedServer:
    keys = path.parent / "feed.jwks"
    keys.write_bytes(orjson.dumps(published_keys(load(path, FederationConfig, {})).jwks()))
    return FeedServer(grid, path, url, keys, registry, Register(database, now))


@asynccontextmanager
async def feed_server(grid: Grid, home: Path) -> AsyncIterator[FeedServer]:
    """In this process."""
    path, url = feed_files(grid, home)
    config = load(path, FederationConfig, {})
    async with assembled(config) as federation, running(federation.app, federation.listeners):
        database = Database(config.database.url)
        try:
            await federation.registry.create_vo(grid.vo)
            yield _made(grid, path, url, federation.registry, database)
        finally:
            database.close()


@dataclass
class FeedProcess:
    """`hansa federation serve`, that can be killed and started again; the registry is changed from here."""

    server: FeedServer
    process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        self.process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "hansa.cli.main", "federation", "serve", "--config", str(self.server.config)),
            env={**os.environ, "PYTHONPATH": "src"},
            stderr=asyncio.subprocess.DEVNULL,
        )

    async def kill(self) -> None:
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()


@asynccontextmanager
async def feed_process(grid: Grid, home: Path) -> AsyncIterator[FeedProcess]:
    from hansa.federation.server import opened

    path, url = feed_files(grid, home)
    async with opened(load(path, FederationConfig, {})) as database:
        registry = Membership(database, now)
        await registry.create_vo(grid.vo)
        process = FeedProcess(_made(grid, path, url, registry, database))
        try:
            await process.start()
            yield process
        finally:
            await process.kill()


async def until(holds: Callable[[], Awaitable[bool]], *, tries: int = 600) -> None:
    for _ in range(tries):
        if await holds():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it does not come to rest")
