"""Regions, services, endpoints, as the Identity API v3 has them (§Service catalog and endpoints)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

URL_MAX = 225
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+")
_PLACE = re.compile(r"[%$]\((\w*)\)s")
_PROJECT = frozenset({"project_id", "tenant_id"})
_KNOWN = _PROJECT | {"user_id"}


class Interface(StrEnum):
    """Whom an endpoint is for."""

    PUBLIC = "public"
    INTERNAL = "internal"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Region:
    """`extra`, here and below: what somebody said of it beyond what the API names; it is given back."""

    id: str
    description: str = ""
    parent: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    own: bool = False


@dataclass(frozen=True, slots=True)
class Service:
    """`type` is what clients look for (`compute`, `image`); `own`: one of this site's faces, not for admins to change."""

    id: str
    type: str
    name: str | None = None
    description: str | None = None
    enabled: bool = True
    extra: Mapping[str, Any] = field(default_factory=dict)
    own: bool = False


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`url` may hold `%(project_id)s`, `%(tenant_id)s`, `%(user_id)s`, also written `$(…)s`."""

    id: str
    service: str
    interface: Interface
    url: str
    region: str | None = None
    enabled: bool = True
    extra: Mapping[str, Any] = field(default_factory=dict)
    own: bool = False


@dataclass(frozen=True, slots=True)
class EndpointGroup:
    """Every endpoint that has all of these values; `filters` names `service_id`, `interface`, `region_id`, `enabled`."""

    id: str
    name: str
    description: str | None = None
    filters: Mapping[str, str | bool | None] = field(default_factory=dict)

    def holds(self, endpoint: Endpoint) -> bool:
        found = {
            "service_id": endpoint.service,
            "interface": endpoint.interface.value,
            "region_id": endpoint.region,
            "enabled": endpoint.enabled,
        }
        return all(found[name] == wanted for name, wanted in self.filters.items())


@dataclass(frozen=True, slots=True)
class Entry:
    """A service with its endpoints as one token sees them: addresses complete, nothing that is off."""

    service: Service
    endpoints: tuple[Endpoint, ...]


def is_url(text: str) -> bool:
    """Whether an endpoint may have it: a scheme, no blanks, no placeholder but ours, at most 225 characters."""
    if len(text) > URL_MAX or not _URL.fullmatch(text):
        return False
    left = _PLACE.sub("", text).replace("%%", "")
    return set(_PLACE.findall(text)) <= _KNOWN and "%" not in left and "$(" not in left


def filled_in(url: str, user: str, project: str | None) -> str | None:
    """The address for that user and project; None if it needs a project and there is none."""
    if project is None and not _PROJECT.isdisjoint(_PLACE.findall(url)):
        return None
    values = {"user_id": user, "project_id": project or "", "tenant_id": project or ""}
    # Only names of ours get here: `is_url` was asked before. `%%` is a percent sign, as Keystone formats it.
    return "%".join(_PLACE.sub(lambda found: values[found.group(1)], part) for part in url.split("%%"))
