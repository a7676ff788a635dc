"""What a credential proves, and what the policy grants for it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

Scope = Mapping[str, Any]
"""An ASGI connection scope of type `http`."""

USER = "user:"
"""What stands before the id of a user of the directory, in `Principal.user` and `.names`."""
MEMBER = "member"
"""The role that everybody has who may use a project by the policy or the users file."""
LOCAL = "local:"
"""What distinguishes a local user's name from a subject, in `Principal.user` and `.names`."""


class Reason(StrEnum):
    """Why identity refuses, beside the rules of `standards.x509` and `standards.voms`; stands in `details["reason"]`."""

    NO_CREDENTIAL = "identity.no_credential"
    MALFORMED = "identity.malformed"
    INSECURE = "identity.insecure"
    PASSWORD = "identity.password"  # noqa: S105  (a code, not a password)
    PASSWORD_EXPIRED = "identity.password_expired"  # noqa: S105
    LOCKED = "identity.locked"
    DISABLED = "identity.disabled"
    BANNED = "identity.banned"
    NO_VO = "identity.no_vo"
    FOREIGN_VO = "identity.foreign_vo"
    READ_ONLY = "identity.read_only"
    CROSS_SITE = "identity.cross_site"
    ATTEMPTS = "identity.attempts"
    TOKEN = "identity.token"  # noqa: S105  (a code, not a token)
    TOKEN_EXPIRED = "identity.token_expired"  # noqa: S105
    TOKEN_REVOKED = "identity.token_revoked"  # noqa: S105
    APPLICATION_CREDENTIAL = "identity.application_credential"
    ACCESS_RULE = "identity.access_rule"
    TRUST = "identity.trust"
    UNSCOPED = "identity.unscoped"
    FOREIGN_PROJECT = "identity.foreign_project"
    SUSPENDED = "identity.suspended"
    REMOVED = "identity.removed"
    CREDENTIAL_WITHDRAWN = "identity.credential_withdrawn"
    NOT_TOLD_OF = "identity.not_told_of"
    FEED_STALE = "identity.feed_stale"
    RULE = "identity.rule"
    UNKNOWN_ISSUER = "identity.unknown_issuer"
    AUDIENCE = "identity.audience"
    AUTHORITY = "identity.foreign_authority"
    TOKEN_LIFE = "identity.token_life"  # noqa: S105
    INACTIVE = "identity.token_inactive"
    OPAQUE = "identity.token_opaque"
    WEBSSO = "identity.websso"
    UNTRUSTED_DASHBOARD = "identity.untrusted_dashboard"


@dataclass(frozen=True, slots=True)
class Membership:
    """One attribute certificate's claim, verified: a VO and its FQANs in the order the user asked for."""

    vo: str
    fqans: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Grant:
    """What somebody may use here: a project, by its key, and roles in it. `vo` and `fqan` say by which membership.

    `assigned` are those of the roles that the directory gives; the others are of the policy, or of the users file.
    """

    project: str
    roles: frozenset[str] = frozenset()
    vo: str | None = None
    fqan: str | None = None
    assigned: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Federation:
    """By which identity provider and protocol of Keystone somebody came, and whether mapping rules made them a user here."""

    provider: str
    protocol: str
    is_mapped: bool = False


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody whose credential was proved, before any policy of this site.

    `user` is stable and unique here; `names` are the spellings under which a ban may list it. `grant` is set for local
    users, beside whose password it stands; for everybody else the policy finds it by `memberships`. `limited`: the
    credential was delegated to look around with, not to start anything (a limited proxy). `project`: the credential is good
    for that one only (a scoped token). `groups`: ids of groups of the directory that the credential brings along. `stamp`: of
    the password that was proved, so that a new one ends the tokens of the old. `federation`: set for those who came with a
    token of a foreign issuer. `is_bound`: the `grant` is all that there is, whatever else policy and directory say of the user
    (a delegation).
    """

    user: str
    display: str
    names: frozenset[str]
    memberships: tuple[Membership, ...] = ()
    grant: Grant | None = None
    limited: bool = False
    not_after: datetime | None = None
    project: str | None = None
    groups: tuple[str, ...] = ()
    stamp: str = ""
    federation: Federation | None = None
    is_bound: bool = False
