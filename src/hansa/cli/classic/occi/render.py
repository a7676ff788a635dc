"""The output of `occi`: the plain layout that its users' scripts cut apart, and JSON."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from hansa.cli.output import printable
from hansa.standards.occi import Category, Entity, Kind, Link, Mixin, Resource, Value

_FRAME = "#" * 79


def locations(found: Sequence[str], output_format: str) -> str:
    """Addresses or identifiers: one a line, or a JSON array."""
    if output_format == "plain":
        return "".join(f"{printable(location)}\n" for location in found)
    return _json(list(found), output_format)


def entities(found: Sequence[Entity], categories: Sequence[Category], output_format: str) -> str:
    """Whole resources or links."""
    if output_format == "plain":
        known = {category.id: category for category in categories if isinstance(category, Mixin)}
        return _framed(_entity_lines(entity, known) for entity in found)
    extended = "extended" in output_format
    return _json([_entity_object(entity, extended) for entity in found], output_format)


def mixins(found: Sequence[Mixin], output_format: str) -> str:
    """Mixins such as templates."""
    if output_format == "plain":
        return _framed(_mixin_lines(mixin, "") for mixin in found)
    return _json([category_object(mixin) for mixin in found], output_format)


def model(categories: Sequence[Category], output_format: str) -> str:
    """Everything a site offers, by class."""
    groups = {"kinds": Kind, "mixins": Mixin}
    grouped: dict[str, list[Category]] = {"kinds": [], "mixins": [], "actions": []}
    for category in categories:
        name = next((name for name, kind in groups.items() if isinstance(category, kind)), "actions")
        grouped[name].append(category)
    if output_format != "plain":
        return _json({name: [category_object(c) for c in members] for name, members in grouped.items()}, output_format)
    lines = []
    for name, members in grouped.items():
        lines += [_FRAME, f"{name}:"]
        for category in members:
            lines += ["", *(f"{key}: {_text(value)}" for key, value in category_object(category).items() if value)]
    return "\n".join([*lines, _FRAME]) + "\n"


def category_object(category: Category) -> dict[str, Any]:
    found: dict[str, Any] = {"scheme": category.scheme, "term": category.term, "title": category.title}
    if isinstance(category, Kind):
        found |= {"parent": category.parent, "location": category.location, "actions": list(category.actions)}
    elif isinstance(category, Mixin):
        found |= {"related": list(category.depends), "location": category.location, "actions": list(category.actions)}
    found["attributes"] = [attribute.name for attribute in category.attributes]
    return found


def _framed(blocks: Iterable[Sequence[str]]) -> str:
    lines: list[str] = []
    for block in blocks:
        lines += [*(() if lines else (_FRAME,)), *block, _FRAME]
    return "".join(f"{line}\n" for line in lines)


def _entity_lines(entity: Entity, known: Mapping[str, Mixin]) -> list[str]:
    lines = [f"[[ {entity.kind} ]]", f">> location: {_path(entity.location)}"]
    lines += [f"{name} = {_text(value)}" for name, value in _attributes(entity)]
    if isinstance(entity, Resource):
        lines += ["", "Links:"]
        for link in entity.links:
            lines += ["", f"    [[ {link.kind} ]]", f"    >> location: {_path(link.location)}"]
            lines += [f"    {name} = {_text(value)}" for name, value in _attributes(link)]
    lines += ["", "Mixins:"]
    for type_id in entity.mixins:
        scheme, hash_, term = type_id.rpartition("#")
        lines += ["", *_mixin_lines(known.get(type_id) or Mixin(term, scheme + hash_), "    ")]
    lines += ["", "Actions:"]
    for action in entity.actions:
        lines += ["", f"    [[ {action} ]]"]
    return lines


def _mixin_lines(mixin: Mixin, indent: str) -> list[str]:
    return [
        f"{indent}[[ {printable(mixin.id)} ]]",
        f"{indent}title:        {printable(mixin.title)}".rstrip(),
        f"{indent}term:         {printable(mixin.term)}",
        f"{indent}location:     {_path(mixin.location)}",
    ]


def _attributes(entity: Entity) -> list[tuple[str, Value]]:
    """Core attributes, then those of the standard, then the provider's, each by name."""
    core: dict[str, Value] = {"occi.core.id": entity.id, "occi.core.title": entity.title}
    if isinstance(entity, Resource):
        core["occi.core.summary"] = entity.summary
    else:
        core |= {"occi.core.source": _path(entity.source), "occi.core.target": _path(entity.target)}
    rest = sorted(entity.attributes.items(), key=lambda item: (not item[0].startswith("occi."), item[0]))
    given = [(name, value) for name, value in core.items() if value is not None]
    return [*rest, *given[::-1]] if isinstance(entity, Link) else [*given, *rest]


def _path(location: str | None) -> str:
    return printable(urlsplit(location).path) if location else ""


def _text(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return printable(value)
        case list() | dict():
            return printable(json.dumps(value, ensure_ascii=False))
    return str(value)


def _entity_object(entity: Entity, extended: bool) -> dict[str, Any]:
    """JSON of the days before OCCI 1.2: attributes nested at their dots, links as addresses unless `extended`."""
    found: dict[str, Any] = {
        "kind": entity.kind,
        "mixins": list(entity.mixins),
        "actions": list(entity.actions),
        "attributes": _nested(_attributes(entity)),
        "id": entity.id,
        "location": _path(entity.location),
    }
    if isinstance(entity, Link):
        return found | {"source": _path(entity.source), "target": _path(entity.target), "rel": entity.target_kind}
    links = [_entity_object(link, extended) if extended else _path(link.location) for link in entity.links]
    return found | {"links": links}


def _nested(attributes: Iterable[tuple[str, Value]]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for name, value in attributes:
        *parents, leaf = name.split(".")
        branch = tree
        for parent in parents:
            below = branch.get(parent)
            if not isinstance(below, dict):  # occi.compute.state beside occi.compute.state.message
                below = branch[parent] = {} if below is None else {"value": below}
            branch = below
        if isinstance(branch.get(leaf), dict):
            branch[leaf]["value"] = value
        else:
            branch[leaf] = value
    return tree


def _json(document: object, output_format: str) -> str:
    indent = 2 if output_format.endswith("_pretty") else None
    separators = None if indent else (",", ":")
    return json.dumps(document, ensure_ascii=False, indent=indent, separators=separators) + "\n"
