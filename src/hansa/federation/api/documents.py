"""What goes over the wire: bodies, queries and answers, as the description of the API has them."""

import unicodedata
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, model_validator

from hansa.federation.membership.model import (
    Acceptance,
    Attribute,
    AttributeClass,
    Change,
    Credential,
    Details,
    Group,
    Held,
    IssuedAc,
    KnownCredential,
    Member,
    MemberState,
    Person,
    Policy,
    Role,
    Subject,
    Vo,
    VoProfile,
)
from hansa.standards.x509 import Name, X509Error

LIMIT = 1000
FIRST_YEAR, LAST_YEAR = 1970, 2199


def _moment(value: object) -> object:
    """RFC 3339 with an offset; a date alone is its beginning in UTC."""
    if not isinstance(value, str):
        return value
    if len(value) > 40:
        raise ValueError("a time is written 2027-01-31T12:00:00Z")
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        raise ValueError("a time is written 2027-01-31T12:00:00Z, a day 2027-01-31") from None
    if found.tzinfo is None:
        if len(value) != len("2027-01-31"):
            raise ValueError("a time needs its offset from UTC, such as Z")
        found = found.replace(tzinfo=UTC)
    if not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise ValueError(f"years from {FIRST_YEAR} to {LAST_YEAR}")
    return found.astimezone(UTC)


Moment = Annotated[datetime, BeforeValidator(_moment), PlainSerializer(lambda t: t.isoformat(), return_type=str)]
Short = Annotated[str, Field(max_length=500)]
Days = Annotated[int, Field(ge=0, le=36_500)]


