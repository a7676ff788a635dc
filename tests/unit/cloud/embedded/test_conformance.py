"""The embedded driver obeys every law, with real guests."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.support.embedded import ALICE, BOB, GUEST, LIMITED, end_all, needs_qemu, settings
from tests.support.guest import guest_image

from hansa.cloud.conformance import CloudConformance, Harness
from hansa.cloud.conformance.harness import REQUIRED_QUOTA
from hansa.cloud.drivers.embedded import EmbeddedCloud
from hansa.cloud.model import FlavorId, Image
from hansa.cloud.port import Cloud
from hansa.cloud.settings import QuotaSettings

pytestmark = [pytest.mark.qemu, pytest.mark.slow, needs_qemu]


@pytest.fixture
async def harness(tmp_path: Path) -> AsyncIterator[Harness]:
    image = guest_image()
    state = tmp_path / "state"
    wanted = settings(state, project_quotas={"limited": QuotaSettings(**REQUIRED_QUOTA)})
    opened = [EmbeddedCloud(wanted)]
    await opened[0].open()
    await opened[0].add_image(Image(GUEST, "guest", 0), image)

    async def reopen() -> Cloud:
        await opened[-1].close()
        opened.append(EmbeddedCloud(wanted))
        await opened[-1].open()
        return opened[-1]

    yield Harness(
        cloud=opened[0],
        alice=ALICE,
        bob=BOB,
        limited=LIMITED,
        image=GUEST,
        flavor=FlavorId("small"),
        bigger=FlavorId("bigger"),
        reopen=reopen,
        boots_for_real=True,
        many=4,
        timeout=120.0,
    )
    await opened[-1].close()
    await end_all(state)


class TestEmbedded(CloudConformance):
    pass
