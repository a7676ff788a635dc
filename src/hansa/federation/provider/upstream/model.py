"""Attempts to log in elsewhere, and who came back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from starlette.routing import BaseRoute

from hansa.base.errors import Unauthenticated
from hansa.federation.membership.model import Subject


class Purpose(StrEnum):
    LOGIN = "login"
    LINK = "link"


class Reason(StrEnum):
    """Why an identity provider's answer is refused; `details["reason"]`, beside those of `client.oidc` and `standards.jwt`."""

    ATTEMPT = "upstream.attempt"
    BROWSER = "upstream.browser"
    RESPONSE = "upstream.response"
    SUBJECT = "upstream.subject"
    STRANGER = "upstream.stranger"
    SUSPENDED = "upstream.suspended"


class UpstreamRefused(Unauthenticated):
    """The identity provider's answer proves nobody, or nobody who is registered here."""

    code = "provider.upstream_refused"


@dataclass(frozen=True, slots=True)
class Attempt:
    """What waits for a browser to come back. `browser`: hash of its secret; `person`: whom to link to.

    `remembered`: what the protocol needs for the answer; `subject`: who came back, once that is proved.
    """

    provider: str
    purpose: Purpose
    browser: str
    resume: str
    person: str | None
    remembered: Mapping[str, str]
    expires: datetime
    subject: Subject | None = None


@dataclass(frozen=True, slots=True)
class Departure:
    """Where the browser goes, what it brings back (`state`, 256 random bits), and what must be remembered until then."""

    url: str
    state: str
    remembered: Mapping[str, str]


class Counterpart(Protocol):
    """One identity provider, in its protocol. `origin`: where its pages are."""

    @property
    def origin(self) -> str: ...

    def routes(self, path: str) -> Sequence[BaseRoute]:
        """What the other side needs beside the answers' addresses, below our `path`."""

    async def depart(self) -> Departure:
        """Raises BackendDown."""

    async def arrive(self, answer: Mapping[str, str], remembered: Mapping[str, str]) -> Subject:
        """Who came back; `answer`: the query or the form. Raises Unauthenticated, BackendDown."""
