"""What a site's Keystone takes the user for, and the tokens it gives."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from hansa.base.errors import Unauthenticated
from hansa.base.i18n import _
from hansa.client.credentials import Shown
from hansa.client.errors import BadReply
from hansa.client.http import Http
from hansa.client.keystone import Bearer, Issued, Password, keystone_of, sign_ons
from hansa.client.profile import Site


@dataclass(frozen=True, slots=True)
class Standing:
    """As Keystone says it; `expires` is its own time stamp."""

    user: str
    project: str
    project_id: str
    domain: str
    roles: tuple[str, ...]
    expires: str
    token: Issued


def keystone_root(site: Site, credential: Shown, *, timeout: float = 30.0) -> str:
    """The site's Keystone: as the profile says, else as its OCCI service tells who shows nothing. Raises BadReply."""
    if site.keystone:
        return site.keystone
    with Http(site.endpoint, tls=credential.anonymous, timeout=timeout) as http:
        root = keystone_of(http.request("GET", f"{urlsplit(site.endpoint).path.rstrip('/')}/-/"))
    if root is None:
        raise BadReply(
            _("{site} does not say where its Keystone is.").format(site=site.name),
            next=_("add “keystone” to the site in your profile"),
        )
    return root


def sign_on(site: Site, credential: Shown, *, project: str | None = None, login: Password | None = None) -> Issued:
    """A token scoped to a project, by default the one that Keystone names first. Raises Unauthenticated."""
    root = keystone_root(site, credential)
    bearer = Bearer(credential.bearer, site.provider, site.protocol) if credential.bearer else None
    for issued in sign_ons(root, tls=credential.tls, timeout=30.0, project=project, login=login or bearer):
        return issued
    raise Unauthenticated(_("Keystone knows no project that you may use."))


def standing_at(
    site: Site, credential: Shown, *, project: str | None = None, login: Password | None = None
) -> Standing:
    """Sign on and read what Keystone says of it. Raises Unauthenticated, BadReply."""
    issued = sign_on(site, credential, project=project, login=login)
    try:
        return _v3(issued) if issued.version == 3 else _v2(issued)
    except (KeyError, TypeError, IndexError):
        raise BadReply(_("The Keystone of {site} answers nonsense.").format(site=site.name)) from None


def _v3(issued: Issued) -> Standing:
    about = issued.about
    project = about["project"]
    domain = project["domain"]["name"]
    return Standing(
        str(about["user"]["name"]),
        str(project["name"]),
        str(project["id"]),
        str(domain),
        _names(about["roles"]),
        str(about["expires_at"]),
        issued,
    )


def _v2(issued: Issued) -> Standing:
    token, user = issued.about["token"], issued.about["user"]
    tenant = token["tenant"]
    return Standing(
        str(user["name"]),
        str(tenant["name"]),
        str(tenant["id"]),
        "Default",
        _names(user["roles"]),
        str(token["expires"]),
        issued,
    )


def _names(roles: Sequence[Any]) -> tuple[str, ...]:
    return tuple(str(role["name"]) for role in roles)
