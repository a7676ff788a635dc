"""What the member feed says: members as they are now, in pages that follow each other.

A feed tells states, not events: an entry is all there is to know of one person in one VO, and the latest one counts. So pages may
be repeated and events missed without harm, and a snapshot is only a feed read from its beginning.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

MODULUS = 1 << 256


class MemberState(StrEnum):
    """A membership that has ended is ACTIVE with an `until` of the past: who reads the feed has a clock."""

    ACTIVE = "active"
    SUSPENDED = "suspended"


class Kind(StrEnum):
    """Of a page. After the last one of a SNAPSHOT, whoever it did not name is gone."""

    SNAPSHOT = "snapshot"
    CHANGES = "changes"


@dataclass(frozen=True, slots=True)
class Certificate:
    """Subject and issuer in the form of RFC 4514, as `Name.rfc4514` writes it. `usable` is false while it is suspended."""

    subject: str
    issuer: str
    usable: bool = True


@dataclass(frozen=True, slots=True)
class Login:
    """Somebody at an OpenID Provider or SAML identity provider: `issuer` gives out `subject` once and for ever."""

    issuer: str
    subject: str
    usable: bool = True


@dataclass(frozen=True, slots=True)
class Entry:
    """One person in one VO. `uid` is the person's, the same in all VOs. `groups` include `/vo`; `roles` are FQANs."""

    vo: str
    uid: str
    name: str
    mail: str
    state: MemberState
    reason: str = ""
    until: datetime | None = None
    certificates: tuple[Certificate, ...] = ()
    logins: tuple[Login, ...] = ()
    groups: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Gone:
    """A membership that has ended and is no longer told of."""

    vo: str
    uid: str


@dataclass(frozen=True, slots=True)
class Told:
    """An entry (or the end of one) with its canonical JSON; `digest` is 0 for the end."""

    entry: Entry | Gone
    text: bytes

    @property
    def digest(self) -> int:
        return 0 if isinstance(self.entry, Gone) else digest_of(self.text)


@dataclass(frozen=True, slots=True)
class Page:
    """Leads a reader from `previous` to `sequence`. `head`: the newest sequence there is.

    `lineage` names the registry's numbering; another one begins from 0. `vos`: what the reader may know of. `state`: digest of
    all entries of these VOs, in the last page of a run only (`more` is false); a reader that has another one missed something.
    """

    kind: Kind
    lineage: str
    vos: tuple[str, ...]
    previous: int
    sequence: int
    head: int
    more: bool
    state: int | None
    told: tuple[Told, ...]


def digest_of(text: bytes) -> int:
    return int.from_bytes(hashlib.sha256(text).digest())


def state_digest(before: int, *, added: Iterable[int] = (), removed: Iterable[int] = ()) -> int:
    """The digest of a set of entries: their sum, so that it follows changes without a look at the others.

    It finds faults, not forgeries: those are the signature's business.
    """
    return (before + sum(added) - sum(removed)) % MODULUS
