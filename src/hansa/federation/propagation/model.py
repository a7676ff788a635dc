"""Sites that follow the feed, and how far each has come."""

from dataclasses import dataclass, field
from datetime import datetime

from hansa.federation.membership.model import Credential


@dataclass(frozen=True, slots=True)
class Site:
    """`certificate` and `jwk` (its public key, JSON): how it proves itself. `url`: where documents are pushed to, if they are."""

    name: str
    created: datetime
    vos: tuple[str, ...]
    certificate: Credential | None = None
    jwk: str | None = field(default=None, repr=False)
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """What is known of a site's place. `confirmed`: the last sequence it said it has; `seen`: when it said so."""

    site: str
    lineage: str = ""
    confirmed: int = 0
    seen: datetime | None = None
    failures: int = 0
    error: str = ""
    next_attempt: datetime | None = None


@dataclass(frozen=True, slots=True)
class Lag:
    """`entries` that the site has not confirmed; `since`: when the oldest of them changed."""

    entries: int
    since: datetime | None


@dataclass(frozen=True, slots=True)
class Status:
    site: Site
    delivery: Delivery
    lag: Lag


@dataclass(frozen=True, slots=True)
class Place:
    """Where the feed is: its numbering, the newest sequence, the newest that was forgotten, and whether it is whole."""

    lineage: str
    sequence: int
    horizon: int
    ready: bool
