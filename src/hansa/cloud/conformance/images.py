"""Laws of the image store, for drivers that have one: what is not what it says never comes in."""

import struct
from pathlib import Path

import pytest

from hansa.base.errors import BadRequest, Conflict, NotFound
from hansa.cloud.conformance.harness import Harness, ability
from hansa.cloud.model import Image, ImageId
from hansa.cloud.port import HasImageStore

_RAW = b"\0" * 2**20


def _qcow2(*, backing: int = 0, features: int = 0) -> bytes:
    """The header of an empty qcow2 image, version 3."""
    header = struct.pack(
        ">4sIQIIQIIQQIIQQQQII",
        b"QFI\xfb",
        3,
        backing,
        8,
        16,
        2**20,
        0,
        1,
        0x30000,
        0x10000,
        1,
        0,
        0,
        features,
        0,
        0,
        4,
        104,
    )
    return header.ljust(0x40000, b"\0")


class ImageLaws:
    async def test_an_image_comes_in_and_goes(self, harness: Harness, tmp_path: Path) -> None:
        store = ability(harness.cloud, HasImageStore)
        source = tmp_path / "good.raw"
        source.write_bytes(_RAW)
        added = await store.add_image(
            Image(ImageId("good"), "good", 0, disk_format="raw", properties={"v": "1"}), source
        )
        assert added.size_bytes > 0
        source.unlink()
        listed = {image.id: image for image in await harness.cloud.images(harness.bob)}
        assert (listed[added.id].name, dict(listed[added.id].properties)) == ("good", {"v": "1"})
        await store.remove_image(added.id)
        assert added.id not in {image.id for image in await harness.cloud.images(harness.bob)}
        with pytest.raises(NotFound):
            await store.remove_image(added.id)

    async def test_an_image_that_lies_is_refused(self, harness: Harness, tmp_path: Path) -> None:
        store = ability(harness.cloud, HasImageStore)
        lies = {
            "empty": ("raw", b""),
            "raw-as-qcow2": ("qcow2", _RAW),
            "qcow2-as-raw": ("raw", _qcow2()),
            "vmdk-as-raw": ("raw", b"KDMV" + _RAW),
            "backing-file": ("qcow2", _qcow2(backing=0x200)),
            "data-file": ("qcow2", _qcow2(features=1 << 2)),
            "cut": ("qcow2", _qcow2()[:50]),
            "unknown-format": ("iso", _RAW),
        }
        before = list(await harness.cloud.images(harness.alice))
        for name, (disk_format, content) in lies.items():
            source = tmp_path / name
            source.write_bytes(content)
            with pytest.raises(BadRequest):
                await store.add_image(Image(ImageId(name), name, 0, disk_format=disk_format), source)
        with pytest.raises(BadRequest):
            await store.add_image(Image(ImageId("absent"), "absent", 0, disk_format="raw"), tmp_path / "absent")
        assert list(await harness.cloud.images(harness.alice)) == before

    async def test_an_image_id_is_given_once(self, harness: Harness, tmp_path: Path) -> None:
        store = ability(harness.cloud, HasImageStore)
        source = tmp_path / "good.raw"
        source.write_bytes(_RAW)
        image = Image(ImageId("twice"), "twice", 0, disk_format="raw")
        await store.add_image(image, source)
        with pytest.raises(Conflict):
            await store.add_image(image, source)
        await store.remove_image(image.id)
