"""What a VO wants of its applicants: further questions, terms, and who comes in without being looked at.

Patterns of questions are regular expressions of Rust's `regex` (through pydantic): they are matched in linear time, so a careless
or malicious pattern cannot hold the server up, as one of Python's `re` could.
"""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    model_validator,
)
from pydantic_core import SchemaError

from hansa.base.errors import HansaError
from hansa.base.mail import check_address
from hansa.federation.enrolment.errors import RulesInvalid
from hansa.standards.errors import StandardError
from hansa.standards.x509 import Name

MAX_PATTERN = 200
MAX_QUESTIONS = 50


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class QuestionKind(StrEnum):
    LINE = "line"
    TEXT = "text"
    CHOICE = "choice"
    YES = "yes"
    """A box to tick."""


def _pattern(text: str) -> str:
    if len(text) > MAX_PATTERN:
        raise ValueError(f"a pattern has at most {MAX_PATTERN} characters")
    try:
        _matcher(text, whole=False)
        _matcher(text, whole=True)
    except SchemaError as error:
        raise ValueError("this is no regular expression that we can match") from error
    return text


class Question(_Document):
    """One more field of the form."""

    key: str = Field(pattern=r"^[a-z][a-z0-9_]{0,39}$", description="Its name in the API.")
    label: str = Field(min_length=1, max_length=300, description="What people read.")
    kind: QuestionKind = QuestionKind.LINE
    required: bool = False
    pattern: Annotated[str, AfterValidator(_pattern)] = ""
    choices: tuple[Annotated[str, Field(min_length=1, max_length=200)], ...] = Field((), max_length=100)

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if (self.kind is QuestionKind.CHOICE) != bool(self.choices):
            raise ValueError("a choice has choices, and nothing else has")
        return self

    def matches(self, answer: str) -> bool:
        """Whether the whole answer fits the pattern."""
        if not self.pattern:
            return True
        try:
            _matcher(self.pattern, whole=True).validate_python(answer)
        except ValidationError:
            return False
        return True


def _domain(text: str) -> str:
    try:
        return check_address(f"x@{text}").partition("@")[2]
    except HansaError as error:
        raise ValueError("it must be a domain like example.org") from error


def _issuer(text: str) -> str:
    """A certificate authority, kept in RFC 4514 form, or an identity provider's URI."""
    if "://" in text:
        return text
    try:
        return (Name.parse(text) if text.startswith("/") else Name.parse_rfc4514(text)).rfc4514()
    except StandardError as error:
        raise ValueError("it must be a name like /DC=org/CN=Example CA, or a URI") from error


class AutoApproval(_Document):
    """Who comes in without a manager: everybody whose verified address *and* credential fit. Both empty: nobody."""

    domains: tuple[Annotated[str, AfterValidator(_domain)], ...] = Field((), max_length=200)
    issuers: tuple[Annotated[str, AfterValidator(_issuer)], ...] = Field((), max_length=200)

    def covers(self, email: str, issuer: str) -> bool:
        """`email` is verified; `issuer` as `_issuer` gives it."""
        if not self.domains and not self.issuers:
            return False
        fits_domain = not self.domains or email.rpartition("@")[2] in self.domains
        return fits_domain and (not self.issuers or issuer in self.issuers)


class Rules(_Document):
    """Times are in days; how long a membership lasts is in the VO's profile.

    `reminders`: before the end of a membership, `aup_reminders`: before an acceptance of the policy is due.
    """

    information: str = Field("", max_length=300, pattern=r"^(https://[!-~]+)?$", description="Page about the VO.")
    questions: tuple[Question, ...] = Field((), max_length=MAX_QUESTIONS)
    auto_approve: AutoApproval = AutoApproval()
    login: bool = Field(True, description="Whether the form asks for a login.")
    confirm_days: int = Field(7, ge=1, le=60, description="How long the mailed link is good.")
    decide_days: int = Field(60, ge=1, le=366, description="How long an application waits for a decision.")
    renewal_days: int = Field(60, ge=1, le=366, description="How long before its end a membership can be renewed.")
    reminders: tuple[Annotated[int, Field(ge=1, le=366)], ...] = Field((30, 15, 7, 1), max_length=10)
    aup_reminders: tuple[Annotated[int, Field(ge=1, le=366)], ...] = Field((15, 7, 3, 1), max_length=10)

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        keys = [question.key for question in self.questions]
        if len(set(keys)) < len(keys):
            raise ValueError("two questions have the same key")
        return self


def parse_rules(document: object) -> Rules:
    """Raises RulesInvalid."""
    try:
        return Rules.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise RulesInvalid(
            f"{where or 'The rules'}: {first['msg'].removeprefix('Value error, ')}.", field=where
        ) from error


def issuer_text(issuer: Name | str) -> str:
    return issuer if isinstance(issuer, str) else issuer.rfc4514()


def _matcher(pattern: str, *, whole: bool) -> TypeAdapter[str]:
    """The pattern by itself must be right too, or `a)|(b` would leave the parentheses."""
    wanted = rf"\A(?:{pattern})\z" if whole else pattern
    return TypeAdapter(Annotated[str, StringConstraints(pattern=wanted)])
