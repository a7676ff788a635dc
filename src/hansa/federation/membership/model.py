"""Virtual organisations and who belongs to them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from hansa.standards.x509 import Name

Clock = Callable[[], datetime]
"""Aware UTC."""

SYSTEM = "system"
"""The actor of changes that nobody in particular asked for."""


class MemberState(StrEnum):
    ACTIVE = "active"
    SUSPENDED = "suspended"
    EXPIRED = "expired"
    """Its end has passed. Never stored: the end tells."""


@dataclass(frozen=True, slots=True)
class Credential:
    """A certificate's holder: subject and issuer together, since two authorities may name the same subject."""

    subject: Name
    issuer: Name


@dataclass(frozen=True, slots=True)
class Subject:
    """Somebody as an identity provider names them: OIDC's `iss` and `sub`, or a SAML entity and its name identifier.

    `issuer` is a URI, so that it can never be taken for a certificate's issuer.
    """

    issuer: str
    subject: str


@dataclass(frozen=True, slots=True)
class KnownCredential:
    """What a person proves to be themselves with. `suspended` is the reason, None while it may be used."""

    id: int
    credential: Credential | Subject
    added: datetime | None
    suspended: str | None


@dataclass(frozen=True, slots=True)
class Details:
    """What may change about a person. `login` is a local user name for logging in with a password."""

    name: str
    given_name: str = ""
    family_name: str = ""
    email: str = ""
    email_verified: bool = False
    login: str | None = None
    robot: bool = False
    locale: str = ""
    """BCP 47 tag of the language to write in, empty for none stated."""


@dataclass(frozen=True, slots=True)
class Person:
    """A human or a robot. `uid` (UUID version 4) never changes and is never given to another; it is the OIDC `sub`."""

    id: int
    uid: str
    name: str
    given_name: str
    family_name: str
    email: str
    email_verified: bool
    login: str | None
    robot: bool
    locale: str


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
    person: Person
    state: MemberState
    reason: str
    since: datetime
    until: datetime | None
    known: tuple[KnownCredential, ...]
    groups: tuple[str, ...]
    roles: tuple[RoleGrant, ...]

    @property
    def name(self) -> str:
        return self.person.name

    @property
    def email(self) -> str:
        return self.person.email

    @property
    def credentials(self) -> tuple[Credential, ...]:
        """The certificates that may be used."""
        return tuple(c for c in self._usable() if isinstance(c, Credential))

    @property
    def subjects(self) -> tuple[Subject, ...]:
        """The OIDC and SAML subjects that may be used."""
        return tuple(c for c in self._usable() if isinstance(c, Subject))

    def _usable(self) -> tuple[Credential | Subject, ...]:
        return tuple(each.credential for each in self.known if each.suspended is None)


@dataclass(frozen=True, slots=True)
class Held:
    """What one person is in one VO, for issuing. `aup_overdue`: the acceptable use policy waits for acceptance too long."""

    vo: str
    state: MemberState
    reason: str
    until: datetime | None
    groups: tuple[str, ...]
    roles: tuple[RoleGrant, ...]
    aup_overdue: bool = False

    @property
    def current(self) -> bool:
        """Whether anything may be issued on its strength."""
        return self.state is MemberState.ACTIVE and not self.aup_overdue


@dataclass(frozen=True, slots=True)
class Standing:
    """What issuing needs to know about the holder of one certificate in one VO. Groups are sorted.

    `credential_suspended`: the reason why this certificate alone may not be used.
    """

    state: MemberState
    reason: str
    until: datetime | None
    groups: tuple[str, ...]
    roles: frozenset[RoleGrant]
    credential_suspended: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """One line of the registry's history. `seq` grows in the order of commits; `actor`: a person's uid, or who else did it.

    `vo` and `person` are None where the change concerns none.
    """

    seq: int
    at: datetime
    actor: str
    vo: str | None
    person: str | None
    event: str
    details: Mapping[str, Any]


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
