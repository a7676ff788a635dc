"""Entities as plain data: a resource or a link as it stands on the wire, with type ids instead of resolved categories.

Core attributes (GFD.229: `occi.core.id`, `.title`, `.summary`, `.source`, `.target`) are fields; the rest is `attributes`.

Nobody changes them, yet they are not frozen: a long listing makes thousands, and freezing doubles the cost of each.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from hansa.standards.occi.model import Value


@dataclass(slots=True)
class Link:
    """A link from `source` (a resource's location) to `target` (any URI reference).

    `location` is the link's own path (`self` in text). `actions` are the type ids applicable now.
    """

    kind: str
    target: str
    source: str | None = None
    target_kind: str | None = None
    source_kind: str | None = None
    mixins: tuple[str, ...] = ()
    id: str | None = None
    location: str | None = None
    title: str | None = None
    attributes: Mapping[str, Value] = field(default_factory=dict)
    actions: tuple[str, ...] = ()


@dataclass(slots=True)
class Resource:
    """A resource and the links it owns. JSON says nothing about `location`; text carries it only in action links."""

    kind: str
    mixins: tuple[str, ...] = ()
    id: str | None = None
    location: str | None = None
    title: str | None = None
    summary: str | None = None
    attributes: Mapping[str, Value] = field(default_factory=dict)
    links: tuple[Link, ...] = ()
    actions: tuple[str, ...] = ()


Entity: TypeAlias = Resource | Link


@dataclass(frozen=True, slots=True)
class Invocation:
    """A request to perform an action, with its parameters."""

    action: str
    attributes: Mapping[str, Value] = field(default_factory=dict)
