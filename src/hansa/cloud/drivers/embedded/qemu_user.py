"""The user that QEMU runs as where Hansa itself is root: a guest that breaks out of QEMU is nobody of importance.

Directories stay root's and are only passed through by the user's group; files that QEMU writes are the user's own, images are
shown to the group. So nothing that QEMU's user does can make root follow a link or read another file.
"""

import asyncio
import grp
import os
import pwd
from dataclasses import dataclass
from pathlib import Path

from hansa.base.errors import ConfigurationError
from hansa.cloud.drivers.embedded.layout import StateDirectory

IMAGE_MODE = 0o440
"""Nobody writes to an image; the group is ours, or that of QEMU's user."""
KEY = "cloud.embedded.run_as"
BIND = "net_bind_service"
"""The only capability left: port 22 of a machine's address."""


@dataclass(frozen=True, slots=True)
class QemuUser:
    name: str
    uid: int
    gid: int

    def prefix(self) -> tuple[str, ...]:
        """What stands before a command so that it runs as this user, for good."""
        capabilities = (f"--{kind}-caps=-all,+{BIND}" for kind in ("inh", "ambient"))
        who = (f"--reuid={self.uid}", f"--regid={self.gid}", "--init-groups", "--no-new-privs")
        return ("setpriv", *who, *capabilities, f"--bounding-set=-all,+{BIND}", "--")

    def give(self, path: Path) -> None:
        """The file, made if need be, is the user's to read and write."""
        descriptor = os.open(path, os.O_RDONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            os.fchown(descriptor, self.uid, self.gid)
        finally:
            os.close(descriptor)

    def show(self, path: Path, mode: int) -> None:
        """The user's group may use the file or directory as `mode` says; it stays ours."""
        os.chown(path, os.geteuid(), self.gid, follow_symlinks=False)
        path.chmod(mode)


def find(name: str | None) -> QemuUser | None:
    """None for no name. ConfigurationError for a user that is not there, is root, or that we cannot become."""
    if name is None:
        return None
    if os.geteuid() != 0:
        raise ConfigurationError("Only root can run QEMU as another user; leave run_as out.", key=KEY)
    try:
        entry = pwd.getpwnam(name)
        grp.getgrgid(entry.pw_gid)
    except KeyError:
        raise ConfigurationError(f"There is no user {name} (or its group) on this host.", key=KEY) from None
    if entry.pw_uid == 0:
        raise ConfigurationError("QEMU's own user cannot be root.", key=KEY)
    return QemuUser(name, entry.pw_uid, entry.pw_gid)


async def let_through(user: QemuUser, state: StateDirectory) -> None:
    """The user passes through the state directory. ConfigurationError if a directory above it is in the way."""
    for place in (state.path, state.images, state.volumes, state.servers):
        await asyncio.to_thread(user.show, place, 0o710)
    for image in await asyncio.to_thread(lambda: list(state.images.iterdir())):
        await asyncio.to_thread(user.show, image, IMAGE_MODE)
    trial = await asyncio.create_subprocess_exec(*user.prefix(), "test", "-x", str(state.images))
    if await trial.wait() != 0:
        raise ConfigurationError(
            f"The user {user.name} cannot reach the state directory; let others pass the directories above it (chmod o+x).",
            key=KEY,
        )
