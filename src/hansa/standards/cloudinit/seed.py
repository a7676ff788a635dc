"""The two seed discs a machine can read its identity from when there is no metadata service.

NoCloud: a volume labelled `cidata` with `meta-data`, `user-data`, `network-config` (version 2).
ConfigDrive: a volume labelled `config-2` with `openstack/latest/meta_data.json`, `user_data`, `network_data.json`.
All structured files are written as JSON, which is YAML too, with sorted keys: the same values give the same bytes.
"""

import ipaddress
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hansa.standards.cloudinit.errors import CloudInitError

NOCLOUD_LABEL = "cidata"
CONFIG_DRIVE_LABEL = "config-2"
MAX_KEYS = 64
MAX_KEY_LENGTH = 16 * 1024

_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOSTNAME = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(\.{_LABEL})*\Z")
_MAC = re.compile(r"[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}\Z")


@dataclass(frozen=True, slots=True)
class Nic:
    """One interface as the guest shall set it up: by DHCP when `addresses` is empty, else with these (`192.0.2.5/24`)."""

    mac: str
    name: str = "eth0"
    addresses: tuple[str, ...] = ()
    gateway: str | None = None
    nameservers: tuple[str, ...] = ()


def nocloud_files(
    instance_id: str, hostname: str, ssh_keys: Sequence[str], user_data: bytes, network: Sequence[Nic] = ()
) -> Mapping[str, bytes]:
    """The files of a NoCloud seed by path. An empty `network` leaves the guest to its default, DHCP everywhere.

    Raises CloudInitError for a hostname, key or interface that would break the seed.
    """
    _check(instance_id, hostname, ssh_keys, network)
    meta = {"instance-id": instance_id, "local-hostname": hostname, "public-keys": list(ssh_keys)}
    files = {"meta-data": _json(meta), "user-data": user_data}
    if network:
        files["network-config"] = _json({"version": 2, "ethernets": {nic.name: _ethernet(nic) for nic in network}})
    return files


def config_drive_files(
    instance_id: str,
    hostname: str,
    ssh_keys: Sequence[str],
    user_data: bytes,
    network: Sequence[Nic] = (),
    *,
    metadata: Mapping[str, str] | None = None,
) -> Mapping[str, bytes]:
    """The files of an OpenStack config drive by path; `metadata` is the user's own, shown as `meta`.

    Raises CloudInitError as `nocloud_files` does.
    """
    _check(instance_id, hostname, ssh_keys, network)
    meta = {
        "uuid": instance_id,
        "name": hostname.partition(".")[0],
        "hostname": hostname,
        "launch_index": 0,
        "meta": dict(metadata or {}),
        "public_keys": {f"key-{number}": key for number, key in enumerate(ssh_keys)},
        "keys": [{"name": f"key-{number}", "type": "ssh", "data": key} for number, key in enumerate(ssh_keys)],
    }
    files = {"openstack/latest/meta_data.json": _json(meta)}
    if user_data:
        files["openstack/latest/user_data"] = user_data
    if network:
        files["openstack/latest/network_data.json"] = _json(_network_data(network))
    return files


def _check(instance_id: str, hostname: str, ssh_keys: Sequence[str], network: Sequence[Nic]) -> None:
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,128}", instance_id):
        raise CloudInitError("cloudinit.instance_id", "an instance id has 1 to 128 letters, digits, '.', '_' and '-'")
    if not _HOSTNAME.match(hostname):
        raise CloudInitError("cloudinit.hostname", "a hostname has labels of letters, digits and '-', joined by '.'")
    if len(ssh_keys) > MAX_KEYS:
        raise CloudInitError("cloudinit.ssh_key", f"at most {MAX_KEYS} SSH keys are allowed")
    for number, key in enumerate(ssh_keys, 1):
        if len(key) > MAX_KEY_LENGTH or not key.isprintable() or len(key.split()) < 2:
            raise CloudInitError("cloudinit.ssh_key", f"SSH key {number} is not one line of type, key and comment")
    for nic in network:
        _check_nic(nic)


def _check_nic(nic: Nic) -> None:
    if not _MAC.match(nic.mac):
        raise CloudInitError("cloudinit.network", "a MAC address is six pairs of hexadecimal digits")
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,15}", nic.name):
        raise CloudInitError("cloudinit.network", "an interface name has at most 15 letters and digits")
    try:
        for address in nic.addresses:
            ipaddress.ip_interface(address)
        for plain in (*nic.nameservers, *([nic.gateway] if nic.gateway else [])):
            ipaddress.ip_address(plain)
    except ValueError:
        raise CloudInitError("cloudinit.network", f"an address of {nic.name} is not an IP address") from None


def _ethernet(nic: Nic) -> dict[str, Any]:
    ethernet: dict[str, Any] = {"match": {"macaddress": nic.mac.lower()}, "set-name": nic.name}
    if not nic.addresses:
        return {**ethernet, "dhcp4": True}
    ethernet |= {"dhcp4": False, "addresses": list(nic.addresses)}
    if nic.gateway:
        ethernet["routes"] = [{"to": _everywhere(nic.gateway), "via": nic.gateway}]
    if nic.nameservers:
        ethernet["nameservers"] = {"addresses": list(nic.nameservers)}
    return ethernet


def _everywhere(gateway: str) -> str:
    return "0.0.0.0/0" if ipaddress.ip_address(gateway).version == 4 else "::/0"


def _network_data(network: Sequence[Nic]) -> dict[str, Any]:
    links = [{"id": nic.name, "type": "phy", "ethernet_mac_address": nic.mac.lower(), "mtu": None} for nic in network]
    networks = [entry for nic in network for entry in _openstack_networks(nic)]
    services = [{"type": "dns", "address": server} for nic in network for server in nic.nameservers]
    return {"links": links, "networks": networks, "services": services}


def _openstack_networks(nic: Nic) -> list[dict[str, Any]]:
    if not nic.addresses:
        return [{"id": nic.name, "link": nic.name, "type": "ipv4_dhcp"}]
    found = []
    for number, address in enumerate(nic.addresses):
        interface = ipaddress.ip_interface(address)
        entry: dict[str, Any] = {
            "id": f"{nic.name}-{number}",
            "link": nic.name,
            "type": f"ipv{interface.version}",
            "ip_address": str(interface.ip),
            "netmask": str(interface.netmask),
            "routes": [],
        }
        if nic.gateway and ipaddress.ip_address(nic.gateway).version == interface.version:
            anywhere = ipaddress.ip_network(_everywhere(nic.gateway))
            entry["routes"] = [
                {"network": str(anywhere.network_address), "netmask": str(anywhere.netmask), "gateway": nic.gateway}
            ]
        found.append(entry)
    return found


def _json(value: object) -> bytes:
    return (json.dumps(value, indent=1, sort_keys=True) + "\n").encode()
