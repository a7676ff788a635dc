"""The files that go into Keystone's own Python, and the secret between it and the front."""

import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from hansa import __version__
from hansa.base.errors import ConfigurationError

INSIDE = Path(__file__).parent / "inside"
PACKAGE = "hansa_keystone"
ENTRY_POINTS = f"[keystone.auth.mapped]\nhansa = {PACKAGE}.mapped:Mapped\n"
"""How Keystone finds the sign-on method: `[auth] mapped = hansa`."""


def install(directory: Path) -> None:
    """Write the package and what announces it below `directory`, which belongs on the path of Keystone's Python."""
    for name, content in _files():
        path = directory / name
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        hidden = path.with_name(f".{path.name}.new")
        hidden.write_bytes(content)
        hidden.chmod(0o644)
        hidden.rename(path)


def installed(directory: Path) -> bool:
    """Whether just these files are there."""
    return all(
        (directory / name).is_file() and (directory / name).read_bytes() == content for name, content in _files()
    )


def ensure_secret(path: Path) -> bool:
    """Make the file with a new secret, for its owner alone, unless it is there; True if it was made."""
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        return False
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be made: {error.strerror}.", key="front.secret") from error
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_hex(32) + "\n")
    return True


def _files() -> Iterator[tuple[str, bytes]]:
    for source in sorted((INSIDE / PACKAGE).glob("*.py")):
        yield f"{PACKAGE}/{source.name}", source.read_bytes()
    information = f"{PACKAGE}-{__version__}.dist-info"
    yield f"{information}/METADATA", f"Metadata-Version: 2.1\nName: hansa-keystone\nVersion: {__version__}\n".encode()
    yield f"{information}/entry_points.txt", ENTRY_POINTS.encode()
