"""Virtual organisations and who belongs to them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from hansa.standards.x509 import Name

Clock = Callable[[], datetime]
"""Aware UTC."""

SYSTEM = "system"
"""The actor of changes that nobody in particular asked for."""

VO_ADMIN = "VO-Admin"
"""The role, in a VO's own group, of those who run the VO."""
GROUP_MANAGER = "Group-Manager"
"""The role of those who say who is in the group where they hold it, and in the groups below."""


class MemberState(StrEnum):
    """Grace and expired are never stored: the end of the membership tells."""

    ACTIVE = "active"
    GRACE = "grace"
    """Its end has passed, and the VO gives some days to renew: everything works, with a warning."""
    SUSPENDED = "suspended"
    EXPIRED = "expired"


CURRENT = frozenset({MemberState.ACTIVE, MemberState.GRACE})
"""The states in which things are issued."""


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
    sponsor: str | None = None
    """The uid of the human who answers for a robot."""


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
    sponsor: str | None = None


@dataclass(frozen=True, slots=True)
class VoProfile:
    """What a VO's managers say of it, and its terms, in days.

    `membership_days`: how long a membership lasts unless said otherwise, None for ever. `grace_days`: how long it works
    beyond its end. `removal_days`: how long after the end, grace included, it is removed, None for never. `aup_days`: how
    long an acceptance of the acceptable use policy counts, None for ever. `aup_grace_days`: how long members have to accept
    once they are asked to.
    """

    description: str = ""
    homepage: str = ""
    contact: str = ""
    membership_days: int | None = None
    grace_days: int = 0
    removal_days: int | None = None
    aup_days: int | None = None
    aup_grace_days: int = 15


@dataclass(frozen=True, slots=True)
class Vo:
    name: str
    created: datetime
    members: int
    profile: VoProfile = VoProfile()


@dataclass(frozen=True, slots=True)
class Group:
    path: str
    description: str
    members: int


@dataclass(frozen=True, slots=True)
class Role:
    """A role that a VO has defined. A VO that has defined none takes any name."""

    name: str
    description: str


@dataclass(frozen=True, slots=True)
class Policy:
    """One version of a VO's acceptable use policy. `digest`: SHA-256 of the text, in hexadecimal.

    `asks_again`: whether those who accepted an earlier version have to accept this one.
    """

    id: int
    version: str
    text: str
    url: str
    digest: str
    published: datetime
    asks_again: bool


@dataclass(frozen=True, slots=True)
class Acceptance:
    """`by` is another than `person` for robots."""

    version: str
    person: str
    at: datetime
    by: str


@dataclass(frozen=True, slots=True)
class AttributeClass:
    """A generic attribute that a VO has defined. `is_unique`: no two members have the same value."""

    name: str
    description: str
    is_unique: bool


@dataclass(frozen=True, slots=True)
class Attribute:
    """A value of a generic attribute, held oneself or through a group."""

    name: str
    value: str
    group: str | None = None


@dataclass(frozen=True, slots=True)
class RoleGrant:
    """A role, held in one group."""

    group: str
    role: str

    def __str__(self) -> str:
        return f"{self.group}/Role={self.role}"


@dataclass(frozen=True, slots=True)
class Member:
    """One person in one VO. `groups` include the VO's own (`/vo`). `until`: the end of the membership, None for none.

    `ends` is that with the VO's days of grace. `aup_due`: by when the member, who has been asked, has to accept the acceptable
    use policy; None if not asked. `group_ends`: of the groups whose membership ends by itself.
    """

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
    ends: datetime | None = None
    aup_due: datetime | None = None
    aup_overdue: bool = False
    group_ends: Mapping[str, datetime] = field(default_factory=dict)
    attributes: tuple[Attribute, ...] = ()

    @property
    def current(self) -> bool:
        """Whether anything may be issued to the member, and sites let them work."""
        return self.state in CURRENT and not self.aup_overdue

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
    """What one person is in one VO, for issuing. `aup_overdue`: the acceptable use policy waits for acceptance too long.

    Nothing that is issued may outlive `ends`: of the membership with the VO's days of grace, or of the group that ends first.
    """

    vo: str
    state: MemberState
    reason: str
    until: datetime | None
    groups: tuple[str, ...]
    roles: tuple[RoleGrant, ...]
    aup_overdue: bool = False
    ends: datetime | None = None
    attributes: tuple[Attribute, ...] = ()

    @property
    def current(self) -> bool:
        """Whether anything may be issued on its strength."""
        return self.state in CURRENT and not self.aup_overdue


@dataclass(frozen=True, slots=True)
class Standing:
    """What issuing needs to know about the holder of one certificate in one VO. Groups are sorted.

    `ends`: when membership (with the days of grace) or one of the groups ends, whichever is first. `aup_due`: by when the
    policy has to be accepted, None if that is not asked. `credential_suspended`: why this certificate alone may not be used.
    """

    state: MemberState
    reason: str
    until: datetime | None
    groups: tuple[str, ...]
    roles: frozenset[RoleGrant]
    credential_suspended: str | None = None
    ends: datetime | None = None
    aup_due: datetime | None = None
    attributes: tuple[Attribute, ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """Some members in the order of their numbers. `next`: the cursor of the next page, None after the last."""

    members: tuple[Member, ...]
    next: int | None


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