class Document(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _is_text(cls, data: Any) -> Any:
        """No NUL anywhere: databases do not take it."""
        if isinstance(data, dict) and any("\0" in value for value in data.values() if isinstance(value, str)):
            raise ValueError("text has no NUL characters")
        return data


class Error(Document):
    """Problem details (RFC 9457). Some errors have further members."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    code: str


class ProfileIn(Document):
    """What a VO says of itself, and its terms, in days; null: without end."""

    description: str = Field("", max_length=4000)
    homepage: Short = ""
    contact: Short = Field("", description="E-mail address of the VO's managers.")
    membership_days: Days | None = Field(None, description="How long a membership lasts unless said otherwise.")
    grace_days: Days = Field(0, description="How long a membership works beyond its end.")
    removal_days: Days | None = Field(None, description="How long after end and grace it is removed.")
    aup_days: Days | None = Field(None, description="How long an acceptance of the acceptable use policy counts.")
    aup_grace_days: Days = Field(15, description="How long members have to accept it once they are asked to.")

    def profile(self) -> VoProfile:
        return VoProfile(**{field: getattr(self, field) for field in VoProfile.__dataclass_fields__})


class VoIn(ProfileIn):
    name: Short


class VoOut(ProfileIn):
    name: str
    created: Moment
    members: int

    @classmethod
    def of(cls, vo: Vo) -> "VoOut":
        profile = {field: getattr(vo.profile, field) for field in VoProfile.__dataclass_fields__}
        return cls(name=vo.name, created=vo.created, members=vo.members, **profile)


class Vos(Document):
    items: list[VoOut]


class DescriptionIn(Document):
    description: str = Field("", max_length=4000)


class GroupOut(Document):
    path: str
    description: str
    members: int

    @classmethod
    def of(cls, group: Group) -> "GroupOut":
        return cls(path=group.path, description=group.description, members=group.members)


class Groups(Document):
    items: list[GroupOut]


class RoleOut(Document):
    name: str
    description: str

    @classmethod
    def of(cls, role: Role) -> "RoleOut":
        return cls(name=role.name, description=role.description)


class Roles(Document):
    items: list[RoleOut]


class CertificateIn(Document):
    """The holder of a certificate: both names in the slash form (`/DC=org/CN=Some One`) or that of RFC 4514."""

    subject: Annotated[str, Field(max_length=4000)]
    issuer: Annotated[str, Field(max_length=4000)]

    @model_validator(mode="after")
    def _are_names(self) -> "CertificateIn":
        self.credential()
        return self

    def credential(self) -> Credential:
        try:
            return Credential(_name(self.subject), _name(self.issuer))
        except X509Error as error:
            raise ValueError(error.reason) from error


class SubjectIn(Document):
    """Somebody as an OpenID Provider or a SAML identity provider names them; `issuer` is a URI."""

    issuer: Annotated[str, Field(max_length=1100)]
    subject: Short


class CredentialIn(Document):
    """One of the two."""

    certificate: CertificateIn | None = None
    subject: SubjectIn | None = None

    @model_validator(mode="after")
    def _is_one(self) -> "CredentialIn":
        if (self.certificate is None) == (self.subject is None):
            raise ValueError("give certificate or subject")
        return self

    def credential(self) -> Credential | Subject:
        if self.certificate:
            return self.certificate.credential()
        assert self.subject
        return Subject(self.subject.issuer, self.subject.subject)


class CredentialOut(Document):
    """`dn` and `issuer_dn`: a certificate's names in the slash form."""

    id: int | None
    kind: str
    subject: str
    issuer: str
    dn: str | None = None
    issuer_dn: str | None = None
    added: Moment | None = None
    suspended: str | None = None

    @classmethod
    def of(cls, known: KnownCredential) -> "CredentialOut":
        return cls.shown(known.credential, id=known.id, added=known.added, suspended=known.suspended)

    @classmethod
    def shown(cls, credential: Credential | Subject, **more: Any) -> "CredentialOut":
        more.setdefault("id", None)
        if isinstance(credential, Subject):
            return cls(kind="subject", subject=credential.subject, issuer=credential.issuer, **more)
        return cls(
            kind="x509",
            subject=credential.subject.rfc4514(),
            issuer=credential.issuer.rfc4514(),
            dn=credential.subject.slash(),
            issuer_dn=credential.issuer.slash(),
            **more,
        )


class Credentials(Document):
    items: list[CredentialOut]


class PersonIn(Document):
    """The whole of it: what is left out becomes empty. Only operators change `login`, `robot`, `sponsor` and `email_verified`."""

    name: Short
    given_name: Short = ""
    family_name: Short = ""
    email: Short = ""
    email_verified: bool = False
    login: Short | None = None
    robot: bool = False
    locale: Short = ""
    sponsor: Short | None = None

    def details(self) -> Details:
        return Details(**{field: getattr(self, field) for field in Details.__dataclass_fields__})


class NewPersonIn(PersonIn):
    credentials: list[CredentialIn] = Field([], max_length=20)


class PersonOut(PersonIn):
    uid: str

    @classmethod
    def of(cls, person: Person) -> "PersonOut":
        return cls(uid=person.uid, **{field: getattr(person, field) for field in Details.__dataclass_fields__})


class Persons(Document):
    items: list[PersonOut]
    next: str | None = None


class AttributeOut(Document):
    """`group`: through which group; null for one's own."""

    name: str
    value: str
    group: str | None

    @classmethod
    def of(cls, attribute: Attribute) -> "AttributeOut":
        return cls(name=attribute.name, value=attribute.value, group=attribute.group)


class Attributes(Document):
    items: list[AttributeOut]


class RoleGrantOut(Document):
    group: str
    role: str


class GroupMembershipOut(Document):
    path: str
    until: Moment | None


class MemberOut(Document):
    """`ends`: the end with the VO's days of grace. `aup_due`: by when the policy has to be accepted, null if not asked."""

    vo: str
    id: int
    person: PersonOut
    state: MemberState
    reason: str
    since: Moment
    until: Moment | None
    ends: Moment | None
    aup_due: Moment | None
    aup_overdue: bool
    credentials: list[CredentialOut]
    groups: list[GroupMembershipOut]
    roles: list[RoleGrantOut]
    attributes: list[AttributeOut]

    @classmethod
    def of(cls, member: Member) -> "MemberOut":
        return cls(
            vo=member.vo,
            id=member.id,
            person=PersonOut.of(member.person),
            state=member.state,
            reason=member.reason,
            since=member.since,
            until=member.until,
            ends=member.ends,
            aup_due=member.aup_due,
            aup_overdue=member.aup_overdue,
            credentials=[CredentialOut.of(each) for each in member.known],
            groups=[GroupMembershipOut(path=path, until=member.group_ends.get(path)) for path in member.groups],
            roles=[RoleGrantOut(group=each.group, role=each.role) for each in member.roles],
            attributes=[AttributeOut.of(each) for each in member.attributes],
        )


class Members(Document):
    items: list[MemberOut]
    next: str | None


class MemberIn(Document):
    """A registered person by `uid`, or the holder of a certificate, who becomes a person by that `name` if nobody knows them.

    `until`: null for no end; left out, the VO's own term counts.
    """

    uid: Short | None = None
    certificate: CertificateIn | None = None
    name: Short = ""
    email: Short = ""
    until: Moment | None = None

    @model_validator(mode="after")
    def _is_one(self) -> "MemberIn":
        if (self.certificate is None) == (self.uid is None):
            raise ValueError("give uid or certificate")
        return self


class UntilIn(Document):
    until: Moment | None = None


class ReasonIn(Document):
    reason: Short


class ValueIn(Document):
    value: Short


class HeldOut(Document):
    vo: str
    state: MemberState
    reason: str
    until: Moment | None
    ends: Moment | None
    current: bool
    aup_overdue: bool
    groups: list[str]
    roles: list[RoleGrantOut]
    attributes: list[AttributeOut]

    @classmethod
    def of(cls, held: Held) -> "HeldOut":
        return cls(
            vo=held.vo,
            state=held.state,
            reason=held.reason,
            until=held.until,
            ends=held.ends,
            current=held.current,
            aup_overdue=held.aup_overdue,
            groups=list(held.groups),
            roles=[RoleGrantOut(group=each.group, role=each.role) for each in held.roles],
            attributes=[AttributeOut.of(each) for each in held.attributes],
        )


class Memberships(Document):
    items: list[HeldOut]


class WhoAmI(Document):
    """`person` is null for a stranger with a good credential."""

    person: PersonOut | None
    credential: CredentialOut | None
    operator: bool
    limited: bool
    memberships: list[HeldOut]


class PasswordIn(Document):
    password: Annotated[str, Field(max_length=1024, repr=False)]


class AttributeClassIn(Document):
    description: str = Field("", max_length=4000)
    unique: bool = Field(False, description="Whether no two members may have the same value.")


class AttributeClassOut(AttributeClassIn):
    name: str

    @classmethod
    def of(cls, found: AttributeClass) -> "AttributeClassOut":
        return cls(name=found.name, description=found.description, unique=found.is_unique)


class AttributeClasses(Document):
    items: list[AttributeClassOut]


class PolicyIn(Document):
    """A new version of the acceptable use policy. `asks_again`: members who accepted an earlier one have to accept this one."""

    version: Short
    text: str = Field("", max_length=60_000)
    url: Short = ""
    asks_again: bool = True


class PolicyOut(Document):
    """`digest`: SHA-256 of the text, hexadecimal."""

    version: str
    text: str
    url: str
    digest: str
    published: Moment
    asks_again: bool

    @classmethod
    def of(cls, policy: Policy) -> "PolicyOut":
        return cls(**{field: getattr(policy, field) for field in cls.model_fields})


class Policies(Document):
    items: list[PolicyOut]


class AcceptanceIn(Document):
    """The version that was read; only the newest can be accepted."""

    version: Short


class AcceptanceOut(Document):
    """`by`: who accepted; another than the person for robots."""

    version: str
    at: Moment
    by: str

    @classmethod
    def of(cls, acceptance: Acceptance) -> "AcceptanceOut":
        return cls(version=acceptance.version, at=acceptance.at, by=acceptance.by)


class Acceptances(Document):
    items: list[AcceptanceOut]


class ChangeOut(Document):
    """`actor`: the uid of the person who did it, or who else."""

    seq: int
    at: Moment
    actor: str
    vo: str | None
    person: str | None
    event: str
    details: dict[str, Any]

    @classmethod
    def of(cls, change: Change) -> "ChangeOut":
        fields = {field: getattr(change, field) for field in cls.model_fields if field != "details"}
        return cls(**fields, details=dict(change.details))


class Changes(Document):
    """`next`: the last `seq`; ask for what comes after it."""

    items: list[ChangeOut]
    next: int


class IssuedOut(Document):
    serial: str
    issued: Moment
    not_after: Moment
    holder: CredentialOut
    fqans: list[str]
    client: str
    dialect: str

    @classmethod
    def of(cls, ac: IssuedAc) -> "IssuedOut":
        return cls(
            serial=f"{ac.serial:x}",
            issued=ac.issued,
            not_after=ac.not_after,
            holder=CredentialOut.shown(ac.holder),
            fqans=list(ac.fqans),
            client=ac.client,
            dialect=ac.dialect,
        )


class Issued(Document):
    items: list[IssuedOut]


class LinkTokenOut(Document):
    """To be redeemed with the other credential at POST /api/v1/links. It is shown this once."""

    token: str
    expires: Moment


class LinkIn(Document):
    token: Annotated[str, Field(max_length=200, repr=False)]


class Searching(Document):
    search: str = Field(
        "", max_length=200, description="Words that all must stand in names, e-mail, login or credentials."
    )
    after: int = Field(0, ge=0, lt=2**31, description="The `next` of the page before.")
    limit: int = Field(100, ge=1, le=LIMIT, description="At most so many.")


class MemberQuery(Searching):
    state: MemberState | None = None
    group: Annotated[str, Field(max_length=800)] | None = Field(None, description="In this group, `/vo/group`.")
    role: Short | None = Field(None, description="With this role (there, or anywhere in the VO).")
    robot: bool | None = None


class ChangeQuery(Document):
    after: int = Field(0, ge=0, lt=2**62, description="The last `seq` that is known.")
    limit: int = Field(100, ge=1, le=LIMIT)


class LimitQuery(Document):
    limit: int = Field(100, ge=1, le=LIMIT)


class GroupQuery(Document):
    group: Annotated[str, Field(max_length=800)] | None = Field(
        None, description="`/vo/group`; the VO's own if missing."
    )


def is_clean(text: str) -> bool:
    """Whether a part of a path may reach the registry."""
    return len(text) <= 1000 and not any(unicodedata.category(c) in {"Cc", "Cs"} for c in text)


def _name(text: str) -> Name:
    return Name.parse(text) if text.startswith("/") else Name.parse_rfc4514(text)
