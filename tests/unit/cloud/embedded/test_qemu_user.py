"""Where Hansa is root, QEMU need not be."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.embedded import (
    ALICE,
    BLANK,
    GUEST,
    embedded,
    gone,
    idle,
    make_key,
    needs_qemu,
    running,
    settings,
    ssh,
)
from tests.support.guest import guest_image

from hansa.base.errors import ConfigurationError
from hansa.cloud.drivers.embedded import EmbeddedCloud
from hansa.cloud.model import FlavorId, Image, ServerAction, ServerId, ServerSpec, ServerState

pytestmark = [
    pytest.mark.qemu,
    needs_qemu,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can run QEMU as another user"),
]


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory that others may pass, which pytest's own is not."""
    made = Path(tempfile.mkdtemp(prefix="hansa-user-"))
    made.chmod(0o711)
    yield made
    shutil.rmtree(made)


async def test_qemu_of_another_user_does_all_that_machines_do(place: Path) -> None:
    image = guest_image()
    key, public = make_key(place)
    async with embedded(place / "state", run_as="nobody") as cloud:
        await cloud.add_image(Image(GUEST, "guest", 0), image)
        volume = await cloud.create_volume(ALICE, name="data", size_gib=0.125)
        made = await cloud.create_server(ALICE, ServerSpec("first", GUEST, FlavorId("small"), ssh_keys=(public,)))
        server = await idle(cloud, made.id)
        assert server.state is ServerState.ACTIVE, server.fault
        (qemu,) = running(place / "state")
        assert os.stat(f"/proc/{qemu.pid}").st_uid == 65534  # noqa: PTH116
        assert server.interfaces[0].forwards == {22: 22}, "the port that users expect"
        assert "first" in await ssh(server, key, "hostname")
        await cloud.attach_volume(ALICE, server.id, volume.id)
        assert (await idle(cloud, server.id)).fault is None
        assert (await cloud.volumes(ALICE))[0].state == "in-use"
        for action, state in ((ServerAction.SUSPEND, ServerState.SUSPENDED), (ServerAction.START, ServerState.ACTIVE)):
            await cloud.act(ALICE, server.id, action)
            assert (await idle(cloud, server.id)).state is state
        await _saves(cloud, server.id, place / "state" / "images")
        await cloud.act(ALICE, server.id, ServerAction.POWEROFF)
        assert (await idle(cloud, server.id)).state is ServerState.STOPPED
        await _saves(cloud, server.id, place / "state" / "images")
        await cloud.resize_server(ALICE, server.id, FlavorId("bigger"))
        assert (await idle(cloud, server.id)).fault is None
        await cloud.delete_server(ALICE, server.id)
        await gone(cloud, server.id)


async def _saves(cloud: EmbeddedCloud, server: ServerId, images: Path) -> None:
    saved = await cloud.save_server(ALICE, server, "saved")
    assert (await idle(cloud, server)).fault is None
    assert saved.id in {each.id for each in await cloud.images(ALICE)}
    file = images / f"{saved.id}.qcow2"
    assert (file.stat().st_uid, file.stat().st_mode & 0o777) == (0, 0o440), "an image is nobody's to change"


async def test_what_qemus_user_may_touch_is_its_own_machines_files(place: Path) -> None:
    async with embedded(place / "state", run_as="nobody") as cloud:
        made = await cloud.create_server(ALICE, ServerSpec("first", BLANK, FlavorId("small")))
        server = await idle(cloud, made.id)
        assert server.state is ServerState.ACTIVE, server.fault
        run = place / "state" / "servers" / server.id
        theirs = {path.name for path in run.iterdir() if path.stat().st_uid == 65534}
        assert theirs == {"disk.qcow2", "seed.iso", "console.log", "pid"}
        assert {path.stat().st_uid for path in (run, run.parent, run.parent.parent)} == {0}
        assert (place / "state" / "cloud.db").stat().st_mode & 0o777 == 0o600


async def test_a_user_that_cannot_be_meant_is_refused(place: Path) -> None:
    for name in ("root", "nobody-of-this-name"):
        with pytest.raises(ConfigurationError):
            EmbeddedCloud(settings(place / "state", run_as=name))
    closed = place / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(ConfigurationError, match="cannot reach"):
        await EmbeddedCloud(settings(closed / "state", run_as="nobody")).open()
