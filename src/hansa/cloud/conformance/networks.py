"""Laws of networks and interfaces, for drivers that have them."""

from typing import Any

import pytest

from hansa.base.errors import BadRequest, Conflict, Forbidden, NotFound
from hansa.cloud.conformance.harness import Harness, ability
from hansa.cloud.port import HasNetworks


class NetworkLaws:
    async def test_a_network_belongs_to_its_project(self, harness: Harness) -> None:
        cloud, alice, bob = ability(harness.cloud, HasNetworks), harness.alice, harness.bob
        made = await cloud.create_network(alice, name="mine", cidr="10.77.0.0/24", gateway="10.77.0.1", vlan=7)
        assert (made.name, made.owner, made.cidr, made.vlan, made.up) == (
            "mine",
            alice.project,
            "10.77.0.0/24",
            7,
            True,
        )
        changed = await cloud.update_network(alice, made.id, name="still mine", up=False)
        assert (changed.name, changed.up, changed.cidr) == ("still mine", False, "10.77.0.0/24")
        assert made.id not in {network.id for network in await harness.cloud.networks(bob)}
        for refused in (cloud.update_network(bob, made.id, name="his"), cloud.delete_network(bob, made.id)):
            with pytest.raises(NotFound):
                await refused
        await cloud.delete_network(alice, made.id)
        assert made.id not in {network.id for network in await harness.cloud.networks(alice)}

    async def test_impossible_networks_are_refused(self, harness: Harness) -> None:
        cloud = ability(harness.cloud, HasNetworks)
        wrong: list[dict[str, Any]] = [
            {"name": ""},
            {"name": "n", "cidr": "10.0.0.0/33"},
            {"name": "n", "cidr": "10.0.0.1/24"},
            {"name": "n", "cidr": "10.0.0.0/24", "gateway": "10.1.0.1"},
            {"name": "n", "gateway": "nowhere"},
            {"name": "n", "vlan": 4096},
            {"name": "n", "allocation": "sometimes"},
        ]
        before = list(await harness.cloud.networks(harness.alice))
        for each in wrong:
            with pytest.raises(BadRequest):
                await cloud.create_network(harness.alice, **each)
        assert list(await harness.cloud.networks(harness.alice)) == before

    async def test_everybodys_network_is_the_operators(self, harness: Harness) -> None:
        cloud = ability(harness.cloud, HasNetworks)
        shared = next((net for net in await harness.cloud.networks(harness.alice) if net.owner is None), None)
        if shared is None:
            pytest.skip("The driver shares no network.")
        for refused in (
            cloud.update_network(harness.alice, shared.id, name="mine"),
            cloud.delete_network(harness.alice, shared.id),
        ):
            with pytest.raises(Forbidden):
                await refused

    async def test_interfaces_come_to_machines_and_leave_them(self, harness: Harness) -> None:
        cloud, alice = ability(harness.cloud, HasNetworks), harness.alice
        network = await cloud.create_network(alice, name="second", cidr="10.78.0.0/24")
        machine = await harness.running(alice)
        card = await cloud.attach_interface(alice, machine.id, network.id)
        assert card.network == network.id
        assert card.device not in {each.device for each in machine.interfaces}
        assert card.id in {each.id for each in (await harness.idle(alice, machine.id)).interfaces}
        with pytest.raises(Conflict):
            await cloud.delete_network(alice, network.id)
        with pytest.raises(NotFound):
            await cloud.detach_interface(harness.bob, machine.id, card.id)
        await cloud.detach_interface(alice, machine.id, card.id)
        left = await harness.idle(alice, machine.id)
        assert left.interfaces == machine.interfaces
        with pytest.raises(NotFound):
            await cloud.detach_interface(alice, machine.id, card.id)
        await harness.delete(alice, machine.id)
        await cloud.delete_network(alice, network.id)
