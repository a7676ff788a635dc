"""Settings that drivers share: the sizes on offer and what a project may have."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from hansa.base.config import Settings
from hansa.cloud.model import Flavor, FlavorId

Count = Annotated[int, Field(ge=0)]


class FlavorSettings(Settings):
    """One size of machine. `disk_gib` 0 leaves the disk as large as the image."""

    vcpus: int = Field(ge=1, le=255, description="Virtual processors.")
    ram_mib: int = Field(ge=16, description="Memory in MiB.")
    disk_gib: Count = Field(description="Disk in GiB.")


class QuotaSettings(Settings):
    """What one project may have at most; absent: no limit."""

    servers: Count | None = Field(None, description="Machines.")
    vcpus: Count | None = Field(None, description="Virtual processors of all machines.")
    ram_mib: Count | None = Field(None, description="Memory of all machines in MiB.")
    volumes: Count | None = Field(None, description="Volumes.")
    volume_gib: Count | None = Field(None, description="Size of all volumes in GiB.")

    def limits(self) -> dict[str, int]:
        """Only what is limited."""
        return {resource: limit for resource, limit in self.model_dump().items() if limit is not None}


FLAVORS: Mapping[str, FlavorSettings] = {
    "tiny": FlavorSettings(vcpus=1, ram_mib=128, disk_gib=1),
    "small": FlavorSettings(vcpus=1, ram_mib=512, disk_gib=5),
    "medium": FlavorSettings(vcpus=2, ram_mib=2048, disk_gib=20),
    "large": FlavorSettings(vcpus=4, ram_mib=4096, disk_gib=40),
}


def flavors_of(settings: Mapping[str, FlavorSettings]) -> list[Flavor]:
    """Flavors whose ids are their names."""
    return [Flavor(FlavorId(name), name, each.vcpus, each.ram_mib, each.disk_gib) for name, each in settings.items()]
