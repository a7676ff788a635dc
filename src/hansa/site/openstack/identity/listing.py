"""What a query may ask of a list: filters by attribute, `sort_key`, `marker` and `limit`. Pure.

Filters as in Keystone: `name=x`, and inexact ones `name__contains`, `__startswith`, `__endswith`, each with an `i` before it
for either case. A boolean attribute is false for `0`, `false`, `no`, `off` and `f`, and true for everything else. Other members
of the query are not ours and are let pass, as Keystone does.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hansa.base.errors import BadRequest

MAX_LIMIT = 1000
_FALSE = frozenset({"0", "false", "no", "off", "f", "n"})
_COMPARED: Mapping[str, Callable[[str, str], bool]] = {
    "contains": lambda text, part: part in text,
    "startswith": lambda text, part: text.startswith(part),
    "endswith": lambda text, part: text.endswith(part),
}
_ORDERS = frozenset({"asc", "desc"})


@dataclass(frozen=True, slots=True)
class Filter:
    """`comparison` is a key of `_COMPARED`, or empty for equality."""

    attribute: str
    value: str
    comparison: str = ""
    folds_case: bool = False

    def fits(self, thing: Mapping[str, Any]) -> bool:
        held = thing.get(self.attribute)
        if isinstance(held, bool):
            return held == is_true(self.value)
        if not self.comparison:
            return held == self.value or (held is None and self.value == "")
        if not isinstance(held, str):
            return False
        compared = _COMPARED[self.comparison]
        return compared(held.lower(), self.value.lower()) if self.folds_case else compared(held, self.value)


@dataclass(frozen=True, slots=True)
class Listing:
    """`query` is the request's, as it came; `limit` None: all. `sorted_by`: attributes, each with whether it goes down."""

    query: tuple[tuple[str, str], ...] = ()
    filters: tuple[Filter, ...] = ()
    sorted_by: tuple[tuple[str, bool], ...] = ()
    marker: str | None = None
    limit: int | None = None

    def exact(self, attribute: str) -> str | None:
        """The value that the attribute must have, if the query says; for stores that look it up instead of going through all."""
        found = (each.value for each in self.filters if each.attribute == attribute and not each.comparison)
        return next(found, None)

    def apply(self, things: Sequence[Mapping[str, Any]]) -> tuple[list[Any], bool]:
        """Those that fit, in order, from behind the marker; and whether there are more than `limit`."""
        found = [thing for thing in things if all(each.fits(thing) for each in self.filters)]
        for attribute, is_down in reversed(self.sorted_by):
            found.sort(key=lambda thing: str(thing.get(attribute) or ""), reverse=is_down)
        if self.marker is not None:
            places = (place for place, thing in enumerate(found) if thing.get("id") == self.marker)
            found = found[next(places, -1) + 1 :]
        if self.limit is None or len(found) <= self.limit:
            return found, False
        return found[: self.limit], True


def read_listing(query: Iterable[tuple[str, str]], attributes: Iterable[str]) -> Listing:
    """`attributes` are those that this list filters by. BadRequest for a limit or an order that is none."""
    pairs = tuple(query)
    known = frozenset(attributes)
    given = dict(pairs)
    filters = tuple(found for key, value in pairs if (found := _filter(key, value, known)))
    return Listing(pairs, filters, _sorting(given.get("sort_key")), given.get("marker"), _limit(given.get("limit")))


def is_true(value: str) -> bool:
    return value.strip().lower() not in _FALSE


def asks(query: Mapping[str, str], name: str) -> bool:
    """A flag of the query: there without a value, or with any but `0`."""
    return name in query and query[name] != "0"


def _filter(key: str, value: str, known: frozenset[str]) -> Filter | None:
    if key in known:
        return Filter(key, value)
    attribute, separator, comparison = key.rpartition("__")
    if not separator or attribute not in known:
        return None
    if comparison in _COMPARED:
        return Filter(attribute, value, comparison)
    return (
        Filter(attribute, value, comparison[1:], True) if comparison[1:] in _COMPARED and comparison[0] == "i" else None
    )


def _sorting(text: str | None) -> tuple[tuple[str, bool], ...]:
    """`name:desc,id` of the API working group's guideline."""
    parts = [part.partition(":") for part in text.split(",")] if text else []
    if any(order and order not in _ORDERS for _, _, order in parts):
        raise BadRequest('"sort_key" is ATTRIBUTE or ATTRIBUTE:asc or ATTRIBUTE:desc.', field="sort_key")
    return tuple((attribute, order == "desc") for attribute, _, order in parts)


def _limit(text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and int(text) > 0):
        raise BadRequest('"limit" must be a whole number above 0.', field="limit")
    return min(int(text), MAX_LIMIT)
