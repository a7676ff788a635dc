"""Answers in Keystone's words: versions, tokens of v3 and v2.0, projects, the catalogue, errors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from hansa.site.directory import Project
from hansa.site.openstack.identity.requests import ByCertificate
from hansa.site.openstack.identity.scoping import Scoped
from hansa.site.openstack.identity.service import Issued

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Place:
    """The public addresses, without a slash at the end, and the names in them. `dashboards`: where a browser's log-in may end."""

    keystone: str
    occi: str
    region: str
    identity_provider: str
    dashboards: tuple[str, ...] = ()


def versions(place: Place) -> Json:
    return {"versions": {"values": [version_3(place)["version"], version_2(place)["version"]]}}


def version_3(place: Place) -> Json:
    return _version(f"{place.keystone}/v3/", "v3.14", "stable", "2020-04-07T00:00:00Z", "v3")


def version_2(place: Place) -> Json:
    return _version(f"{place.keystone}/v2.0/", "v2.0", "deprecated", "2014-04-17T00:00:00Z", "v2.0")


def _version(address: str, identifier: str, status: str, updated: str, media: str) -> Json:
    return {
        "version": {
            "id": identifier,
            "status": status,
            "updated": updated,
            "links": [{"rel": "self", "href": address}],
            "media-types": [{"base": "application/json", "type": f"application/vnd.openstack.identity-{media}+json"}],
        }
    }


def token_v3(issued: Issued, place: Place, catalog: Sequence[Json] | None = None) -> Json:
    """`catalog`: as in `catalog.catalog_v3`; without it the token is shown bare."""
    principal, token, person = issued.token.principal, issued.token, issued.person
    user: Json = {
        "id": person.user.id,
        "name": person.user.name,
        "domain": _reference(person.domain),
        "password_expires_at": micro(person.user.password_expires) if person.user.password_expires else None,
    }
    if principal.federation is not None:
        user["OS-FEDERATION"] = {
            "identity_provider": {"id": principal.federation.provider},
            "protocol": {"id": principal.federation.protocol},
            "groups": [{"id": name} for name in (*principal.groups, *(each.vo for each in principal.memberships))],
        }
    elif ByCertificate.method in token.methods:
        user["OS-FEDERATION"] = {
            "identity_provider": {"id": place.identity_provider},
            "protocol": {"id": ByCertificate.method},
            "groups": [{"id": membership.vo} for membership in principal.memberships],
        }
    body: Json = {
        "methods": list(token.methods),
        "user": user,
        "audit_ids": list(token.audit_ids),
        "issued_at": micro(token.issued),
        "expires_at": micro(token.expires),
    }
    if issued.scoped:
        body |= _scope(issued.scoped)
        body["roles"] = [{"id": role.id, "name": role.name} for role in issued.scoped.roles]
        if catalog is not None:
            body["catalog"] = catalog
    return {"token": body}


def _scope(scoped: Scoped) -> Json:
    if scoped.project is None:
        return {"system": {"all": True}}
    if scoped.domain is None:
        return {"domain": _reference(scoped.project)}
    return {"project": {**_reference(scoped.project), "domain": _reference(scoped.domain)}, "is_domain": False}


def _reference(thing: Project) -> Json:
    return {"id": thing.id, "name": thing.name}


def access_v2(issued: Issued, catalog: Sequence[Json]) -> Json:
    token, user = issued.token, issued.person.user
    roles = issued.scoped.roles if issued.scoped else ()
    shown: Json = {
        "id": issued.text,
        "issued_at": micro(token.issued),
        "expires": _second(token.expires),
        "audit_ids": list(token.audit_ids),
    }
    if issued.project:
        shown["tenant"] = tenant(issued.project)
    return {
        "access": {
            "token": shown,
            "user": {
                "id": user.id,
                "name": user.name,
                "username": user.name,
                "roles": [{"name": role.name} for role in roles],
                "roles_links": [],
            },
            "serviceCatalog": catalog if issued.project else [],
            "metadata": {"is_admin": 0, "roles": [role.id for role in roles]},
        }
    }


def tenants(projects: Sequence[Project]) -> Json:
    return {"tenants": [tenant(project) for project in projects], "tenants_links": []}


def tenant(project: Project) -> Json:
    return {
        "id": project.id,
        "name": project.name,
        "description": project.description,
        "enabled": project.enabled,
    }


def catalog(entries: Sequence[Json], place: Place) -> Json:
    return {"catalog": entries, "links": _links(place, "auth/catalog")}


def error(status: int, message: str) -> Json:
    return {"error": {"code": status, "title": HTTPStatus(status).phrase, "message": message}}


def _links(place: Place, path: str) -> Mapping[str, str | None]:
    return {"self": f"{place.keystone}/v3/{quote(path)}", "previous": None, "next": None}


def micro(time: datetime) -> str:
    """As Keystone writes times."""
    return time.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _second(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")
