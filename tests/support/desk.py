"""A user's desk: a shell with our programs on the path, a certificate, a VOMS server and sites that answer."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.support.pki import Grid, split_credential, write_secret
from tests.support.ports import free_port
from tests.support.site import RunningSite, running_site
from tests.support.voms import VomsServer, voms_server

from hansa.cli.classic.command import link_programs
from hansa.standards.x509 import Credential

ROOT = Path(__file__).parents[2]


@dataclass
class Desk:
    """`home` is the user's home directory and the shell's working directory."""

    home: Path
    grid: Grid
    user: Credential
    voms: VomsServer
    sites: list[RunningSite]
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def proxy(self) -> Path:
        return Path(self.environment["X509_USER_PROXY"])

    async def sh(self, script: str, *, stdin: str = "") -> "subprocess.CompletedProcess[str]":
        """Run a shell script; it may take two minutes."""
        return await asyncio.to_thread(
            subprocess.run,
            ["bash", "-c", script],
            capture_output=True,
            text=True,
            check=False,
            cwd=self.home,
            env=self.environment,
            input=stdin,
            timeout=120,
        )

    async def run(self, script: str) -> str:
        """As `sh`; the script must succeed. Gives its stdout."""
        done = await self.sh(script)
        assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
        return done.stdout


@asynccontextmanager
async def desk(directory: Path, *, site_names: Sequence[str] = ("HANSA-A",), **tables: Any) -> AsyncIterator[Desk]:
    """Sites with the memory driver, the VO's server with the user as a member, and no proxy yet.

    `tables` are of the sites' configuration.
    """
    grid = Grid(now=datetime.now(UTC), port=free_port())
    user = grid.user()
    home = directory / "home"
    home.mkdir()
    async with AsyncExitStack() as stack:
        voms = await stack.enter_async_context(voms_server(grid, _made(directory / "voms")))
        await voms.admit(user)
        sites = [
            await stack.enter_async_context(running_site(_made(directory / name), grid, **tables))
            for name in site_names
        ]
        _furnish(home, user, dict(zip(site_names, sites, strict=True)))
        yield Desk(home, grid, user, voms, sites, _environment(home, voms.home))


def _made(directory: Path) -> Path:
    directory.mkdir()
    return directory


def _furnish(home: Path, user: Credential, sites: dict[str, RunningSite]) -> None:
    link_programs(home / "bin")
    certificate, key = split_credential(user)
    globus = _made(home / ".globus")
    (globus / "usercert.pem").write_bytes(certificate)
    write_secret(globus / "userkey.pem", key)
    config = home / ".config" / "hansa"
    config.mkdir(parents=True)
    tables = "".join(f'\n[[site]]\nname = "{name}"\nendpoint = "{site.url}/"\n' for name, site in sites.items())
    (config / "config.toml").write_text(f'vo = "fedcloud.egi.eu"\n{tables}')


def _environment(home: Path, trust: Path) -> dict[str, str]:
    return {
        "HOME": str(home),
        "PATH": f"{home}/bin:{os.environ['PATH']}",
        "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}",
        "LC_ALL": "C.UTF-8",
        "X509_CERT_DIR": str(trust / "certificates"),
        "X509_VOMS_DIR": str(trust / "vomsdir"),
        "X509_VOMSES": str(trust / "vomses"),
        "X509_USER_PROXY": str(home / "x509up_u500"),
        "PYTHON": sys.executable,
    }
