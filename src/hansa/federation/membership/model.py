"""Virtual organisations and who belongs to them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from hansa.standards.x509 import Name

Clock = Callable[[], datetime]
"""Aware UTC."""


class MemberState(StrEnum):
    ACTIVE = "active"
    SUSPENDED = "suspended"


@dataclass(frozen=True, slots=True)
class Credential:
    """A certificate's holder: subject and issuer together, since two authorities may name the same subject."""

    subject: Name
    issuer: Name


@dataclass(frozen=True, slots=True)
class Vo:
    name: str
    created: datetime
    members: int


@dataclass(frozen=True, slots=True)
class RoleGrant:
    """A role, held in one group."""

    group: str
    role: str

    def __str__(self) -> str:
        return f"{self.group}/Role={self.role}"


@dataclass(frozen=True, slots=True)
class Member:
    """One person in one VO. `groups` include the VO's own (`/vo`). `until`: the end of the membership, None for none."""

    id: int
    vo: str
    name: str
    email: str
    state: MemberState
    reason: str
    since: datetime
    until: datetime | None
    credentials: tuple[Credential, ...]
    groups: tuple[str, ...]
    roles: tuple[RoleGrant, ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """What issuing needs to know about the holder of one certificate in one VO. Groups are sorted."""

    state: MemberState
    reason: str
    until: datetime | None
    groups: tuple[str, ...]
    roles: frozenset[RoleGrant]


@dataclass(frozen=True, slots=True)
class IssuedAc:
    """The audit record of one attribute certificate. `client`: address; `dialect`: `rest` or `legacy`."""

    vo: str
    serial: int
    issued: datetime
    not_after: datetime
    holder: Credential
    fqans: tuple[str, ...]
    client: str
    dialect: str
