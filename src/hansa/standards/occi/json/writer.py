"""Writing application/occi+json as GFD.226 has it."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import orjson

from hansa.standards.occi.entity import Entity, Invocation, Link
from hansa.standards.occi.errors import ModelError
from hansa.standards.occi.model import Action, Attribute, AttributeType, Category, Kind, Mixin, Value

Object = dict[str, Any]


def render_model(categories: Iterable[Category]) -> bytes:
    return model_of(categories, category_object)


def render_entity(entity: Entity) -> bytes:
    return dump(_entity_object(entity))


def render_entities(entities: Iterable[Entity], *, links: bool = False) -> bytes:
    """A collection. `links`: name the (perhaps empty) collection of links rather than of resources."""
    return collection_of(entities, render_entity, links=links)


def model_of(categories: Iterable[Category], write: Callable[[Category], Object]) -> bytes:
    document: dict[str, list[Object]] = {"kinds": [], "mixins": [], "actions": []}
    for category in categories:
        document[type(category).__name__.lower() + "s"].append(write(category))
    return dump({name: items for name, items in document.items() if items})


def collection_of(entities: Iterable[Entity], write: Callable[[Entity], bytes], *, links: bool) -> bytes:
    # One by one into one buffer: thousands of live dictionaries, and copies of megabytes, cost more than the writing.
    resources, found = bytearray(), bytearray()
    for entity in entities:
        buffer = found if isinstance(entity, Link) else resources
        buffer += b"," if buffer else b""
        buffer += write(entity)
    parts: list[bytes | bytearray] = []
    if resources or not (links or found):
        parts += (b'"resources":[', resources, b"]")
    if found or links:
        parts += (b"," if parts else b"", b'"links":[', found, b"]")
    return b"".join((b"{", *parts, b"}"))


def render_invocation(invocation: Invocation) -> bytes:
    return dump({"action": invocation.action, "attributes": dict(invocation.attributes)})


def render_locations(locations: Iterable[str]) -> bytes:
    return dump(list(locations))


def dump(document: Any) -> bytes:
    """A long listing is most of the work of answering it: orjson needs a twentieth of the standard library's time."""
    try:
        return orjson.dumps(document)
    except TypeError as e:  # integers beyond 64 bits, halves of surrogate pairs
        raise ModelError("occi.attribute.value", "A value cannot be written in JSON") from e


def category_object(category: Category) -> Object:
    item: Object = {"term": category.term, "scheme": category.scheme}
    if category.title:
        item["title"] = category.title
    if isinstance(category, Kind) and category.parent:
        item["parent"] = category.parent
    if isinstance(category, Mixin):
        item |= {"depends": list(category.depends), "applies": list(category.applies)}
    if category.attributes:
        item["attributes"] = {attribute.name: _definition_object(attribute) for attribute in category.attributes}
    if not isinstance(category, Action):
        if category.actions:
            item["actions"] = list(category.actions)
        if category.location is not None:
            item["location"] = category.location
    return item


def _definition_object(attribute: Attribute) -> Object:
    integer = attribute.type is AttributeType.INTEGER
    item: Object = {
        "mutable": attribute.mutable,
        "required": attribute.required,
        "type": "number" if integer else str(attribute.type),
    }
    bounds = {"minimum": attribute.minimum, "maximum": attribute.maximum, "pattern": attribute.pattern}
    schema: Object = {name: value for name, value in bounds.items() if value is not None}
    if integer:
        schema["type"] = "integer"
    if attribute.choices:
        schema["enum"] = list(attribute.choices)
    if schema:
        item["pattern"] = schema
    if attribute.default is not None:
        item["default"] = attribute.default
    if attribute.description:
        item["description"] = attribute.description
    return item


def _entity_object(entity: Entity) -> Object:
    item: Object = {"kind": entity.kind}
    if entity.id is not None:
        item["id"] = entity.id
    if entity.title is not None:
        item["title"] = entity.title
    if entity.mixins:
        item["mixins"] = entity.mixins
    item["attributes"] = _attributes_object(entity.attributes)
    if entity.actions:
        item["actions"] = entity.actions
    if isinstance(entity, Link):
        item["source"] = _end_object(entity.source, entity.source_kind)
        item["target"] = _end_object(entity.target, entity.target_kind)
        return item
    if entity.summary is not None:
        item["summary"] = entity.summary
    if entity.links:
        item["links"] = [_entity_object(link) for link in entity.links]
    return item


def _attributes_object(attributes: Mapping[str, Value]) -> Object:
    if isinstance(attributes, dict) and None not in attributes.values():
        return attributes
    return {name: value for name, value in attributes.items() if value is not None}


def _end_object(location: str | None, kind: str | None) -> Object:
    end: Object = {}
    if location is not None:
        end["location"] = location
    if kind is not None:
        end["kind"] = kind
    return end
