"""pOCCI, CESNET's conformance tester, passes all its 17 tests: over the memory driver, and over real machines.

Fourteen run by default. Three are left out by default because most servers fail them; they want volumes that no other
test has attached, and so run in a project of their own.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.support import embedded as real
from tests.support.guest import guest_image
from tests.support.occi import COMPUTE, FLAVORS, IMAGES, NETWORK, Client, by_name, line, site_database
from tests.support.pki import Grid
from tests.support.pocci import Pocci, pocci
from tests.support.ports import free_port
from tests.support.site import running_site

from hansa.base.serving import Listener, running
from hansa.cloud.drivers.memory import MemoryCloud
from hansa.cloud.model import Image
from hansa.cloud.port import Cloud
from hansa.site.occi import http
from hansa.site.occi.settings import OcciSettings

pytestmark = pytest.mark.peer

MEDIA_TYPES = ("text/plain", "text/occi")
DEFAULT = {
    "CORE/DELETE/001",
    "CORE/DISCOVERY/001",
    "CORE/DISCOVERY/002",
    "CORE/MISC/001",
    "CORE/READ/001",
    "CORE/READ/002",
    "CORE/READ/007",
    "CORE/UPDATE/001",
    *(f"INFRA/CREATE/00{number}" for number in (1, 2, 3, 4, 6, 7)),
}
EXTRA = ("CORE/CREATE/001", "CORE/CREATE/006", "INFRA/CREATE/002", "INFRA/CREATE/003", "INFRA/CREATE/005")
BOOT_SECONDS = 120


@pytest.fixture(scope="module")
def tester() -> Pocci:
    return pocci()


@asynccontextmanager
async def served(cloud: Cloud, directory: Path) -> AsyncIterator[tuple[str, http.App]]:
    port = free_port()
    settings = OcciSettings(public_url=f"http://127.0.0.1:{port}", patience_seconds=30)
    async with site_database(directory) as database:
        app = http.app(cloud, by_name, settings, database, challenges=('Basic realm="test"',))
        async with running(app, [Listener("occi", port=port)]):
            yield settings.public_url, app


async def two_machines(app: http.App, user: str) -> None:
    """What the tester wants to find: it reads, changes, stops and deletes machines that others made."""
    client = Client(app, user)
    paths = [await client.machine(), await client.machine()]
    deadline = time.monotonic() + BOOT_SECONDS
    while not all([await client.state(path) == "active" for path in paths]):
        assert time.monotonic() < deadline, "the machines do not come up"
        await asyncio.sleep(0.1)


async def all_tests(tester: Pocci, url: str, app: http.App, media_type: str) -> None:
    name = media_type.replace("/", "-")
    await two_machines(app, name)
    results = await tester.run(url, name, media_type)
    assert set(results) == DEFAULT
    assert {test: why for test, why in results.items() if why} == {}
    results = await tester.run(url, f"{name}-extra", media_type, EXTRA)
    assert results == {test: [] for test in EXTRA}
    await Client(app, name)("DELETE", "/compute/")
    await Client(app, f"{name}-extra")("DELETE", "/compute/")


@pytest.mark.parametrize("media_type", MEDIA_TYPES)
async def test_over_the_memory_driver(tester: Pocci, tmp_path: Path, media_type: str) -> None:
    cloud = MemoryCloud(
        clock=lambda: datetime.now(UTC),
        flavors=FLAVORS,
        images=IMAGES,
        networks=(NETWORK,),
    )
    async with served(cloud, tmp_path) as (url, app):
        await all_tests(tester, url, app, media_type)


@pytest.mark.parametrize("media_type", MEDIA_TYPES)
async def test_with_a_voms_proxy_at_a_whole_site(tester: Pocci, tmp_path: Path, media_type: str) -> None:
    """TLS, proxy chain, attribute certificate, policy: nothing between the tester and the machines is ours to skip."""
    grid = Grid(now=datetime.now(UTC))
    async with running_site(tmp_path, grid) as site:
        user = grid.voms_proxy(grid.user())
        for _ in range(2):
            body = line(COMPUTE, "kind").encode()
            made = await site.request("POST", "/compute/", user, headers={"Content-Type": "text/plain"}, body=body)
            assert made.status == 201, made.body
        results = await tester.run(site.url, tmp_path / "proxy.pem", media_type)
    assert results == {test: [] for test in DEFAULT}


@real.needs_qemu
@pytest.mark.qemu
@pytest.mark.slow
@pytest.mark.parametrize("media_type", MEDIA_TYPES)
async def test_over_real_machines(tester: Pocci, tmp_path: Path, media_type: str) -> None:
    image = guest_image()
    async with real.embedded(tmp_path / "cloud") as cloud:
        await cloud.remove_image(real.BLANK)
        await cloud.add_image(Image(real.GUEST, "guest", 0), image)
        async with served(cloud, tmp_path) as (url, app):
            await all_tests(tester, url, app, media_type)
