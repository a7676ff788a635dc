"""The image store: a file comes in as a copy, is looked at as that copy, and is never written again."""

import asyncio
import shutil
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from sqlalchemy import Connection

from hansa.base.errors import BadRequest, Conflict
from hansa.cloud.diskformat import HEADER_BYTES, check_header
from hansa.cloud.drivers.embedded.host import GIB, Host
from hansa.cloud.drivers.embedded.qemu_user import IMAGE_MODE
from hansa.cloud.drivers.embedded.store import images
from hansa.cloud.drivers.embedded.tools import disk_errors, put_in_place
from hansa.cloud.model import Caller, Image, ImageId
from hansa.cloud.rules import check_name

IMPORT = "import"
"""Stands for the workflow of an image that is being copied in. No workflow: the source is still there, begin again."""


class Images:
    _host: Host

    async def images(self, caller: Caller) -> Sequence[Image]:
        return await self._host.db.read(lambda connection: images.offered(connection, caller.project))

    async def add_image(self, image: Image, source: Path) -> Image:
        check_name(image.name)
        _check_id(image.id)
        size = await asyncio.to_thread(_look, source, image.disk_format)
        if size > self._host.settings.image_gib * GIB:
            raise BadRequest(f"Images may have {self._host.settings.image_gib:g} GiB.", field="image")
        await asyncio.to_thread(self._host.check_disk, size / GIB)
        added = replace(image, size_bytes=size, created=image.created or self._host.clock())
        await self._host.db.write(partial(_reserve, image=added))
        target = self._host.state.image(image.id, image.disk_format)
        try:
            info = await self._take(source, target, image.disk_format)
            await self._host.db.write(
                lambda connection: images.ready(connection, image.id, size_bytes=size, virtual_bytes=info)
            )
        except BaseException:
            await asyncio.to_thread(target.unlink, missing_ok=True)
            await self._host.db.write(lambda connection: images.forget(connection, image.id))
            raise
        return added

    async def remove_image(self, image: ImageId) -> None:
        """Its file stays until the last disk that is based on it has gone."""
        await self._host.db.write(lambda connection: images.retire(connection, image))
        await self._host.sweep_images()

    async def _take(self, source: Path, target: Path, disk_format: str) -> int:
        """The virtual size in bytes, once the copy has been found good."""
        part = target.with_suffix(".part")
        try:
            with disk_errors():
                await asyncio.to_thread(shutil.copyfile, source, part)
            await asyncio.to_thread(_look, part, disk_format)
            await asyncio.to_thread(self._host.show, part, IMAGE_MODE)
            info = await self._host.qemu_img.check(part, disk_format)
            if info.virtual_bytes > self._host.settings.image_gib * GIB:
                raise BadRequest(f"Images may have {self._host.settings.image_gib:g} GiB.", field="image")
            with disk_errors():
                await asyncio.to_thread(put_in_place, part, target, IMAGE_MODE)
        finally:
            await asyncio.to_thread(part.unlink, missing_ok=True)
        return info.virtual_bytes


def _reserve(connection: Connection, *, image: Image) -> None:
    if images.exists(connection, image.id):
        raise Conflict(f"There is an image {image.id} already.")
    images.add(connection, image, IMPORT)


def _check_id(image: ImageId) -> None:
    """It becomes a file's name."""
    if not 1 <= len(image) <= 128 or image.startswith(".") or not all(c.isalnum() or c in "._-" for c in image):
        raise BadRequest("An image id has up to 128 letters, digits, '.', '_' and '-'.", field="id")


def _look(path: Path, disk_format: str) -> int:
    try:
        if not path.is_file():
            raise BadRequest("The image is not a file.", field="source")
        with path.open("rb") as file:
            check_header(file.read(HEADER_BYTES), disk_format)
            return path.stat().st_size
    except OSError as error:
        raise BadRequest("The image file cannot be read.", field="source") from error
