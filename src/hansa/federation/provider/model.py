"""What the provider knows: clients, and what people have granted them."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class GrantType(StrEnum):
    CODE = "authorization_code"
    REFRESH = "refresh_token"
    DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
    CLIENT = "client_credentials"


@dataclass(frozen=True, slots=True)
class Client:
    """`audiences`: whom its tokens may be for, the first by default; as a service it may look into tokens for these.

    `confidential`: it has a secret. `trusted`: run by the federation itself, so that people are not asked for consent.
    """

    id: str
    name: str
    confidential: bool
    redirect_uris: tuple[str, ...]
    logout_uris: tuple[str, ...]
    grants: frozenset[GrantType]
    scopes: frozenset[str]
    audiences: tuple[str, ...]
    trusted: bool
    created: datetime


@dataclass(frozen=True, slots=True)
class LogIn:
    """`methods`: of RFC 8176 (`pwd`, `x509` …)."""

    person: str
    at: datetime
    methods: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Grant:
    """What a person has let a client do. It lives as long as its row: revoking it ends every token that came of it.

    `scope` is ordered: WLCG groups are asked for in the order of preference.
    """

    id: str
    client: str
    login: LogIn
    scope: tuple[str, ...]
    audiences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CodeTerms:
    """What the request for a code was bound to."""

    redirect_uri: str
    challenge: str
    nonce: str | None


@dataclass(frozen=True, slots=True)
class Session:
    """A browser's. `secret` is its cookie."""

    secret: str = field(repr=False)
    login: LogIn
    expires: datetime


class DeviceState(StrEnum):
    PENDING = "pending"
    APPROVED = "approved"
    DENIED = "denied"


@dataclass(frozen=True, slots=True)
class Device:
    """A device's wish for tokens (RFC 8628). `interval`: seconds between its questions."""

    client: str
    scope: tuple[str, ...]
    audiences: tuple[str, ...]
    expires: datetime
    interval: int
    polled: datetime | None
    state: DeviceState
    grant: str | None
