"""Images of the reference driver: only what is known about them is kept, and the refusals are real."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from hansa.base.errors import BadRequest, Conflict, NotFound
from hansa.cloud.diskformat import HEADER_BYTES, check_header
from hansa.cloud.drivers.memory.world import World
from hansa.cloud.model import Caller, Image, ImageId, ServerId, ServerState
from hansa.cloud.rules import check_idle, check_name


class Images(World):
    async def images(self, caller: Caller) -> Sequence[Image]:
        self._now()
        return [image for image in self._images.values() if image.owner in (None, caller.project)]

    async def add_image(self, image: Image, source: Path) -> Image:
        now = self._now()
        check_name(image.name)
        header, size = await asyncio.to_thread(_look, source)
        check_header(header, image.disk_format)
        if image.id in self._images:
            raise Conflict(f"There is an image {image.id} already.")
        added = replace(image, size_bytes=size, created=image.created or now)
        self._images[added.id] = added
        return added

    async def remove_image(self, image: ImageId) -> None:
        self._now()
        if self._images.pop(image, None) is None:
            raise NotFound(f"There is no image {image}.")

    async def save_server(self, caller: Caller, server: ServerId, name: str) -> Image:
        now = self._now()
        found = self._find(caller, server)
        check_idle(found)
        if found.state is ServerState.ERROR:
            raise Conflict("A machine that never started has nothing to save.", state=found.state.value)
        image = Image(
            id=ImageId(self._new_id()),
            name=check_name(name),
            size_bytes=found.flavor.disk_gib * 2**30,
            min_disk_gib=found.flavor.disk_gib,
            owner=caller.project,
            description=f"Saved from {found.name}",
            created=now,
        )
        self._images[image.id] = image
        return image

    def _image(self, caller: Caller, image: ImageId) -> Image:
        found = self._images.get(image)
        if found is None or found.owner not in (None, caller.project):
            raise NotFound(f"There is no image {image}.")
        return found


def _look(source: Path) -> tuple[bytes, int]:
    try:
        with source.open("rb") as file:
            return file.read(HEADER_BYTES), source.stat().st_size
    except OSError as error:
        raise BadRequest("The image file cannot be read.", field="source") from error
