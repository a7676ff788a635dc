"""The keys that seal tokens: a directory of numbered files, as Keystone keeps its Fernet keys.

`0` is staged: it only opens, and becomes the next primary key. The highest number is the primary key, which seals. Those
between were primary once, and open what is not yet expired. Every process of a site, and every host that shares its tokens,
has the same files; rotate once, copy, and wait a token's life before the next rotation but one.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from cryptography.fernet import Fernet, MultiFernet

from hansa.base.errors import ConfigurationError

KEEP = 3
"""Keys after a rotation: staged, primary, and the one before it."""


def ensure_keys(directory: Path) -> None:
    """Make the directory with a staged and a primary key if it has none. Raises ConfigurationError if others may read it."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not _numbers(directory):
        for number in (1, 0):
            _write(directory, number)
    for path in (directory, *(directory / str(number) for number in _numbers(directory))):
        if path.stat().st_mode & 0o077:
            raise ConfigurationError(
                f"{path} is open to others than its owner; chmod go= it.", key="identity.tokens.keys"
            )


def rotate_keys(directory: Path, *, keep: int = KEEP) -> int:
    """The staged key becomes primary, a new one is staged, the oldest go. The number of the new primary key."""
    ensure_keys(directory)
    primary = max(_numbers(directory)) + 1
    (directory / "0").rename(directory / str(primary))
    _write(directory, 0)
    for number in sorted(_numbers(directory) - {0})[: -(keep - 1)]:
        (directory / str(number)).unlink()
    return primary


def parse_keys(files: Mapping[str, bytes]) -> MultiFernet:
    """The key ring, primary first. ConfigurationError for a file that is no key; its content is never shown."""
    numbers = sorted((int(name) for name in files if _is_number(name)), reverse=True)
    if not numbers:
        raise ConfigurationError("There is no token key; run hansa site token-keys rotate.", key="identity.tokens.keys")
    try:
        return MultiFernet([Fernet(files[str(number)].strip()) for number in numbers])
    except ValueError:
        raise ConfigurationError("One of the token keys is not a Fernet key.", key="identity.tokens.keys") from None


def _numbers(directory: Path) -> set[int]:
    return {int(path.name) for path in directory.iterdir() if _is_number(path.name)}


def _is_number(name: str) -> bool:
    return name.isascii() and name.isdecimal() and len(name) <= 9 and str(int(name)) == name


def _write(directory: Path, number: int) -> None:
    """Whole or not at all, and never readable by others: a hidden file is no key, its new name is one."""
    hidden = directory / f".{number}.new"
    hidden.unlink(missing_ok=True)
    descriptor = os.open(hidden, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(Fernet.generate_key())
        file.flush()
        os.fsync(file.fileno())
    hidden.rename(directory / str(number))
