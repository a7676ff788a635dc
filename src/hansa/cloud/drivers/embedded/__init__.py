"""Real machines on this host with QEMU: no daemon but ours, no root where the kernel allows.

    cloud = EmbeddedCloud(EmbeddedSettings(state_dir=Path("/var/lib/hansa/cloud")))
    await cloud.open()

All it owns lies in the state directory (`layout`). It keeps a database of its own there, so that disks and what is
known of them stay together, and runs its own workflows in it.
"""

from hansa.cloud.drivers.embedded.cloud import EmbeddedCloud
from hansa.cloud.drivers.embedded.settings import EmbeddedSettings

__all__ = ["EmbeddedCloud", "EmbeddedSettings"]
