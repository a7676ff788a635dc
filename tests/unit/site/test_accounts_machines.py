"""The machines of those who have left: nothing within the grace, then what the settings say, and only theirs."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests.support.feed import Side, SiteSide, credential, federation_side, site_side

from hansa.cloud.drivers.memory import MemoryCloud
from hansa.cloud.model import (
    Caller,
    Flavor,
    FlavorId,
    Image,
    ImageId,
    ProjectId,
    ServerQuery,
    ServerSpec,
    ServerState,
)
from hansa.site.accounts.keeper import FORGET_AFTER, Keeper
from hansa.site.accounts.machines import Machines
from hansa.site.accounts.model import Filter, OnRemoval, Standing
from hansa.site.usage import Usage

GRACE = timedelta(days=7)
OPERATOR = Caller("root", ProjectId("none"), frozenset({"admin"}))


def user(number: int) -> str:
    held = credential(number)
    return f"X509:<I>{held.issuer.rfc4514()}<S>{held.subject.rfc4514()}"


class World:
    def __init__(self, side: Side, site: SiteSide) -> None:
        self.side, self.site = side, site
        self.cloud = MemoryCloud(
            clock=side.now,
            flavors=[Flavor(FlavorId("one"), "one", vcpus=1, ram_mib=512, disk_gib=1)],
            images=[Image(ImageId("tiny"), "tiny", size_bytes=1)],
        )
        self.usage = Usage(site.database, self.cloud, side.now)

    def keeper(self, action: OnRemoval) -> Keeper:
        machines = Machines(self.cloud, self.usage.vos_of, action)
        return Keeper(
            self.site.database,
            self.side.now,
            lambda event, /, **fields: self.site.log.append({"event": event, **fields}),
            machines,
            grace=GRACE,
            action=action,
        )

    async def machine(self, name: str, number: int, vo: str = "demo", suffix: str = "") -> None:
        caller = Caller(user(number) + suffix, ProjectId("p"), vo=vo, fqan=f"/{vo}")
        await self.cloud.create_server(caller, ServerSpec(name, ImageId("tiny"), FlavorId("one")))
        self.side.later(minutes=10)
        await self.cloud.open()

    async def states(self) -> dict[str, ServerState]:
        await self.cloud.open()  # whatever is due happens now
        servers = await self.cloud.servers(OPERATOR, ServerQuery(all_projects=True))
        return {each.name: each.state for each in servers if each.state is not ServerState.DELETED}

    async def settle(self, keeper: Keeper) -> None:
        for _ in range(4):
            await keeper.look()
            self.side.later(minutes=10)
            await self.cloud.open()


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with (
        federation_side(f"sqlite:///{tmp_path / 'federation.db'}", "demo", "other") as side,
        site_side(side, f"sqlite:///{tmp_path / 'site.db'}", await side.site("SITE-A", "demo", "other")) as site,
    ):
        yield World(side, site)


async def leaves(world: World, number: int = 1) -> str:
    """A member of both VOs with machines of each leaves one of them."""
    uid = (await world.side.member(number)).person.uid
    await world.side.registry.admit("other", uid)
    await world.machine("theirs", number)
    await world.machine("of the other VO", number, "other")
    await world.machine("a robot's for them", number, suffix="<R>somebody")
    await world.machine("a stranger's", 99)
    await world.site.follow()
    await world.side.registry.remove("demo", uid)
    await world.site.follow()
    return uid


async def test_within_the_grace_nothing_happens_to_them(world: World) -> None:
    await leaves(world)
    world.side.later(days=6)
    await world.settle(world.keeper(OnRemoval.DELETE))
    assert set((await world.states()).values()) == {ServerState.ACTIVE}


@pytest.mark.parametrize(
    ("action", "left"),
    [
        (OnRemoval.KEEP, {"theirs": "active", "a robot's for them": "active"}),
        (OnRemoval.STOP, {"theirs": "stopped", "a robot's for them": "stopped"}),
        (OnRemoval.DELETE, {}),
    ],
)
async def test_after_it_what_the_settings_say_and_to_theirs_alone(
    world: World, action: OnRemoval, left: dict[str, str]
) -> None:
    uid = await leaves(world)
    world.side.later(days=8)
    await world.settle(world.keeper(action))
    assert await world.states() == left | {"of the other VO": "active", "a stranger's": "active"}
    (account,) = await world.site.accounts.every(Filter(vo="demo", uid=uid))
    assert (account.standing, account.name) == (Standing.GONE, "")
    acts = [line["act"] for line in world.site.events("accounts.machine")]
    assert acts == ([] if action is OnRemoval.KEEP else [action.value] * 2)
    assert len(world.site.events("accounts.gone")) == 1


async def test_who_comes_back_in_time_finds_everything_as_it_was(world: World) -> None:
    uid = await leaves(world)
    world.side.later(days=6)
    await world.side.registry.admit("demo", uid)
    await world.site.follow()
    world.side.later(days=30)
    await world.settle(world.keeper(OnRemoval.DELETE))
    assert set((await world.states()).values()) == {ServerState.ACTIVE}


async def test_an_interrupted_work_is_taken_up_where_it_was(world: World) -> None:
    await leaves(world)
    world.side.later(days=8)
    await world.keeper(OnRemoval.DELETE).look()  # accepted, not yet done; then the site is killed
    await world.settle(world.keeper(OnRemoval.DELETE))
    assert set(await world.states()) == {"of the other VO", "a stranger's"}


async def test_suspension_touches_no_machine(world: World) -> None:
    uid = (await world.side.member(1)).person.uid
    await world.machine("theirs", 1)
    await world.side.registry.suspend("demo", uid, "why")
    await world.site.follow()
    world.side.later(days=30)
    await world.settle(world.keeper(OnRemoval.DELETE))
    assert await world.states() == {"theirs": ServerState.ACTIVE}


async def test_an_end_that_passes_is_a_removal(world: World) -> None:
    member = await world.side.member(1)
    await world.machine("theirs", 1)
    await world.side.registry.set_until("demo", member.person.uid, world.side.now() + timedelta(days=1))
    await world.site.follow()
    (account,) = await world.site.accounts.every(Filter())
    assert account.until is not None
    world.side.time = account.until + timedelta(hours=1)
    await world.settle(world.keeper(OnRemoval.STOP))
    assert await world.states() == {"theirs": ServerState.ACTIVE}
    world.side.later(days=8)
    await world.settle(world.keeper(OnRemoval.STOP))
    assert await world.states() == {"theirs": ServerState.STOPPED}


async def test_those_who_went_long_ago_are_forgotten(world: World) -> None:
    uid = await leaves(world)
    world.side.later(days=8)
    await world.settle(world.keeper(OnRemoval.STOP))
    world.side.later(days=FORGET_AFTER.days + 1)
    await world.keeper(OnRemoval.STOP).look()
    assert await world.site.accounts.every(Filter(vo="demo", uid=uid)) == []
    await world.site.follow()
    await world.side.member(2)
    await world.site.follow()
