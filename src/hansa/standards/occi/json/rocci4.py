"""Writing the JSON that rOCCI 4 understands: the same media type before OCCI 1.2 was agreed.

Categories name what they are `related` to and always have attributes, whose patterns are plain expressions; an entity comes
in a collection, with its core attributes among the others and its links' ends as strings.
"""

from collections.abc import Iterable
from typing import Any

from hansa.standards.occi.entity import Entity, Link
from hansa.standards.occi.json.writer import Object, category_object, collection_of, dump, model_of
from hansa.standards.occi.message import CORE_ID, CORE_SOURCE, CORE_SUMMARY, CORE_TARGET, CORE_TITLE
from hansa.standards.occi.model import Action, Category, Kind


def render_model(categories: Iterable[Category]) -> bytes:
    return model_of(categories, _category)


def render_entity(entity: Entity) -> bytes:
    return render_entities((entity,), links=isinstance(entity, Link))


def render_entities(entities: Iterable[Entity], *, links: bool = False) -> bytes:
    """Resources name their links by location, and the links stand beside them: inline ones rOCCI takes but cannot show."""
    found = list(entities)
    beside = [link for entity in found if not isinstance(entity, Link) for link in entity.links]
    return collection_of((*found, *beside), lambda entity: dump(_entity(entity)), links=links)


def _category(category: Category) -> Object:
    item = category_object(category)
    definitions: Object = item.get("attributes", {})
    for definition in definitions.values():
        schema: Object = definition.pop("pattern", {})
        plain = "|".join(schema.get("enum", ())) or schema.get("pattern")
        if plain:
            definition["pattern"] = plain
    item["attributes"] = definitions
    if isinstance(category, Kind):
        item["related"] = [category.parent] if category.parent else []
    elif not isinstance(category, Action):
        item["related"] = list(category.depends)
    return item


def _entity(entity: Entity) -> Object:
    core = {CORE_ID: entity.id, CORE_TITLE: entity.title}
    item: Object = {"kind": entity.kind, "mixins": entity.mixins, "actions": entity.actions, "id": entity.id}
    if isinstance(entity, Link):
        core |= {CORE_SOURCE: entity.source, CORE_TARGET: entity.target}
        item |= {"source": entity.source, "target": entity.target, "rel": entity.target_kind}
    else:
        core[CORE_SUMMARY] = entity.summary
        item["links"] = [link.location or link.id for link in entity.links]
    attributes: Object = {**core, **entity.attributes}
    item["attributes"] = _nested({name: value for name, value in attributes.items() if value is not None})
    return {name: value for name, value in item.items() if value is not None}


def _nested(flat: Object) -> Object:
    """Attributes as a tree. Below a name that has a value itself (`state`, `state.message`) nothing can be said."""
    tree: Object = {}
    for name, value in sorted(flat.items()):
        *path, last = name.split(".")
        node: Any = tree
        for part in path:
            node = node.setdefault(part, {}) if isinstance(node, dict) else None
        if isinstance(node, dict):
            node[last] = value
    return tree
