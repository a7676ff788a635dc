"""The way back: servers stopped, machines gone, state removed."""

import asyncio
import shutil
import time

from hansa.base.config import load
from hansa.base.errors import BackendDown, NotFound
from hansa.base.i18n import _
from hansa.cloud.model import Caller, ProjectId, Server, ServerAction, ServerQuery, ServerState
from hansa.cloud.port import Cloud
from hansa.sandbox import credentials, processes
from hansa.sandbox.layout import Layout, SiteLayout
from hansa.sandbox.up import exclusive, servers
from hansa.site.config import SiteConfig
from hansa.site.server import make_cloud

_SECONDS_FOR_MACHINES = 60.0
_OPERATOR = Caller("hansa down", ProjectId(""), frozenset({"admin"}))


def down(layout: Layout, *, keep: bool = False) -> list[str]:
    """Stop everything `up` started, machines too; the names of what was stopped.

    With `keep` the state stays (machines are switched off, disks kept), else only the guest image and its packages do.
    Raises BackendDown when a machine does not go away.
    """
    if not layout.root.exists():
        return []
    with exclusive(layout):
        stopped = processes.stop_all(layout.processes)
        stopped += [server.name for server in servers(layout) if processes.stop_strays(server)]
        for site in layout.sites:
            if site.config.exists() and site.cloud.exists():
                stopped += asyncio.run(_clear(site, keep=keep))
        if not keep:
            _remove(layout)
    return stopped


async def _clear(site: SiteLayout, *, keep: bool) -> list[str]:
    """The site's process is gone: open its cloud, and switch its machines off or delete them."""
    cloud = make_cloud(load(site.config, SiteConfig, {}).cloud, credentials.utc_now)
    await cloud.open()
    try:
        machines = await cloud.servers(_OPERATOR, ServerQuery(all_projects=True))
        for server in machines:
            await (_switch_off(cloud, server) if keep else cloud.delete_server(_owner(server), server.id))
        await _wait(cloud, site, keep=keep)
    finally:
        await cloud.close()
    return [f"{site.name}/{server.name}" for server in machines]


async def _switch_off(cloud: Cloud, server: Server) -> None:
    if server.state in (ServerState.ACTIVE, ServerState.PAUSED) and server.task is None:
        await cloud.act(_owner(server), server.id, ServerAction.POWEROFF)


async def _wait(cloud: Cloud, site: SiteLayout, *, keep: bool) -> None:
    deadline = time.monotonic() + _SECONDS_FOR_MACHINES
    while left := await _left(cloud, keep=keep):
        if time.monotonic() > deadline:
            names = ", ".join(server.name for server in left)
            raise BackendDown(
                _("These machines of {site} do not go away: {names}.").format(site=site.name, names=names),
                next=_("run hansa down again; the log is {log}").format(log=site.directory / "log"),
            )
        await asyncio.sleep(0.1)


async def _left(cloud: Cloud, *, keep: bool) -> list[Server]:
    try:
        servers = await cloud.servers(_OPERATOR, ServerQuery(all_projects=True))
    except NotFound:
        return []
    return [server for server in servers if not keep or server.task is not None]


def _owner(server: Server) -> Caller:
    return Caller(_OPERATOR.user, server.project, _OPERATOR.roles)


def _remove(layout: Layout) -> None:
    """Only what `up` makes: the directory may hold other things."""
    made = ("authority", "grid-security", "federation", "sites", "user", "bin", "run")
    for name in made:
        shutil.rmtree(layout.root / name, ignore_errors=True)
    for file in (layout.environment, layout.network_file):
        file.unlink(missing_ok=True)
