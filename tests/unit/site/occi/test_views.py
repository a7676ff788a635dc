"""What a project sees is asked for once, however many want to see it, and never older than it was."""

import asyncio
from pathlib import Path

from tests.support.occi import IMAGE, Clock, memory_cloud, site_database

from hansa.base.database import Database
from hansa.cloud.drivers.memory import MemoryCloud
from hansa.cloud.model import Caller, ProjectId
from hansa.site.occi.views import Views

ALICE, BOB = Caller("alice", ProjectId("alice")), Caller("bob", ProjectId("bob"))


class Counting(MemoryCloud):
    """Counts how often it is asked for images; the first answer can be held back."""

    asked = 0
    hold: asyncio.Event | None = None

    async def images(self, caller: Caller):  # type: ignore[no-untyped-def]
        self.asked += 1
        found = await super().images(caller)
        if self.hold is not None:
            hold, self.hold = self.hold, None
            await hold.wait()
        return found


def counting(clock: Clock) -> Counting:
    cloud = Counting(clock=clock)
    cloud.__dict__.update(memory_cloud(clock).__dict__)
    return cloud


def views(cloud: Counting, database: Database, clock: Clock) -> Views:
    return Views(cloud, database, seconds=5, clock=clock.monotonic)


async def test_many_who_find_it_stale_ask_once(clock: Clock, tmp_path: Path) -> None:
    cloud = counting(clock)
    async with site_database(tmp_path) as database:
        seen = views(cloud, database, clock)
        found = await asyncio.gather(*(seen.view(ALICE) for _ in range(20)))
        assert cloud.asked == 1
        assert len({id(view) for view in found}) == 1
        await seen.view(BOB)
        assert cloud.asked == 2


async def test_what_did_not_change_keeps_its_model(clock: Clock, tmp_path: Path) -> None:
    cloud = counting(clock)
    async with site_database(tmp_path) as database:
        seen = views(cloud, database, clock)
        before = await seen.view(ALICE)
        clock.pass_(seconds=6)
        after = await seen.view(ALICE)
        assert cloud.asked == 2
        assert after.model is before.model


async def test_a_late_answer_does_not_hide_a_newer_one(clock: Clock, tmp_path: Path) -> None:
    cloud = counting(clock)
    async with site_database(tmp_path) as database:
        seen = views(cloud, database, clock)
        cloud.hold = release = asyncio.Event()
        late = asyncio.create_task(seen.reload(ALICE))
        await asyncio.sleep(0)
        await cloud.remove_image(IMAGE.id)
        await seen.reload(ALICE)
        release.set()
        assert IMAGE.id in (await late).image_mixins
        assert IMAGE.id not in (await seen.view(ALICE)).image_mixins
