"""Laws of volumes, for drivers that have them."""

import pytest

from hansa.base.errors import BadRequest, Conflict, NotFound, QuotaExceeded
from hansa.cloud.conformance.harness import REQUIRED_QUOTA, Harness, ability
from hansa.cloud.model import AttachmentId, VolumeId
from hansa.cloud.port import HasVolumes


class VolumeLaws:
    async def test_a_volume_grows_and_never_shrinks(self, harness: Harness) -> None:
        cloud, alice = ability(harness.cloud, HasVolumes), harness.alice
        made = await cloud.create_volume(alice, name="data", size_gib=0.5, description="d")
        volume = await harness.volume_is(alice, made.id, "available")
        assert (volume.name, volume.size_gib, volume.owner, volume.description) == ("data", 0.5, alice.project, "d")
        grown = await cloud.update_volume(alice, made.id, name="more", size_gib=1.0)
        assert (grown.name, grown.size_gib, grown.description) == ("more", 1.0, "d")
        with pytest.raises(BadRequest):
            await cloud.update_volume(alice, made.id, size_gib=0.5)
        assert (await cloud.update_volume(alice, made.id, online=False)).online is False
        assert (await cloud.update_volume(alice, made.id, online=True)).online is True
        await cloud.delete_volume(alice, made.id)
        assert list(await cloud.volumes(alice)) == []
        with pytest.raises(NotFound):
            await cloud.delete_volume(alice, made.id)

    async def test_impossible_volumes_are_refused(self, harness: Harness) -> None:
        cloud = ability(harness.cloud, HasVolumes)
        for name, size in (("", 1.0), ("a\nb", 1.0), ("v", 0.0), ("v", -1.0), ("v", float("nan")), ("v", float("inf"))):
            with pytest.raises(BadRequest):
                await cloud.create_volume(harness.alice, name=name, size_gib=size)
        assert list(await cloud.volumes(harness.alice)) == []

    async def test_a_volume_of_another_project_does_not_exist(self, harness: Harness) -> None:
        cloud = ability(harness.cloud, HasVolumes)
        made = await cloud.create_volume(harness.alice, name="data", size_gib=0.1)
        assert list(await cloud.volumes(harness.bob)) == []
        for refused in (
            cloud.update_volume(harness.bob, made.id, name="mine"),
            cloud.delete_volume(harness.bob, made.id),
            harness.cloud.create_server(harness.bob, harness.spec(volumes=(made.id,))),
        ):
            with pytest.raises(NotFound):
                await refused
        assert list(await harness.cloud.servers(harness.bob)) == []
        await cloud.delete_volume(harness.alice, made.id)

    async def test_volumes_count_against_the_quota(self, harness: Harness) -> None:
        cloud, limited = ability(harness.cloud, HasVolumes), harness.limited
        with pytest.raises(QuotaExceeded):
            await cloud.create_volume(limited, name="big", size_gib=REQUIRED_QUOTA["volume_gib"] + 1)
        made = await cloud.create_volume(limited, name="v", size_gib=1)
        for refused in (
            cloud.create_volume(limited, name="second", size_gib=0.1),
            cloud.update_volume(limited, made.id, size_gib=REQUIRED_QUOTA["volume_gib"] + 1),
        ):
            with pytest.raises(QuotaExceeded):
                await refused
        assert [volume.size_gib for volume in await cloud.volumes(limited)] == [1]
        await cloud.delete_volume(limited, made.id)

    async def test_volumes_come_to_machines_and_leave_them(self, harness: Harness) -> None:
        cloud, alice = ability(harness.cloud, HasVolumes), harness.alice
        first = await cloud.create_volume(alice, name="first", size_gib=0.1)
        second = await cloud.create_volume(alice, name="second", size_gib=0.1)
        machine = await harness.running(alice, volumes=(first.id,))
        assert [each.volume for each in machine.attachments] == [first.id], "asked for at creation"
        await harness.volume_is(alice, first.id, "in-use")

        added = await cloud.attach_volume(alice, machine.id, second.id, mountpoint="/data")
        assert (added.server, added.volume, added.mountpoint) == (machine.id, second.id, "/data")
        assert added.device != machine.attachments[0].device
        await harness.volume_is(alice, second.id, "in-use")
        await self._attached_volumes_stay_put(harness, first.id, added.id)

        await harness.idle(alice, machine.id)
        await cloud.detach_volume(alice, added.id)
        after = await harness.unplugged(alice, machine.id, added.id)
        assert [each.volume for each in after.attachments] == [first.id]
        await harness.volume_is(alice, second.id, "available")
        await cloud.delete_volume(alice, second.id)
        await harness.idle(alice, machine.id)
        await harness.delete(alice, machine.id)
        await harness.volume_is(alice, first.id, "available")
        await cloud.delete_volume(alice, first.id)

    async def _attached_volumes_stay_put(self, harness: Harness, first: VolumeId, added: AttachmentId) -> None:
        cloud, alice = ability(harness.cloud, HasVolumes), harness.alice
        machine = (await harness.cloud.servers(alice))[0]
        for busy in (
            cloud.attach_volume(alice, machine.id, first),
            cloud.delete_volume(alice, first),
            cloud.update_volume(alice, first, online=False),
            harness.cloud.create_server(alice, harness.spec(volumes=(first,))),
        ):
            with pytest.raises(Conflict):
                await busy
        with pytest.raises(NotFound):
            await cloud.detach_volume(harness.bob, added)
        with pytest.raises(NotFound):
            await cloud.attach_volume(alice, machine.id, VolumeId("absent"))
