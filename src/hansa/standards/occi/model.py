"""The OCCI core model (GFD.221) as values: attributes, kinds, mixins, actions, and the registry `Model` that holds them.

A category's identity is its *type id*: scheme and term concatenated (`http://schemas.ogf.org/occi/infrastructure#compute`).
Relations (parent, depends, applies, actions) are type ids, so that a category is plain data and a `Model` resolves it.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import TypeAlias

from hansa.standards.occi.errors import ModelError

Value: TypeAlias = "str | int | float | bool | list[Value] | dict[str, Value] | None"
"""An attribute's value as JSON knows it. Text renders lists and hashes as JSON inside a quoted string."""


class AttributeType(StrEnum):
    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    ARRAY = "array"
    OBJECT = "object"


@dataclass(frozen=True, slots=True)
class Attribute:
    """What a category says about one attribute (GFD.221 §4.5.1).

    `mutable` means that clients may write it, `required` that they must at creation. Values are bounded by `choices`
    (enumeration), `pattern` (regular expression for the whole value) or `minimum`/`maximum`.
    """

    name: str
    type: AttributeType = AttributeType.STRING
    mutable: bool = True
    required: bool = False
    choices: tuple[str, ...] = ()
    pattern: str | None = None
    minimum: float | None = None
    maximum: float | None = None
    default: Value = None
    description: str = ""


@dataclass(frozen=True, slots=True)
class Action:
    """Something that can be asked of an entity. Its attributes are parameters (`method`, `size`)."""

    term: str
    scheme: str
    title: str = ""
    attributes: tuple[Attribute, ...] = ()

    @property
    def id(self) -> str:
        return self.scheme + self.term


@dataclass(frozen=True, slots=True)
class Kind:
    """The one type an entity has for life. `attributes` are its own; `Model.attributes` adds those it inherits."""

    term: str
    scheme: str
    title: str = ""
    parent: str | None = None
    attributes: tuple[Attribute, ...] = ()
    actions: tuple[str, ...] = ()
    location: str | None = None

    @property
    def id(self) -> str:
        return self.scheme + self.term


@dataclass(frozen=True, slots=True)
class Mixin:
    """An addition to an entity, put on and taken off at will. `applies` empty means: to entities of any kind."""

    term: str
    scheme: str
    title: str = ""
    depends: tuple[str, ...] = ()
    applies: tuple[str, ...] = ()
    attributes: tuple[Attribute, ...] = ()
    actions: tuple[str, ...] = ()
    location: str | None = None

    @property
    def id(self) -> str:
        return self.scheme + self.term


Category: TypeAlias = Kind | Mixin | Action

_TYPE_ID = re.compile(r"([^\s\"<>#;,\\\x00-\x1f\x7f]+#)([A-Za-z0-9][A-Za-z0-9._-]*)")


def split_id(type_id: str) -> tuple[str, str]:
    """The scheme (with its `#`) and term of a type id."""
    match = _TYPE_ID.fullmatch(type_id)
    if match is None:
        raise ModelError("occi.model.name", f"{type_id[:200]!r} is not a category identifier (scheme#term)")
    return match[1], match[2]


@dataclass(frozen=True, slots=True)
class Model:
    """An immutable registry of categories: one answer to "what can this site do for this caller?".

    `generation` names the content (use it as entity tag); build with `build_model`.
    """

    generation: str
    kinds: tuple[Kind, ...]
    mixins: tuple[Mixin, ...]
    actions: tuple[Action, ...]
    by_id: Mapping[str, Category]
    by_location: Mapping[str, Kind | Mixin]
    lineage: Mapping[str, tuple[str, ...]]
    """Per kind: its own id, then its ancestors'. Per mixin: its own id, then all it depends on."""
    attributes: Mapping[str, Mapping[str, Attribute]] = field(repr=False)
    """Per category: its own and inherited attribute definitions by name."""

    def kind(self, type_id: str) -> Kind | None:
        found = self.by_id.get(type_id)
        return found if isinstance(found, Kind) else None

    def mixin(self, type_id: str) -> Mixin | None:
        found = self.by_id.get(type_id)
        return found if isinstance(found, Mixin) else None

    def action(self, type_id: str) -> Action | None:
        found = self.by_id.get(type_id)
        return found if isinstance(found, Action) else None

    def is_a(self, type_id: str, ancestor: str) -> bool:
        """Whether a kind descends from, or a mixin depends on (or is), the given category."""
        return ancestor in self.lineage.get(type_id, (type_id,))

    @property
    def categories(self) -> tuple[Category, ...]:
        return (*self.kinds, *self.mixins, *self.actions)


