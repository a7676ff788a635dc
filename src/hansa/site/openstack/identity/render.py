"""Answers in Keystone's words: versions, tokens of v3 and v2.0, projects, the catalogue, errors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from hansa.cloud.model import READ_ONLY
from hansa.site.identity import Grant
from hansa.site.openstack.identity.requests import DOMAIN, ByCertificate
from hansa.site.openstack.identity.service import Issued, project_id, role_id, user_id

Json = dict[str, Any]
DOMAIN_JSON = {"id": DOMAIN, "name": "Default"}
MEMBER = "member"
"""The role that everybody has who may use a project."""


@dataclass(frozen=True, slots=True)
class Place:
    """The public addresses, without a slash at the end, and the names in them."""

    keystone: str
    occi: str
    region: str
    identity_provider: str


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


def token_v3(issued: Issued, place: Place, *, catalog: bool = True) -> Json:
    principal, token = issued.token.principal, issued.token
    user: Json = {
        "id": user_id(principal.user),
        "name": principal.display,
        "domain": DOMAIN_JSON,
        "password_expires_at": None,
    }
    if ByCertificate.method in token.methods:
        user["OS-FEDERATION"] = {
            "identity_provider": {"id": place.identity_provider},
            "protocol": {"id": ByCertificate.method},
            "groups": [{"id": membership.vo} for membership in principal.memberships],
        }
    body: Json = {
        "methods": list(token.methods),
        "user": user,
        "audit_ids": list(token.audit_ids),
        "issued_at": _micro(token.issued),
        "expires_at": _micro(token.expires),
    }
    if issued.grant:
        body |= {
            "project": _project_reference(issued.grant),
            "is_domain": False,
            "roles": [{"id": role_id(name), "name": name} for name in _roles(issued)],
        }
        if catalog:
            body["catalog"] = catalog_v3(place)
    return {"token": body}


def access_v2(issued: Issued, place: Place) -> Json:
    principal, token = issued.token.principal, issued.token
    roles = _roles(issued)
    shown: Json = {
        "id": issued.text,
        "issued_at": _micro(token.issued),
        "expires": _second(token.expires),
        "audit_ids": list(token.audit_ids),
    }
    if issued.grant:
        shown["tenant"] = tenant(issued.grant)
    return {
        "access": {
            "token": shown,
            "user": {
                "id": user_id(principal.user),
                "name": principal.display,
                "username": principal.display,
                "roles": [{"name": name} for name in roles],
                "roles_links": [],
            },
            "serviceCatalog": _catalog_v2(place) if issued.grant else [],
            "metadata": {"is_admin": 0, "roles": [role_id(name) for name in roles]},
        }
    }


def tenants(grants: Sequence[Grant]) -> Json:
    return {"tenants": [tenant(grant) for grant in grants], "tenants_links": []}


def tenant(grant: Grant) -> Json:
    return {"id": project_id(grant.project), "name": grant.project, "description": "", "enabled": True}


def projects(grants: Sequence[Grant], place: Place) -> Json:
    listed = [
        {
            **tenant(grant),
            "domain_id": DOMAIN,
            "parent_id": DOMAIN,
            "is_domain": False,
            "options": {},
            "tags": [],
            "links": {"self": f"{place.keystone}/v3/projects/{project_id(grant.project)}"},
        }
        for grant in grants
    ]
    return {"projects": listed, "links": _links(place, "auth/projects")}


def domains(place: Place) -> Json:
    """Nobody has a role on the domain itself."""
    return {"domains": [], "links": _links(place, "auth/domains")}


def catalog(place: Place) -> Json:
    return {"catalog": catalog_v3(place), "links": _links(place, "auth/catalog")}


def catalog_v3(place: Place) -> list[Json]:
    return [
        {
            "id": role_id(f"service {kind}"),
            "type": kind,
            "name": name,
            "endpoints": [
                {
                    "id": role_id(f"endpoint {kind} {interface}"),
                    "interface": interface,
                    "region": place.region,
                    "region_id": place.region,
                    "url": url,
                }
                for interface in ("public", "internal", "admin")
            ],
        }
        for kind, name, url in _services(place, "v3")
    ]


def _catalog_v2(place: Place) -> list[Json]:
    return [
        {
            "type": kind,
            "name": name,
            "endpoints": [
                {
                    "id": role_id(f"endpoint {kind}"),
                    "region": place.region,
                    "publicURL": url,
                    "internalURL": url,
                    "adminURL": url,
                }
            ],
            "endpoints_links": [],
        }
        for kind, name, url in _services(place, "v2.0")
    ]


def _services(place: Place, version: str) -> tuple[tuple[str, str, str], ...]:
    return (("identity", "keystone", f"{place.keystone}/{version}"), ("occi", "occi", f"{place.occi}/"))


def error(status: int, message: str) -> Json:
    return {"error": {"code": status, "title": HTTPStatus(status).phrase, "message": message}}


def _project_reference(grant: Grant) -> Json:
    return {"id": project_id(grant.project), "name": grant.project, "domain": DOMAIN_JSON}


def _roles(issued: Issued) -> list[str]:
    if issued.grant is None:
        return []
    if issued.token.principal.limited:
        return [READ_ONLY]
    return sorted(issued.grant.roles | {MEMBER})


def _links(place: Place, path: str) -> Mapping[str, str | None]:
    return {"self": f"{place.keystone}/v3/{quote(path)}", "previous": None, "next": None}


def _micro(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _second(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")
