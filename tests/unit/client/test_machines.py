"""Machines, images and flavors out of OCCI entities, and how people name them."""

import pytest

from hansa.client.errors import Ambiguous, NoSuchName
from hansa.client.machines import Template, choose, choose_template, machine_of, row, smallest
from hansa.client.profile import Site
from hansa.standards.occi import Link, Resource
from hansa.standards.occi import infrastructure as infra

SITE = Site("A", "https://a/")
CARD = Link(
    kind=infra.NETWORKINTERFACE.id,
    target="/network/public",
    attributes={
        "occi.networkinterface.address": "127.0.1.1",
        "org.hansa.networkinterface.forwards": "22:10022 80:10080",
    },
)


def compute(name: str = "web", ident: str = "0a1b", **more: object) -> Resource:
    attributes = {"occi.compute.state": "active", "occi.compute.hostname": "h"}
    mixins = (infra.OPENSTACK_OS + "tiny", infra.OPENSTACK_RESOURCE + "small")
    return Resource(infra.COMPUTE.id, mixins, id=ident, title=name, attributes=attributes, links=(CARD,))


def test_a_machine_is_read_from_its_entity() -> None:
    machine = machine_of(SITE, "https://a/compute/0a1b", compute())
    assert (machine.host, machine.ports) == ("127.0.1.1", {22: 10022, 80: 10080})
    assert row(machine) == {
        "name": "web",
        "state": "active",
        "site": "A",
        "address": "127.0.1.1:10022",
        "image": "tiny",
        "flavor": "small",
        "id": "0a1b",
        "message": None,
    }


def test_a_machine_without_title_goes_by_its_host_name_and_address_part() -> None:
    bare = Resource(infra.COMPUTE.id, attributes={"occi.compute.hostname": "h"})
    machine = machine_of(SITE, "/compute/77", bare)
    assert (machine.name, machine.id, machine.state, machine.address) == ("h", "77", "unknown", "")


def test_a_machine_with_an_address_of_its_own_needs_no_port() -> None:
    card = Link(infra.NETWORKINTERFACE.id, "/network/1", attributes={"occi.networkinterface.address": "90.147.102.243"})
    machine = machine_of(SITE, "/compute/1", Resource(infra.COMPUTE.id, id="1", links=(card,)))
    assert machine.address == "90.147.102.243"


@pytest.mark.parametrize("address", ["-oProxyCommand=reboot", "a b", "x;y", "", "$(id)"])
def test_an_address_that_could_be_an_option_is_none(address: str) -> None:
    card = Link(infra.NETWORKINTERFACE.id, "/network/1", attributes={"occi.networkinterface.address": address})
    assert machine_of(SITE, "/compute/1", Resource(infra.COMPUTE.id, id="1", links=(card,))).host is None


@pytest.mark.parametrize("wanted", ["web", "0a1b", "we", "0a"])
def test_a_name_an_identifier_or_a_beginning_will_do(wanted: str) -> None:
    found = [machine_of(SITE, "/compute/0a1b", compute()), machine_of(SITE, "/compute/ff", compute("db", "ff"))]
    assert choose(wanted, found).id == "0a1b"


def test_an_exact_name_wins_over_longer_ones() -> None:
    found = [machine_of(SITE, "/compute/1", compute("web", "1")), machine_of(SITE, "/compute/2", compute("web2", "2"))]
    assert choose("web", found).id == "1"


def test_what_fits_several_is_refused_with_the_list() -> None:
    found = [machine_of(SITE, "/compute/1", compute("web1", "1")), machine_of(SITE, "/compute/2", compute("web2", "2"))]
    with pytest.raises(Ambiguous) as caught:
        choose("we", found)
    assert caught.value.details["matches"] == ["1", "2"]


def test_what_fits_nothing_is_told() -> None:
    with pytest.raises(NoSuchName, match="no machine “x”"):
        choose("x", [])


IMAGES = [Template("http://s#ab-1", "ab-1", "Tiny Guest", {}), Template("http://s#ac-2", "ac-2", "Ubuntu 24.04", {})]


@pytest.mark.parametrize("wanted", ["Tiny Guest", "tiny guest", "tiny", "ab", "AB-1", "http://s#ab-1"])
def test_images_are_found_by_any_name(wanted: str) -> None:
    assert choose_template(wanted, IMAGES) == IMAGES[0]


@pytest.mark.parametrize("wanted", ["a", "windows"])
def test_an_image_that_is_not_there_or_not_unique_is_none(wanted: str) -> None:
    assert choose_template(wanted, IMAGES) is None


def test_the_smallest_flavor_has_the_least_memory() -> None:
    sizes = [(2, 4.0), (1, 0.5), (1, 2.0)]
    flavors = [
        Template(f"f#{n}", str(n), str(n), {"occi.compute.cores": cores, "occi.compute.memory": memory})
        for n, (cores, memory) in enumerate(sizes)
    ]
    assert smallest(flavors) == flavors[1]
    assert smallest([Template("f#x", "x", "x", {}), *flavors]) == flavors[1]
    assert smallest([]) is None
