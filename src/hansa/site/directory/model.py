"""The things of the directory, and their identifiers."""

import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from hansa.site.identity.model import USER

DEFAULT = "default"
"""Id of the domain that is always there; its name is `Default`."""
DEFAULT_NAME = "Default"
_IDS = uuid.UUID("8f0c1f0e-4d0e-5c43-9f5e-6d3c1b1f6a52")
Json = Mapping[str, Any]


class Source(StrEnum):
    """Where a user comes from. Only those of the directory can be changed in it."""

    DIRECTORY = "directory"
    FILE = "file"
    """A local user of the users file."""
    SIGN_ON = "sign_on"
    """Somebody with a credential of the federation who was here once: a proxy, a token of a foreign issuer."""


@dataclass(frozen=True, slots=True)
class Project:
    """A project, or with `is_domain` a domain: then `domain_id` and `parent_id` are None.

    `key` is what the cloud knows the project by; it never changes, and no two projects ever have the same.
    """

    id: str
    name: str
    key: str
    domain_id: str | None = DEFAULT
    parent_id: str | None = DEFAULT
    is_domain: bool = False
    description: str = ""
    enabled: bool = True
    tags: tuple[str, ...] = ()
    options: Json = field(default_factory=dict)
    extra: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class User:
    """`principal` is the `Principal.user` of those who are not of the directory alone.

    `epoch` counts what ended all tokens of the user; `password_expires` is when the present password does.
    """

    id: str
    name: str
    domain_id: str = DEFAULT
    enabled: bool = True
    default_project_id: str | None = None
    options: Json = field(default_factory=dict)
    extra: Json = field(default_factory=dict)
    source: Source = Source.DIRECTORY
    principal: str | None = None
    epoch: int = 0
    password_expires: datetime | None = None


@dataclass(frozen=True, slots=True)
class Group:
    id: str
    name: str
    domain_id: str = DEFAULT
    description: str = ""
    extra: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Role:
    """With `domain_id` a role of that domain alone: it only implies others, and never stands in a token."""

    id: str
    name: str
    domain_id: str | None = None
    description: str | None = None
    options: Json = field(default_factory=dict)
    extra: Json = field(default_factory=dict)


class Kind(StrEnum):
    """What an assignment is for and what it is on."""

    USER = "user"
    GROUP = "group"
    PROJECT = "project"
    DOMAIN = "domain"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Target:
    """A project, a domain, or the system, whose id is `all`."""

    kind: Kind
    id: str


SYSTEM = Target(Kind.SYSTEM, "all")


@dataclass(frozen=True, slots=True)
class Assignment:
    """`is_inherited`: not on the target itself but on every project below it."""

    role_id: str
    actor_kind: Kind
    actor_id: str
    target: Target
    is_inherited: bool = False


def project_id(name: str) -> str:
    """Of a project in the default domain: the same at every start, and an identifier as OpenStack's clients expect."""
    return uuid.uuid5(_IDS, f"project {name}").hex


def role_id(name: str) -> str:
    return uuid.uuid5(_IDS, f"role {name}").hex


def user_id(user: str) -> str:
    """Of what `Principal.user` holds: the id of the directory's own, SHA-256 in hexadecimal digits of everybody else."""
    return user.removeprefix(USER) if user.startswith(USER) else hashlib.sha256(user.encode()).hexdigest()


def is_immutable(thing: Project | Role) -> bool:
    return thing.options.get("immutable") is True
