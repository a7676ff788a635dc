"""The site's policy file, in the format of keystone-voms (`voms.json`): which VO or FQAN works in which project.

    {"fedcloud.egi.eu": {"tenant": "fedcloud"},
     "/ops/Role=lcgadmin": {"tenant": "ops", "roles": ["admin"]}}

`roles` is ours and optional. Pure: bytes in, `Policy` out; ConfigurationError for anything that is not exactly that.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hansa.base.errors import ConfigurationError
from hansa.site.identity.model import Grant, Membership

MAX_BYTES = 1_048_576
_NULLS = re.compile(r"/(?:Role|Capability)=NULL(?=/|$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Entry:
    tenant: str
    roles: frozenset[str]


@dataclass(frozen=True, slots=True)
class Policy:
    """Entries by VO name or by FQAN in short form (without `Role=NULL` and `Capability=NULL`)."""

    entries: Mapping[str, Entry]

    def grants(self, memberships: Sequence[Membership]) -> Iterator[Grant]:
        """In the order of preference: of each membership its FQANs in their order, then its VO as a whole."""
        for membership in memberships:
            for fqan in membership.fqans:
                if entry := self.entries.get(short(fqan)):
                    yield Grant(entry.tenant, entry.roles, membership.vo, fqan)
            if entry := self.entries.get(membership.vo):
                yield Grant(entry.tenant, entry.roles, membership.vo, next(iter(membership.fqans), None))

    def relevant(self, membership: Membership) -> Membership:
        """The membership without the FQANs that make no difference here; the first stays, it stands in records of use."""
        kept = [fqan for fqan in membership.fqans if short(fqan) in self.entries]
        return Membership(membership.vo, tuple(dict.fromkeys([*membership.fqans[:1], *kept])))


def short(fqan: str) -> str:
    """`/vo/group/Role=NULL/Capability=NULL` and `/vo/group` are the same."""
    return _NULLS.sub("", fqan)


def parse_policy(text: bytes, default_roles: frozenset[str] = frozenset()) -> Policy:
    """Read `voms.json`; `default_roles` are those of entries that name none."""
    if len(text) > MAX_BYTES:
        raise _wrong(f"it is longer than {MAX_BYTES} bytes")
    try:
        document = json.loads(text, object_pairs_hook=_no_duplicates)
    except (ValueError, RecursionError) as error:
        raise _wrong(str(error)) from error
    if not isinstance(document, dict):
        raise _wrong("it must be an object of VO names or FQANs")
    entries: dict[str, Entry] = {}
    for key, value in document.items():
        if short(key) in entries:
            raise _wrong(f"{short(key)!r} stands there twice")
        entries[short(key)] = _entry(key, value, default_roles)
    return Policy(entries)


def _entry(key: str, value: Any, default_roles: frozenset[str]) -> Entry:
    if not isinstance(value, dict) or not value.keys() <= {"tenant", "roles"}:
        raise _wrong(f'{key!r} must be an object with "tenant" and perhaps "roles"')
    tenant, roles = value.get("tenant"), value.get("roles")
    if not isinstance(tenant, str) or not tenant.strip():
        raise _wrong(f'{key!r} names no "tenant"')
    if roles is None:
        return Entry(tenant, default_roles)
    if not isinstance(roles, list) or not all(isinstance(role, str) and role for role in roles):
        raise _wrong(f'"roles" of {key!r} must be a list of names')
    return Entry(tenant, frozenset(roles))


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise ValueError("a key stands there twice")
    return document


def _wrong(why: str) -> ConfigurationError:
    return ConfigurationError(f"The policy file (voms.json) is wrong: {why}.", key="identity.policy")
