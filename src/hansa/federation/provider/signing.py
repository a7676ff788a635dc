"""The provider's signing keys: a directory with an RSA and an elliptic-curve key of each generation.

Generation 0 is staged: published, so that everybody knows it, but it signs nothing yet. The highest number signs. Those between
signed once, and stay published while tokens of theirs live. Rotate at least two hours after the last rotation: relying parties
keep key sets that long. All processes of the provider have the same files.
"""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from hansa.base.errors import ConfigurationError
from hansa.base.watch import Watched
from hansa.standards.jwt import JwtError, Key, KeySet

ALGORITHMS = ("RS256", "ES256")
"""RFC 9068 §2.1 wants the first of everybody, the WLCG profile both."""
KEEP = 3
"""Generations after a rotation: staged, signing, and the one before it."""
KEY = "provider.keys"
_FILE = re.compile(r"(0|[1-9][0-9]{0,8})-(rs256|es256)\.pem")


@dataclass(frozen=True, slots=True)
class Ring:
    """`signing`: by algorithm. `published`: public keys of all generations."""

    signing: Mapping[str, Key]
    published: KeySet


def watched(directory: Path) -> Watched[Ring]:
    """Raises ConfigurationError for keys that cannot be used, or that others may read."""
    ensure_keys(directory)
    return Watched([directory], parse)


def ensure_keys(directory: Path) -> None:
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not _generations(directory):
        for number in (1, 0):
            _make(directory, number)
    for path in (directory, *directory.glob("*.pem")):
        if path.stat().st_mode & 0o077:
            raise ConfigurationError(f"{path} is open to others than its owner; chmod go= it.", key=KEY)


def rotate(directory: Path) -> int:
    """The staged keys sign from now on, new ones are staged, the oldest go. The number of the signing generation."""
    ensure_keys(directory)
    signing = max(_generations(directory)) + 1
    for name in ALGORITHMS:
        _path(directory, 0, name).rename(_path(directory, signing, name))
    _make(directory, 0)
    for number in sorted(_generations(directory) - {0})[: -(KEEP - 1)]:
        for name in ALGORITHMS:
            _path(directory, number, name).unlink(missing_ok=True)
    return signing


def parse(files: Mapping[str, bytes]) -> Ring:
    """ConfigurationError for a file that is no key; its content is never shown."""
    found = [(int(match[1]), match[2].upper(), match[0]) for match in map(_FILE.fullmatch, sorted(files)) if match]
    keys = [(number, algorithm, _key(name, files[name], algorithm)) for number, algorithm, name in found]
    signing = {algorithm: key for number, algorithm, key in sorted(keys, key=lambda each: each[0]) if number}
    if signing.keys() != set(ALGORITHMS):
        raise ConfigurationError("There is no signing key; run hansa federation keys rotate.", key=KEY)
    newest_first = sorted(keys, key=lambda each: -each[0])
    return Ring(signing, KeySet(tuple(key.public() for _, _, key in newest_first)))


def _key(name: str, pem: bytes, algorithm: str) -> Key:
    try:
        return Key.from_pem(pem, algorithm)
    except JwtError as error:
        raise ConfigurationError(f"{name} is no signing key: {error.reason}.", key=KEY) from error


_MAKE: Mapping[str, Callable[[], rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey]] = {
    "RS256": partial(rsa.generate_private_key, 65537, 3072),
    "ES256": partial(ec.generate_private_key, ec.SECP256R1()),
}


def _generations(directory: Path) -> set[int]:
    return {int(match[1]) for path in directory.iterdir() if (match := _FILE.fullmatch(path.name))}


def _path(directory: Path, number: int, algorithm: str) -> Path:
    return directory / f"{number}-{algorithm.lower()}.pem"


def _make(directory: Path, number: int) -> None:
    """Whole or not at all, and never readable by others: a hidden file is no key, its new name is one."""
    for algorithm in ALGORITHMS:
        path = _path(directory, number, algorithm)
        hidden = path.with_name(f".{path.name}.new")
        hidden.unlink(missing_ok=True)
        descriptor = os.open(hidden, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(_MAKE[algorithm]().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
            file.flush()
            os.fsync(file.fileno())
        hidden.rename(path)
