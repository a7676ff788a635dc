"""A new image from a machine's disk, running or not: flattened, so that it stands alone."""

import asyncio
from pathlib import Path

from sqlalchemy import Connection

from hansa.base.errors import CapacityExceeded, HansaError
from hansa.base.workflows import State, Step, Workflow
from hansa.cloud.drivers.embedded.host import Host
from hansa.cloud.drivers.embedded.qemu_user import IMAGE_MODE
from hansa.cloud.drivers.embedded.qmp import Link
from hansa.cloud.drivers.embedded.store import images, servers
from hansa.cloud.drivers.embedded.tools import disk_errors, put_in_place
from hansa.cloud.model import ImageId, ServerId

NAME = "embedded.save"
FORMAT = "qcow2"
COPY = "copy"
COPY_SECONDS = 3600.0
POLL_SECONDS = 0.05


class Saving:
    def __init__(self, host: Host) -> None:
        self._host = host

    def workflow(self) -> Workflow:
        steps = (Step("copy", self._copy, undo=self._no_copy), Step("record", self._record))
        return Workflow(NAME, steps, finally_failed=self._failed)

    async def _copy(self, state: State) -> None:
        host, server = self._host, ServerId(state["server"])
        target = host.state.image(ImageId(state["image"]), FORMAT)
        part = target.with_suffix(".part")
        link = await host.hypervisor.link(server)
        if link is None:
            await host.qemu_img.flatten(host.state.run(server).disk, part)
        else:
            await self._backup(link, part)
        with disk_errors():
            await asyncio.to_thread(host.show, part, IMAGE_MODE)
            await asyncio.to_thread(put_in_place, part, target, IMAGE_MODE)

    async def _no_copy(self, state: State) -> None:
        target = self._host.state.image(ImageId(state["image"]), FORMAT)
        link = await self._host.hypervisor.link(ServerId(state["server"]))
        if link is not None:
            await _drop_job(link)
        for path in (target, target.with_suffix(".part")):
            await asyncio.to_thread(path.unlink, missing_ok=True)

    async def _record(self, state: State) -> None:
        host, image = self._host, ImageId(state["image"])
        path = host.state.image(image, FORMAT)
        size = (await asyncio.to_thread(path.stat)).st_size
        info = await host.qemu_img.check(path, FORMAT)
        now = host.clock()

        def write(connection: Connection) -> None:
            images.ready(connection, image, size_bytes=size, virtual_bytes=info.virtual_bytes)
            servers.finish(connection, ServerId(state["server"]), state["workflow"], now)

        await host.db.write(write)
        await host.check_alive(ServerId(state["server"]))

    async def _failed(self, state: State) -> None:
        await self._host.db.write(lambda connection: images.forget(connection, ImageId(state["image"])))
        await self._host.finish(state, fault=state["error"]["message"])

    async def _backup(self, link: Link, target: Path) -> None:
        """A copy of the disk as it is at one moment, while the guest goes on."""
        await _drop_job(link)
        nodes = await link.execute("query-named-block-nodes", {"flat": True})
        size = next(node["image"]["virtual-size"] for node in nodes if node["node-name"] == "root")
        await self._host.qemu_img.empty(target, size)
        file = {"driver": "file", "filename": str(target)}
        await link.execute("blockdev-add", {"driver": FORMAT, "node-name": COPY, "file": file})
        options = {"job-id": COPY, "device": "root", "target": COPY, "sync": "full", "auto-dismiss": False}
        await link.execute("blockdev-backup", options)
        try:
            job = await asyncio.wait_for(_concluded(link), COPY_SECONDS)
        except TimeoutError as error:
            raise HansaError("Copying the machine's disk took too long.") from error
        finally:
            await _drop_job(link)
        if "error" in job:
            raise CapacityExceeded("The machine's disk could not be copied; the host's disk may be full.")


async def _concluded(link: Link) -> dict[str, object]:
    while True:
        job: dict[str, object] = next(job for job in await link.execute("query-jobs") if job["id"] == COPY)
        if job["status"] == "concluded":
            return job
        await asyncio.sleep(POLL_SECONDS)


async def _drop_job(link: Link) -> None:
    """No job and no target of ours is left in QEMU."""
    if any(job["id"] == COPY for job in await link.execute("query-jobs")):
        if (await _status(link)) != "concluded":
            await link.execute("block-job-cancel", {"device": COPY, "force": True})
        await asyncio.wait_for(_concluded(link), COPY_SECONDS)
        await link.execute("job-dismiss", {"id": COPY})
    nodes = await link.execute("query-named-block-nodes", {"flat": True})
    if any(node["node-name"] == COPY for node in nodes):
        await link.execute("blockdev-del", {"node-name": COPY})


async def _status(link: Link) -> str:
    return next(str(job["status"]) for job in await link.execute("query-jobs") if job["id"] == COPY)
