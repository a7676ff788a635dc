"""The root file system takes the whole disk: its partition grows, then the file system, both while in use."""

import fcntl
import struct
import subprocess
from array import array
from pathlib import Path

_SECTOR = 512
_ENTRY = struct.Struct("<B3sB3sII")
_LAST_ENTRY_AT = 446 + _ENTRY.size  # the second of four: the image has two partitions
_BLKPG, _BLKPG_RESIZE_PARTITION = 0x1269, 3
_WORTH_IT = 2 * 1024 * 1024 // _SECTOR


def grow(root: Path) -> None:
    partition = _root_device(root)
    disk, number = partition[:-1], int(partition[-1])
    sectors = int((root / "sys/class/block" / disk / "size").read_text())
    device = root / "dev" / disk
    with device.open("r+b", buffering=0) as stream:
        record = bytearray(stream.read(_SECTOR))
        grown = grown_record(bytes(record), min(sectors, 2**32 - 1))
        if grown is None:
            return
        stream.seek(0)
        stream.write(grown)
        *_, start, length = _ENTRY.unpack_from(grown, _LAST_ENTRY_AT)
        _tell_kernel(stream.fileno(), number, start * _SECTOR, length * _SECTOR)
    subprocess.run(["resize2fs", root / "dev" / partition], check=True, capture_output=True)


def grown_record(record: bytes, sectors: int) -> bytes | None:
    """The boot record with the second partition reaching to the disk's end; None when it (nearly) does."""
    *head, start, length = _ENTRY.unpack_from(record, _LAST_ENTRY_AT)
    if start + length + _WORTH_IT > sectors:
        return None
    return record[:_LAST_ENTRY_AT] + _ENTRY.pack(*head, start, sectors - start) + record[_LAST_ENTRY_AT + _ENTRY.size :]


def _root_device(root: Path) -> str:
    mounts = (line.split() for line in (root / "proc/mounts").read_text().splitlines())
    return next(Path(fields[0]).name for fields in mounts if fields[1] == "/" and fields[0].startswith("/dev/"))


def _tell_kernel(device: int, number: int, start: int, length: int) -> None:
    """ioctl BLKPG (linux/blkpg.h): struct blkpg_partition by pointer within struct blkpg_ioctl_arg."""
    partition = array("B", struct.pack("@qqi64s64s", start, length, number, b"", b""))
    address, _ = partition.buffer_info()
    fcntl.ioctl(device, _BLKPG, struct.pack("@iiiP", _BLKPG_RESIZE_PARTITION, 0, len(partition), address))
