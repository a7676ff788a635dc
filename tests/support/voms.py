"""A VOMS server of ours on a throw-away grid: real sockets, real TLS, a real database."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tests.support.pki import Grid, split_credential, write_files, write_secret

from hansa.base.config import load
from hansa.base.serving import running
from hansa.federation.config import FederationConfig
from hansa.federation.membership.model import Credential as Holder
from hansa.federation.membership.service import Membership
from hansa.federation.server import assembled
from hansa.standards.x509 import Credential, Name


@dataclass(frozen=True)
class VomsServer:
    """`home` holds certificates/, vomsdir/ and vomses for clients."""

    grid: Grid
    home: Path
    port: int
    registry: Membership

    async def admit(self, user: Credential) -> int:
        """Make the user a member; gives the member's number."""
        member = await self.registry.add_member(self.grid.vo, holder(user), name="A user")
        return member.id


def holder(user: Credential) -> Holder:
    """Who the registry takes the user for."""
    certificate = user.chain[-1]
    return Holder(Name.from_x509(certificate.subject), Name.from_x509(certificate.issuer))


def write_config(grid: Grid, home: Path, port: int, **vo_settings: Any) -> Path:
    """Trust files, keys and a configuration file for a VOMS server of `grid`; gives the latter's path."""
    grid.write(home)
    certificate, key = split_credential(grid.voms_server)
    write_files(home, {"aacert.pem": certificate})
    write_secret(home / "aakey.pem", key)
    settings = "".join(f"{name} = {value}\n" for name, value in {"port": port, **vo_settings}.items())
    config = f"""
[database]
url = "sqlite:///{home}/federation.db"
[trust]
certificates = "certificates"
[voms]
hostname = "{grid.host}"
listen = "127.0.0.1"
tls = {{certificate = "hostcert.pem", key = "hostkey.pem"}}
authority = {{certificate = "aacert.pem", key = "aakey.pem"}}
[voms.vos."{grid.vo}"]
{settings}"""
    path = home / "federation.toml"
    path.write_text(config)
    return path


@asynccontextmanager
async def voms_server(
    grid: Grid, home: Path, environ: Mapping[str, str] = MappingProxyType({}), **vo_settings: Any
) -> AsyncIterator[VomsServer]:
    """The server of the grid's VO, at `grid.port`, with an empty VO."""
    config = load(write_config(grid, home, grid.port, **vo_settings), FederationConfig, environ)
    async with assembled(config) as federation, running(federation.app, federation.listeners) as server:
        await federation.registry.create_vo(grid.vo)
        yield VomsServer(grid, home, server.addresses[0].port, federation.registry)
