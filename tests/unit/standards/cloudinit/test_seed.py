"""The seed discs hold what a guest reads at boot."""

import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from hansa.standards.cloudinit import CloudInitError, Nic, config_drive_files, nocloud_files

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA me@example.org"
STATIC = Nic(
    "52:54:00:AA:bb:01", "eth0", ("192.0.2.10/24", "2001:db8::10/64"), gateway="192.0.2.1", nameservers=("192.0.2.53",)
)
DHCP = Nic("52:54:00:aa:bb:02", "eth1")


def test_a_nocloud_seed_has_identity_user_data_and_network() -> None:
    files = nocloud_files("i-1", "vm.example.org", [KEY], b"#!/bin/sh\n", [STATIC, DHCP])
    meta = yaml.safe_load(files["meta-data"])
    assert meta == {"instance-id": "i-1", "local-hostname": "vm.example.org", "public-keys": [KEY]}
    assert files["user-data"] == b"#!/bin/sh\n"
    network = yaml.safe_load(files["network-config"])
    assert network["version"] == 2
    assert network["ethernets"]["eth0"] == {
        "match": {"macaddress": "52:54:00:aa:bb:01"},
        "set-name": "eth0",
        "dhcp4": False,
        "addresses": ["192.0.2.10/24", "2001:db8::10/64"],
        "routes": [{"to": "0.0.0.0/0", "via": "192.0.2.1"}],
        "nameservers": {"addresses": ["192.0.2.53"]},
    }
    assert network["ethernets"]["eth1"]["dhcp4"] is True


def test_a_nocloud_seed_without_user_data_still_has_the_file() -> None:
    files = nocloud_files("i-1", "vm", [], b"")
    assert files["user-data"] == b""
    assert "network-config" not in files


def test_a_config_drive_has_openstack_metadata() -> None:
    files = config_drive_files("uuid-1", "vm.example.org", [KEY], b"x", [STATIC, DHCP], metadata={"role": "web"})
    meta = json.loads(files["openstack/latest/meta_data.json"])
    assert (meta["uuid"], meta["hostname"], meta["meta"]) == ("uuid-1", "vm.example.org", {"role": "web"})
    assert list(meta["public_keys"].values()) == [KEY]
    network = json.loads(files["openstack/latest/network_data.json"])
    v4, v6, dhcp = network["networks"]
    assert (v4["type"], v4["ip_address"], v4["netmask"]) == ("ipv4", "192.0.2.10", "255.255.255.0")
    assert v4["routes"] == [{"network": "0.0.0.0", "netmask": "0.0.0.0", "gateway": "192.0.2.1"}]
    assert (v6["type"], v6["routes"]) == ("ipv6", [])
    assert dhcp == {"id": "eth1", "link": "eth1", "type": "ipv4_dhcp"}
    assert network["services"] == [{"type": "dns", "address": "192.0.2.53"}]


def test_a_config_drive_without_user_data_has_no_such_file() -> None:
    assert list(config_drive_files("uuid-1", "vm", [], b"")) == ["openstack/latest/meta_data.json"]


@pytest.mark.parametrize(
    ("instance", "hostname", "keys", "nics", "code"),
    [
        ("", "vm", [], [], "cloudinit.instance_id"),
        ("a/../b", "vm", [], [], "cloudinit.instance_id"),
        ("i", "", [], [], "cloudinit.hostname"),
        ("i", "-vm", [], [], "cloudinit.hostname"),
        ("i", "vm\n", [], [], "cloudinit.hostname"),
        ("i", "a" * 64, [], [], "cloudinit.hostname"),
        ("i", "vm", ["ssh-rsa A x\nssh-rsa B y"], [], "cloudinit.ssh_key"),
        ("i", "vm", ["AAAA"], [], "cloudinit.ssh_key"),
        ("i", "vm", [KEY] * 65, [], "cloudinit.ssh_key"),
        ("i", "vm", [], [Nic("52:54:00")], "cloudinit.network"),
        ("i", "vm", [], [Nic(DHCP.mac, "eth0;reboot")], "cloudinit.network"),
        ("i", "vm", [], [Nic(DHCP.mac, addresses=("192.0.2.300/24",))], "cloudinit.network"),
        ("i", "vm", [], [Nic(DHCP.mac, gateway="here")], "cloudinit.network"),
    ],
)
def test_a_value_that_would_break_the_seed_is_refused(
    instance: str, hostname: str, keys: list[str], nics: list[Nic], code: str
) -> None:
    for render in (nocloud_files, config_drive_files):
        with pytest.raises(CloudInitError) as caught:
            render(instance, hostname, keys, b"", nics)
        assert caught.value.code == code


@given(st.text(max_size=80), st.text(max_size=80), st.lists(st.text(max_size=80), max_size=3))
def test_any_text_makes_a_readable_seed_or_is_refused(instance: str, hostname: str, keys: list[str]) -> None:
    try:
        files = nocloud_files(instance, hostname, keys, b"")
    except CloudInitError:
        return
    meta = yaml.safe_load(files["meta-data"])
    assert (meta["instance-id"], meta["local-hostname"], meta["public-keys"]) == (instance, hostname, keys)
