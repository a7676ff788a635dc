"""The NoCloud seed: what a guest reads at its first boot, on a small CD labelled `cidata`."""

import io
import os
from collections.abc import Mapping, Sequence
from ipaddress import ip_network
from pathlib import Path

import pycdlib

from hansa.cloud.drivers.embedded.store.networks import Plugged
from hansa.cloud.drivers.embedded.tools import put_in_place
from hansa.standards.cloudinit.seed import NOCLOUD_LABEL, Nic


def write_iso(path: Path, files: Mapping[str, bytes]) -> None:
    """ISO 9660 with Joliet and Rock Ridge names; whole or not at all."""
    image = pycdlib.PyCdlib()
    image.new(interchange_level=3, joliet=3, rock_ridge="1.09", vol_ident=NOCLOUD_LABEL)
    for number, (name, content) in enumerate(sorted(files.items())):
        image.add_fp(
            io.BytesIO(content),
            len(content),
            f"/FILE{number}.;1",
            rr_name=name,
            joliet_path=f"/{name}",
            file_mode=0o100444,
        )
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        image.write_fp(file)
    image.close()
    put_in_place(part, path)


def cards(plugged: Sequence[Plugged]) -> list[Nic]:
    """What the guest shall set up; empty where DHCP everywhere is right.

    Nobody answers DHCP on a segment, so its cards get their address here, or are left alone. Behind NAT there is a way
    out already; only without it the network's own gateway counts.
    """
    natted = [card for card in plugged if card.segment is None]
    if len(natted) == len(plugged):
        return []
    fixed = [
        Nic(card.mac, card.device, _addresses(card), gateway=None if natted else card.network.gateway)
        for card in plugged
        if card.segment is not None and _addresses(card)
    ]
    return [*(Nic(card.mac, card.device) for card in natted), *fixed]


def _addresses(card: Plugged) -> tuple[str, ...]:
    if card.address is None or card.network.cidr is None:
        return ()
    return (f"{card.address}/{ip_network(card.network.cidr).prefixlen}",)
