"""What only the reference driver has: time at the caller's hand, pretended delays, failures and full hosts."""

from datetime import UTC, datetime, timedelta

import pytest

from hansa.base.errors import CapacityExceeded, Conflict
from hansa.cloud.drivers.memory import Capacity, Delays, MemoryCloud
from hansa.cloud.model import (
    Caller,
    EventKind,
    Flavor,
    FlavorId,
    Image,
    ImageId,
    Network,
    NetworkId,
    ProjectId,
    ServerAction,
    ServerSpec,
    ServerState,
)
from hansa.cloud.port import (
    CanResize,
    CanSnapshot,
    Cloud,
    HasImageStore,
    HasNetworks,
    HasProjects,
    HasVolumes,
)

ALICE = Caller("alice", ProjectId("ops"), vo="ops", fqan="/ops")
SMALL = Flavor(FlavorId("small"), "small", vcpus=1, ram_mib=512, disk_gib=1)
TINY = Image(ImageId("tiny"), "tiny", size_bytes=1)
SPEC = ServerSpec("m", TINY.id, SMALL.id)
NET = Network(NetworkId("net"), "shared", cidr="192.0.2.0/29", gateway="192.0.2.1")


class HandClock:
    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


def test_it_has_every_ability(clock: HandClock) -> None:
    cloud: Cloud = MemoryCloud(clock=clock)
    for ability in (Cloud, HasVolumes, HasNetworks, CanResize, CanSnapshot, HasImageStore, HasProjects):
        assert isinstance(cloud, ability)


async def test_a_machine_boots_when_its_time_has_come_and_not_before(clock: HandClock) -> None:
    cloud = MemoryCloud(clock=clock, flavors=[SMALL], images=[TINY], delays=Delays(boot=timedelta(seconds=3)))
    made = await cloud.create_server(ALICE, SPEC)
    clock.forward(2.9)
    assert (await cloud.server(ALICE, made.id)).state is ServerState.PENDING
    clock.forward(10)
    running = await cloud.server(ALICE, made.id)
    assert (running.state, running.task, running.launched) == (
        ServerState.ACTIVE,
        None,
        made.created + timedelta(seconds=3),
    )


async def test_deleting_during_boot_leaves_no_start_behind(clock: HandClock) -> None:
    cloud = MemoryCloud(clock=clock, flavors=[SMALL], images=[TINY], delays=Delays(boot=timedelta(seconds=3)))
    made = await cloud.create_server(ALICE, SPEC)
    await cloud.delete_server(ALICE, made.id)
    clock.forward(10)
    assert await cloud.servers(ALICE) == []
    assert [event.kind for event in await cloud.events()] == [EventKind.CREATED, EventKind.DELETED]


async def test_a_busy_machine_refuses_actions(clock: HandClock) -> None:
    cloud = MemoryCloud(clock=clock, flavors=[SMALL], images=[TINY], delays=Delays(action=timedelta(seconds=1)))
    made = await cloud.create_server(ALICE, SPEC)
    await cloud.act(ALICE, made.id, ServerAction.STOP)
    with pytest.raises(Conflict, match="busy"):
        await cloud.act(ALICE, made.id, ServerAction.STOP)


async def test_a_failed_boot_says_why_and_keeps_its_record(clock: HandClock) -> None:
    cloud = MemoryCloud(clock=clock, flavors=[SMALL], images=[TINY], boot_fault=lambda spec: "No bootable disk.")
    made = await cloud.create_server(ALICE, SPEC)
    failed = await cloud.server(ALICE, made.id)
    assert (failed.state, failed.fault) == (ServerState.ERROR, "No bootable disk.")
    assert [event.kind for event in await cloud.events()] == [EventKind.CREATED, EventKind.FAILED]


async def test_full_hosts_refuse_and_keep_nothing(clock: HandClock) -> None:
    cloud = MemoryCloud(clock=clock, flavors=[SMALL], images=[TINY], capacity=Capacity(vcpus=1, ram_mib=4096))
    await cloud.create_server(ALICE, SPEC)
    with pytest.raises(CapacityExceeded):
        await cloud.create_server(ALICE, SPEC)
    assert len(await cloud.servers(ALICE)) == 1


async def test_addresses_come_from_the_range_and_return_to_it(clock: HandClock) -> None:
    cloud = MemoryCloud(clock=clock, flavors=[SMALL], images=[TINY], networks=[NET])
    made = [await cloud.create_server(ALICE, SPEC) for _ in range(5)]
    assert [server.interfaces[0].address for server in made] == [f"192.0.2.{host}" for host in range(2, 7)]
    with pytest.raises(CapacityExceeded):
        await cloud.create_server(ALICE, SPEC)
    await cloud.delete_server(ALICE, made[2].id)
    assert (await cloud.create_server(ALICE, SPEC)).interfaces[0].address == "192.0.2.4"
