"""The grammar that text/plain and text/occi share (GFD.229, GFD.185 §5): four fields, each a comma list of items.

Reading is liberal, as clients are: any order and blanks, unknown parameters, trailing `;`, unquoted values, quoted terms.
Writing is conservative: fixed order, `; ` between parameters, clean titles, numbers without exponent.
"""

import json
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import lru_cache
from math import isfinite

from hansa.standards.occi.entity import Entity, Invocation, Link, Resource
from hansa.standards.occi.errors import ModelError, ParseError
from hansa.standards.occi.message import (
    CORE_ID,
    CORE_LINK,
    CORE_SOURCE,
    CORE_SUMMARY,
    CORE_TARGET,
    CORE_TITLE,
    Limits,
    Message,
    text_of,
    without_core,
)
from hansa.standards.occi.model import Action, Attribute, Category, Kind, Mixin, Value, split_id

CATEGORY = "Category"
LINK = "Link"
ATTRIBUTE = "X-OCCI-Attribute"
LOCATION = "X-OCCI-Location"
FIELDS: Mapping[str, str] = {name.lower(): name for name in (CATEGORY, LINK, ATTRIBUTE, LOCATION)}

_QUOTED = r'"([^"\\]*(?:\\.[^"\\]*)*)"'
_TERM = re.compile(r'\s*(?:term\s*=\s*)?"?([A-Za-z0-9][A-Za-z0-9._-]*)"?')
_PARAMETER = re.compile(rf"[\s;]+([A-Za-z0-9][A-Za-z0-9._-]*)\s*=\s*(?:{_QUOTED}|([^;,\"\s]*))")
_TARGET = re.compile(r"\s*<([^<>\s\"]+)>")
_ATTRIBUTE = re.compile(rf"\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*=\s*(?:{_QUOTED}|([^,\"\s;]+))")
_END = re.compile(r"[\s;]*(,|$)")
_DEFINITION = re.compile(r"([^\s{}]+)\s*(?:\{([^{}]*)\})?")
_LOCATION_COMMA = re.compile(r"\s*,\s*")
_ESCAPED = re.compile(r"\\(.)")
_NUMBER = re.compile(r"[+-]?[0-9]{1,400}(\.[0-9]{1,400})?([eE][+-]?[0-9]{1,3})?")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]")
_UNCLEAN = re.compile(r'[\x00-\x1f\x7f\x85\u2028\u2029";,\\]+')


