"""What a disk image's first bytes say it is: the gate before any engine opens the file.

An image that lies about its format, or points at another file of the host, is how a tenant reads what is not his
(CVE-2015-5162, CVE-2024-32498). Only `raw` and `qcow2` are taken, and qcow2 only when it stands alone.
"""

import struct

from hansa.base.errors import BadRequest

HEADER_BYTES = 1024
"""How much of the file's beginning `check_header` wants to see (less if the file is shorter)."""

_QCOW2 = b"QFI\xfb"
_EXTERNAL_DATA_FILE = 1 << 2
_MAGICS: tuple[tuple[int, bytes, str], ...] = (
    (0, _QCOW2, "qcow2"),
    (0, b"KDMV", "vmdk"),
    (0, b"COWD", "vmdk"),
    (0, b"# Disk DescriptorFile", "vmdk"),
    (0, b"vhdxfile", "vhdx"),
    (0, b"conectix", "vpc"),
    (0, b"QED\0", "qed"),
    (0, b"WithoutFreeSpace", "parallels"),
    (0, b"WithouFreSpacExt", "parallels"),
    (0, b"LUKS\xba\xbe", "luks"),
    (0x40, b"\x7f\x10\xda\xbe", "vdi"),
)


def detect(header: bytes) -> str:
    """`raw` if no other format's mark is there."""
    return next((name for offset, magic, name in _MAGICS if header.startswith(magic, offset)), "raw")


def check_header(header: bytes, disk_format: str) -> None:
    """Raise BadRequest unless the file is what `disk_format` says, and refers to no other file."""
    if disk_format not in ("raw", "qcow2"):
        raise BadRequest(
            f"Images of format {disk_format!r} are not taken; convert to qcow2 or raw.", field="disk_format"
        )
    if not header:
        raise BadRequest("The image is empty.", field="image")
    found = detect(header)
    if found != disk_format:
        raise BadRequest(f"The image says it is {disk_format}, its content is {found}.", field="disk_format")
    if found == "qcow2":
        _check_qcow2(header)


def _check_qcow2(header: bytes) -> None:
    """QEMU docs/interop/qcow2.txt: big-endian; version at 4, backing file offset at 8, incompatible features at 72 (v3)."""
    if len(header) < 104:
        raise BadRequest("The qcow2 image ends inside its header.", field="image")
    version, backing_offset = struct.unpack_from(">IQ", header, 4)
    if version not in (2, 3):
        raise BadRequest(f"qcow2 version {version} is not known.", field="image")
    if backing_offset:
        raise BadRequest("The image names a backing file; flatten it first (qemu-img convert).", field="image")
    if version == 3 and struct.unpack_from(">Q", header, 72)[0] & _EXTERNAL_DATA_FILE:
        raise BadRequest(
            "The image keeps its data in another file; flatten it first (qemu-img convert).", field="image"
        )
