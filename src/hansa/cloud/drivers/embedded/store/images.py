"""Images: a row is `ready` when its file stands in the store, `removed` when it is only kept for disks based on it."""

from typing import Any

from sqlalchemy import Connection, Row, delete, insert, or_, select, update

from hansa.base.errors import NotFound
from hansa.cloud.drivers.embedded.store.tables import images, servers
from hansa.cloud.model import Image, ImageId, ProjectId

OFFERED = images.c.ready.is_(True) & images.c.removed.is_(False)


def add(connection: Connection, image: Image, workflow: str | None = None) -> None:
    """Not ready yet."""
    values = {
        "id": image.id,
        "name": image.name,
        "owner": image.owner,
        "ready": False,
        "removed": False,
        "workflow": workflow,
        "size_bytes": image.size_bytes,
        "virtual_bytes": 0,
        "disk_format": image.disk_format,
        "min_disk_gib": image.min_disk_gib,
        "min_ram_mib": image.min_ram_mib,
        "architecture": image.architecture,
        "description": image.description,
        "properties": dict(image.properties),
        "created": image.created,
    }
    connection.execute(insert(images).values(values))


def ready(connection: Connection, image: ImageId, *, size_bytes: int, virtual_bytes: int) -> None:
    values = {"ready": True, "workflow": None, "size_bytes": size_bytes, "virtual_bytes": virtual_bytes}
    connection.execute(update(images).where(images.c.id == image).values(values))


def exists(connection: Connection, image: ImageId) -> bool:
    return connection.execute(select(images.c.id).where(images.c.id == image)).first() is not None


def offered(connection: Connection, project: ProjectId) -> list[Image]:
    query = select(images).where(OFFERED, _visible(project)).order_by(images.c.created, images.c.id)
    return [_image(row) for row in connection.execute(query)]


def of_project(connection: Connection, project: ProjectId, image: ImageId) -> tuple[Image, int]:
    """The image and its virtual size in bytes. NotFound if the project cannot use it."""
    row = connection.execute(select(images).where(images.c.id == image, OFFERED, _visible(project))).first()
    if row is None:
        raise NotFound(f"There is no image {image}.")
    return _image(row), row.virtual_bytes


def disk_format(connection: Connection, image: ImageId) -> str:
    return str(connection.execute(select(images.c.disk_format).where(images.c.id == image)).scalar_one())


def retire(connection: Connection, image: ImageId) -> None:
    """Take it off offer. NotFound if it is not on offer."""
    done = connection.execute(update(images).where(images.c.id == image, OFFERED).values(removed=True))
    if done.rowcount == 0:
        raise NotFound(f"There is no image {image}.")


def unused(connection: Connection) -> list[tuple[ImageId, str]]:
    """Images whose file nobody needs: retired without disks based on them, or left half made. With their format."""
    based = select(servers.c.image)
    half_made = images.c.ready.is_(False) & images.c.workflow.is_(None)
    query = select(images.c.id, images.c.disk_format).where(
        or_(images.c.removed.is_(True) & images.c.id.not_in(based), half_made)
    )
    return [(ImageId(row.id), row.disk_format) for row in connection.execute(query)]


def forget(connection: Connection, image: ImageId) -> None:
    connection.execute(delete(images).where(images.c.id == image))


def _visible(project: ProjectId) -> Any:
    return or_(images.c.owner.is_(None), images.c.owner == project)


def _image(row: Row[Any]) -> Image:
    return Image(
        id=ImageId(row.id),
        name=row.name,
        size_bytes=row.size_bytes,
        disk_format=row.disk_format,
        min_disk_gib=row.min_disk_gib,
        min_ram_mib=row.min_ram_mib,
        architecture=row.architecture,
        owner=ProjectId(row.owner) if row.owner is not None else None,
        description=row.description,
        properties=row.properties,
        created=row.created,
    )
