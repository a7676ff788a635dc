"""What a Keystone must hold so that the VOs and FQANs of a policy come in: from `voms.json` to groups, projects, roles, rules.

One group for each entry of the policy: its rule puts users into the group, and the group has the roles on the entry's project.
Values are compared whole, never searched: there is no expression in the rules that could be too wide.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hansa.site.identity.policy import Policy

Json = dict[str, Any]
NAME_MAX = 64
"""Characters in the name of a group or project."""
MEMBER = "member"


@dataclass(frozen=True, slots=True)
class Grant:
    """Who shows the VO or FQAN `key` is in `group`, which has `roles` on `project`."""

    key: str
    group: str
    project: str
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Wanted:
    """`domain` is the name of the domain of groups, projects and users."""

    provider: str
    protocol: str
    mapping: str
    domain: str
    grants: tuple[Grant, ...]

    @property
    def rules(self) -> list[Json]:
        return [_rule(self, grant) for grant in self.grants]

    @property
    def roles(self) -> list[str]:
        return sorted({role for grant in self.grants for role in grant.roles})

    @property
    def projects(self) -> list[str]:
        return sorted({grant.project for grant in self.grants})


def wanted(
    policy: Policy, *, provider: str = "egi.eu", protocol: str = "mapped", domain: str = "Default", role: str = MEMBER
) -> Wanted:
    """`role` is the one of entries that name none."""
    grants = tuple(_grants(policy, role))
    mapping = "voms-" + re.sub(r"[^A-Za-z0-9_-]", "-", provider)  # all that Keystone takes there
    return Wanted(provider, protocol, mapping[:NAME_MAX], domain, grants)


def _grants(policy: Policy, role: str) -> Iterator[Grant]:
    for key, entry in sorted(policy.entries.items()):
        yield Grant(key, group_name(key), entry.tenant, tuple(sorted(entry.roles)) or (role,))


def group_name(key: str) -> str:
    """The VO or FQAN itself, or its beginning and a digest if that is too long for Keystone."""
    if len(key) <= NAME_MAX:
        return key
    return f"{key[: NAME_MAX - 17]}~{hashlib.sha256(key.encode()).hexdigest()[:16]}"


def _rule(wanted: Wanted, grant: Grant) -> Json:
    shown = "VOMS_FQANS" if grant.key.startswith("/") else "VOMS_VO"
    return {
        "local": [
            {"user": {"name": "{0}", "id": "{1}"}},
            {"group": {"name": grant.group, "domain": {"name": wanted.domain}}},
        ],
        "remote": [
            {"type": "VOMS_USER_DN"},
            {"type": "VOMS_USER_ID"},
            {"type": "HANSA_IDENTITY_PROVIDER", "any_one_of": [wanted.provider]},
            {"type": shown, "any_one_of": [grant.key]},
        ],
    }
