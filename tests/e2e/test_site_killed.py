"""kill -9 of a whole site with real machines, while one is made and while one goes: nothing is lost, doubled or left over."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from tests.support.embedded import end_all, needs_qemu, running, settings
from tests.support.pki import Grid
from tests.support.site_process import SiteProcess

from hansa.base.errors import HansaError

pytestmark = [pytest.mark.qemu, pytest.mark.slow, needs_qemu]

MOMENTS = (0, 5, 10, 20, 40, 60, 90, 130, 180, 250)
"""Milliseconds from the sending of the request to the kill."""
BODY = b'Category: compute; scheme="http://schemas.ogf.org/occi/infrastructure#"; class="kind"\n'
TEXT = {"Content-Type": "text/plain", "Accept": "text/plain"}
REST = """\
[cloud.embedded]
state_dir = "cloud"
addresses = "{addresses}"
disk_reserve_gib = 0.1
[cloud.embedded.flavors.small]
vcpus = 1
ram_mib = 64
disk_gib = 1
[[images]]
id = "blank"
name = "blank"
source = "blank.raw"
disk_format = "raw"
"""


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[SiteProcess]:
    (tmp_path / "blank.raw").write_bytes(bytes(2**20))  # QEMU runs it, nothing boots: enough to look at the site
    grid = Grid(now=datetime.now(UTC))
    site = SiteProcess(tmp_path, grid, REST.format(addresses=settings(tmp_path).addresses))
    site.show(grid.voms_proxy(grid.user()))
    await site.start()
    yield site
    if site.process.returncode is None:
        await site.kill()
    await end_all(tmp_path / "cloud")


async def create(site: SiteProcess, key: str) -> str:
    """The path of the machine; the same key always names the same one."""
    reply = await site.request("POST", "/compute/", headers={**TEXT, "Idempotency-Key": key}, body=BODY)
    assert reply.status == 201, reply.body
    return urlsplit(reply.header("Location") or "").path


async def killed_during(site: SiteProcess, request: Coroutine[Any, Any, Any], milliseconds: int) -> None:
    """Send the request, kill the site so much later, and start it again. Whether an answer came is left to chance."""
    asking = asyncio.create_task(request)
    await asyncio.sleep(milliseconds / 1000)
    await site.kill()
    await asyncio.gather(asking, return_exceptions=True)
    if not asking.cancelled() and (error := asking.exception()) is not None:
        assert isinstance(error, HansaError), error
    await site.start()


async def machines(site: SiteProcess) -> list[str]:
    reply = await site.request("GET", "/compute/", headers={"Accept": "text/uri-list"})
    return [urlsplit(line).path for line in reply.body.decode().split()]


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    for _ in range(1000):
        if await holds():
            return
        await asyncio.sleep(0.05)
    pytest.fail("It does not come to rest.")


async def all_run(site: SiteProcess) -> bool:
    shown = [await site.request("GET", path, headers={"Accept": "text/plain"}) for path in await machines(site)]
    return all(b'compute.state="active"' in each.body for each in shown)


async def all_gone(site: SiteProcess) -> bool:
    return not await machines(site) and not running(site.directory / "cloud")


async def story(site: SiteProcess) -> dict[str, list[str]]:
    """What was recorded of each machine."""
    told: dict[str, list[str]] = {}
    for event in json.loads((await site.request("GET", "/hansa/v1/usage/events")).body)["events"]:
        told.setdefault(event["id"], []).append(event["kind"].removeprefix("server."))
    return told


async def test_at_any_moment_of_a_creation_and_of_a_deletion(site: SiteProcess) -> None:
    cloud = site.directory / "cloud"
    for moment in MOMENTS:
        key = f"machine of moment {moment}"
        await killed_during(site, create(site, key), moment)
        path = await create(site, key)  # a client that heard nothing asks again
        await until(lambda: all_run(site))
        assert await machines(site) == [path], moment
        assert len(running(cloud)) == 1, moment
        ident = path.rpartition("/")[2]
        assert (await story(site))[ident] == ["created", "started"], moment

        await killed_during(site, site.request("DELETE", path), moment)
        if path in await machines(site):
            await site.request("DELETE", path)
        await until(lambda: all_gone(site))
        assert list((cloud / "servers").iterdir()) == [], moment
        assert (await story(site))[ident] == ["created", "started", "deleted"], moment
    assert len(await story(site)) == len(MOMENTS), "no machine that nobody knows"
