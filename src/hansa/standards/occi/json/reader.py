"""Reading application/occi+json: the documents of GFD.226, and the nested variant that rOCCI 4 sends under the same name.

The variant nests attributes by dots, writes link ends as strings, `rel` for the target's kind, `related` for parent and
depends, and patterns as plain expressions.
"""

import json
from collections.abc import Callable
from typing import Any, TypeVar

from hansa.standards.occi.entity import Entity, Link, Resource
from hansa.standards.occi.errors import ModelError, ParseError
from hansa.standards.occi.message import (
    CORE_ID,
    CORE_SOURCE,
    CORE_SOURCE_KIND,
    CORE_SUMMARY,
    CORE_TARGET,
    CORE_TARGET_KIND,
    CORE_TITLE,
    REQUEST_LIMITS,
    Limits,
    Message,
    text_of,
    without_core,
)
from hansa.standards.occi.model import Action, Attribute, AttributeType, Category, Kind, Mixin, Value, split_id

Object = dict[str, Any]
T = TypeVar("T")


def parse(body: bytes, limits: Limits = REQUEST_LIMITS) -> Message:
    """Any document of the rendering: an entity bare or in a collection, a model, an invocation, a change, a list of URIs."""
    if len(body) > limits.body_bytes:
        raise ParseError("occi.too_large", f"The body is longer than {limits.body_bytes} bytes")
    try:
        document = json.loads(body, object_pairs_hook=_unique, parse_constant=_no_constant)
    except json.JSONDecodeError as e:
        raise ParseError("occi.json.syntax", e.msg, line=e.lineno, column=e.colno) from e
    except (ValueError, RecursionError) as e:
        reason = "The body is nested too deeply" if isinstance(e, RecursionError) else "The body is not JSON"
        raise ParseError("occi.json.syntax", reason) from e
    _check_bounds(document, limits)
    if isinstance(document, list):
        return _listing(document)
    return _document(_object(document, "the body"))


def _unique(pairs: list[tuple[str, Any]]) -> Object:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ParseError("occi.json.syntax", "An object names a member twice")
    return found


def _no_constant(name: str) -> Any:
    raise ParseError("occi.json.syntax", f"{name} is not a number")


def _check_bounds(document: Any, limits: Limits) -> None:
    level, depth, items = [document], 0, 0
    while level:
        depth += 1
        if depth > limits.depth:
            raise ParseError("occi.json.syntax", f"The body is nested deeper than {limits.depth} levels")
        below: list[Any] = []
        for value in level:
            if isinstance(value, str):
                _check_string(value, limits)
            elif isinstance(value, dict):
                below.extend(value)
                below.extend(value.values())
            elif isinstance(value, list):
                below.extend(value)
        items += len(below)
        if items > limits.items * 16:  # an item is an object of a few members
            raise ParseError("occi.too_large", f"More than {limits.items} items")
        level = below


def _check_string(value: str, limits: Limits) -> None:
    if len(value) > limits.value_chars:
        raise ParseError("occi.too_large", f"A value is longer than {limits.value_chars} characters")
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise ParseError("occi.json.syntax", "A string holds half of a surrogate pair")


def _wrong(reason: str) -> ParseError:
    return ParseError("occi.json.syntax", reason)


def _object(value: Any, what: str) -> Object:
    if not isinstance(value, dict):
        raise _wrong(f"{what} must be an object")
    return value


def _list(value: Any, what: str) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise _wrong(f"{what} must be an array")
    return value


def _strings(value: Any, what: str) -> tuple[str, ...]:
    found = _list(value, what)
    if not all(isinstance(item, str) for item in found):
        raise _wrong(f"{what} must be an array of strings")
    return tuple(found)


def _string(value: Any, what: str) -> str | None:
    if value is not None and not isinstance(value, str):
        raise _wrong(f"{what} must be a string")
    return value


def _needed(value: Any, what: str) -> str:
    found = _string(value, what)
    if not found:
        raise _wrong(f"{what} is missing")
    return found


