"""Many small writes, one transaction: whoever comes while the disk is busy waits for the next one, together."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")


class Batches(Generic[T]):
    """`add` returns when `write` has written the item, with whatever others were waiting; it raises what `write` raises."""

    def __init__(self, write: Callable[[Sequence[T]], Awaitable[None]]) -> None:
        self._write = write
        self._waiting: list[tuple[T, asyncio.Future[None]]] = []
        self._worker: asyncio.Task[None] | None = None

    async def add(self, item: T) -> None:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, done))
        if self._worker is None:
            self._worker = asyncio.create_task(self._work())
        await done

    async def _work(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting, []
                await self._write_one(batch)
        finally:
            self._worker = None

    async def _write_one(self, batch: Sequence[tuple[T, "asyncio.Future[None]"]]) -> None:
        error: Exception | None = None
        try:
            await self._write([item for item, _ in batch])
        except Exception as raised:  # noqa: BLE001  # it is told to everybody who waits for it
            error = raised
        for _, done in batch:
            if done.cancelled():
                continue
            if error:
                done.set_exception(error)
            else:
                done.set_result(None)
