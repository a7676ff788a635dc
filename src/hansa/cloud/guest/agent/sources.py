"""Where a machine learns what it is: a seed disc (NoCloud, ConfigDrive), else OpenStack's metadata service."""

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from . import network

_METADATA_SERVICE = "http://169.254.169.254/openstack/latest/"
_SECONDS_FOR_DISCS = 2.0


class Instance(NamedTuple):
    id: str
    source: str
    hostname: str = ""
    ssh_keys: tuple[str, ...] = ()
    user_data: bytes = b""
    interfaces: Callable[[], list[network.Interface] | None] = lambda: None
    """The network configuration, parsed when asked for; None: the seed has none."""


def from_disc(root: Path) -> Instance | None:
    """The first labelled disc. Discs on a SATA or SCSI bus may appear a moment after their driver."""
    deadline = time.monotonic() + _SECONDS_FOR_DISCS
    while True:
        for device in _block_devices(root):
            filesystem, label = read_label(device)
            if label in _PARSERS:
                with _mounted(device, filesystem) as seed:
                    return _PARSERS[label](seed)
        if time.monotonic() > deadline or not any((root / "sys/class/scsi_host").glob("*")):
            return None
        time.sleep(0.1)


def _block_devices(root: Path) -> list[Path]:
    names = sorted(path.name for path in (root / "sys/class/block").glob("*"))
    return [root / "dev" / name for name in names if name.startswith(("sr", "vd", "sd"))]


def read_label(device: Path) -> tuple[str, str]:
    """File system (`iso9660`, `vfat` or empty) and volume label in lower case."""
    try:
        with device.open("rb") as stream:
            head = stream.read(36864)
    except OSError:  # a drive without a disc
        return "", ""
    if head[32769:32774] == b"CD001":
        return "iso9660", head[32808:32840].decode("ascii", "replace").strip(" \0").lower()
    if head[510:512] == b"\x55\xaa" and (head[54:57] == b"FAT" or head[82:85] == b"FAT"):
        at = 43 if head[54:57] == b"FAT" else 71
        return "vfat", head[at : at + 11].decode("ascii", "replace").strip(" \0").lower()
    return "", ""


@contextmanager
def _mounted(device: Path, filesystem: str) -> Iterator[Path]:
    place = Path("/run/seed")
    place.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", filesystem, "-o", "ro", device, place], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", place], check=False)


def parse_nocloud(seed: Path) -> Instance:
    meta = _structured((seed / "meta-data").read_text())
    text = _read(seed / "network-config").decode()
    return Instance(
        id=str(meta.get("instance-id", "nocloud")),
        source="NoCloud",
        hostname=str(meta.get("local-hostname", "")),
        ssh_keys=_keys(meta.get("public-keys")),
        user_data=_read(seed / "user-data"),
        interfaces=lambda: network.parse_version_2(_structured(text)) if text else None,
    )


def parse_config_drive(seed: Path) -> Instance:
    latest = seed / "openstack/latest"
    meta = json.loads((latest / "meta_data.json").read_text())
    text = _read(latest / "network_data.json").decode()
    return _from_openstack(meta, _read(latest / "user_data"), text, "ConfigDrive")


_PARSERS = {"cidata": parse_nocloud, "config-2": parse_config_drive}


def from_metadata_service() -> Instance | None:
    meta = _get("meta_data.json")
    if not meta:
        return None
    return _from_openstack(json.loads(meta), _get("user_data"), "", "OpenStack")


def _from_openstack(meta: dict[str, Any], user_data: bytes, network_data: str, source: str) -> Instance:
    return Instance(
        id=str(meta["uuid"]),
        source=source,
        hostname=str(meta.get("hostname", "")),
        ssh_keys=_keys(meta.get("public_keys")),
        user_data=user_data,
        interfaces=lambda: network.parse_network_data(json.loads(network_data)) if network_data else None,
    )


def _get(name: str) -> bytes:
    for _ in range(2):
        fetched = subprocess.run(
            ["timeout", "2", "wget", "-q", "-O", "-", _METADATA_SERVICE + name], capture_output=True, check=False
        )
        if fetched.returncode == 0:
            return fetched.stdout
    return b""


def _structured(text: str) -> dict[str, Any]:
    """JSON, which is what Hansa writes and needs no YAML parser to be loaded, or YAML."""
    try:
        found = json.loads(text)
    except ValueError:
        import yaml

        found = yaml.safe_load(text)
    return found if isinstance(found, dict) else {}


def _keys(value: Any) -> tuple[str, ...]:
    """`public-keys` is a list, one string, or a mapping of names to keys."""
    found = value.values() if isinstance(value, dict) else [value] if isinstance(value, str) else value or ()
    return tuple(key.strip() for key in found if isinstance(key, str) and key.strip())


def _read(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""


def is_new(root: Path, instance: Instance) -> bool:
    """Whether this disk has not yet been made this instance."""
    return _read(root / "var/lib/cloud/data/instance-id").decode().strip() != instance.id


def remember(root: Path, instance: Instance) -> None:
    data = root / "var/lib/cloud/data"
    data.mkdir(parents=True, exist_ok=True)
    (data / "instance-id").write_text(instance.id + "\n")
    place = root / "var/lib/cloud/instance"
    place.mkdir(parents=True, exist_ok=True)
    user_data = place / "user-data.txt"
    user_data.touch(mode=0o600)
    user_data.write_bytes(instance.user_data)