def _listing(document: list[Any]) -> Message:
    locations = tuple(item for item in document if isinstance(item, str))
    entities = tuple(_entity(_object(item, "an item")) for item in document if not isinstance(item, str))
    return Message(locations=locations, entities=entities)


def _document(document: Object) -> Message:
    if "action" in document:
        return _invocation(document)
    if "kind" in document:
        return Message(entities=(_entity(document),))
    if _is_change(document):
        return _change(document)
    locations: list[str] = []
    entities: list[Entity] = []
    for item in _list(document.get("resources"), "resources"):
        if isinstance(item, str):
            locations.append(item)
        else:
            entities.append(_resource(_object(item, "a resource")))
    entities.extend(_link(_object(item, "a link")) for item in _list(document.get("links"), "links"))
    return Message(
        categories=(
            *_definitions(document, "kinds", _kind),
            *_definitions(document, "mixins", _mixin),
            *_definitions(document, "actions", _action),
        ),
        locations=tuple(locations),
        entities=tuple(entities),
    )


def _is_change(document: Object) -> bool:
    """A partial representation: members of an entity without its kind."""
    mixins = document.get("mixins")
    named = isinstance(mixins, list) and any(isinstance(item, str) for item in mixins)
    return named or any(name in document for name in ("attributes", "title", "summary", "id"))


def _change(document: Object) -> Message:
    attributes = _attributes(document)
    core = {CORE_ID: document.get("id"), CORE_TITLE: document.get("title"), CORE_SUMMARY: document.get("summary")}
    attributes.update({name: _needed(value, name) for name, value in core.items() if value is not None})
    return Message(
        categories=tuple(_mention(Mixin, item) for item in _strings(document.get("mixins"), "mixins")),
        attributes=attributes,
        links=tuple(_link(_object(item, "a link")) for item in _list(document.get("links"), "links")),
    )


def _mention(category: Callable[[str, str], T], type_id: str) -> T:
    try:
        scheme, term = split_id(type_id)
    except ModelError as e:
        raise _wrong(e.reason) from e
    return category(term, scheme)


def _invocation(document: Object) -> Message:
    action = _mention(_bare_action, _needed(document["action"], "action"))
    return Message(categories=(action,), attributes=_attributes(document))


def _bare_action(term: str, scheme: str) -> Action:
    return Action(term, scheme)


def _definitions(document: Object, member: str, read: Callable[[Object], Category]) -> tuple[Category, ...]:
    return tuple(read(_object(item, f"an item of {member}")) for item in _list(document.get(member), member))


def _identity(item: Object) -> tuple[str, str, str]:
    term, scheme = _needed(item.get("term"), "term"), _needed(item.get("scheme"), "scheme")
    try:
        split_id(scheme + term)
    except ModelError as e:
        raise _wrong(e.reason) from e
    return term, scheme, _string(item.get("title"), "title") or ""


def _kind(item: Object) -> Kind:
    related = _strings(item.get("related"), "related")
    parent = _string(item.get("parent"), "parent") or (related[0] if related else None)
    location = _string(item.get("location"), "location")
    return Kind(
        *_identity(item), parent, _attribute_definitions(item), _strings(item.get("actions"), "actions"), location
    )


def _mixin(item: Object) -> Mixin:
    depends = _strings(item.get("depends"), "depends") or _strings(item.get("related"), "related")
    return Mixin(
        *_identity(item),
        depends,
        _strings(item.get("applies"), "applies"),
        _attribute_definitions(item),
        _strings(item.get("actions"), "actions"),
        _string(item.get("location"), "location"),
    )


def _action(item: Object) -> Action:
    return Action(*_identity(item), _attribute_definitions(item))


def _attribute_definitions(item: Object) -> tuple[Attribute, ...]:
    found: dict[str, Attribute] = {}
    pending: list[tuple[str, Any]] = list(_object(item.get("attributes", {}), "attributes").items())
    while pending:
        name, value = pending.pop(0)
        body = _object(value, f"the definition of {name}")
        nested = [
            (f"{name}.{key}", below) for key, below in body.items() if isinstance(below, dict) and key != "pattern"
        ]
        if nested and "type" not in body:
            pending = nested + pending
        else:
            found[name] = _attribute_definition(name, body)
    return tuple(found.values())


