"""The reference driver obeys every law, done at once and with everything taking its time."""

from datetime import UTC, datetime, timedelta

import pytest

from hansa.cloud.conformance import CloudConformance, Harness
from hansa.cloud.conformance.harness import REQUIRED_QUOTA
from hansa.cloud.drivers.memory import Delays, MemoryCloud
from hansa.cloud.model import Caller, Flavor, FlavorId, Image, ImageId, Network, NetworkId, ProjectId
from hansa.cloud.port import Cloud


@pytest.fixture(params=[timedelta(), timedelta(seconds=1)], ids=["at once", "slowly"])
async def harness(request: pytest.FixtureRequest) -> Harness:
    now = [datetime(2026, 1, 1, tzinfo=UTC)]

    def tick() -> None:
        now[0] += timedelta(milliseconds=300)

    cloud = MemoryCloud(
        clock=lambda: now[0],
        flavors=[
            Flavor(FlavorId("small"), "small", vcpus=1, ram_mib=512, disk_gib=1),
            Flavor(FlavorId("bigger"), "bigger", vcpus=2, ram_mib=1024, disk_gib=2),
        ],
        images=[Image(ImageId("tiny"), "tiny", size_bytes=1)],
        networks=[Network(NetworkId("net"), "shared", cidr="10.0.0.0/16", gateway="10.0.0.1")],
        project_quotas={"limited": REQUIRED_QUOTA},
        delays=Delays(boot=request.param, action=request.param, delete=request.param),
    )
    await cloud.open()

    async def reopen() -> Cloud:
        await cloud.close()
        await cloud.open()
        return cloud

    return Harness(
        cloud=cloud,
        alice=Caller("alice", ProjectId("ops"), vo="ops", fqan="/ops"),
        bob=Caller("bob", ProjectId("fedcloud")),
        limited=Caller("lim", ProjectId("limited")),
        image=ImageId("tiny"),
        flavor=FlavorId("small"),
        bigger=FlavorId("bigger"),
        reopen=reopen,
        tick=tick,
    )


class TestMemory(CloudConformance):
    pass
