"""The identity API v2.0 as keystone-voms spoke it, put into words of v3 and back. Keystone itself dropped it in 2018.

Only what a client with a proxy says: `{"auth": {"voms": true}}`, a token in exchange for another, and the list of tenants.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from hansa.base.errors import BadRequest, Unauthenticated
from hansa.site.identity.model import Reason

Json = dict[str, Any]
TOKEN_MAX = 16 * 1024


@dataclass(frozen=True, slots=True)
class Wish:
    """`token` None: the proof is the proxy. `tenant`: name or identifier of a project; None asks for an unscoped token."""

    token: str | None
    tenant: str | None


def parse(body: bytes) -> Wish:
    """The body of `POST /v2.0/tokens`. Raises BadRequest."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadRequest("The body is not JSON.") from error
    auth = document.get("auth") if isinstance(document, dict) else None
    if not isinstance(auth, dict):
        raise BadRequest('The body must be {"auth": …}.')
    tenant = auth.get("tenantId") or auth.get("tenantName")
    if tenant is not None and not isinstance(tenant, str):
        raise BadRequest("tenantId and tenantName must be text.")
    return Wish(_token(auth), tenant)


def _token(auth: Json) -> str | None:
    if "voms" in auth:
        if auth["voms"] is not True:
            raise BadRequest("Error in JSON, 'voms' must be set to true.")
        return None
    shown = auth.get("token")
    identifier = shown.get("id") if isinstance(shown, dict) else None
    if not isinstance(identifier, str) or not _is_token(identifier):
        raise BadRequest('Version 2.0 takes {"voms": true} or a token here; passwords go to version 3.')
    return identifier


def _is_token(text: str) -> bool:
    """Fit for a header."""
    return 0 < len(text) <= TOKEN_MAX and all(0x20 < ord(character) < 0x7F for character in text)


def exchange(token: str, scope: Json | None) -> bytes:
    """The body of `POST /v3/auth/tokens`."""
    auth: Json = {"identity": {"methods": ["token"], "token": {"id": token}}}
    return orjson.dumps({"auth": auth | ({"scope": scope} if scope else {})})


def chosen(projects: Json, tenant: str) -> str:
    """The identifier of that project among those of `GET /v3/auth/projects`. Raises Unauthenticated."""
    for project in projects["projects"]:
        if tenant in (project["id"], project["name"]):
            return str(project["id"])
    raise Unauthenticated("You have no part in that tenant.", reason=Reason.FOREIGN_PROJECT.value)


def tenants(projects: Json) -> Json:
    return {"tenants": [_tenant(each) for each in projects["projects"]], "tenants_links": []}


def access(answer: Json, identifier: str) -> Json:
    """The answer of version 2.0 that says what `answer` of version 3 says of the token `identifier`."""
    token = answer["token"]
    user, roles, project = token["user"], token.get("roles", []), token.get("project")
    shown: Json = {
        "id": identifier,
        "issued_at": token["issued_at"],
        "expires": token["expires_at"].partition(".")[0].rstrip("Z") + "Z",
        "audit_ids": token.get("audit_ids", []),
    }
    return {
        "access": {
            "token": shown | ({"tenant": _tenant(project)} if project else {}),
            "user": {
                "id": user["id"],
                "name": user["name"],
                "username": user["name"],
                "roles": [{"name": role["name"]} for role in roles],
                "roles_links": [],
            },
            "serviceCatalog": [_service(each) for each in token.get("catalog", [])],
            "metadata": {"is_admin": 0, "roles": [role["id"] for role in roles]},
        }
    }


def version(public_url: str) -> Json:
    links = [{"rel": "self", "href": f"{public_url}/v2.0/"}]
    media = [{"base": "application/json", "type": "application/vnd.openstack.identity-v2.0+json"}]
    return {"version": {"id": "v2.0", "status": "deprecated", "links": links, "media-types": media}}


def _tenant(project: Mapping[str, Any]) -> Json:
    description = project.get("description") or ""
    return {"id": project["id"], "name": project["name"], "description": description, "enabled": True}


def _service(service: Json) -> Json:
    """Version 2.0 has one entry a region, with an address for each interface."""
    regions: dict[str, Json] = {}
    for endpoint in service["endpoints"]:
        entry = regions.setdefault(
            endpoint.get("region") or "", {"region": endpoint.get("region"), "id": endpoint["id"]}
        )
        entry[f"{endpoint['interface']}URL"] = endpoint["url"]
    name = service.get("name", service["type"])
    return {"type": service["type"], "name": name, "endpoints": list(regions.values()), "endpoints_links": []}
