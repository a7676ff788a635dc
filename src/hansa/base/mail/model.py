"""What is sent, and what became of it."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from hansa.base.errors import BadRequest


class InvalidAddress(BadRequest):
    """No address that mail can be sent to."""

    code = "mail.invalid_address"


@dataclass(frozen=True, slots=True)
class Message:
    """One text to one person. `to` has passed `check_address`; `about` is a dotted word for operators (`enrolment.confirm`).

    Subject and name may come from anywhere: control characters in them become spaces. `text` may hold a one-time link.
    """

    to: str
    subject: str
    text: str = field(repr=False)
    name: str = ""
    language: str = "en"
    about: str = ""


class MailState(StrEnum):
    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Mail:
    """A queued message as operators see it. `due`: next attempt; `ended`: when it was sent or given up."""

    id: int
    about: str
    recipient: str
    subject: str
    state: MailState
    attempts: int
    queued: datetime
    due: datetime
    ended: datetime | None
    error: str


@dataclass(frozen=True, slots=True)
class Envelope:
    """What a transport carries. `content`: the whole message (RFC 5322), lines ended by CRLF."""

    id: int
    queued: datetime
    recipient: str
    content: bytes = field(repr=False)


class Result(StrEnum):
    SENT = "sent"
    DEFERRED = "deferred"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of one attempt; `error` is the server's or the system's own words."""

    id: int
    result: Result
    error: str = ""
