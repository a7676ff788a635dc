"""Application credentials and trusts, as the Identity API v3 has them. Users, projects and roles stand here by their ids."""

import re
from dataclasses import dataclass, field
from datetime import datetime

METHODS = frozenset({"DELETE", "GET", "HEAD", "PATCH", "POST", "PUT"})
_PARTS = re.compile(r"\*\*|\*|\{[^/{}]*\}")


@dataclass(frozen=True, slots=True)
class AccessRule:
    """One kind of request: `path` may hold `*` and `{name}` (within one segment) and `**` (across segments)."""

    id: str
    service: str
    path: str
    method: str

    def allows(self, service: str, method: str, path: str) -> bool:
        if (self.service, self.method) != (service, method):
            return False
        literal = (re.escape(part) for part in _PARTS.split(self.path))
        wild = (".*" if part == "**" else "[^/]+" for part in _PARTS.findall(self.path))
        pattern = "".join(piece for pair in zip(literal, [*wild, ""], strict=True) for piece in pair)
        return re.fullmatch(pattern, path, re.DOTALL) is not None


@dataclass(frozen=True, slots=True)
class ApplicationCredential:
    """`access_rules` None: every request. `unrestricted`: it may make further ones.

    `names` are those under which a ban may list the user.
    """

    id: str
    name: str
    user: str
    project: str
    roles: tuple[str, ...]
    description: str | None = None
    expires: datetime | None = None
    unrestricted: bool = False
    access_rules: tuple[AccessRule, ...] | None = None
    secret_hash: str = field(default="", repr=False)
    names: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Trust:
    """The trustee may use these roles of the trustor's in the project; with `impersonation` under the trustor's name.

    `remaining_uses` None: without end. `redelegation_count`: how many further trusts may follow one another from this one;
    `redelegated_from` is the one that this one follows; `names` are those under which a ban may list the trustor.
    """

    id: str
    trustor: str
    trustee: str
    project: str | None
    roles: tuple[str, ...]
    impersonation: bool
    expires: datetime | None = None
    remaining_uses: int | None = None
    redelegation_count: int = 0
    redelegated_from: str | None = None
    names: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a delegation leaves of its user's powers: these roles, in that project, until then."""

    user: str
    project: str
    roles: frozenset[str]
    until: datetime | None
