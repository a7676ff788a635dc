"""Networks at the port: one that everybody has, behind QEMU's NAT, and segments of one's own."""

import asyncio
from collections.abc import Sequence

import structlog
from sqlalchemy import Connection

from hansa.base.errors import Conflict, HansaError, NotFound, Unsupported
from hansa.cloud.drivers.embedded import addresses, devices, plugging
from hansa.cloud.drivers.embedded.host import Host
from hansa.cloud.drivers.embedded.store import networks, servers
from hansa.cloud.model import Caller, Interface, InterfaceId, Network, NetworkId, ServerId
from hansa.cloud.rules import check_attachable, check_name, check_network

DEFAULT = NetworkId("default")
"""The network every machine is in that names no other."""

log = structlog.stdlib.get_logger(__name__)


class Networks:
    _host: Host

    async def networks(self, caller: Caller) -> Sequence[Network]:
        return await self._host.db.read(lambda connection: networks.listing(connection, caller.project))

    async def create_network(
        self,
        caller: Caller,
        *,
        name: str,
        cidr: str | None = None,
        gateway: str | None = None,
        allocation: str = "dynamic",
        vlan: int | None = None,
    ) -> Network:
        """A segment of its own: machines in it see each other and nobody else. `vlan` is kept and means nothing here."""
        network = Network(
            id=NetworkId(self._host.new_id()),
            name=check_name(name),
            owner=caller.project,
            cidr=cidr,
            gateway=gateway,
            allocation=allocation,
            vlan=vlan,
            created=self._host.clock(),
        )
        check_network(network)
        if not await asyncio.to_thread(addresses.segments_work):
            raise Unsupported("This host has no multicast on its loopback interface.", ability="networks")

        def write(connection: Connection) -> None:
            networks.add(connection, network, addresses.new_segment(connection))

        await self._host.db.write(write)
        return network

    async def update_network(
        self, caller: Caller, network: NetworkId, *, name: str | None = None, up: bool | None = None
    ) -> Network:
        """A network that is down has its machines' cables pulled."""
        values = {"name": None if name is None else check_name(name), "up": up}

        def write(connection: Connection) -> tuple[Network, list[tuple[ServerId, int]]]:
            networks.owned(connection, caller.project, network)
            changes = {key: value for key, value in values.items() if value is not None}
            if changes:
                networks.change(connection, network, **changes)
            return networks.owned(connection, caller.project, network), networks.connected(connection, network)

        changed, connected = await self._host.db.write(write)
        if up is not None:
            await asyncio.gather(*(self._switch(server, slot, up=up) for server, slot in connected))
        return changed

    async def delete_network(self, caller: Caller, network: NetworkId) -> None:
        def write(connection: Connection) -> None:
            networks.owned(connection, caller.project, network)
            if networks.connected(connection, network):
                raise Conflict("A machine is connected to the network; disconnect it first.")
            networks.forget(connection, network)

        await self._host.db.write(write)

    async def attach_interface(self, caller: Caller, server: ServerId, network: NetworkId) -> Interface:
        """The guest sees a new card; on a segment it has to set the address itself, or learn it when it is next started."""
        name, now = devices.ATTACH_INTERFACE, self._host.clock()
        workflow = self._host.new_workflow(name)

        def accept(connection: Connection) -> tuple[Interface, int]:
            found = servers.of_project(connection, caller.project, server)
            wanted = networks.of_project(connection, caller.project, network)
            check_attachable(found)
            interface = addresses.connect(connection, self._host, server, wanted, active=False)
            slot = networks.slot_of(connection, interface)
            servers.begin(connection, server, "attaching", workflow, now)
            self._host.record(connection, name, workflow, server=server, interface=interface, slot=slot)
            after = servers.get(connection, server)
            return next(each for each in after.interfaces if each.id == interface), slot

        made, slot = await self._host.db.write(accept)
        await self._host.run(name, workflow, server=server, interface=made.id, slot=slot)
        return made

    async def detach_interface(self, caller: Caller, server: ServerId, interface: InterfaceId) -> None:
        name, now = devices.DETACH_INTERFACE, self._host.clock()
        workflow = self._host.new_workflow(name)

        def accept(connection: Connection) -> int:
            found = servers.of_project(connection, caller.project, server)
            if interface not in {each.id for each in found.interfaces}:
                raise NotFound(f"The machine has no interface {interface}.")
            check_attachable(found)
            slot = networks.slot_of(connection, interface)
            servers.begin(connection, server, "detaching", workflow, now)
            self._host.record(connection, name, workflow, server=server, interface=interface, slot=slot)
            return slot

        slot = await self._host.db.write(accept)
        await self._host.run(name, workflow, server=server, interface=interface, slot=slot)

    async def _switch(self, server: ServerId, slot: int, *, up: bool) -> None:
        try:
            link = await self._host.hypervisor.link(server)
            if link is not None:
                await plugging.switch_card(link, slot, up=up)
        except HansaError as error:  # it is switched at its next start
            log.warning("embedded.link_not_switched", server=server, error=error.message)
