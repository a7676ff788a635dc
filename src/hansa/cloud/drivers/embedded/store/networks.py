"""Networks and the interfaces of machines in them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, insert, or_, select, update

from hansa.base.errors import Forbidden, NotFound
from hansa.cloud.drivers.embedded.store.tables import interfaces, networks
from hansa.cloud.model import InterfaceId, Network, NetworkId, ProjectId, ServerId


@dataclass(frozen=True, slots=True)
class Plugged:
    """An interface as its machine needs it."""

    slot: int
    mac: str
    device: str
    address: str | None
    forwards: tuple[tuple[int, int], ...]
    network: Network
    segment: str | None


def add(connection: Connection, network: Network, segment: str | None) -> None:
    values = {
        "id": network.id,
        "name": network.name,
        "owner": network.owner,
        "cidr": network.cidr,
        "gateway": network.gateway,
        "allocation": network.allocation,
        "vlan": network.vlan,
        "up": network.up,
        "segment": segment,
        "created": network.created,
    }
    connection.execute(insert(networks).values(values))


def listing(connection: Connection, project: ProjectId) -> list[Network]:
    query = select(networks).where(_visible(project)).order_by(networks.c.created, networks.c.id)
    return [_network(row) for row in connection.execute(query)]


def find(connection: Connection, network: NetworkId) -> Network | None:
    row = connection.execute(select(networks).where(networks.c.id == network)).first()
    return _network(row) if row else None


def of_project(connection: Connection, project: ProjectId, network: NetworkId) -> Network:
    row = connection.execute(select(networks).where(networks.c.id == network, _visible(project))).first()
    if row is None:
        raise NotFound(f"There is no network {network}.")
    return _network(row)


def owned(connection: Connection, project: ProjectId, network: NetworkId) -> Network:
    found = of_project(connection, project, network)
    if found.owner is None:
        raise Forbidden("The network is everybody's; only the operator changes it.")
    return found


def change(connection: Connection, network: NetworkId, **values: Any) -> None:
    connection.execute(update(networks).where(networks.c.id == network).values(**values))
    if "up" in values:
        connection.execute(update(interfaces).where(interfaces.c.network == network).values(active=values["up"]))


def forget(connection: Connection, network: NetworkId) -> None:
    connection.execute(delete(networks).where(networks.c.id == network))


def segment(connection: Connection, network: NetworkId) -> str | None:
    return connection.execute(select(networks.c.segment).where(networks.c.id == network)).scalar()


def segment_taken(connection: Connection, segment: str) -> bool:
    return connection.execute(select(networks.c.id).where(networks.c.segment == segment)).first() is not None


def connected(connection: Connection, network: NetworkId) -> list[tuple[ServerId, int]]:
    """Machines in the network, with the slot of their card."""
    rows = connection.execute(select(interfaces.c.server, interfaces.c.slot).where(interfaces.c.network == network))
    return [(ServerId(row.server), row.slot) for row in rows]


def addresses(connection: Connection, network: NetworkId) -> set[str]:
    query = select(interfaces.c.address).where(interfaces.c.network == network, interfaces.c.address.is_not(None))
    return set(connection.execute(query).scalars())


def mac_taken(connection: Connection, mac: str) -> bool:
    return connection.execute(select(interfaces.c.id).where(interfaces.c.mac == mac)).first() is not None


def slots(connection: Connection, server: ServerId) -> set[int]:
    return set(connection.execute(select(interfaces.c.slot).where(interfaces.c.server == server)).scalars())


def connect(
    connection: Connection,
    interface: InterfaceId,
    server: ServerId,
    network: Network,
    *,
    slot: int,
    mac: str,
    address: str | None,
    forwards: Mapping[int, int],
    active: bool,
) -> None:
    values = {"id": interface, "server": server, "network": network.id, "slot": slot, "mac": mac, "address": address}
    pairs = [list(pair) for pair in forwards.items()]
    connection.execute(insert(interfaces).values(**values, device=f"eth{slot}", forwards=pairs, active=active))


def activate(connection: Connection, interface: InterfaceId) -> None:
    """Plugged in; active if its network is up."""
    up = select(networks.c.up).where(networks.c.id == interfaces.c.network).scalar_subquery()
    connection.execute(update(interfaces).where(interfaces.c.id == interface).values(active=up))


def disconnect(connection: Connection, interface: InterfaceId) -> None:
    connection.execute(delete(interfaces).where(interfaces.c.id == interface))


def slot_of(connection: Connection, interface: InterfaceId) -> int:
    return int(connection.execute(select(interfaces.c.slot).where(interfaces.c.id == interface)).scalar_one())


def plugged(connection: Connection, server: ServerId) -> list[Plugged]:
    """The machine's interfaces in the order of their slots."""
    query: Select[Any] = (
        select(*interfaces.c["slot", "mac", "device", "address", "forwards"], networks)
        .join(networks, networks.c.id == interfaces.c.network)
        .where(interfaces.c.server == server)
        .order_by(interfaces.c.slot)
    )
    return [
        Plugged(
            row.slot,
            row.mac,
            row.device,
            row.address,
            tuple((a, b) for a, b in row.forwards),
            _network(row),
            row.segment,
        )
        for row in connection.execute(query)
    ]


def free_slots(taken: set[int], most: int) -> Sequence[int]:
    return [slot for slot in range(most) if slot not in taken]


def _visible(project: ProjectId) -> Any:
    return or_(networks.c.owner.is_(None), networks.c.owner == project)


def _network(row: Row[Any]) -> Network:
    return Network(
        id=NetworkId(row.id),
        name=row.name,
        owner=ProjectId(row.owner) if row.owner is not None else None,
        cidr=row.cidr,
        gateway=row.gateway,
        allocation=row.allocation,
        vlan=row.vlan,
        up=row.up,
        created=row.created,
    )