class Reader:
    """Gathers fields into a `Message`; one reader a message."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._categories: list[Category] = []
        self._unclassed: list[str] = []
        self._attributes: dict[str, Value] = {}
        self._links: list[Link] = []
        self._actions: list[str] = []
        self._locations: list[str] = []
        self._items = 0

    def field(self, name: str, text: str, line: int, position: int = 0) -> None:
        """One occurrence of the field `name` (one of `FIELDS`): its value is `text` from `position` on."""
        if _CONTROL.search(text.replace("\t", " ")):
            raise ParseError("occi.text.syntax", f"{name} contains a control character", line=line)
        if name == LOCATION:
            self._read_locations(text[position:], line)
            return
        read = {CATEGORY: self._read_category, LINK: self._read_link, ATTRIBUTE: self._read_attribute}[name]
        while True:
            self._count(line)
            position = read(text, position, line)
            end = _END.match(text, position)
            if end is None:
                raise _syntax(name, "an item ends with a comma or the end of the line", line, position)
            position = end.end()
            if not text[position:].strip():
                return

    def message(self) -> Message:
        return Message(
            categories=tuple(self._categories),
            unclassed=tuple(self._unclassed),
            attributes=self._attributes,
            links=tuple(self._links),
            actions=tuple(self._actions),
            locations=tuple(self._locations),
        )

    def _count(self, line: int) -> None:
        self._items += 1
        if self._items > self._limits.items:
            raise ParseError("occi.too_large", f"More than {self._limits.items} items", line=line)

    def _read_locations(self, text: str, line: int) -> None:
        for uri in _LOCATION_COMMA.split(text.strip()):
            self._count(line)
            if not uri or " " in uri or len(uri) > self._limits.value_chars:
                raise ParseError("occi.text.syntax", "X-OCCI-Location holds URIs separated by commas", line=line)
            self._locations.append(uri)

    def _read_category(self, text: str, position: int, line: int) -> int:
        head = _TERM.match(text, position)
        if head is None:
            raise _syntax(CATEGORY, "a category begins with its term", line, position)
        parameters, end = self._parameters(text, head.end(), line)
        category = _category(head[1], parameters, line)
        if isinstance(category, str):
            self._unclassed.append(category)
        else:
            self._categories.append(category)
        return end

    def _parameters(self, text: str, position: int, line: int) -> tuple[dict[str, Value], int]:
        found: dict[str, Value] = {}
        while (match := _PARAMETER.match(text, position)) is not None:
            if match[1] in found:
                raise _syntax(CATEGORY, f"the parameter {match[1]} stands twice", line, match.start(1))
            found[match[1]] = self._value(match[2], match[3], line, match.start(1))
            position = match.end()
        return found, position

    def _value(self, quoted: str | None, bare: str | None, line: int, position: int) -> Value:
        raw = quoted if quoted is not None else bare or ""
        if len(raw) > self._limits.value_chars:
            raise ParseError(
                "occi.too_large",
                f"A value is longer than {self._limits.value_chars} characters",
                line=line,
                column=position + 1,
            )
        return _unescape(raw) if quoted is not None else _bare_value(raw)

    def _read_link(self, text: str, position: int, line: int) -> int:
        head = _TARGET.match(text, position)
        if head is None:
            raise _syntax(LINK, "a link begins with its target in <angle brackets>", line, position)
        parameters, end = self._parameters(text, head.end(), line)
        relation = str(parameters.pop("rel", "")).split()
        if "?action=" in head[1]:
            if len(relation) != 1:
                raise _syntax(LINK, "an action link has the action's identifier as rel", line, position)
            self._actions.append(relation[0])
        else:
            self._links.append(_link(head[1], relation, parameters))
        return end

    def _read_attribute(self, text: str, position: int, line: int) -> int:
        match = _ATTRIBUTE.match(text, position)
        if match is None:
            raise _syntax(ATTRIBUTE, 'an attribute is name="text", name=number or name=true', line, position)
        value = self._value(match[2], match[3], line, position)
        if match[1] in self._attributes and self._attributes[match[1]] != value:
            raise _syntax(ATTRIBUTE, f"{match[1]} has two values", line, position)
        self._attributes[match[1]] = value
        return match.end()


def _syntax(name: str, reason: str, line: int, position: int) -> ParseError:
    return ParseError("occi.text.syntax", f"{name}: {reason}", line=line, column=position + 1)


def _unescape(raw: str) -> str:
    return _ESCAPED.sub(r"\1", raw) if "\\" in raw else raw


def _bare_value(raw: str) -> Value:
    if raw in ("true", "false"):
        return raw == "true"
    number = _NUMBER.fullmatch(raw)
    if number is None:
        return raw
    if number[1] is None and number[2] is None:
        return int(raw)
    value = float(raw)
    return value if isfinite(value) else raw


def _category(term: str, parameters: Mapping[str, Value], line: int) -> Category | str:
    """The category, or its type id alone if it is mentioned without a class."""
    texts = {name: str(value) for name, value in parameters.items()}
    scheme = texts.get("scheme", "")
    if not scheme or " " in scheme:
        raise ParseError("occi.text.syntax", f"Category {term} needs a scheme", line=line)
    title = texts.get("title", "")
    attributes = tuple(_definition(m) for m in _DEFINITION.finditer(texts.get("attributes", "")))
    related = tuple(texts.get("rel", "").split())
    actions = tuple(texts.get("actions", "").split())
    location = texts.get("location") or None
    match texts.get("class", "").lower():
        case "kind":
            parent = related[0] if related else None
            return Kind(term, scheme, title, parent, attributes, actions, location)
        case "mixin":
            return Mixin(term, scheme, title, related, (), attributes, actions, location)
        case "action":
            return Action(term, scheme, title, attributes)
        case "" if "class" not in parameters:
            return scheme + term
    raise ParseError("occi.text.syntax", f'Category {term} needs class="kind", "mixin" or "action"', line=line)


def _definition(match: re.Match[str]) -> Attribute:
    properties = (match[2] or "").split()
    return Attribute(match[1], mutable="immutable" not in properties, required="required" in properties)


def _link(target: str, relation: list[str], parameters: dict[str, Value]) -> Link:
    location = text_of(parameters.pop("self", None))
    kind, *mixins = str(parameters.pop("category", "")).split() or [CORE_LINK]
    return Link(
        kind=kind,
        target=target,
        source=text_of(parameters.get(CORE_SOURCE)),
        target_kind=relation[0] if relation else None,
        mixins=tuple(mixins),
        id=text_of(parameters.get(CORE_ID)),
        location=location,
        title=text_of(parameters.get(CORE_TITLE)),
        attributes=without_core(parameters),
    )


# ---------------------------------------------------------------------------------------------------------- writing

FieldLine = tuple[str, str]
"""A field name and one item of it."""


def fields_of_model(categories: Iterable[Category]) -> list[FieldLine]:
    """Definitions, in the order given (put the core kinds first)."""
    return [(CATEGORY, _render_category(category)) for category in categories]


def fields_of_entity(entity: Entity) -> list[FieldLine]:
    """Categories (kind first), links, action links, attributes."""
    fields = [(CATEGORY, mention(entity.kind, "kind"))]
    fields.extend((CATEGORY, mention(mixin, "mixin")) for mixin in entity.mixins)
    if entity.location is not None:
        fields.extend((LINK, _render_action_link(entity.location, action)) for action in entity.actions)
    attributes: dict[str, Value] = {CORE_ID: entity.id, CORE_TITLE: entity.title}
    if isinstance(entity, Resource):
        fields.extend((LINK, _render_link(link)) for link in entity.links)
        attributes[CORE_SUMMARY] = entity.summary
    else:
        attributes[CORE_SOURCE], attributes[CORE_TARGET] = entity.source, entity.target
    fields.extend(_render_attributes(attributes))
    fields.extend(_render_attributes(entity.attributes))
    return fields


def fields_of_invocation(invocation: Invocation) -> list[FieldLine]:
    return [(CATEGORY, mention(invocation.action, "action")), *_render_attributes(invocation.attributes)]


def fields_of_locations(locations: Iterable[str]) -> list[FieldLine]:
    return [(LOCATION, location) for location in locations]


@lru_cache(maxsize=4096)
def mention(type_id: str, class_: str) -> str:
    """A category by its identity alone. ModelError if `type_id` is none."""
    scheme, term = split_id(type_id)
    return f'{term}; scheme="{scheme}"; class="{class_}"'


def clean_title(title: str) -> str:
    """A title that no client's parser stumbles over: several split at `;` and `,` whatever the quotes say."""
    return " ".join(_UNCLEAN.sub(" ", title).split())


