"""The machine's interfaces: network configuration version 2, OpenStack's network_data.json, or DHCP everywhere."""

import ipaddress
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

_DHCP = ["udhcpc", "-s", "/usr/share/udhcpc/default.script", "-t", "10", "-T", "1", "-A", "1", "-n", "-p"]


class Interface(NamedTuple):
    """`mac` finds the device and `name` is what it shall be called; without `mac`, `name` finds it."""

    name: str
    mac: str = ""
    dhcp: bool = False
    addresses: tuple[str, ...] = ()
    routes: tuple[tuple[str, str], ...] = ()  # destination network, gateway
    nameservers: tuple[str, ...] = ()
    mtu: int | None = None


def parse_version_2(document: dict[str, Any]) -> list[Interface] | None:
    document = document.get("network", document)
    if document.get("version") != 2:
        raise ValueError("only network configuration version 2 is understood; using DHCP")
    return [_from_version_2(name, ethernet) for name, ethernet in (document.get("ethernets") or {}).items()]


def _from_version_2(name: str, ethernet: dict[str, Any]) -> Interface:
    routes = [(str(route["to"]), str(route["via"])) for route in ethernet.get("routes") or ()]
    routes += [("default", str(ethernet[key])) for key in ("gateway4", "gateway6") if key in ethernet]
    return Interface(
        name=str(ethernet.get("set-name", name)),
        mac=str((ethernet.get("match") or {}).get("macaddress", "")).lower(),
        dhcp=bool(ethernet.get("dhcp4")),
        addresses=tuple(str(address) for address in ethernet.get("addresses") or ()),
        routes=tuple((_destination(to, via), via) for to, via in routes),
        nameservers=tuple(str(server) for server in (ethernet.get("nameservers") or {}).get("addresses") or ()),
        mtu=ethernet.get("mtu"),
    )


def _destination(to: str, via: str) -> str:
    if to != "default":
        return to
    return "0.0.0.0/0" if ipaddress.ip_address(via).version == 4 else "::/0"


def parse_network_data(document: dict[str, Any]) -> list[Interface]:
    """One interface a link; all its networks together."""
    servers = tuple(service["address"] for service in document.get("services", ()) if service.get("type") == "dns")
    found = []
    for number, link in enumerate(document.get("links", ())):
        networks = [entry for entry in document.get("networks", ()) if entry.get("link") == link["id"]]
        static = [entry for entry in networks if entry.get("type") in ("ipv4", "ipv6")]
        routes = [(_network(route), route["gateway"]) for entry in static for route in entry.get("routes", ())]
        found.append(
            Interface(
                name=f"eth{number}",
                mac=str(link.get("ethernet_mac_address", "")).lower(),
                dhcp=any(entry.get("type") == "ipv4_dhcp" for entry in networks),
                addresses=tuple(_with_prefix(entry["ip_address"], entry.get("netmask")) for entry in static),
                routes=tuple(routes),
                nameservers=servers,
                mtu=link.get("mtu"),
            )
        )
    return found


def _with_prefix(address: str, netmask: str | None) -> str:
    """`192.0.2.5` and `255.255.255.0`, or `2001:db8::5` and `ffff:ffff::`, in prefix notation."""
    if "/" in address or netmask is None:
        return address
    bits = int(ipaddress.ip_address(netmask)).bit_count() if not netmask.isdigit() else int(netmask)
    return f"{address}/{bits}"


def _network(route: dict[str, str]) -> str:
    return _with_prefix(route["network"], route.get("netmask"))


def bring_up(plan: list[Interface] | None) -> list[subprocess.Popen[bytes]]:
    """Set the interfaces up; the DHCP clients that are still asking are returned for `wait`."""
    _ip("link", "set", "lo", "up")
    devices = {_mac(device): device.name for device in sorted(Path("/sys/class/net").iterdir()) if device.name != "lo"}
    if plan is None:
        plan = [Interface(name, dhcp=True) for name in devices.values()]
    servers: list[str] = []
    leases = []
    for interface in plan:
        device = devices.get(interface.mac, "") if interface.mac else interface.name
        if not device:
            continue
        leases += _set_up(interface, device)
        servers += interface.nameservers
    if servers:
        Path("/etc/resolv.conf").write_text("".join(f"nameserver {server}\n" for server in dict.fromkeys(servers)))
    return leases


def _set_up(interface: Interface, device: str) -> list[subprocess.Popen[bytes]]:
    if device != interface.name:
        _ip("link", "set", device, "name", interface.name)
    if interface.mtu:
        _ip("link", "set", interface.name, "mtu", str(interface.mtu))
    _ip("link", "set", interface.name, "up")
    for address in interface.addresses:
        _ip("addr", "add", address, "dev", interface.name)
    for destination, gateway in interface.routes:
        _ip("route", "replace", destination, "via", gateway, "dev", interface.name)
    if not interface.dhcp:
        return []
    command = [*_DHCP, f"/run/udhcpc.{interface.name}.pid", "-i", interface.name]
    # The client goes on in the background once it has a lease: it must not hold the console.
    return [subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)]


def wait(leases: list[subprocess.Popen[bytes]]) -> None:
    """Until every DHCP client has a lease or has given up."""
    for lease in leases:
        lease.wait()


def _mac(device: Path) -> str:
    return (device / "address").read_text().strip()


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, stdout=subprocess.DEVNULL)
