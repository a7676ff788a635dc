"""Writes that come together are written together; each of them is told how it ended."""

import asyncio
from collections.abc import Sequence

import pytest

from hansa.federation.membership.batches import Batches


class Disk:
    """Busy until told; remembers what it was given."""

    def __init__(self) -> None:
        self.written: list[list[int]] = []
        self.free = asyncio.Event()
        self.broken = False

    async def write(self, items: Sequence[int]) -> None:
        await self.free.wait()
        if self.broken:
            raise OSError("disk full")
        self.written.append(list(items))


async def test_what_comes_while_the_disk_is_busy_is_written_together():
    disk = Disk()
    batches = Batches(disk.write)
    first = asyncio.create_task(batches.add(0))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    others = [asyncio.create_task(batches.add(number)) for number in range(1, 9)]
    await asyncio.sleep(0)
    assert not first.done()
    disk.free.set()
    await asyncio.gather(first, *others)
    assert disk.written == [[0], list(range(1, 9))]


async def test_everybody_learns_of_a_failure_and_the_next_are_written():
    disk = Disk()
    disk.free.set()
    disk.broken = True
    batches = Batches(disk.write)
    results = await asyncio.gather(*(batches.add(number) for number in range(3)), return_exceptions=True)
    assert [str(result) for result in results] == ["disk full"] * 3
    disk.broken = False
    await batches.add(4)
    assert disk.written == [[4]]


async def test_one_who_gives_up_does_not_stop_the_others():
    disk = Disk()
    batches = Batches(disk.write)
    gone, stays = (asyncio.create_task(batches.add(number)) for number in (1, 2))
    await asyncio.sleep(0)
    gone.cancel()
    disk.free.set()
    await stays
    with pytest.raises(asyncio.CancelledError):
        await gone
    assert disk.written == [[1, 2]]
