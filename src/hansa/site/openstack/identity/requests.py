"""What clients send to sign on, read strictly: untrusted JSON in, a `Wish` out; BadRequest for everything else."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from hansa.base.errors import BadRequest, TooLarge

MAX_BYTES = 65_536
DOMAIN = "default"
"""Id of the domain of v2.0, and of whoever names none."""


@dataclass(frozen=True, slots=True)
class ByCertificate:
    """The proxy of the TLS connection."""

    method = "mapped"


@dataclass(frozen=True, slots=True)
class DomainScope:
    """Which domain, by id or by name."""

    id: str | None = None
    name: str | None = None


_DEFAULT = DomainScope(id=DOMAIN)


@dataclass(frozen=True, slots=True)
class ByPassword:
    """A user, by id or by name in a domain."""

    password: bytes = field(repr=False)
    name: str | None = None
    id: str | None = None
    domain: DomainScope = _DEFAULT
    method = "password"


@dataclass(frozen=True, slots=True)
class ByToken:
    text: str = field(repr=False)
    method = "token"


@dataclass(frozen=True, slots=True)
class ByApplication:
    """An application credential, by its id or by its user (as `ByPassword` names one) and its name."""

    secret: bytes = field(repr=False)
    id: str | None = None
    name: str | None = None
    user: ByPassword | None = None
    method = "application_credential"


Proof = ByCertificate | ByPassword | ByToken | ByApplication


@dataclass(frozen=True, slots=True)
class ProjectScope:
    """Which project, by id or by name in a domain."""

    id: str | None = None
    name: str | None = None
    domain: DomainScope | None = None


@dataclass(frozen=True, slots=True)
class SystemScope:
    """The whole system."""


@dataclass(frozen=True, slots=True)
class TrustScope:
    """The project of that trust, for its trustee."""

    id: str


Wanted = ProjectScope | DomainScope | SystemScope


@dataclass(frozen=True, slots=True)
class Wish:
    """A token for that project or domain, or the system. Without one it is for the user's default project; `is_unscoped`: not
    even for that."""

    proof: Proof
    wanted: Wanted | TrustScope | None = None
    is_unscoped: bool = False


def parse_v3(body: bytes) -> Wish:
    """`POST /v3/auth/tokens`."""
    auth = _object(_document(body), "auth")
    identity = _object(auth, "identity")
    methods = identity.get("methods")
    if methods == ["token"]:
        return Wish(ByToken(_text(_object(identity, "token"), "id")), *_v3_scope(auth))
    if methods == ["password"]:
        return Wish(_v3_user(_object(_object(identity, "password"), "user")), *_v3_scope(auth))
    if methods == ["application_credential"]:
        return Wish(_v3_application(_object(identity, "application_credential")), *_v3_scope(auth))
    raise BadRequest('"methods" must be one of "password", "token" and "application_credential".', field="methods")


def parse_v2(body: bytes) -> Wish:
    """`POST /v2.0/tokens`, with the `voms` of keystone-voms."""
    auth = _object(_document(body), "auth")
    project = None
    if "tenantId" in auth or "tenantName" in auth:
        key = "tenantId" if "tenantId" in auth else "tenantName"
        by_id = key == "tenantId"
        project = ProjectScope(id=_text(auth, key)) if by_id else ProjectScope(name=_text(auth, key), domain=_DEFAULT)
    if "voms" in auth:
        if auth["voms"] is not True:
            raise BadRequest("Error in JSON, 'voms' must be set to true", field="voms")
        return Wish(ByCertificate(), project)
    if "passwordCredentials" in auth:
        given = _object(auth, "passwordCredentials")
        password = _text(given, "password").encode()
        if "userId" in given:
            return Wish(ByPassword(password, id=_text(given, "userId")), project)
        return Wish(ByPassword(password, name=_text(given, "username")), project)
    if "token" in auth:
        return Wish(ByToken(_text(_object(auth, "token"), "id")), project)
    raise BadRequest('"auth" must hold "voms", "passwordCredentials" or "token".', field="auth")


def _v3_user(user: Mapping[str, Any]) -> ByPassword:
    password = _text(user, "password").encode()
    if "id" in user:
        return ByPassword(password, id=_text(user, "id"))
    return ByPassword(password, name=_text(user, "name"), domain=_domain(user))


def _v3_application(given: Mapping[str, Any]) -> ByApplication:
    secret = _text(given, "secret").encode()
    if "id" in given:
        return ByApplication(secret, id=_text(given, "id"))
    user = {**_object(given, "user"), "password": ""}
    return ByApplication(secret, name=_text(given, "name"), user=_v3_user(user))


def _v3_scope(auth: Mapping[str, Any]) -> tuple[Wanted | TrustScope | None, bool]:
    """What is wanted, and whether nothing is, expressly."""
    scope = auth.get("scope")
    if scope is None:
        return None, False
    if scope == "unscoped" or scope == {"unscoped": {}}:
        return None, True
    if not isinstance(scope, dict) or len(scope) != 1:
        raise BadRequest('"scope" must be an object with one member.', field="scope")
    if "system" in scope:
        if _object(scope, "system").get("all") is not True:
            raise BadRequest('"system" must be {"all": true}.', field="scope")
        return SystemScope(), False
    if "domain" in scope:
        return _domain(scope), False
    if "OS-TRUST:trust" in scope:
        return TrustScope(_text(_object(scope, "OS-TRUST:trust"), "id")), False
    project = _object(scope, "project")
    if "id" in project:
        return ProjectScope(id=_text(project, "id")), False
    return ProjectScope(name=_text(project, "name"), domain=_domain(project)), False


def _domain(owner: Mapping[str, Any]) -> DomainScope:
    domain = _object(owner, "domain")
    return DomainScope(id=_text(domain, "id")) if "id" in domain else DomainScope(name=_text(domain, "name"))


def _document(body: bytes) -> Mapping[str, Any]:
    if len(body) > MAX_BYTES:
        raise TooLarge(f"A sign-on may have {MAX_BYTES} bytes.")
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise BadRequest("The body is not JSON.", field="") from None
    if not isinstance(document, dict):
        raise BadRequest("The body is not a JSON object.", field="")
    return document


def _object(parent: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = parent.get(name)
    if not isinstance(value, dict):
        raise BadRequest(f'"{name}" is missing, or is no object.', field=name)
    return value


def _text(parent: Mapping[str, Any], name: str) -> str:
    value = parent.get(name)
    if not isinstance(value, str):
        raise BadRequest(f'"{name}" is missing, or is no text.', field=name)
    return value
