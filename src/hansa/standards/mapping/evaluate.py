"""Applying mapping rules to an assertion. Where Keystone would take a list for a text, or a text for a list, this refuses."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from hansa.standards.mapping.errors import MappingCode, MappingError
from hansa.standards.mapping.model import (
    Condition,
    Domain,
    DomainRule,
    Group,
    Kind,
    Local,
    Mapped,
    Project,
    ProjectRule,
    Rule,
    Rules,
    Slots,
    Text,
    Texts,
    User,
    UserRule,
    UserType,
)

T = TypeVar("T")
Assertion = Mapping[str, Sequence[str]]
MAX_ATTRIBUTES = 256
MAX_VALUES = 4096
"""Of all attributes together."""
MAX_VALUE = 4096
"""Characters."""
MAX_TOTAL = 256 * 1024
"""Characters of all values together."""
_JSON = "JSON:"
_UNCLEAN = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def check_assertion(assertion: Assertion) -> None:
    """Raises `MappingError` (`mapping.assertion`): too much, or control characters, which `.` and `$` do not mean."""
    values = [value for each in assertion.values() for value in each]
    if len(assertion) > MAX_ATTRIBUTES or len(values) > MAX_VALUES or sum(map(len, values)) > MAX_TOTAL:
        raise MappingError(MappingCode.ASSERTION, "the identity provider said more than is read")
    for name, each in assertion.items():
        if any(len(value) > MAX_VALUE or not _is_clean(value) for value in each):
            message = f"attribute {name[:80]!r} is too long or has control characters"
            raise MappingError(MappingCode.ASSERTION, message)


def evaluate(rules: Rules, assertion: Assertion) -> Mapped:
    """What the rules make of the assertion: all rules that fit count, the first user wins, the last projects do.

    An attribute without values counts as absent. Raises `MappingError`: `mapping.assertion`, `mapping.no_match`, `mapping.value`.
    """
    check_assertion(assertion)
    found: list[_Filled] = []
    for rule in rules.rules:
        slots = _slots(rule, assertion)
        if slots is not None:
            found += [_filled(local, slots, rules.version) for local in rule.local]
    if not found:
        raise MappingError(MappingCode.NO_MATCH, "no mapping rule fits what the identity provider says of you")
    projects = [each.projects for each in found if each.projects is not None]
    return Mapped(
        _user([each.user for each in found if each.user], found[-1].domain if rules.version != "1.0" else None),
        _once(identifier for each in found for identifier in each.group_ids),
        _once(group for each in found for group in each.groups),
        projects[-1] if projects else (),
    )


@dataclass(frozen=True, slots=True)
class _Filled:
    """One `local` with the values in their places."""

    user: dict[str, Any] | None
    group_ids: tuple[str, ...]
    groups: tuple[Group, ...]
    projects: tuple[Project, ...] | None
    domain: Domain | None


def _slots(rule: Rule, assertion: Assertion) -> Slots | None:
    """None: the rule does not fit."""
    slots: list[Sequence[str]] = []
    for condition in rule.remote:
        values = assertion.get(condition.attribute)
        if not values:
            return None
        hits = [value for value in values if _hits(condition, value)]
        match condition.kind:
            case Kind.ANY_ONE_OF:
                if not hits:
                    return None
            case Kind.NOT_ANY_OF:
                if hits:
                    return None
            case Kind.PLAIN:
                slots.append(values)
            case Kind.WHITELIST:
                slots.append(_once(hits))
            case Kind.BLACKLIST:
                excluded = frozenset(hits)
                slots.append(_once(value for value in values if value not in excluded))
    return slots


def _hits(condition: Condition, value: str) -> bool:
    if condition.patterns is None:
        return value in condition.values
    return any(pattern.is_in(value) for pattern in condition.patterns)


def _filled(local: Local, slots: Slots, version: str) -> _Filled:
    domain = _domain(local.domain, slots)
    group_ids = _list(local.group_ids, slots) if local.group_ids else ()
    groups = tuple(_group(name, domain) for name in _list(local.groups, slots)) if local.groups else ()
    if local.group and local.group.id:
        group_ids = (_text(local.group.id, slots), *group_ids)
    elif local.group and local.group.name:
        own = _domain(local.group.domain, slots)
        groups = (_group_in(_text(local.group.name, slots), own), *groups)
    return _Filled(
        _user_members(local.user, slots) if local.user else None,
        group_ids,
        groups,
        _projects(local, slots, domain if version != "1.0" else None),
        domain,
    )


def _user_members(rule: UserRule, slots: Slots) -> dict[str, Any]:
    texts = {"id": rule.id, "name": rule.name, "email": rule.email}
    members: dict[str, Any] = {name: _text(text, slots) for name, text in texts.items() if text is not None}
    if rule.domain:
        members["domain"] = _domain(rule.domain, slots)
    return members | ({"type": rule.type} if rule.type else {})


def _user(candidates: Sequence[dict[str, Any]], default: Domain | None) -> User:
    members = dict(candidates[0]) if candidates else {}
    members.setdefault("domain", default)
    members.setdefault("type", UserType.EPHEMERAL)
    return User(**members)


def _projects(local: Local, slots: Slots, default: Domain | None) -> tuple[Project, ...] | None:
    if local.projects is None and local.projects_json is None:
        return None
    named = [_project(each, slots, default) for each in local.projects or ()]
    if local.projects_json is not None:
        named += _projects_of(_one(slots[local.projects_json], local.projects_json), default)
    return tuple(named)


def _project(rule: ProjectRule, slots: Slots, default: Domain | None) -> Project:
    roles = tuple(_text(role, slots) for role in rule.roles)
    return Project(_text(rule.name, slots), roles, _domain(rule.domain, slots) or default)


def _projects_of(text: str, default: Domain | None) -> list[Project]:
    """`[{"name": …, "roles": [{"name": …}], "domain": {…}}]`, said by the identity provider."""
    listed = _json(text)
    if not isinstance(listed, list):
        raise _wrong("projects are no list")
    projects = []
    for each in listed:
        if not isinstance(each, dict) or not {"name", "roles"} <= each.keys() <= {"name", "roles", "domain"}:
            raise _wrong("a project must have a name and roles, and may have a domain")
        roles = each["roles"]
        if not isinstance(roles, list) or any(not isinstance(role, dict) or role.keys() != {"name"} for role in roles):
            raise _wrong("roles must be a list of objects with a name")
        names = tuple(_said(role["name"]) for role in roles)
        projects.append(
            Project(_said(each["name"]), names, _domain_of(each["domain"]) if "domain" in each else default)
        )
    return projects


def _group(said: str, domain: Domain | None) -> Group:
    """A name, or `JSON:{"name": …, "domain": {…}}` as a Keystone that speaks for its own users writes it."""
    if not said.startswith(_JSON):
        return _group_in(said, domain)
    group = _json(said.removeprefix(_JSON))
    if not isinstance(group, dict) or group.keys() != {"name", "domain"}:
        raise _wrong("a group in JSON must have a name and its domain")
    return Group(_said(group["name"]), _domain_of(group["domain"]))


def _group_in(name: str, domain: Domain | None) -> Group:
    if domain is None:
        raise _wrong("there are names of groups without a domain")
    return Group(name, domain)


def _domain(rule: DomainRule | None, slots: Slots) -> Domain | None:
    if rule is None:
        return None
    return Domain(_text(rule.id, slots) if rule.id else None, _text(rule.name, slots) if rule.name else None)


def _domain_of(value: object) -> Domain:
    if not isinstance(value, dict) or not value or not value.keys() <= {"id", "name"}:
        raise _wrong("a domain must have an id or a name")
    return Domain(**{name: _said(text) for name, text in value.items()})


def _list(texts: Texts, slots: Slots) -> tuple[str, ...]:
    found: list[str] = []
    for text in texts.each:
        found += [_text(text, slots)] if text.only_slot is None else slots[text.only_slot]
    return tuple(found)


def _text(text: Text, slots: Slots) -> str:
    return "".join(part if isinstance(part, str) else _one(slots[part], part) for part in text.parts)


def _one(values: Sequence[str], slot: int) -> str:
    if len(values) != 1:
        raise _wrong(f"{{{slot}}} has {len(values)} values where a rule takes one")
    return values[0]


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _wrong("a value that must be JSON is not") from error


def _said(value: object) -> str:
    if not isinstance(value, str) or not value or not _is_clean(value):
        raise _wrong("a name in JSON is no text")
    return value


def _is_clean(value: str) -> bool:
    """No control characters (C0, DEL, C1) and no halves of surrogate pairs."""
    return _UNCLEAN.search(value) is None


def _once(values: Iterable[T]) -> tuple[T, ...]:
    return tuple(dict.fromkeys(values))


def _wrong(why: str) -> MappingError:
    return MappingError(MappingCode.VALUE, f"{why}; the site's operator can say what its mapping expects")
