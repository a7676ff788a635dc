"""Members as this site knows them."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from hansa.standards.memberfeed import Entry


class Standing(StrEnum):
    ACTIVE = "active"
    SUSPENDED = "suspended"
    LEAVING = "leaving"
    """No longer a member; the machines are still as they were."""
    GONE = "gone"
    """The grace period is over, and with the machines was done what the settings say."""


class OnRemoval(StrEnum):
    KEEP = "keep"
    STOP = "stop"
    DELETE = "delete"


class Mode(StrEnum):
    CHECK = "check"
    REQUIRE = "require"


@dataclass(frozen=True, slots=True)
class Account:
    """One person in one VO. `entry`: what the federation tells now, None for somebody it no longer tells of.

    `held`: the standing that the entry asks for and the brake has held. `kept`: an operator has refused it. `counted`: when a
    loss began that the brake still counts. `withdrawn`: groups and roles (FQANs) that the person once had. `acted`: when the
    machines were dealt with.
    """

    vo: str
    uid: str
    name: str
    standing: Standing
    since: datetime
    entry: Entry | None
    reason: str = ""
    until: datetime | None = None
    held: Standing | None = None
    kept: bool = False
    counted: datetime | None = None
    acted: datetime | None = None
    withdrawn: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Filter:
    """Which accounts are meant; None and False leave it open."""

    vo: str | None = None
    uid: str | None = None
    standing: Standing | None = None
    held: bool = False


@dataclass(frozen=True, slots=True)
class Known:
    """A credential of an account: kind `x509` (issuer and subject in the form of RFC 4514) or `oidc`. `usable`: not withdrawn."""

    kind: str
    issuer: str
    subject: str
    usable: bool = True


@dataclass(frozen=True, slots=True)
class Position:
    """Where we are in the feed. `run`: name of the snapshot that is under way. `issued`: the age of what we know."""

    lineage: str = ""
    scope: str = ""
    vos: tuple[str, ...] = ()
    sequence: int = 0
    head: int = 0
    run: str | None = None
    state: int = 0
    issued: datetime | None = None
    nonce: str = ""


@dataclass(frozen=True, slots=True)
class Brake:
    """Losses are held when within `window_hours` more than `members` people and more than `percent` of a VO would be lost."""

    percent: float = 10.0
    members: int = 5
    window_hours: float = 24.0


@dataclass(frozen=True, slots=True)
class Change:
    """What a page did to one account, for audit lines and dry runs. `before` None: new here."""

    vo: str
    uid: str
    name: str
    before: Standing | None
    after: Standing
    held: Standing | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of one page. `told`: how many entries it had."""

    told: int
    more: bool
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Status:
    position: Position
    counts: dict[str, int]
    held: int
