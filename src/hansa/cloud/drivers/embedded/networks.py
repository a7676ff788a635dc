"""Networks at the port: one that everybody has, behind QEMU's NAT, and segments of one's own."""

from collections.abc import Sequence

from hansa.cloud.drivers.embedded.host import Host
from hansa.cloud.drivers.embedded.store import networks
from hansa.cloud.model import Caller, Network, NetworkId

DEFAULT = NetworkId("default")
"""The network every machine is in that names no other."""


class Networks:
    _host: Host

    async def networks(self, caller: Caller) -> Sequence[Network]:
        return await self._host.db.read(lambda connection: networks.listing(connection, caller.project))
