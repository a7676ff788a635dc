"""What the suite needs to know about the cloud under test, and how it waits."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import pytest

from hansa.base.errors import NotFound
from hansa.cloud.model import (
    AttachmentId,
    Caller,
    EventKind,
    FlavorId,
    ImageId,
    Server,
    ServerEvent,
    ServerId,
    ServerSpec,
    ServerState,
    Volume,
    VolumeId,
)
from hansa.cloud.port import Cloud, HasVolumes

REQUIRED_QUOTA = {"servers": 1, "volumes": 1, "volume_gib": 2}
"""What the project of `Harness.limited` may have."""

Found = TypeVar("Found")
Ability = TypeVar("Ability")


def ability(cloud: Cloud, protocol: type[Ability]) -> Ability:
    """The cloud as something that has the ability; skips the test where it has not."""
    if not isinstance(cloud, protocol):
        pytest.skip(f"The driver is not {protocol.__name__}.")
    return cloud


@dataclass(slots=True)
class Harness:
    """An open, empty cloud and what may be asked of it.

    `alice` and `bob` belong to different projects without tight quotas, `limited` to a third one with `REQUIRED_QUOTA`.
    `flavor` runs `image`; `bigger` has more of everything. `reopen` closes the cloud and opens it again as a restarted
    process would, and gives the new object. `tick` lets time pass where the cloud's clock is in our hand.
    """

    cloud: Cloud
    alice: Caller
    bob: Caller
    limited: Caller
    image: ImageId
    flavor: FlavorId
    bigger: FlavorId
    reopen: Callable[[], Awaitable[Cloud]]
    boots_for_real: bool = False
    many: int = 200  # machines created at once
    timeout: float = 60.0  # seconds until a change must have happened
    tick: Callable[[], None] = field(default=lambda: None)

    def spec(self, name: str = "machine", **changes: Any) -> ServerSpec:
        return replace(ServerSpec(name, self.image, self.flavor), **changes)

    async def running(self, caller: Caller, name: str = "machine", **changes: Any) -> Server:
        made = await self.cloud.create_server(caller, self.spec(name, **changes))
        return await self.reached(caller, made.id, ServerState.ACTIVE)

    async def reached(self, caller: Caller, server: ServerId, state: ServerState) -> Server:
        """The server, once it is idle in that state; fails when it ends in another one or takes too long."""

        async def look() -> Server | None:
            found = await self.cloud.server(caller, server)
            if found.task is not None:
                return None
            assert found.state is state, (
                f"{found.state} ({found.fault}) instead of {state}: {await self._console(caller, server)}"
            )
            return found

        return await self._until(look, f"machine {server} is not {state}")

    async def idle(self, caller: Caller, server: ServerId) -> Server:
        async def look() -> Server | None:
            found = await self.cloud.server(caller, server)
            return found if found.task is None else None

        return await self._until(look, f"machine {server} does not come to rest")

    async def gone(self, caller: Caller, server: ServerId) -> None:
        async def look() -> bool | None:
            try:
                await self.cloud.server(caller, server)
            except NotFound:
                return True
            return None

        await self._until(look, f"machine {server} is still there")

    async def delete(self, caller: Caller, server: ServerId) -> None:
        await self.cloud.delete_server(caller, server)
        await self.gone(caller, server)

    async def volume_is(self, caller: Caller, volume: VolumeId, state: str) -> Volume:
        volumes = ability(self.cloud, HasVolumes)

        async def look() -> Volume | None:
            return next(
                (each for each in await volumes.volumes(caller) if (each.id, each.state) == (volume, state)), None
            )

        return await self._until(look, f"volume {volume} is not {state}")

    async def unplugged(self, caller: Caller, server: ServerId, attachment: AttachmentId) -> Server:
        async def look() -> Server | None:
            found = await self.cloud.server(caller, server)
            return None if attachment in {each.id for each in found.attachments} else found

        return await self._until(look, f"attachment {attachment} is still there")

    async def events(self, server: ServerId | None = None) -> list[ServerEvent]:
        """All recorded events (of one server), read in small pages as a follower would."""
        told: list[ServerEvent] = []
        while chunk := await self.cloud.events(after=told[-1].sequence if told else 0, limit=7):
            assert len(chunk) <= 7
            told += chunk
        assert [event.sequence for event in told] == sorted({event.sequence for event in told}), "sequence only grows"
        return [event for event in told if server in (None, event.server)]

    async def story(self, server: ServerId) -> list[EventKind]:
        return [event.kind for event in await self.events(server)]

    async def _until(self, look: Callable[[], Awaitable[Found | None]], otherwise: str) -> Found:
        end = time.monotonic() + self.timeout
        while (found := await look()) is None:
            assert time.monotonic() < end, f"after {self.timeout} s {otherwise}"
            self.tick()
            await asyncio.sleep(0.05 if self.boots_for_real else 0)
        return found

    async def _console(self, caller: Caller, server: ServerId) -> str:
        return (await self.cloud.console_log(caller, server, tail_bytes=2000)).decode(errors="replace")
