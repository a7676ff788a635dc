"""Local users and their password hashes: for operators, and for clients that know nothing of certificates.

The users file has one user a line, made by `hansa site user`:

    alice:$argon2id$v=19$m=65536,t=3,p=4$SALT$HASH:PROJECT[:role,role]

SALT and HASH are base64 without padding. Lines of before, with `$scrypt$ln=15,r=8,p=1$SALT$HASH`, are good too.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from hansa.base.errors import ConfigurationError
from hansa.base.passwords import matches
from hansa.site.identity.model import Grant

PASSWORD_MAX = 1024  # bytes
NAME_MAX = 64  # characters
_HASH = re.compile(r"\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]{16,64})\$([A-Za-z0-9+/]{22,128})")
_ARGON2 = re.compile(
    r"\$argon2id\$v=19\$m=(\d{4,7}),t=(\d{1,2}),p=(\d{1,2})\$[A-Za-z0-9+/]{11,64}\$[A-Za-z0-9+/]{22,128}"
)
_MEMORY_MAX = 1_048_576  # KiB
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")


@dataclass(frozen=True, slots=True)
class Scrypt:
    """RFC 7914 parameters and result."""

    ln: int
    r: int
    p: int
    salt: bytes
    digest: bytes

    def matches(self, password: bytes) -> bool:
        made = _derive(password, self.salt, self.ln, self.r, self.p, len(self.digest))
        return hmac.compare_digest(made, self.digest)

    @property
    def stamp(self) -> str:
        """Another one for another password; tells nothing of it."""
        return hashlib.sha256(self.salt + self.digest).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Argon2:
    """RFC 9106: the hash's own text."""

    text: str

    def matches(self, password: bytes) -> bool:
        return matches(self.text, password)

    @property
    def stamp(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()[:16]


Hashed = Scrypt | Argon2


@dataclass(frozen=True, slots=True)
class LocalUser:
    name: str
    hash: Hashed = field(repr=False)
    grant: Grant

    @property
    def stamp(self) -> str:
        return self.hash.stamp


def user_line(name: str, password_hash: str, project: str, roles: tuple[str, ...] = ()) -> str:
    """One line of the users file; ConfigurationError if it would not read back."""
    line = f"{name}:{password_hash}:{project}" + (f":{','.join(roles)}" if roles else "")
    parse_users(line.encode())
    return line


def parse_users(text: bytes) -> Mapping[str, LocalUser]:
    """Read a users file; ConfigurationError says which line is wrong, and never shows it."""
    try:
        lines = text.decode().splitlines()
    except UnicodeDecodeError as error:
        raise ConfigurationError("The users file is not UTF-8.", key="identity.users") from error
    users: dict[str, LocalUser] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        user = _parse_line(line, number)
        if user.name in users:
            raise ConfigurationError(f"Line {number} of the users file repeats {user.name}.", key="identity.users")
        users[user.name] = user
    return users


def _parse_line(line: str, number: int) -> LocalUser:
    name, _, rest = line.strip().partition(":")
    password_hash, _, rest = rest.partition(":")
    project, _, roles = rest.partition(":")
    hashed = _parse_hash(password_hash)
    if hashed is None or not _NAME.fullmatch(name) or not project or not project.isprintable():
        message = f"Line {number} of the users file is not name:hash:project[:roles]; make it with `hansa site user`."
        raise ConfigurationError(message, key="identity.users")
    return LocalUser(name, hashed, Grant(project, frozenset(role for role in roles.split(",") if role)))


def _parse_hash(text: str) -> Hashed | None:
    if match := _ARGON2.fullmatch(text):
        memory, passes, lanes = (int(number) for number in match.groups())
        return Argon2(text) if memory <= _MEMORY_MAX and 1 <= passes <= 20 and 1 <= lanes <= 16 else None
    match = _HASH.fullmatch(text)
    if not match:
        return None
    ln, r, p = (int(number) for number in match.groups()[:3])
    if not (10 <= ln <= 18 and 1 <= r <= 16 and 1 <= p <= 4):
        return None
    try:
        return Scrypt(ln, r, p, _decode(match[4]), _decode(match[5]))
    except binascii.Error:
        return None


def _derive(password: bytes, salt: bytes, ln: int, r: int, p: int, length: int) -> bytes:
    memory = 128 * r * (2**ln + p + 2) + 1_048_576
    return hashlib.scrypt(password, salt=salt, n=2**ln, r=r, p=p, maxmem=memory, dklen=length)


def _decode(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
