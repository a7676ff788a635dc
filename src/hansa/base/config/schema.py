"""What settings a model has: flat, with type, default and description, read from the model's JSON schema."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import BaseModel

Schema = Mapping[str, Any]
NAME = "<name>"  # stands for the names that the operator chooses: `flavors.<name>.vcpus`
INDEX = "<n>"  # stands for the place in a list of tables
TYPES = {"string": "text", "integer": "integer", "number": "number", "boolean": "true or false", "null": "nothing"}
LIMITS = {"minimum": "≥ ", "exclusiveMinimum": "> ", "maximum": "≤ ", "exclusiveMaximum": "< "}
FORMATS = {
    "path": "path",
    "file-path": "path",
    "ipv4network": "network",
    "ipv6network": "network",
    "ipv4": "IP address",
    "ipv6": "IP address",
}


@dataclass(frozen=True, slots=True)
class Setting:
    """`default` is as it would be written in TOML, None if the setting must be given."""

    key: str
    type: str
    default: str | None
    description: str

    @property
    def variable(self) -> str:
        return "HANSA_" + self.key.upper().replace(".", "__")


@cache
def settings(model: type[BaseModel]) -> tuple[Setting, ...]:
    """All of them, in the model's order. Tables appear by their settings only."""
    schema = model.model_json_schema()
    return tuple(_walk(schema, schema.get("$defs", {}), (), {}))


def setting(model: type[BaseModel], location: Sequence[int | str]) -> Setting | None:
    """The setting at a place of the file, where names and places in lists are the operator's."""
    return next((s for s in settings(model) if _fits(s.key.split("."), location)), None)


def names(model: type[BaseModel], table: Sequence[int | str]) -> list[str]:
    """The keys that a table knows."""
    found = (s.key.split(".") for s in settings(model))
    return list(dict.fromkeys(k[len(table)] for k in found if len(k) > len(table) and _fits(k[: len(table)], table)))


def _fits(key: Sequence[str], location: Sequence[int | str]) -> bool:
    return len(key) == len(location) and all(a in (NAME, INDEX, str(b)) for a, b in zip(key, location, strict=True))


def _walk(schema: Schema, definitions: Schema, prefix: tuple[str, ...], defaults: Schema) -> Iterator[Setting]:
    for name, declared in schema["properties"].items():
        key = (*prefix, name)
        default = defaults.get(name, declared.get("default"))
        alternatives = [_resolve(option, definitions) for option in declared.get("anyOf", [declared])]
        tables = [found for option in alternatives if (found := _table(option, definitions))]
        for suffix, table in tables:
            given = default if not suffix and isinstance(default, dict) else {}
            yield from _walk(table, definitions, (*key, *suffix), given)
        if tables:
            continue
        if declared.get("uniqueItems") and isinstance(default, list):
            default = sorted(default, key=str)  # a set has no order of its own
        required = name in schema.get("required", ()) and name not in defaults
        yield Setting(
            ".".join(key),
            _type(declared, definitions),
            None if required else _literal(default),
            " ".join(declared.get("description", "").split()),
        )


def _table(schema: Schema, definitions: Schema) -> tuple[tuple[str, ...], Schema] | None:
    """What is behind a key that holds a table, a table of named tables or a list of tables."""
    if "properties" in schema:
        return (), schema
    for member, suffix in (("additionalProperties", NAME), ("items", INDEX)):
        inner = schema.get(member)
        if isinstance(inner, dict) and "properties" in (found := _resolve(inner, definitions)):
            return (suffix,), found
    return None


def _resolve(schema: Schema, definitions: Schema) -> Schema:
    reference = schema.get("$ref")
    return {**definitions[reference.rpartition("/")[2]], **schema} if reference else schema


def _type(schema: Schema, definitions: Schema) -> str:
    schema = _resolve(schema, definitions)
    if "enum" in schema or "const" in schema:
        return ", ".join(f"`{json.dumps(value)}`" for value in schema.get("enum", [schema.get("const")]))
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_type(option, definitions) for option in schema["anyOf"]))
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}), definitions)}"
    if schema.get("type") == "object":
        inner = schema.get("additionalProperties")
        return f"table of {_type(inner, definitions)}" if isinstance(inner, dict) else "table"
    name = FORMATS.get(schema.get("format", "")) or TYPES.get(schema.get("type", ""), "value")
    limits = [f"{sign}{schema[limit]}" for limit, sign in LIMITS.items() if limit in schema]
    return " ".join([name, ", ".join(limits)]).strip()


def _literal(value: object) -> str:
    return "none" if value is None else json.dumps(value, ensure_ascii=False)
