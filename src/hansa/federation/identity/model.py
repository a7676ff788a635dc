"""Callers and what proves them."""

from collections.abc import MutableMapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from hansa.federation.membership.model import GROUP_MANAGER, VO_ADMIN, Credential, Held, Person, Subject

Scope = MutableMapping[str, Any]


class Reason(StrEnum):
    """Why somebody was refused; `details["reason"]`. Certificates have the codes of `standards.x509` beside these."""

    NO_CREDENTIAL = "identity.no_credential"
    READ_ONLY = "identity.read_only"
    CROSS_SITE = "identity.cross_site"
    NOT_ALLOWED = "identity.not_allowed"


@dataclass(frozen=True, slots=True)
class Operators:
    """The operators of the federation: by certificate, or by their uid as persons."""

    credentials: frozenset[Credential] = frozenset()
    uids: frozenset[str] = frozenset()


NOBODY = Operators()


@dataclass(frozen=True, slots=True)
class Proof:
    """What one kind of credential proves.

    `person`: None for a stranger with a good credential, such as an applicant. `limited`: it may look but change nothing
    (limited proxies, tokens that were not made for this). `ambient`: browsers send it by themselves, so other sites' pages
    could spend it. `console`: the user of the federation's own host who has its database, and so may do everything.
    """

    person: Person | None
    credential: Credential | Subject | None = None
    limited: bool = False
    ambient: bool = False
    console: str | None = None


class Authenticator(Protocol):
    """One kind of credential. None: the request shows none of this kind. Raises Unauthenticated for a bad one.

    A bearer token counts only if it was made for the federation itself (its audience): a site that is shown a token must
    not be able to spend it here.
    """

    async def __call__(self, scope: Scope) -> Proof | None: ...


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is calling. `person` is None for strangers; `held`: the memberships, current or not."""

    person: Person | None
    credential: Credential | Subject | None
    operator: bool
    is_limited: bool
    held: tuple[Held, ...] = ()
    console: str | None = None

    @property
    def actor(self) -> str:
        """As the history names them."""
        if self.person:
            return self.person.uid
        if self.console is not None:
            return f"console:{self.console}"
        return self.credential.subject.rfc4514() if isinstance(self.credential, Credential) else "stranger"

    def is_member(self, vo: str) -> bool:
        return any(each.vo == vo for each in self.held)

    def is_vo_admin(self, vo: str) -> bool:
        return any(
            each.vo == vo and each.current and (role.group, role.role) == (f"/{vo}", VO_ADMIN)
            for each in self.held
            for role in each.roles
        )

    def managed(self, vo: str) -> tuple[str, ...]:
        """The groups of that VO whose manager the caller is; those below them are theirs as well."""
        return tuple(
            role.group
            for each in self.held
            if each.vo == vo and each.current
            for role in each.roles
            if role.role == GROUP_MANAGER
        )

    def manages(self, group: str) -> bool:
        vo = group.split("/")[1]
        return any(group == each or group.startswith(f"{each}/") for each in self.managed(vo))
