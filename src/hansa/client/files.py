"""Files that hold secrets: written atomically with mode 0600, read only when nobody else could have tampered."""

import os
import stat
import tempfile
from pathlib import Path

from hansa.base.i18n import _
from hansa.client.errors import NoCredential, UnsafeFile

MAX_BYTES = 1_000_000


def write_private(path: Path, data: bytes) -> None:
    """Replace `path` in one step with a 0600 file of ours. Refuses what is a link or belongs to somebody else."""
    try:
        _check_ours(path, path.lstat())
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # O_EXCL, 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def read_private(path: Path) -> bytes:
    """The content of a secret's file: ours, a plain file, and closed to others."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise NoCredential(_("There is no file {path}.").format(path=path), path=str(path)) from None
    try:
        _check_closed(path, os.fstat(handle))
        return os.read(handle, MAX_BYTES)
    finally:
        os.close(handle)


def remove_private(path: Path) -> None:
    """Overwrite and remove a secret's file (the disk may keep older copies). FileNotFoundError if there is none."""
    status = path.lstat()
    _check_ours(path, status)
    with path.open("r+b") as file:
        file.write(bytes(status.st_size))
        file.flush()
        os.fsync(file.fileno())
    path.unlink()


def _check_ours(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise UnsafeFile(
            _("{path} is not a plain file: we do not write through links.").format(path=path),
            next=_("remove it, or choose another place with --out"),
        )
    if status.st_uid != os.geteuid():
        raise UnsafeFile(
            _("{path} belongs to another user.").format(path=path), next=_("choose another place with --out")
        )


def _check_closed(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise UnsafeFile(_("{path} is not a plain file.").format(path=path))
    if status.st_uid not in {os.geteuid(), 0}:
        raise UnsafeFile(_("{path} belongs to another user.").format(path=path))
    if status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise UnsafeFile(
            _("Others may read the private key in {path}.").format(path=path),
            next=_("chmod 600 {path}").format(path=path),
        )
