"""Disk images written from trees: ext4 through debugfs, FAT with SYSLINUX through mtools, a DOS partition table.

Nothing is mounted and nobody's identity matters. All tools come from the unpacked packages, so that their versions are the
packages' versions and not the machine's.
"""

import os
import stat
import struct
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from hansa.base.errors import BackendDown
from hansa.cloud.guest.packages import Unpacked
from hansa.cloud.guest.recipe import BOOT_MIB, BOOT_VOLUME_ID, DISK_ID, EPOCH, FILESYSTEM_UUID, HASH_SEED, MIB, ROOT_MIB
from hansa.cloud.guest.tree import Tree, sorted_entries

_TIMESTAMP = int(EPOCH.timestamp())
_TOOLS = {
    "debugfs": ("e2fsprogs", "sbin/debugfs"),
    "e2fsck": ("e2fsprogs", "sbin/e2fsck"),
    "mke2fs": ("e2fsprogs", "sbin/mke2fs"),
    "mkfs.vfat": ("dosfstools", "sbin/mkfs.vfat"),
    "mattrib": ("mtools", "usr/bin/mattrib"),
    "mcopy": ("mtools", "usr/bin/mcopy"),
    "mmove": ("mtools", "usr/bin/mmove"),
    "syslinux": ("syslinux", "usr/bin/syslinux"),
}


class Tools:
    """The tools as commands in a directory of their own (SYSLINUX calls mtools by name)."""

    def __init__(self, packages: Unpacked, directory: Path) -> None:
        directory.mkdir()
        self._directory = directory
        for name, (package, path) in _TOOLS.items():
            command = " ".join([*packages.loader(), str(packages.path(package, path))])
            wrapper = directory / name
            wrapper.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
            wrapper.chmod(0o755)

    def run(self, *command: str, standard_input: str | None = None) -> str:
        """Standard output and error together. Raises BackendDown when the tool fails."""
        environment = {
            "PATH": f"{self._directory}:{os.environ.get('PATH', os.defpath)}",
            "LC_ALL": "C.UTF-8",
            "TZ": "UTC",
            "SOURCE_DATE_EPOCH": str(_TIMESTAMP),
            "E2FSPROGS_FAKE_TIME": str(_TIMESTAMP),
            "MKE2FS_CONFIG": "/dev/null",
            "MTOOLSRC": "/dev/null",
            "MTOOLS_SKIP_CHECK": "1",
        }
        done = subprocess.run(
            [str(self._directory / command[0]), *command[1:]],
            input=standard_input,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode:
            raise BackendDown(f"{command[0]} failed while the guest image was made: {done.stdout.strip()[-300:]}")
        return done.stdout


def write_ext4(tools: Tools, tree: Tree, target: Path, scratch: Path) -> None:
    """A file system of ROOT_MIB that grows well: 4 KiB blocks and room for the group table of a large disk."""
    _truncate(target, ROOT_MIB)
    features = (
        "none,has_journal,ext_attr,resize_inode,dir_index,filetype,extent,sparse_super,large_file,huge_file,uninit_bg"
    )
    extended = f"hash_seed={HASH_SEED},root_owner=0:0,resize={2 * 1024 * 1024 * 256},nodiscard,lazy_itable_init=0"
    identity = ["-U", FILESYSTEM_UUID, "-L", "hansa", "-E", extended]
    shape = ["-b", "4096", "-I", "256", "-J", "size=4", "-m", "0", "-N", "8192", "-O", features]
    tools.run("mke2fs", "-q", "-F", "-t", "ext4", *shape, *identity, str(target))
    script = "\n".join(_debugfs_commands(tree, scratch)) + "\n"
    output = tools.run("debugfs", "-w", "-f", "/dev/stdin", str(target), standard_input=script)
    complaints = [line for line in output.splitlines() if not line.startswith(("debugfs", "Allocated inode:"))]
    if complaints:
        raise BackendDown(f"debugfs could not write the guest's files: {complaints[0]}")
    tools.run("e2fsck", "-f", "-n", str(target))


def _debugfs_commands(tree: Tree, scratch: Path) -> list[str]:
    commands = []
    for number, (path, entry) in enumerate(sorted_entries(tree)):
        if stat.S_ISDIR(entry.mode):
            commands.append(f"mkdir /{path}")
        elif stat.S_ISLNK(entry.mode):
            commands.append(f"symlink /{path} {entry.content.decode()}")
        else:
            source = scratch / f"{number}"
            source.write_bytes(entry.content)
            commands.append(f"write {source} /{path}")
    fields = {"uid": "0", "gid": "0"} | dict.fromkeys(("atime", "ctime", "mtime", "crtime"), f"@{_TIMESTAMP}")
    for path, mode in [("", None), ("lost+found", None), *((path, entry.mode) for path, entry in sorted_entries(tree))]:
        wanted = fields if mode is None else fields | {"mode": f"0{mode:o}"}
        commands += [f"set_inode_field /{path} {field} {value}" for field, value in wanted.items()]
    return commands


def write_boot_partition(tools: Tools, files: Mapping[str, bytes], target: Path, scratch: Path) -> None:
    """FAT16 with SYSLINUX and `files` in its root directory."""
    _truncate(target, BOOT_MIB)
    tools.run("mkfs.vfat", "--invariant", "-F", "16", "-i", BOOT_VOLUME_ID, "-n", "BOOT", str(target))
    for name, content in sorted(files.items()):
        source = scratch / name
        source.write_bytes(content)
        os.utime(source, (_TIMESTAMP, _TIMESTAMP))
        tools.run("mcopy", "-m", "-i", str(target), str(source), f"::{name}")
    tools.run("syslinux", "--install", str(target))


def write_disk(boot: Path, root: Path, boot_code: bytes, target: Path) -> None:
    """Boot code and partition table, then both partitions, each beginning on a MiB. One MiB stays free at the end."""
    sizes = [BOOT_MIB, ROOT_MIB]
    with target.open("wb") as disk:
        disk.truncate((1 + sum(sizes)) * MIB)
        disk.write(_boot_record(boot_code, sizes))
        start = 1
        for partition, size in zip((boot, root), sizes, strict=True):
            disk.seek(start * MIB)
            disk.write(partition.read_bytes())
            start += size


def _boot_record(boot_code: bytes, sizes: Sequence[int]) -> bytes:
    sectors = MIB // 512
    first = 1
    entries = b""
    for size, (flag, kind) in zip(sizes, ((0x80, 0x0E), (0, 0x83)), strict=True):
        # Cylinder, head and sector are beyond their range: FE FF FF says to use the sector numbers.
        entries += struct.pack(
            "<B3sB3sII", flag, b"\xfe\xff\xff", kind, b"\xfe\xff\xff", first * sectors, size * sectors
        )
        first += size
    record = boot_code[:440].ljust(440, b"\0") + struct.pack("<IH", DISK_ID, 0) + entries
    return record.ljust(510, b"\0") + b"\x55\xaa"


def _truncate(target: Path, mib: int) -> None:
    with target.open("wb") as file:
        file.truncate(mib * MIB)
