"""QEMU's command line, as values: the same descriptions start a machine and plug devices into a running one.

Machine type q35 with nothing but virtio, no display, no firmware of network cards (`romfile=`), one PCIe port for every card and
disk that may come (hot-plug needs a port of its own). Where QEMU takes JSON it gets JSON, so no value can break out
of its option.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hansa.cloud.drivers.embedded.layout import RunDirectory

CARDS = 4
"""Network cards a machine can have."""
DRIVES = 8
"""Volumes a machine can have."""

MACHINE_TYPE = "q35"

SANDBOX = "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"
"""A QEMU that a guest broke out of cannot start programs. This rules out -daemonize and migration through exec."""

Device = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Forward:
    """TCP from `address:port` on the host to `guest` in the machine."""

    address: str
    port: int
    guest: int


@dataclass(frozen=True, slots=True)
class Card:
    """A network card. With a `group` it is on a segment (multicast over loopback), else behind QEMU's own NAT."""

    slot: int
    mac: str
    forwards: tuple[Forward, ...] = ()
    outbound: bool = True  # behind NAT: may the guest open connections?
    group: str | None = None  # "239.1.2.3:4567"


@dataclass(frozen=True, slots=True)
class Drive:
    """A volume; `serial` is what the guest sees below /dev/disk/by-id/virtio-… (20 characters at most)."""

    slot: int
    path: Path
    serial: str


@dataclass(frozen=True, slots=True)
class Sockets:
    """File descriptors of listening sockets that QEMU inherits."""

    qmp: int
    diagnostics: int
    serial: int


@dataclass(frozen=True, slots=True)
class Machine:
    id: str
    vcpus: int
    ram_mib: int
    run: RunDirectory
    cards: tuple[Card, ...] = ()
    drives: tuple[Drive, ...] = ()
    type: str = MACHINE_TYPE
    """QEMU's newest q35, or the very one that a saved memory needs (pc-q35-7.2)."""


def arguments(qemu: str, accelerator: str, machine: Machine, sockets: Sockets, *, incoming: bool = False) -> list[str]:
    """The whole argument list. `incoming` waits for a saved memory (QMP migrate-incoming) instead of booting."""
    run = machine.run
    return [
        qemu,
        *("-name", f"guest=hansa-{machine.id}", "-uuid", machine.id, "-pidfile", escape(run.pid)),
        *("-machine", machine.type, "-accel", accelerator, "-cpu", cpu(accelerator)),
        *("-smp", str(machine.vcpus), "-m", str(machine.ram_mib)),
        *("-nodefaults", "-no-user-config", "-display", "none", "-sandbox", SANDBOX),
        *_monitor("qmp", sockets.qmp),
        *_monitor("diagnostics", sockets.diagnostics),
        *_serial(run, sockets.serial),
        *_each("-blockdev", [root_disk(run), _seed(run)]),
        *_each("-device", _fixed_devices()),
        *_each("-device", _ports()),
        *_cards(machine.cards),
        *_drives(machine.drives),
        *(("-incoming", "defer") if incoming else ()),
    ]


def cpu(accelerator: str) -> str:
    """Under emulation the x86-64-v2 baseline: what today's distributions need, and faster to boot than `max`."""
    return "host" if accelerator == "kvm" else "qemu64,+ssse3,+sse4.1,+sse4.2,+popcnt"


def card_name(slot: int) -> str:
    return f"card{slot}"


def drive_name(slot: int) -> str:
    return f"drive{slot}"


def netdev(card: Card) -> Device:
    name = f"net{card.slot}"
    if card.group is not None:
        return {"type": "socket", "id": name, "mcast": card.group, "localaddr": "127.0.0.1"}
    forwards = [{"str": f"tcp:{forward.address}:{forward.port}-:{forward.guest}"} for forward in card.forwards]
    reach = {"restrict": not card.outbound}
    return {
        "type": "user",
        "id": name,
        "net": f"10.0.{2 + card.slot}.0/24",
        "ipv6": False,
        **reach,
        "hostfwd": forwards,
    }


def card_device(card: Card) -> Device:
    place = {"id": card_name(card.slot), "bus": f"cardport{card.slot}"}
    return {"driver": "virtio-net-pci", "netdev": f"net{card.slot}", "mac": card.mac, "romfile": "", **place}


def root_disk(run: RunDirectory) -> Device:
    """Freed blocks of the guest are freed on the host, so that an overlay holds what the guest holds."""
    file = {"driver": "file", "filename": str(run.disk), "discard": "unmap"}
    return {"driver": "qcow2", "node-name": "root", "discard": "unmap", "file": file}


def blockdev(drive: Drive) -> Device:
    file = {"driver": "file", "filename": str(drive.path), "discard": "unmap"}
    return {"driver": "raw", "node-name": drive_name(drive.slot), "discard": "unmap", "file": file}


def drive_device(drive: Drive) -> Device:
    place = {"id": f"disk{drive.slot}", "bus": f"driveport{drive.slot}"}
    return {"driver": "virtio-blk-pci", "drive": drive_name(drive.slot), "serial": drive.serial, **place}


def escape(path: Path) -> str:
    """A path inside a comma-separated option."""
    return str(path).replace(",", ",,")


def _each(option: str, devices: Sequence[Device]) -> list[str]:
    return [part for device in devices for part in (option, json.dumps(device))]


def _monitor(name: str, descriptor: int) -> list[str]:
    return [
        *("-chardev", f"socket,id={name},fd={descriptor},server=on,wait=off"),
        *("-mon", f"chardev={name},mode=control"),
    ]


def _serial(run: RunDirectory, descriptor: int) -> list[str]:
    """Appending matters: the log can then be cut while QEMU writes to it."""
    log = f"logfile={escape(run.console)},logappend=on"
    return ["-chardev", f"socket,id=console,fd={descriptor},server=on,wait=off,{log}", "-serial", "chardev:console"]


def _seed(run: RunDirectory) -> Device:
    file = {"driver": "file", "filename": str(run.seed), "read-only": True}
    return {"driver": "raw", "node-name": "seed", "read-only": True, "file": file}


def _fixed_devices() -> list[Device]:
    """The seed is a plain disk, /dev/vdb: cloud kernels have no AHCI for a CD, and not every guest looks for one on SCSI."""
    return [
        {"driver": "virtio-blk-pci", "id": "rootdisk", "drive": "root", "bootindex": 1, "serial": "root"},
        {"driver": "virtio-blk-pci", "id": "seeddisk", "drive": "seed", "serial": "seed"},
        {"driver": "virtio-rng-pci"},
        {"driver": "virtio-balloon-pci", "id": "balloon"},
    ]


def _ports() -> list[Device]:
    names = [f"cardport{slot}" for slot in range(CARDS)] + [f"driveport{slot}" for slot in range(DRIVES)]
    return [
        {
            "driver": "pcie-root-port",
            "id": name,
            "chassis": number + 1,
            "slot": number + 1,
            "bus": "pcie.0",
            "addr": f"{16 + number // 8:x}.{number % 8}",
            "multifunction": True,
            "io-reserve": 0,
        }
        for number, name in enumerate(names)
    ]


def _cards(cards: tuple[Card, ...]) -> list[str]:
    return [
        part
        for card in cards
        for part in ("-netdev", json.dumps(netdev(card)), "-device", json.dumps(card_device(card)))
    ]


def _drives(drives: tuple[Drive, ...]) -> list[str]:
    return [
        part
        for drive in drives
        for part in ("-blockdev", json.dumps(blockdev(drive)), "-device", json.dumps(drive_device(drive)))
    ]
