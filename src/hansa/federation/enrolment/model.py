"""Applications to a VO, and the steps they can take.

    submitted ── link followed ──▶ mail_verified ──▶ approved | rejected
        └──────────── rejected | withdrawn | expired ◀────────┘

An application whose address is known to be its applicant's begins as `mail_verified`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from hansa.federation.enrolment.errors import NotNow
from hansa.federation.membership.model import Credential, Subject


class Kind(StrEnum):
    INITIAL = "initial"
    EXTENSION = "extension"
    GROUP = "group"


class State(StrEnum):
    SUBMITTED = "submitted"
    MAIL_VERIFIED = "mail_verified"
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"

    @property
    def is_open(self) -> bool:
        return self in OPEN


OPEN = frozenset({State.SUBMITTED, State.MAIL_VERIFIED})


class Step(StrEnum):
    VERIFY = "verify"
    APPROVE = "approve"
    REJECT = "reject"
    WITHDRAW = "withdraw"
    EXPIRE = "expire"


_NEXT: Mapping[tuple[State, Step], State] = {
    (State.SUBMITTED, Step.VERIFY): State.MAIL_VERIFIED,
    (State.MAIL_VERIFIED, Step.APPROVE): State.APPROVED,
    **{(state, Step.REJECT): State.REJECTED for state in OPEN},
    **{(state, Step.WITHDRAW): State.WITHDRAWN for state in OPEN},
    **{(state, Step.EXPIRE): State.EXPIRED for state in OPEN},
}


def after(state: State, step: Step) -> State:
    """Raises NotNow."""
    found = _NEXT.get((state, step))
    if found:
        return found
    if state is State.SUBMITTED:
        raise NotNow("The applicant has not confirmed the e-mail address yet.", state=state.value)
    raise NotNow(f"The application is {state.value.replace('_', ' ')}.", state=state.value)


@dataclass(frozen=True, slots=True)
class Draft:
    """A form as somebody filled it in; nothing is checked yet. `answers`: to the VO's own questions, by their keys."""

    given_name: str = ""
    surname: str = ""
    email: str = ""
    motivation: str = ""
    login: str = ""
    password: str = field(default="", repr=False)
    locale: str = ""
    aup: str = ""
    answers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Application:
    """`person`: uid of an applicant whom the registry knows. `same_as`: uid of another person with the same verified address.

    `group` is empty but for kind `group`. `expires`: when it is given up if nothing happens. `decided_by`: a person's uid, or
    `rule`. `aup`: the version of the acceptable use policy that was accepted.
    """

    id: int
    vo: str
    kind: Kind
    group: str
    state: State
    person: str | None
    credential: Credential | Subject
    given_name: str
    surname: str
    email: str
    motivation: str
    login: str | None
    locale: str
    aup: str | None
    answers: Mapping[str, str]
    submitted: datetime
    changed: datetime
    expires: datetime
    decided_by: str
    reason: str
    same_as: str | None

    @property
    def name(self) -> str:
        return f"{self.given_name} {self.surname}".strip()


class Purpose(StrEnum):
    """What a mailed link is for."""

    CONFIRM = "confirm"
    DECLINE = "decline"


@dataclass(frozen=True, slots=True)
class Link:
    """A mailed one-time link; only its hash is kept. `application` for CONFIRM, `person` and `vo` for DECLINE."""

    purpose: Purpose
    vo: str
    email: str
    expires: datetime
    used: datetime | None
    application: int | None = None
    person: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Part of a listing; `after` continues it, None at its end."""

    items: tuple[Application, ...]
    after: int | None
