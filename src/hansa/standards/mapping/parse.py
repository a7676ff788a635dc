"""Reading mapping rules: JSON, as Keystone's API and `openstack mapping create --rules` take it."""

import ast
import json
import string
from collections.abc import Callable, Mapping, Set
from typing import Any, TypeVar

from hansa.standards.mapping.errors import MappingCode, MappingError
from hansa.standards.mapping.model import (
    Condition,
    DomainRule,
    GroupRule,
    Kind,
    Local,
    ProjectRule,
    Rule,
    Rules,
    Text,
    Texts,
    UserRule,
    UserType,
)
from hansa.standards.mapping.patterns import compile_pattern

T = TypeVar("T")
MAX_BYTES = 1024 * 1024
MAX_RULES = 1000
MAX_ITEMS = 4096
"""Members of one list below a rule."""
MAX_TEXT = 2048
VERSIONS = ("1.0", "2.0", "3.0")
DEFAULT_VERSION = "1.0"
_CONDITIONS = (Kind.ANY_ONE_OF, Kind.NOT_ANY_OF, Kind.WHITELIST, Kind.BLACKLIST)


def load_rules(text: bytes) -> Rules:
    """A file, as `load_document` reads it. Raises `MappingError`."""
    return parse_rules(load_document(text))


def load_document(text: bytes) -> object:
    """An object with `rules` and perhaps `schema_version`, or the list of rules alone. Raises `MappingError`."""
    if len(text) > MAX_BYTES:
        raise MappingError(MappingCode.SYNTAX, f"a mapping may have {MAX_BYTES} bytes")
    try:
        document = json.loads(text, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise MappingError(MappingCode.SYNTAX, f"the mapping is not JSON ({error})") from error
    return {"rules": document} if isinstance(document, list) else document


def parse_rules(document: object) -> Rules:
    """`{"rules": [{"local": …, "remote": …}, …], "schema_version": "2.0"}`. Raises `MappingError`, which says where."""
    whole = _members(document, "mapping", required={"rules"}, optional={"schema_version"})
    version = whole.get("schema_version") or DEFAULT_VERSION
    if version not in VERSIONS:
        raise MappingError(
            MappingCode.VERSION, f"schema_version {str(version)[:20]!r} is none of {', '.join(VERSIONS)}"
        )
    rules = _items(whole["rules"], "rules", least=1, most=MAX_RULES)
    return Rules(version, tuple(_rule(each, f"rules[{index}]", version) for index, each in enumerate(rules)))


def _rule(value: object, where: str, version: str) -> Rule:
    rule = _members(value, where, required={"local", "remote"})
    remote = _each(rule["remote"], f"{where}.remote", _condition, least=1)
    slots = sum(condition.kind.fills_slot for condition in remote)
    return Rule(remote, _each(rule["local"], f"{where}.local", lambda each, at: _local(each, at, version, slots)))


def _condition(value: object, where: str) -> Condition:
    names = {kind.value for kind in _CONDITIONS}
    condition = _members(value, where, required={"type"}, optional={*names, "regex"})
    attribute = _string(condition["type"], f"{where}.type")
    given = [kind for kind in _CONDITIONS if kind.value in condition]
    if len(given) > 1 or (not given and "regex" in condition):
        raise _wrong(where, f"may have one of {', '.join(sorted(names))}, and regex only with it")
    if not given:
        return Condition(attribute, Kind.PLAIN)
    is_regex, at = condition.get("regex", False), f"{where}.{given[0].value}"
    if not isinstance(is_regex, bool):
        raise _wrong(f"{where}.regex", "must be true or false")
    texts = _each(condition[given[0].value], at, _string)
    if is_regex:
        patterns = tuple(compile_pattern(text, f"{at}[{index}]") for index, text in enumerate(texts))
        return Condition(attribute, given[0], patterns=patterns)
    return Condition(attribute, given[0], frozenset(texts))


def _local(value: object, where: str, version: str, slots: int) -> Local:
    members = {"user", "group", "groups", "group_ids", "projects", "domain"}
    local = _members(value, where, optional=members | ({"projects_json"} if version == "3.0" else set()))

    def project(value: object, at: str) -> ProjectRule:
        return _project(value, at, version, slots)

    if "groups" in local and "domain" not in local:
        texts = _texts(local["groups"], f"{where}.groups", slots)
        if any(text.only_slot is None for text in texts.each):  # a slot may hold JSON: that names its domain
            raise _wrong(where, "has groups, so it must have their domain")
    return Local(
        user=_member(local, "user", where, _user, slots),
        group=_member(local, "group", where, _group, slots),
        groups=_member(local, "groups", where, _texts, slots),
        group_ids=_member(local, "group_ids", where, _texts, slots),
        projects=_each(local["projects"], f"{where}.projects", project) if "projects" in local else None,
        projects_json=_member(local, "projects_json", where, _slot, slots),
        domain=_member(local, "domain", where, _domain, slots),
    )


def _user(value: object, where: str, slots: int) -> UserRule:
    user = _members(value, where, optional={"id", "name", "email", "domain", "type"})
    kind = user.get("type")
    if kind is not None and kind not in tuple(UserType):
        raise _wrong(f"{where}.type", "must be ephemeral or local")
    return UserRule(
        id=_member(user, "id", where, _text, slots),
        name=_member(user, "name", where, _text, slots),
        email=_member(user, "email", where, _text, slots),
        domain=_member(user, "domain", where, _domain, slots),
        type=None if kind is None else UserType(kind),
    )


def _group(value: object, where: str, slots: int) -> GroupRule:
    group = _members(value, where, optional={"id", "name", "domain"})
    if group.keys() not in ({"id"}, {"name", "domain"}):
        raise _wrong(where, "must have an id, or a name and its domain")
    if "id" in group:
        return GroupRule(_text(group["id"], f"{where}.id", slots), None, None)
    name = _text(group["name"], f"{where}.name", slots)
    return GroupRule(None, name, _domain(group["domain"], f"{where}.domain", slots))


def _project(value: object, where: str, version: str, slots: int) -> ProjectRule:
    optional = set() if version == "1.0" else {"domain"}
    project = _members(value, where, required={"name", "roles"}, optional=optional)

    def role(value: object, at: str) -> Text:
        return _text(_members(value, at, required={"name"})["name"], f"{at}.name", slots)

    name = _text(project["name"], f"{where}.name", slots)
    domain = _member(project, "domain", where, _domain, slots)
    return ProjectRule(name, _each(project["roles"], f"{where}.roles", role), domain)


def _domain(value: object, where: str, slots: int) -> DomainRule:
    domain = _members(value, where, optional={"id", "name"})
    if not domain:
        raise _wrong(where, "must have an id or a name")
    return DomainRule(_member(domain, "id", where, _text, slots), _member(domain, "name", where, _text, slots))


def _slot(value: object, where: str, slots: int) -> int:
    slot = _text(value, where, slots).only_slot
    if slot is None:
        raise _wrong(where, "must be one place such as {0}")
    return slot


def _texts(value: object, where: str, slots: int) -> Texts:
    """One text, or the Python list of texts that Keystone takes in a string: `"['a', 'b-{0}']"`."""
    text = _string(value, where)
    try:
        listed = ast.literal_eval(text) if text.startswith("[") else None
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        listed = None
    if listed is None:
        return Texts((_text(text, where, slots),))
    return Texts(_each(listed, where, lambda each, at: _text(each, at, slots)))


def _text(value: object, where: str, slots: int) -> Text:
    """Only `{0}` and so on; of Python's formats none that look into a value. `{{` and `}}` stand for braces."""
    parts: list[str | int] = []
    try:
        for literal, name, spec, conversion in string.Formatter().parse(_string(value, where)):
            parts += [literal] if literal else []
            if name is None:
                continue
            if not (name.isascii() and name.isdecimal() and len(name) < 5) or spec or conversion:
                raise _wrong(where, "may have places such as {0}, and nothing else in braces")
            parts.append(int(name))
    except MappingError:
        raise
    except ValueError as error:
        raise _wrong(where, f"is no text with places such as {{0}} ({error})") from error
    if beyond := [part for part in parts if isinstance(part, int) and part >= slots]:
        message = f"{where} refers to {{{beyond[0]}}}, and the conditions of its rule give {slots} values"
        raise MappingError(MappingCode.DIRECT, message)
    return Text(tuple(parts))


def _member(
    parent: Mapping[str, Any], name: str, where: str, read: Callable[[object, str, int], T], slots: int
) -> T | None:
    return read(parent[name], f"{where}.{name}", slots) if name in parent else None


def _members(
    value: object, where: str, *, required: Set[str] = frozenset(), optional: Set[str] = frozenset()
) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise _wrong(where, "must be an object")
    if missing := sorted(required - value.keys()):
        raise _wrong(where, f"lacks {missing[0]}")
    if unknown := sorted(str(name) for name in value.keys() - required - optional):
        raise _wrong(where, f"must not have {unknown[0][:40]!r}")
    return value


def _items(value: object, where: str, *, least: int = 0, most: int = MAX_ITEMS) -> list[Any]:
    if not isinstance(value, list) or not least <= len(value) <= most:
        raise _wrong(where, f"must be a list of {least} to {most} members")
    return value


def _each(value: object, where: str, read: Callable[[Any, str], T], *, least: int = 0) -> tuple[T, ...]:
    return tuple(read(each, f"{where}[{index}]") for index, each in enumerate(_items(value, where, least=least)))


def _string(value: object, where: str) -> str:
    if not isinstance(value, str):
        raise _wrong(where, "must be a text")
    if len(value) > MAX_TEXT or any("\ud800" <= character <= "\udfff" for character in value):
        raise _wrong(where, f"must have at most {MAX_TEXT} characters of Unicode")
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member stands there twice")
    return members


def _wrong(where: str, why: str) -> MappingError:
    return MappingError(MappingCode.SCHEMA, f"{where} {why}")