def build_model(categories: Iterable[Category], *, generation: str) -> Model:
    """Check and index categories. Refuses duplicates, unknown relations, cycles and shared locations.

    A mixin may depend on something unknown (user mixins come with dangling `rel`); a kind's parent must be known.
    """
    by_id: dict[str, Category] = {}
    by_location: dict[str, Kind | Mixin] = {}
    for category in categories:
        if category.id in by_id:
            raise ModelError("occi.model.duplicate", f"Category {category.id} is defined twice")
        by_id[category.id] = category
        if isinstance(category, Action) or category.location is None:
            continue
        if category.location in by_location:
            raise ModelError("occi.model.duplicate", f"Location {category.location} is bound twice")
        by_location[category.location] = category
    lineage = {c.id: _lineage(c, by_id) for c in by_id.values() if not isinstance(c, Action)}
    attributes = {c.id: _all_attributes(lineage.get(c.id, (c.id,)), by_id) for c in by_id.values()}
    _check_actions(by_id)
    return Model(
        generation=generation,
        kinds=tuple(c for c in by_id.values() if isinstance(c, Kind)),
        mixins=tuple(c for c in by_id.values() if isinstance(c, Mixin)),
        actions=tuple(c for c in by_id.values() if isinstance(c, Action)),
        by_id=MappingProxyType(by_id),
        by_location=MappingProxyType(by_location),
        lineage=MappingProxyType(lineage),
        attributes=MappingProxyType(attributes),
    )


def _lineage(category: Kind | Mixin, by_id: Mapping[str, Category]) -> tuple[str, ...]:
    chain: list[str] = []
    pending = [category.id]
    while pending:
        type_id = pending.pop(0)
        if type_id in chain:
            if isinstance(category, Kind):
                raise ModelError("occi.model.cycle", f"Kind {category.id} is its own ancestor")
            continue
        chain.append(type_id)
        found = by_id.get(type_id)
        if isinstance(found, Kind) and found.parent is not None:
            if not isinstance(by_id.get(found.parent), Kind):
                raise ModelError("occi.model.unknown", f"Kind {found.id} has the unknown parent {found.parent}")
            pending.append(found.parent)
        elif isinstance(found, Mixin):
            pending.extend(found.depends)
    return tuple(chain)


def _all_attributes(chain: tuple[str, ...], by_id: Mapping[str, Category]) -> Mapping[str, Attribute]:
    found: dict[str, Attribute] = {}
    for type_id in reversed(chain):
        category = by_id.get(type_id)
        if category is not None:
            found.update((a.name, a) for a in category.attributes)
    return MappingProxyType(found)


def _check_actions(by_id: Mapping[str, Category]) -> None:
    for category in by_id.values():
        if isinstance(category, Action):
            continue
        for action in category.actions:
            if not isinstance(by_id.get(action), Action):
                raise ModelError("occi.model.unknown", f"Category {category.id} names the unknown action {action}")


def coerce(attribute: Attribute, value: Value) -> Value:
    """The value in the attribute's type, or ModelError naming the attribute.

    Liberal in the notation (clients quote numbers), strict in the meaning (enumeration, pattern, range).
    """
    converted = _convert(attribute, value)
    _check_bounds(attribute, converted)
    return converted


def _refuse(attribute: Attribute, wanted: str) -> ModelError:
    return ModelError("occi.attribute.value", f"Attribute {attribute.name} must be {wanted}")


_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
_NUMBER = re.compile(r"[+-]?[0-9]{1,18}(\.[0-9]{1,18})?([eE][+-]?[0-9]{1,2})?")


def _convert(attribute: Attribute, value: Value) -> Value:
    match attribute.type:
        case AttributeType.STRING if isinstance(value, str):
            return value
        case AttributeType.STRING if isinstance(value, int | float):
            return str(value).lower()
        case AttributeType.INTEGER | AttributeType.NUMBER:
            return _to_number(attribute, value)
        case AttributeType.BOOLEAN if isinstance(value, bool):
            return value
        case AttributeType.BOOLEAN if value in ("true", "false"):
            return value == "true"
        case AttributeType.ARRAY if isinstance(value, list):
            return value
        case AttributeType.OBJECT if isinstance(value, dict):
            return value
        case AttributeType.ARRAY | AttributeType.OBJECT if isinstance(value, str):
            return _from_json(attribute, value)
    raise _refuse(attribute, f"of type {attribute.type}")


def _to_number(attribute: Attribute, value: Value) -> int | float:
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        value = int(value) if _INTEGER.fullmatch(value.strip()) else float(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not -1e18 <= value <= 1e18:
        raise _refuse(attribute, "a number")
    if attribute.type is AttributeType.NUMBER:
        return float(value)
    if int(value) != value:
        raise _refuse(attribute, "a whole number")
    return int(value)


def _from_json(attribute: Attribute, text: str) -> Value:
    wanted = list if attribute.type is AttributeType.ARRAY else dict
    try:
        value: Value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, wanted):
        raise _refuse(attribute, f"a JSON {attribute.type}")
    return value


def _check_bounds(attribute: Attribute, value: Value) -> None:
    if attribute.choices and value not in attribute.choices:
        raise _refuse(attribute, f"one of {', '.join(attribute.choices)}")
    if attribute.pattern is not None and isinstance(value, str) and not re.fullmatch(attribute.pattern, value):
        raise _refuse(attribute, f"as the pattern {attribute.pattern} says")
    if not isinstance(value, int | float):
        return
    if attribute.minimum is not None and value < attribute.minimum:
        raise _refuse(attribute, f"at least {attribute.minimum:g}")
    if attribute.maximum is not None and value > attribute.maximum:
        raise _refuse(attribute, f"at most {attribute.maximum:g}")
