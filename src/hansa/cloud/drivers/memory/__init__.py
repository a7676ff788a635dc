"""The reference driver: a cloud without machines, for tests, simulation and the conformance suite.

It has every ability, keeps everything in memory and starts no background tasks: a change that takes time is due at a
moment of the clock, and takes effect at the first call after it. Whoever holds the clock holds the cloud.
"""

from hansa.cloud.drivers.memory.images import Images
from hansa.cloud.drivers.memory.networks import Networks
from hansa.cloud.drivers.memory.servers import Servers
from hansa.cloud.drivers.memory.volumes import Volumes
from hansa.cloud.drivers.memory.world import Capacity, Delays

__all__ = ["Capacity", "Delays", "MemoryCloud"]


class MemoryCloud(Servers, Volumes, Networks, Images):
    """All abilities over one `World`; see there for what the constructor takes."""
