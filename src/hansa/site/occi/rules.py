"""The rules of OCCI that hold for every kind: which mixins may be worn, which attributes may be written."""

from collections.abc import Iterable, Mapping

from hansa.base.errors import BadRequest, Forbidden
from hansa.site.occi.catalogue import View
from hansa.site.occi.session import Session
from hansa.standards.occi import Attribute, Mixin, Value, coerce
from hansa.standards.occi import infrastructure as infra

SIZES = frozenset(
    {
        "occi.compute.architecture",
        "occi.compute.cores",
        "occi.compute.memory",
        "occi.compute.speed",
        "occi.compute.share",
        "occi.compute.ephemeral_storage.size",
    }
)
"""What templates decide (GFD.224 §4: they override what the client sends). Without a template they help to choose one."""


async def mixins_of(session: Session, kind: str, type_ids: Iterable[str]) -> tuple[Mixin, ...]:
    """The mixins a request names, if they are known here and apply to the kind. Each once, in order."""
    wanted = tuple(dict.fromkeys(type_ids))
    if any(session.view.model.mixin(type_id) is None for type_id in wanted):
        await session.refresh()  # an image or a flavor may just have come
    return tuple(_applicable(session.view, kind, type_id) for type_id in wanted)


def _applicable(view: View, kind: str, type_id: str) -> Mixin:
    mixin = view.model.mixin(type_id)
    if mixin is None:
        raise BadRequest(f"There is no mixin {type_id} here; /-/ lists those there are.", field=type_id)
    for ancestor in view.model.lineage[type_id]:
        found = view.model.mixin(ancestor)
        if found is not None and found.applies and not any(view.model.is_a(kind, target) for target in found.applies):
            raise Forbidden(f"Mixin {type_id} does not apply to {kind}.", field=type_id)
    return mixin


def read_attributes(
    view: View,
    kind: str,
    mixins: Iterable[Mixin],
    given: Mapping[str, Value],
    *,
    current: Mapping[str, Value] | None,
    whole: bool,
) -> dict[str, Value]:
    """The values a client writes, in their types. `current` is None at creation; `whole`: a full update (PUT).

    Unknown: BadRequest. Immutable: Forbidden, except what a full update repeats as the client last saw it. Missing but
    required at creation: BadRequest.
    """
    definitions = dict(view.model.attributes[kind])
    for mixin in mixins:
        definitions.update(view.model.attributes[mixin.id])
    found: dict[str, Value] = {
        name: value
        for name, raw in given.items()
        if (value := _read(_definition(definitions, name), raw, current, whole=whole)) is not None
    }
    if current is None:
        _check_required(definitions.values(), found)
    return found


def _definition(definitions: Mapping[str, Attribute], name: str) -> Attribute:
    try:
        return definitions[name]
    except KeyError:
        raise BadRequest(
            f"Attribute {name} is unknown to the kind and the mixins of this entity.", field=name
        ) from None


def _read(definition: Attribute, value: Value, current: Mapping[str, Value] | None, *, whole: bool) -> Value:
    name = definition.name
    if name in SIZES:
        return _read_size(definition, value, current)
    if definition.mutable:
        return coerce(definition, value)
    if whole or (current is not None and same(current.get(name), value)):
        return None
    raise Forbidden(f"Attribute {name} is written by the site alone.", field=name)


def _read_size(definition: Attribute, value: Value, current: Mapping[str, Value] | None) -> Value:
    if current is None:
        return value
    if not same(current.get(definition.name), value):
        message = (
            f"Attribute {definition.name} is what the resource template says: give another resource_tpl to resize."
        )
        raise BadRequest(message, field=definition.name)
    return None


def same(one: Value, other: Value) -> bool:
    """Equal as clients write values: `2`, `2.0` and `"2"` are."""
    if one == other:
        return True
    try:
        return float(str(one)) == float(str(other))
    except ValueError:
        return str(one) == str(other)


def _check_required(definitions: Iterable[Attribute], found: Mapping[str, Value]) -> None:
    links = {"occi.core.source", "occi.core.target"}  # fields of a link, checked where it is made
    for definition in definitions:
        if definition.required and definition.mutable and definition.name not in {*found, *links}:
            raise BadRequest(f"Attribute {definition.name} is required.", field=definition.name)


def tags_in(session: Session, mixins: Iterable[Mixin]) -> tuple[str, ...]:
    return tuple(mixin.id for mixin in mixins if mixin.id in session.view.user_mixins)


CONTEXT = frozenset(mixin.id for mixin in infra.CONTEXT_MIXINS)
