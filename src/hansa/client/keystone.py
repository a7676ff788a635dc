"""Signing on at a Keystone: VOMS proxy (v3 federation, v2.0), access token of an OpenID Provider (v3) or password (v3, v2.0).

The flows are those of the clients that the federation's sites were tested with: an unauthenticated request gives 401 and
`WWW-Authenticate: Keystone uri='…'`; the root there lists versions; an unscoped token lists the projects; a token scoped
to one of them goes along as `X-Auth-Token`.
"""

import json
import re
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

from hansa.base.errors import BackendDown, HansaError, Unauthenticated
from hansa.base.i18n import _
from hansa.client.errors import BadReply
from hansa.client.http import Http, Reply

_CHALLENGE = re.compile(r"""^\s*(?:Keystone|snf-auth)\s+uri=(["'])([^"']+)\1""", re.IGNORECASE)
_MAX_PROJECTS = 50


@dataclass(frozen=True, slots=True)
class Password:
    """A user name and password, for sites without certificates. `domain` is the name of the user's Keystone domain."""

    username: str
    password: str = field(repr=False)
    domain: str = "Default"


@dataclass(frozen=True, slots=True)
class Bearer:
    """An access token of an OpenID Provider, and under which names the Keystone knows the provider and the protocol."""

    token: str = field(repr=False)
    provider: str = "egi.eu"
    protocol: str = "openid"


Login = Password | Bearer


@dataclass(frozen=True, slots=True)
class Issued:
    """A scoped token and what Keystone says of it: `token` of v3 or `access` of v2.0."""

    id: str = field(repr=False)
    version: int
    about: Mapping[str, Any] = field(repr=False)


def keystone_of(reply: Reply) -> str | None:
    """The Keystone address in a 401 answer's challenge."""
    for name, value in reply.headers:
        if name.lower() == "www-authenticate" and (match := _CHALLENGE.match(value)):
            return match[2]
    return None


def tokens(
    root: str, *, tls: ssl.SSLContext | None, timeout: float, project: str | None = None, login: Login | None = None
) -> Iterator[str]:
    """As `sign_ons`, without what Keystone says of the tokens."""
    for issued in sign_ons(root, tls=tls, timeout=timeout, project=project, login=login):
        yield issued.id


def sign_ons(
    root: str, *, tls: ssl.SSLContext | None, timeout: float, project: str | None = None, login: Login | None = None
) -> Iterator[Issued]:
    """Scoped tokens, one for each project we may use, best guess first; the caller tries them until one is welcome.

    `project` chooses one by name or id. Without `login` the certificate of `tls` proves who we are. Raises Unauthenticated
    when Keystone refuses, BadReply when it talks nonsense.
    """
    with Http(root, tls=tls, timeout=timeout) as http:
        refusals: list[HansaError] = []
        for version, path in _versions(http, urlsplit(root).path):
            try:
                if version == 3:
                    yield from _v3(http, path, project, login)
                else:
                    yield from _v2(http, path, project, login)
            except (Unauthenticated, BadReply, BackendDown) as error:
                refusals.append(error)
                continue
            return
        if refusals:
            raise refusals[0 if isinstance(login, Bearer) else -1]
        raise BadReply(_("The Keystone at {root} offers no version that we know.").format(root=root))


def _versions(http: Http, path: str) -> list[tuple[int, str]]:
    """Major versions and their paths, newest first. The paths are the host's own, whatever host the links name."""
    trimmed = re.sub(r"/v[23](\.\d+)?/?$", "", path).rstrip("/")
    reply = http.request("GET", f"{trimmed}/", headers={"Accept": "application/json"})
    document = _json(reply, allowed=(200, 300)) if reply.status in (200, 300) else {}
    listed = document.get("versions", document.get("version", {}))
    values = listed.get("values", [listed]) if isinstance(listed, dict) else listed
    found = {}
    for entry in values if isinstance(values, list) else []:
        identifier = str(entry.get("id", "")) if isinstance(entry, dict) else ""
        if identifier.startswith("v3"):
            found[3] = f"{trimmed}/v3"
        elif identifier.startswith("v2"):
            found[2] = f"{trimmed}/v2.0"
    return sorted((found or {3: f"{trimmed}/v3", 2: f"{trimmed}/v2.0"}).items(), reverse=True)


