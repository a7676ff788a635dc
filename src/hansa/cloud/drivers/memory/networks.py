"""Networks of the reference driver, and the interfaces of machines in them."""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import replace
from ipaddress import ip_network

from hansa.base.errors import CapacityExceeded, Conflict, Forbidden, NotFound
from hansa.cloud.drivers.memory.world import World
from hansa.cloud.model import Caller, Interface, InterfaceId, Network, NetworkId, ServerId
from hansa.cloud.rules import NETWORKS_MAX, check_attachable, check_name, check_network


class Networks(World):
    async def networks(self, caller: Caller) -> Sequence[Network]:
        self._now()
        return [network for network in self._networks.values() if network.owner in (None, caller.project)]

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
        now = self._now()
        network = Network(
            NetworkId(self._new_id()),
            check_name(name),
            caller.project,
            cidr=cidr,
            gateway=gateway,
            allocation=allocation,
            vlan=vlan,
            created=now,
        )
        check_network(network)
        self._networks[network.id] = network
        return network

    async def update_network(
        self, caller: Caller, network: NetworkId, *, name: str | None = None, up: bool | None = None
    ) -> Network:
        self._now()
        found = self._own_network(caller, network)
        changed = replace(
            found, name=found.name if name is None else check_name(name), up=found.up if up is None else up
        )
        self._networks[found.id] = changed
        return changed

    async def delete_network(self, caller: Caller, network: NetworkId) -> None:
        self._now()
        found = self._own_network(caller, network)
        if any(
            card.network == found.id for server in self._servers[caller.project].values() for card in server.interfaces
        ):
            raise Conflict("A machine is connected to the network; disconnect it first.")
        del self._networks[found.id]

    async def attach_interface(self, caller: Caller, server: ServerId, network: NetworkId) -> Interface:
        now = self._now()
        found, to = self._find(caller, server), self._network(caller, network)
        check_attachable(found)
        if len(found.interfaces) >= NETWORKS_MAX:
            raise Conflict(f"The machine already has {NETWORKS_MAX} interfaces.")
        (card,) = self._connect([to], taken={each.device for each in found.interfaces})
        self._put(replace(found, interfaces=(*found.interfaces, card)), now)
        return card

    async def detach_interface(self, caller: Caller, server: ServerId, interface: InterfaceId) -> None:
        now = self._now()
        found = self._find(caller, server)
        gone = tuple(card for card in found.interfaces if card.id == interface)
        if not gone:
            raise NotFound(f"The machine has no interface {interface}.")
        check_attachable(found)
        self._disconnect(gone)
        self._put(replace(found, interfaces=tuple(card for card in found.interfaces if card.id != interface)), now)

    def _network(self, caller: Caller, network: NetworkId) -> Network:
        found = self._networks.get(network)
        if found is None or found.owner not in (None, caller.project):
            raise NotFound(f"There is no network {network}.")
        return found

    def _own_network(self, caller: Caller, network: NetworkId) -> Network:
        found = self._network(caller, network)
        if found.owner is None:
            raise Forbidden("The network is everybody's; only the operator changes it.")
        return found

    def _connect(self, networks: Iterable[Network], taken: Iterable[str] = ()) -> tuple[Interface, ...]:
        devices = (name for number in itertools.count() if (name := f"eth{number}") not in set(taken))
        cards: list[Interface] = []
        try:
            for network, device in zip(networks, devices, strict=False):
                cards.append(self._card(network, device))
        except CapacityExceeded:
            self._disconnect(cards)
            raise
        return tuple(cards)

    def _card(self, network: Network, device: str) -> Interface:
        return Interface(
            id=InterfaceId(self._new_id()),
            network=network.id,
            mac="52:54:00:" + next(self._macs).to_bytes(3).hex(":"),
            address=self._address(network),
            gateway=network.gateway,
            device=device,
            allocation=network.allocation,
            active=network.up,
        )

    def _address(self, network: Network) -> str | None:
        """The next free host address, going round."""
        if network.cidr is None:
            return None
        places, taken = ip_network(network.cidr), self._addresses[network.id]
        first, count = (1, places.num_addresses - 2) if places.num_addresses > 2 else (0, places.num_addresses)
        for _ in range(min(count, len(taken) + 2)):
            address = str(places[first + next(self._turns[network.id]) % count])
            if address not in taken and address != network.gateway:
                taken.add(address)
                return address
        raise CapacityExceeded(f"Network {network.name} has no free address.")

    def _disconnect(self, cards: Iterable[Interface]) -> None:
        for card in cards:
            if card.address is not None:
                self._addresses[card.network].discard(card.address)
