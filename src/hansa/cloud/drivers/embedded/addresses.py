"""Where a machine is reachable: its own loopback address with forwarded ports, or an address on a segment.

The default network gives every machine an address of its own out of `settings.addresses`, so that each has its SSH on
port 22, as users expect. Where low ports cannot be bound (no root, `net.ipv4.ip_unprivileged_port_start`), or where
something listens on that port of every address, the configured other port is used, the same for every machine.
"""

import itertools
import secrets
import socket
from collections.abc import Iterator, Mapping
from contextlib import closing
from ipaddress import IPv4Network, ip_network

from sqlalchemy import Connection

from hansa.base.errors import CapacityExceeded
from hansa.cloud.drivers.embedded.commandline import CARDS
from hansa.cloud.drivers.embedded.host import Host
from hansa.cloud.drivers.embedded.store import networks
from hansa.cloud.model import InterfaceId, Network, ServerId

TRIES = 1000


def connect(connection: Connection, host: Host, server: ServerId, network: Network, *, active: bool) -> InterfaceId:
    """A new interface of the machine, in its first free slot. CapacityExceeded if the network or the machine is full."""
    free = networks.free_slots(networks.slots(connection, server), CARDS)
    if not free:
        raise CapacityExceeded(f"The machine already has {CARDS} interfaces.")
    taken = networks.addresses(connection, network.id)
    address: str | None
    forwards: Mapping[int, int] = {}
    if networks.segment(connection, network.id) is None:
        address, forwards = _on_loopback(host.settings.addresses, host.settings.forwards, taken)
    else:
        address = _on_segment(network, taken)
    interface = InterfaceId(host.new_id())
    networks.connect(
        connection,
        interface,
        server,
        network,
        slot=free[0],
        mac=_mac(connection),
        address=address,
        forwards=forwards,
        active=active,
    )
    return interface


def new_segment(connection: Connection) -> str:
    """A multicast group and port that no other segment has; drawn at random, because other clouds may use this host too."""
    while True:
        group = ".".join(["239", *(str(secrets.randbelow(254) + 1) for _ in range(3))])
        segment = f"{group}:{20_000 + secrets.randbelow(30_000)}"
        if not networks.segment_taken(connection, segment):
            return segment


def segments_work() -> bool:
    """Whether multicast over the loopback interface reaches listeners on this host."""
    with (
        closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as receiver,
        closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as sender,
    ):
        try:
            receiver.bind(("239.255.77.1", 0))
            loopback = socket.inet_aton("127.0.0.1")
            receiver.setsockopt(
                socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton("239.255.77.1") + loopback
            )
            receiver.settimeout(0.5)
            sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, loopback)
            sender.sendto(b"hansa", receiver.getsockname())
            return receiver.recv(16) == b"hansa"
        except OSError:
            return False


def _mac(connection: Connection) -> str:
    """In the range of QEMU and KVM."""
    while True:
        mac = "52:54:00:" + secrets.token_bytes(3).hex(":")
        if not networks.mac_taken(connection, mac):
            return mac


def _on_loopback(pool: IPv4Network, ports: Mapping[int, int], taken: set[str]) -> tuple[str, Mapping[int, int]]:
    for address in itertools.islice(_free(pool, taken), TRIES):
        forwards = _bindable(address, ports)
        if forwards is not None:
            return address, forwards
    raise CapacityExceeded("No address of this cloud is free.", resource="addresses")


def _on_segment(network: Network, taken: set[str]) -> str | None:
    if network.cidr is None:
        return None
    reserved = {network.gateway} if network.gateway else set()
    address = next(_free(ip_network(network.cidr), taken | reserved), None)
    if address is None:
        raise CapacityExceeded(f"Network {network.name} has no free address.", resource="addresses")
    return address


def _free(pool: object, taken: set[str]) -> Iterator[str]:
    return (str(each) for each in ip_network(str(pool)).hosts() if str(each) not in taken)


def _bindable(address: str, ports: Mapping[int, int]) -> Mapping[int, int] | None:
    """For each guest port the port it gets on this address; None if one gets none."""
    chosen: dict[int, int] = {}
    for guest, other in ports.items():
        port = next((port for port in (guest, other) if _can_bind(address, port)), None)
        if port is None:
            return None
        chosen[guest] = port
    return chosen


def _can_bind(address: str, port: int) -> bool:
    with closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((address, port))
        except OSError:
            return False
    return True