def _v3(http: Http, base: str, project: str | None, login: Login | None) -> Iterator[Issued]:
    unscoped = _unscoped_v3(http, base, login)
    listing = _json(http.request("GET", f"{base}/auth/projects", headers={"X-Auth-Token": unscoped}))
    for identifier in _choose(listing.get("projects"), project):
        wish = {
            "auth": {
                "identity": {"methods": ["token"], "token": {"id": unscoped}},
                "scope": {"project": {"id": identifier}},
            }
        }
        reply = _post(http, f"{base}/auth/tokens", wish)
        yield Issued(_subject_token(reply), 3, _json(reply, allowed=(200, 201)).get("token", {}))


def _unscoped_v3(http: Http, base: str, login: Login | None) -> str:
    if isinstance(login, Password):
        user = {"name": login.username, "domain": {"name": login.domain}, "password": login.password}
        proof = {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}, "scope": "unscoped"}}
        return _subject_token(_post(http, f"{base}/auth/tokens", proof))
    provider, protocol = (login.provider, login.protocol) if login else ("egi.eu", "mapped")
    target = f"{base}/OS-FEDERATION/identity_providers/{quote(provider)}/protocols/{quote(protocol)}/auth"
    headers = {"Authorization": f"Bearer {login.token}"} if login else {}
    return _subject_token(http.request("POST", target, body=b"", headers=headers))


def _v2(http: Http, base: str, project: str | None, login: Login | None) -> Iterator[Issued]:
    if isinstance(login, Bearer):
        raise Unauthenticated(_("{origin}: the v2.0 interface takes no access tokens.").format(origin=http.origin))
    proof: dict[str, Any] = {"voms": True}
    if login is not None:
        proof = {"passwordCredentials": {"username": login.username, "password": login.password}}
    unscoped = _access_token(_post(http, f"{base}/tokens", {"auth": proof})).id
    listing = _json(http.request("GET", f"{base}/tenants", headers={"X-Auth-Token": unscoped}))
    for name in _choose(listing.get("tenants"), project, key="name"):
        yield _access_token(_post(http, f"{base}/tokens", {"auth": {**proof, "tenantName": name}}))


def _choose(entries: object, wanted: str | None, key: str = "id") -> list[str]:
    found = [
        str(entry[key])
        for entry in (entries if isinstance(entries, list) else [])[:_MAX_PROJECTS]
        if isinstance(entry, dict)
        and key in entry
        and (wanted is None or wanted in (entry.get("id"), entry.get("name")))
    ]
    if not found:
        raise Unauthenticated(
            _("Keystone knows no project that you may use."), cause=_("The site does not serve your VO or group.")
        )
    return found


def _post(http: Http, target: str, document: Mapping[str, Any]) -> Reply:
    return http.request(
        "POST",
        target,
        body=json.dumps(document).encode(),
        headers={"Content-Type": "application/json", "Accept": "application/json"},
    )


def _subject_token(reply: Reply) -> str:
    _check(reply, (200, 201))
    token = reply.header("X-Subject-Token")
    if not token:
        raise BadReply(_("Keystone answered without a token."))
    return token


def _access_token(reply: Reply) -> Issued:
    try:
        access = _json(reply)["access"]
        return Issued(str(access["token"]["id"]), 2, access)
    except (KeyError, TypeError):
        raise BadReply(_("Keystone answered without a token.")) from None


def _json(reply: Reply, allowed: tuple[int, ...] = (200, 203)) -> dict[str, Any]:
    _check(reply, allowed)
    try:
        document = json.loads(reply.body)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise BadReply(_("Keystone's answer is not a JSON object."))
    return document


def _check(reply: Reply, allowed: tuple[int, ...]) -> None:
    if reply.status in allowed:
        return
    if reply.status in (400, 401, 403, 404):
        raise Unauthenticated(_("Keystone refuses: {reason}.").format(reason=_reason(reply)))
    raise BackendDown(_("Keystone fails: {reason}.").format(reason=_reason(reply)))


def _reason(reply: Reply) -> str:
    try:
        message = json.loads(reply.body)["error"]["message"]
    except (ValueError, KeyError, TypeError, RecursionError):
        message = reply.reason
    return f"{reply.status} {str(message)[:300].rstrip('.')}"
