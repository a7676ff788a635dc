"""`Message`: what a body or a set of headers says, in whatever rendering it came; and the readings of it.

Text makes flat statements (categories, attributes, links, locations), JSON speaks of whole entities. What a message
*means* depends on where it was sent, so the reader chooses: `entities_of`, `patch_of`, `invocation_of`, `references_of`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from hansa.standards.occi.entity import Entity, Invocation, Link, Resource
from hansa.standards.occi.errors import ModelError
from hansa.standards.occi.model import Action, Category, Kind, Mixin, Model, Value

CORE_ID = "occi.core.id"
CORE_TITLE = "occi.core.title"
CORE_SUMMARY = "occi.core.summary"
CORE_SOURCE = "occi.core.source"
CORE_TARGET = "occi.core.target"
CORE_SOURCE_KIND = "occi.core.source.kind"
CORE_TARGET_KIND = "occi.core.target.kind"
CORE_LINK = "http://schemas.ogf.org/occi/core#link"

_CORE = frozenset({CORE_ID, CORE_TITLE, CORE_SUMMARY, CORE_SOURCE, CORE_TARGET, CORE_SOURCE_KIND, CORE_TARGET_KIND})


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what a parser reads. `items` counts categories, links, attributes and locations each."""

    body_bytes: int = 1 << 20
    items: int = 10_000
    value_chars: int = 1 << 16
    depth: int = 16


REQUEST_LIMITS = Limits()
RESPONSE_LIMITS = Limits(body_bytes=1 << 28, items=1_000_000, value_chars=1 << 20)
"""For clients, which have chosen their server: a listing of a large site."""


@dataclass(frozen=True, slots=True)
class Message:
    """Categories are mentions (term and scheme only) or definitions. `actions` are type ids of action links.

    `unclassed` are type ids mentioned without saying what they are, as old clients do; `classified` finds out.
    """

    categories: tuple[Category, ...] = ()
    unclassed: tuple[str, ...] = ()
    attributes: Mapping[str, Value] = field(default_factory=dict)
    links: tuple[Link, ...] = ()
    actions: tuple[str, ...] = ()
    locations: tuple[str, ...] = ()
    entities: tuple[Entity, ...] = ()


@dataclass(frozen=True, slots=True)
class Patch:
    """A partial representation (POST on an entity): what to change and what to add."""

    kind: str | None = None
    mixins: tuple[str, ...] = ()
    title: str | None = None
    summary: str | None = None
    attributes: Mapping[str, Value] = field(default_factory=dict)
    links: tuple[Link, ...] = ()


def text_of(value: Value) -> str | None:
    """A core attribute as text (clients send titles like `2024` unquoted)."""
    return None if value is None else value if isinstance(value, str) else str(value)


def without_core(attributes: Mapping[str, Value]) -> dict[str, Value]:
    return {name: value for name, value in attributes.items() if name not in _CORE}


def classified(message: Message, model: Model) -> Message:
    """The message with what it mentions without a class found in the model. ModelError for what the model lacks."""
    if not message.unclassed:
        return message
    found: list[Category] = []
    for type_id in message.unclassed:
        known = model.by_id.get(type_id)
        if known is None:
            raise ModelError("occi.model.unknown", f"There is no category {type_id} here")
        found.append(type(known)(known.term, known.scheme))
    return replace(message, categories=(*found, *message.categories), unclassed=())


def entities_of(message: Message) -> tuple[Entity, ...]:
    """The entities a message represents: JSON's own, or the one that flat statements describe.

    Statements describe a link if they name a source or a target. Refuses none or several kinds (GFD.221: exactly one).
    """
    if message.entities:
        return message.entities
    kinds = [c.id for c in message.categories if isinstance(c, Kind)]
    if len(kinds) != 1:
        raise ModelError("occi.entity.kind", f"An entity has exactly one kind; this one names {len(kinds)}")
    mixins = tuple(c.id for c in message.categories if isinstance(c, Mixin))
    given = message.attributes
    if CORE_TARGET not in given and CORE_SOURCE not in given:
        return (_resource(kinds[0], mixins, message),)
    target = text_of(given.get(CORE_TARGET))
    if target is None:
        raise ModelError("occi.entity.target", f"A link needs {CORE_TARGET}")
    link = Link(
        kind=kinds[0],
        target=target,
        source=text_of(given.get(CORE_SOURCE)),
        target_kind=text_of(given.get(CORE_TARGET_KIND)),
        source_kind=text_of(given.get(CORE_SOURCE_KIND)),
        mixins=mixins,
        id=text_of(given.get(CORE_ID)),
        title=text_of(given.get(CORE_TITLE)),
        attributes=without_core(given),
        actions=message.actions,
    )
    return (link,)


def _resource(kind: str, mixins: tuple[str, ...], message: Message) -> Resource:
    given = message.attributes
    return Resource(
        kind=kind,
        mixins=mixins,
        id=text_of(given.get(CORE_ID)),
        title=text_of(given.get(CORE_TITLE)),
        summary=text_of(given.get(CORE_SUMMARY)),
        attributes=without_core(given),
        links=message.links,
        actions=message.actions,
    )


def patch_of(message: Message) -> Patch:
    """A partial representation. An entity given whole is one, too."""
    if len(message.entities) > 1:
        raise ModelError("occi.entity.kind", "One entity is updated at a time")
    if message.entities:
        entity = message.entities[0]
        return Patch(
            kind=entity.kind,
            mixins=entity.mixins,
            title=entity.title,
            summary=entity.summary if isinstance(entity, Resource) else None,
            attributes=entity.attributes,
            links=entity.links if isinstance(entity, Resource) else (),
        )
    kinds = [c.id for c in message.categories if isinstance(c, Kind)]
    if len(kinds) > 1:
        raise ModelError("occi.entity.kind", f"An entity has exactly one kind; this one names {len(kinds)}")
    return Patch(
        kind=kinds[0] if kinds else None,
        mixins=tuple(c.id for c in message.categories if isinstance(c, Mixin)),
        title=text_of(message.attributes.get(CORE_TITLE)),
        summary=text_of(message.attributes.get(CORE_SUMMARY)),
        attributes=without_core(message.attributes),
        links=message.links,
    )


def invocation_of(message: Message) -> Invocation:
    """The one action a message invokes."""
    actions = [c.id for c in message.categories if isinstance(c, Action)]
    if len(actions) != 1:
        raise ModelError("occi.entity.kind", f"An invocation names exactly one action; this one names {len(actions)}")
    return Invocation(actions[0], dict(message.attributes))


def references_of(message: Message) -> tuple[str, ...]:
    """The entities a message points at: locations, or the locations or ids of entities given whole."""
    named = (entity.location or entity.id for entity in message.entities)
    return (*message.locations, *(reference for reference in named if reference))