def _attribute_definition(name: str, body: Object) -> Attribute:
    pattern = body.get("pattern")
    schema: Object = (
        {"pattern": pattern} if isinstance(pattern, str) else _object({} if pattern is None else pattern, "pattern")
    )
    type_name = "integer" if schema.get("type") == "integer" else body.get("type", "string")
    if type_name not in list(AttributeType):
        raise _wrong(f"{name} has the unknown type {str(type_name)[:40]!r}")
    return Attribute(
        name,
        AttributeType(type_name),
        mutable=body.get("mutable") is True,
        required=body.get("required") is True,
        choices=_strings(schema.get("enum"), "enum"),
        pattern=_string(schema.get("pattern"), "pattern"),
        minimum=_number(schema.get("minimum"), "minimum"),
        maximum=_number(schema.get("maximum"), "maximum"),
        default=body.get("default"),
        description=_string(body.get("description"), "description") or "",
    )


def _number(value: Any, what: str) -> float | None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise _wrong(f"{what} must be a number")
    return value


def _attributes(item: Object) -> dict[str, Value]:
    """Flat names; objects under a name without a dot are the nested variant and are flattened."""
    found: dict[str, Value] = {}
    pending: list[tuple[str, Any, bool]] = [
        (name, value, "." not in name) for name, value in _object(item.get("attributes", {}), "attributes").items()
    ]
    while pending:
        name, value, nested = pending.pop()
        if nested and isinstance(value, dict):
            pending.extend((f"{name}.{key}", below, True) for key, below in value.items())
        elif name in found:
            raise _wrong(f"{name} stands twice")
        else:
            found[name] = value
    return found


def _entity(item: Object) -> Entity:
    return _link(item) if "target" in item or "source" in item else _resource(item)


def _resource(item: Object) -> Resource:
    attributes = _attributes(item)
    return Resource(
        kind=_needed(item.get("kind"), "kind"),
        mixins=_strings(item.get("mixins"), "mixins"),
        id=_string(item.get("id"), "id") or text_of(attributes.get(CORE_ID)),
        location=_string(item.get("location"), "location"),
        title=_string(item.get("title"), "title") or text_of(attributes.get(CORE_TITLE)),
        summary=_string(item.get("summary"), "summary") or text_of(attributes.get(CORE_SUMMARY)),
        attributes=without_core(attributes),
        links=tuple(_link(_object(link, "a link")) for link in _list(item.get("links"), "links")),
        actions=_strings(item.get("actions"), "actions"),
    )


def _link(item: Object) -> Link:
    attributes = _attributes(item)
    source, source_kind = _end(item.get("source"), "source")
    target, target_kind = _end(item.get("target"), "target")
    target = target or text_of(attributes.get(CORE_TARGET))
    return Link(
        kind=_needed(item.get("kind"), "kind"),
        target=_needed(target, "target"),
        source=source or text_of(attributes.get(CORE_SOURCE)),
        target_kind=target_kind or text_of(attributes.get(CORE_TARGET_KIND)) or _string(item.get("rel"), "rel"),
        source_kind=source_kind or text_of(attributes.get(CORE_SOURCE_KIND)),
        mixins=_strings(item.get("mixins"), "mixins"),
        id=_string(item.get("id"), "id") or text_of(attributes.get(CORE_ID)),
        location=_string(item.get("location"), "location"),
        title=_string(item.get("title"), "title") or text_of(attributes.get(CORE_TITLE)),
        attributes=without_core(attributes),
        actions=_strings(item.get("actions"), "actions"),
    )


def _end(value: Any, what: str) -> tuple[str | None, str | None]:
    if isinstance(value, dict):
        return _string(value.get("location"), what), _string(value.get("kind"), what)
    return _string(value, what), None