def _render_category(category: Category) -> str:
    parts = [mention(category.id, type(category).__name__.lower())]
    if title := clean_title(category.title):
        parts.append(f'title="{title}"')
    if isinstance(category, Kind) and category.parent:
        parts.append(f'rel="{category.parent}"')
    if isinstance(category, Mixin) and category.depends:
        parts.append(f'rel="{category.depends[0]}"')
    if not isinstance(category, Action) and category.location:
        parts.append(f'location="{category.location}"')
    if category.attributes:
        parts.append(f'attributes="{" ".join(map(_render_definition, category.attributes))}"')
    if not isinstance(category, Action) and category.actions:
        parts.append(f'actions="{" ".join(category.actions)}"')
    return "; ".join(parts)


def _render_definition(attribute: Attribute) -> str:
    properties = [word for word, on in (("immutable", not attribute.mutable), ("required", attribute.required)) if on]
    return f"{attribute.name}{{{' '.join(properties)}}}" if properties else attribute.name


def _render_action_link(location: str, action: str) -> str:
    return f'<{location}?action={split_id(action)[1]}>; rel="{action}"'


def _render_link(link: Link) -> str:
    parts = [f"<{link.target}>"]
    if link.target_kind:
        parts.append(f'rel="{link.target_kind}"')
    if link.location:
        parts.append(f'self="{link.location}"')
    parts.append(f'category="{" ".join((link.kind, *link.mixins))}"')
    core = {CORE_ID: link.id, CORE_TITLE: link.title, CORE_SOURCE: link.source, CORE_TARGET: link.target}
    for name, value in (*core.items(), *link.attributes.items()):
        if value is not None:
            parts.append(f"{name}={render_value(value)}")
    return "; ".join(parts)


def _render_attributes(attributes: Mapping[str, Value]) -> list[FieldLine]:
    return [(ATTRIBUTE, f"{name}={render_value(value)}") for name, value in attributes.items() if value is not None]


def render_value(value: Value) -> str:
    """Strings quoted, numbers and booleans bare; lists and hashes as JSON in a quoted string."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return _render_float(value)
    text = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
    escaped = _CONTROL.sub(" ", text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _render_float(value: float) -> str:
    if not isfinite(value):
        raise ModelError("occi.attribute.value", "An attribute's number is finite")
    text = repr(value)
    if "e" not in text:
        return text
    text = format(Decimal(text), "f")
    return text if "." in text else text + ".0"


__all__ = [
    "FIELDS",
    "FieldLine",
    "Reader",
    "clean_title",
    "fields_of_entity",
    "fields_of_invocation",
    "fields_of_locations",
    "fields_of_model",
    "mention",
    "render_value",
]
