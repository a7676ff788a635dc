"""Rules as they were read, and what they make of somebody."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from hansa.standards.mapping.patterns import Pattern


class UserType(StrEnum):
    EPHEMERAL = "ephemeral"
    LOCAL = "local"


@dataclass(frozen=True, slots=True)
class Domain:
    id: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class User:
    """What a rule says of the user; None: it says nothing."""

    id: str | None = None
    name: str | None = None
    email: str | None = None
    domain: Domain | None = None
    type: UserType = UserType.EPHEMERAL


@dataclass(frozen=True, slots=True)
class Group:
    name: str
    domain: Domain


@dataclass(frozen=True, slots=True)
class Project:
    name: str
    roles: tuple[str, ...]
    domain: Domain | None = None


@dataclass(frozen=True, slots=True)
class Mapped:
    """The result: each group once, in the order of the rules."""

    user: User
    group_ids: tuple[str, ...] = ()
    groups: tuple[Group, ...] = ()
    projects: tuple[Project, ...] = ()


Slots = Sequence[Sequence[str]]
"""What `{0}`, `{1}` … stand for: the values that each plain, whitelist or blacklist condition left."""


@dataclass(frozen=True, slots=True)
class Text:
    """A text with places for slots: `("cn=", 0)` is `cn={0}`."""

    parts: tuple[str | int, ...]

    @property
    def only_slot(self) -> int | None:
        """The slot, if the text is nothing but one."""
        return self.parts[0] if len(self.parts) == 1 and isinstance(self.parts[0], int) else None


@dataclass(frozen=True, slots=True)
class Texts:
    """Several texts; one that is nothing but a slot stands for all its values."""

    each: tuple[Text, ...]


@dataclass(frozen=True, slots=True)
class DomainRule:
    id: Text | None
    name: Text | None


@dataclass(frozen=True, slots=True)
class UserRule:
    id: Text | None
    name: Text | None
    email: Text | None
    domain: DomainRule | None
    type: UserType | None


@dataclass(frozen=True, slots=True)
class GroupRule:
    """By id, or by name in a domain."""

    id: Text | None
    name: Text | None
    domain: DomainRule | None


@dataclass(frozen=True, slots=True)
class ProjectRule:
    name: Text
    roles: tuple[Text, ...]
    domain: DomainRule | None


@dataclass(frozen=True, slots=True)
class Local:
    """One object of `local`; None: it has no such member. `projects_json` is a slot."""

    user: UserRule | None = None
    group: GroupRule | None = None
    groups: Texts | None = None
    group_ids: Texts | None = None
    projects: tuple[ProjectRule, ...] | None = None
    projects_json: int | None = None
    domain: DomainRule | None = None


class Kind(StrEnum):
    """What a condition does with the values of its attribute."""

    PLAIN = "plain"
    ANY_ONE_OF = "any_one_of"
    NOT_ANY_OF = "not_any_of"
    WHITELIST = "whitelist"
    BLACKLIST = "blacklist"

    @property
    def fills_slot(self) -> bool:
        return self not in (Kind.ANY_ONE_OF, Kind.NOT_ANY_OF)


@dataclass(frozen=True, slots=True)
class Condition:
    """One object of `remote`. `values` are texts to compare with, or `patterns` to search for."""

    attribute: str
    kind: Kind
    values: frozenset[str] = frozenset()
    patterns: tuple[Pattern, ...] | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    remote: tuple[Condition, ...]
    local: tuple[Local, ...]


@dataclass(frozen=True, slots=True)
class Rules:
    """All rules of a mapping, in their order."""

    version: str
    rules: tuple[Rule, ...]
