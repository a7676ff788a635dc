"""What is said between a VOMS client and a VOMS server, whichever dialect carries it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, IntEnum

from hansa.standards.voms.errors import VomsCode, VomsError
from hansa.standards.voms.fqan import Fqan

MAX_REQUEST_BYTES = 65_536
MAX_LIST = 1000
"""Names or targets in a request."""
_TARGET = re.compile(r"[A-Za-z0-9._-]{1,255}")


@dataclass(frozen=True, slots=True)
class AcRequest:
    """A request for an attribute certificate. Who asks is known from the TLS connection."""

    fqans: tuple[Fqan, ...] = ()
    """Empty: the member's groups, the VO's own first."""
    everything: bool = False
    """All groups and all roles."""
    listing: bool = False
    """Only tell what the member holds (legacy command `N`)."""
    order: tuple[Fqan, ...] = ()
    targets: tuple[str, ...] = ()
    lifetime: int | None = None
    """Seconds; None: as long as the server gives."""
    unknown_parameters: bool = False


class Refusal(Enum):
    """Why a server gives no certificate: the word of the REST dialect, its HTTP status, the number of the legacy dialect."""

    NO_SUCH_USER = ("NoSuchUser", 403, 1001)
    SUSPENDED_USER = ("SuspendedUser", 403, 1004)
    BAD_REQUEST = ("BadRequest", 400, 1001)
    INTERNAL_ERROR = ("InternalError", 500, 1006)

    def __init__(self, word: str, status: int, number: int) -> None:
        self.word = word
        self.status = status
        self.number = number


class Notice(IntEnum):
    """Kinds of warnings, by their number in the legacy dialect."""

    ORDER = 1
    SHORTENED = 2
    SUBSET = 3
    OTHER = 4


@dataclass(frozen=True, slots=True)
class Warn:
    """A warning beside a good certificate. Clients tell the kind from words in the text."""

    notice: Notice
    text: str

    @classmethod
    def shortened(cls, host: str, port: int, seconds: int) -> "Warn":
        text = f"{host}:{port}: The validity of this VOMS AC in your proxy is shortened to {seconds} seconds!"
        return cls(Notice.SHORTENED, text)

    @classmethod
    def order_not_kept(cls) -> "Warn":
        return cls(Notice.ORDER, "The first attribute selected is not the one you ordered!")

    @classmethod
    def subset(cls) -> "Warn":
        return cls(Notice.SUBSET, "The certificate contains attributes of your present proxy only!")

    @classmethod
    def unknown_parameters(cls) -> "Warn":
        return cls(Notice.OTHER, "Unknown parameters in the request were ignored!")


@dataclass(frozen=True, slots=True)
class AcReply:
    """An encoded attribute certificate."""

    ac: bytes
    warnings: tuple[Warn, ...] = ()


@dataclass(frozen=True, slots=True)
class ListReply:
    """The names a member holds."""

    fqans: tuple[Fqan, ...]


@dataclass(frozen=True, slots=True)
class ErrorReply:
    """No certificate; `text` is shown to the user."""

    refusal: Refusal
    text: str

    @classmethod
    def not_a_member(cls, vo: str) -> "ErrorReply":
        return cls(Refusal.NO_SUCH_USER, f"{vo}: User unknown to this VO.")

    @classmethod
    def suspended(cls, reason: str) -> "ErrorReply":
        return cls(Refusal.SUSPENDED_USER, f"User is currently suspended!\nSuspension reason: {reason}")

    @classmethod
    def unsatisfiable(cls, vo: str, wanted: str) -> "ErrorReply":
        """`wanted` is what was asked for, in any form (`command` renders a name the way servers do)."""
        return cls(Refusal.BAD_REQUEST, f"{vo}: Unable to satisfy {wanted} request!")

    @classmethod
    def internal(cls, vo: str) -> "ErrorReply":
        return cls(Refusal.INTERNAL_ERROR, f"{vo}: The server could not answer: try again later.")


Reply = AcReply | ListReply | ErrorReply

EVERYTHING = "all"


def command(fqan: Fqan) -> str:
    """A name as a legacy command: `G/vo/group` or `B/vo/group:role`."""
    return f"B{fqan.group}:{fqan.role}" if fqan.role else f"G{fqan.group}"


def parse_wanted(text: str) -> Fqan:
    """Read a name as users and clients write it: `/vo/group`, `/vo/Role=x`, `/vo/group:role`, `vo:role`, `vo`.

    Raises `VomsError` (`voms.fqan.syntax`).
    """
    group, colon, role = text.partition(":")
    if not group.startswith("/"):
        group = f"/{group}"
    return Fqan.parse(f"{group}/Role={role}" if colon else group)


def parse_names(texts: Sequence[str]) -> tuple[Fqan, ...]:
    """Read a list of names, empty ones apart. Raises `VomsError` (`voms.fqan.syntax`, `voms.request.too_large`)."""
    wanted = [text for text in texts if text]
    if len(wanted) > MAX_LIST:
        raise VomsError(VomsCode.REQUEST_TOO_LARGE, f"The request names more than {MAX_LIST} groups and roles")
    return tuple(parse_wanted(text) for text in wanted)


def parse_targets(texts: Sequence[str]) -> tuple[str, ...]:
    """Host names a certificate is to be limited to; empty ones apart. Raises `VomsError` (`voms.request.syntax`)."""
    targets = tuple(text.strip() for text in texts if text.strip())
    if len(targets) > MAX_LIST or not all(_TARGET.fullmatch(target) for target in targets):
        raise VomsError(VomsCode.REQUEST_SYNTAX, "The request has too many targets, or one that is not a host name")
    return targets


def parse_lifetime(text: str) -> int | None:
    """Seconds; None for what is not a positive number, which then means the server's choice."""
    digits = text.strip()
    if not (digits.isascii() and digits.isdigit()):
        return None
    return min(int(digits[:18]), 10**18) or None
