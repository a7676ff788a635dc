"""After a restart: machines that run are ours again, what died is known to be stopped, and nothing is left over.

Half-made and half-gone machines need nothing here: their workflows go on by themselves when the engine opens.
"""

import asyncio
import shutil
from functools import partial
from pathlib import Path

import structlog
from sqlalchemy import Connection, update

from hansa.base.errors import HansaError
from hansa.cloud.drivers.embedded import power, process
from hansa.cloud.drivers.embedded.host import RUNNING, Host
from hansa.cloud.drivers.embedded.images import IMPORT
from hansa.cloud.drivers.embedded.networks import DEFAULT
from hansa.cloud.drivers.embedded.store import networks, servers, volumes
from hansa.cloud.drivers.embedded.store.tables import images as image_table
from hansa.cloud.drivers.embedded.volumes import erase, make_file
from hansa.cloud.model import Network, Server, ServerAction, ServerId, ServerQuery, ServerState

KEEP_SECONDS = 5.0

log = structlog.stdlib.get_logger(__name__)


async def recover(host: Host) -> None:
    await host.db.write(lambda connection: _prepare(connection, host))
    known = await host.db.read(lambda connection: servers.listing(connection, None, ServerQuery()))
    await _end_strangers(host, known)
    await asyncio.to_thread(_remove_strangers, host, {server.id for server in known})
    await host.sweep_images()
    await _mend_volumes(host)
    await _adopt_all(host)


async def keep(host: Host) -> None:
    """For as long as the cloud is open: logs stay small, and what could not be noticed at its time is noticed now."""
    while True:
        await asyncio.sleep(KEEP_SECONDS)
        try:
            await asyncio.to_thread(_trim_all, host)
            await _adopt_all(host)
        except (OSError, HansaError) as error:
            log.warning("embedded.keeping_failed", error=str(error))


def trim(path: Path, limit: int) -> None:
    """Leave the newest half of a log that is over its limit. What is written at this very moment may be lost."""
    try:
        if path.stat().st_size <= limit:
            return
    except FileNotFoundError:
        return
    with path.open("r+b") as file:
        file.seek(-limit // 2, 2)
        newest = file.read(limit)
        file.truncate(0)
    with path.open("ab") as file:
        file.write(newest)


async def _mend_volumes(host: Host) -> None:
    """Files are as the rows say, whichever of the two a crash kept from being changed."""
    for volume in await host.db.read(volumes.everything):
        if volume.state == "deleting":
            await erase(host, volume.id)
            continue
        await asyncio.to_thread(make_file, host.state.volume(volume.id), volume.size_gib)
        if volume.state == "creating":
            await host.db.write(partial(volumes.change, volume=volume.id, state="available"))


async def _adopt_all(host: Host) -> None:
    """Every machine that should run and to whose QEMU there is no connection."""
    running = await host.db.read(lambda connection: servers.at_rest(connection, RUNNING))
    await asyncio.gather(
        *(_adopt(host, server, state) for server, state in running if not host.hypervisor.linked(server))
    )


async def _adopt(host: Host, server: ServerId, state: ServerState) -> None:
    try:
        link = await host.hypervisor.link(server)
        status = await link.status() if link else None
    except HansaError as error:
        log.warning("embedded.not_adopted", server=server, error=error.message)
        return
    if status is None:
        await _ended(host, server, state)
        return
    log.info("embedded.adopted", server=server, status=status)
    if status != "running":
        await host.paused(server, f"QEMU stopped the machine ({status}) while the cloud was closed.")


async def _ended(host: Host, server: ServerId, state: ServerState) -> None:
    """It is stopped; what the host's own end stopped is started again, unless the operator does not want that."""
    rebooted = await asyncio.to_thread(host.hypervisor.host_rebooted, server)
    await host.gone(server, "the host was restarted" if rebooted else "QEMU ended while the cloud was closed")
    if not rebooted or not host.settings.resume_after_reboot or state is not ServerState.ACTIVE:
        return
    name, now = power.name_of(ServerAction.START), host.clock()
    workflow = host.new_workflow(name)

    def start(connection: Connection) -> None:
        if (server, ServerState.STOPPED) not in servers.at_rest(connection, [ServerState.STOPPED]):
            return  # its owner was quicker
        servers.begin(connection, server, power.TASKS[ServerAction.START], workflow, now)
        host.record(connection, name, workflow, server=server)

    await host.db.write(start)


async def _end_strangers(host: Host, known: list[Server]) -> None:
    """QEMU processes of machines that are not, or have none."""
    may_run = {server.id for server in known if server.task is not None or server.state in RUNNING}
    for found, name in await asyncio.to_thread(process.of_cloud, host.state):
        if name not in may_run:
            log.warning("embedded.orphan_ended", server=name, pid=found.pid)
            await process.end(found)


def _remove_strangers(host: Host, known: set[ServerId]) -> None:
    for place in host.state.servers.iterdir():
        if place.name not in known:
            log.warning("embedded.orphan_removed", server=place.name)
            shutil.rmtree(place, ignore_errors=True)
    for part in host.state.images.glob("*.part"):
        part.unlink(missing_ok=True)


def _prepare(connection: Connection, host: Host) -> None:
    """The default network is there; copies of images that a crash cut off count as nobody's."""
    pool = host.settings.addresses
    if networks.find(connection, DEFAULT) is None:
        networks.add(connection, Network(DEFAULT, "default", cidr=str(pool), created=host.clock()), segment=None)
    networks.change(connection, DEFAULT, cidr=str(pool))
    connection.execute(update(image_table).where(image_table.c.workflow == IMPORT).values(workflow=None))


def _trim_all(host: Host) -> None:
    limit = host.settings.console_kib * 1024
    for place in host.state.servers.iterdir():
        run = host.state.run(ServerId(place.name))
        trim(run.console, limit)
        trim(run.log, limit)
