"""The state directory, which is all that the embedded cloud owns on the host:

cloud.db  lock  accelerator.json
images/<image>.qcow2|raw      read-only, base of the overlays
volumes/<volume>.raw
servers/<server>/             one machine's run directory:
    disk.qcow2  seed.iso      its own disk (an overlay), its NoCloud seed
    console.log  qemu.log     what the guest and what QEMU said; bounded
    instance.json  pid        exact command line, process and its start time
    qmp.sock  diagnostics.sock  serial.sock
    memory                    the guest's memory while suspended
"""

import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hansa.cloud.model import ImageId, ServerId, VolumeId


@dataclass(frozen=True, slots=True)
class RunDirectory:
    """One machine's place. All that is in it goes with the machine."""

    path: Path

    @property
    def disk(self) -> Path:
        return self.path / "disk.qcow2"

    @property
    def seed(self) -> Path:
        return self.path / "seed.iso"

    @property
    def console(self) -> Path:
        return self.path / "console.log"

    @property
    def log(self) -> Path:
        return self.path / "qemu.log"

    @property
    def instance(self) -> Path:
        return self.path / "instance.json"

    @property
    def pid(self) -> Path:
        return self.path / "pid"

    @property
    def memory(self) -> Path:
        return self.path / "memory"

    def make(self) -> None:
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)

    def remove(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)

    def listen(self, name: str) -> socket.socket:
        """A listening Unix socket in this directory, for QEMU to inherit."""
        (self.path / name).unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            with self.reach(name) as short:
                listener.bind(short)
            listener.listen(1)
        except OSError:
            listener.close()
            raise
        return listener

    @contextmanager
    def reach(self, name: str) -> Iterator[str]:
        """A path to the file that is short enough for a socket's address (107 bytes), wherever the directory is."""
        directory = os.open(self.path, os.O_PATH | os.O_DIRECTORY)
        try:
            yield f"/proc/self/fd/{directory}/{name}"
        finally:
            os.close(directory)


@dataclass(frozen=True, slots=True)
class StateDirectory:
    """`path` is absolute and resolved: QEMU's command lines name it, and recovery finds processes by it."""

    path: Path

    @property
    def database(self) -> Path:
        return self.path / "cloud.db"

    @property
    def lock(self) -> Path:
        return self.path / "lock"

    @property
    def accelerator(self) -> Path:
        return self.path / "accelerator.json"

    @property
    def images(self) -> Path:
        return self.path / "images"

    @property
    def volumes(self) -> Path:
        return self.path / "volumes"

    @property
    def servers(self) -> Path:
        return self.path / "servers"

    def make(self) -> None:
        for place in (self.path, self.images, self.volumes, self.servers):
            place.mkdir(mode=0o700, parents=True, exist_ok=True)

    def run(self, server: ServerId) -> RunDirectory:
        return RunDirectory(self.servers / server)

    def image(self, image: ImageId, disk_format: str) -> Path:
        return self.images / f"{image}.{disk_format}"

    def volume(self, volume: VolumeId) -> Path:
        return self.volumes / f"{volume}.raw"
