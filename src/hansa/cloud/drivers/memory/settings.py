"""Settings of the reference driver, for sites that only pretend (`[cloud.memory]`)."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from pydantic import Field

from hansa.base.config import Settings
from hansa.cloud.drivers.memory import Delays, MemoryCloud
from hansa.cloud.model import Image, ImageId, Network, NetworkId
from hansa.cloud.settings import FLAVORS, FlavorSettings, QuotaSettings, flavors_of

_NETWORK = "192.168.0.0/16"


class MemorySettings(Settings):
    """What is pretended."""

    flavors: Mapping[str, FlavorSettings] = Field(FLAVORS, description="The sizes on offer, by name.")
    images: tuple[str, ...] = Field(("pretended",), description="Names of images that are there from the beginning.")
    network: str = Field(_NETWORK, description="The range of the network that everybody shares.")
    quota: QuotaSettings = Field(QuotaSettings(), description="Of every project.")
    project_quotas: Mapping[str, QuotaSettings] = Field({}, description="Replaces `quota` for some projects.")
    boot_seconds: float = Field(0.0, ge=0, description="How long a machine takes to become active.")
    action_seconds: float = Field(0.0, ge=0, description="How long starting, stopping and the like take.")


def memory_cloud(settings: MemorySettings, clock: Callable[[], datetime]) -> MemoryCloud:
    """A fresh one; its events go on counting where an earlier process with the same clock left off."""
    return MemoryCloud(
        clock=clock,
        flavors=flavors_of(settings.flavors),
        images=[Image(ImageId(name), name, size_bytes=0, created=clock()) for name in settings.images],
        networks=[Network(NetworkId("shared"), "shared", cidr=settings.network, created=clock())],
        quota=settings.quota.limits(),
        project_quotas={project: quota.limits() for project, quota in settings.project_quotas.items()},
        delays=Delays(timedelta(seconds=settings.boot_seconds), timedelta(seconds=settings.action_seconds)),
        first_event=int(clock().timestamp() * 1000),
    )
