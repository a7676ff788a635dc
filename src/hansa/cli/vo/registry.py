"""Where the commands find the registry, and whom they mean by WHO."""

import getpass
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from hansa.base.errors import BadRequest
from hansa.base.i18n import _
from hansa.cli.federation import load_config
from hansa.cli.session import profile_of
from hansa.client.files import read_private
from hansa.client.http import Http, tls_context
from hansa.client.logins import Logins
from hansa.client.oauth import OAuth
from hansa.client.profile import Federation, Profile
from hansa.client.registry import MAX_ANSWER, Registry, RemoteRegistry, pages
from hansa.federation.config import FederationConfig
from hansa.federation.membership.errors import NoSuchMember
from hansa.standards.x509 import Name

UID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

vo_argument = click.argument("vo")
who_argument = click.argument("who")


def config() -> FederationConfig:
    return load_config(click.get_current_context().meta["config_file"])


@contextmanager
def registry() -> Iterator[Registry]:
    """The API at `--url`; else the database, if its configuration is named or in its place; else the profile's federation."""
    context = click.get_current_context()
    profile = profile_of(context)
    url, given, path = context.meta["url"], context.meta["config_given"], Path(context.meta["config_file"])
    federation = Federation(url, url) if url else profile.federation
    if url is None and (given or path.exists() or federation is None):
        from hansa.federation.console import Console  # only here: it brings the whole federation along

        with Console(config(), getpass.getuser()) as console:
            yield console
        return
    assert federation is not None
    with _remote(profile, federation) as remote:
        yield remote


def _remote(profile: Profile, federation: Federation) -> RemoteRegistry:
    """By the proxy, if there is one; else by the token of `hansa login`."""
    paths = profile.paths
    certificates = paths.certificates if federation.trust == "grid" else None
    if paths.proxy.exists():
        read_private(paths.proxy)  # refuses one that others may read
        context = tls_context(certificates=certificates, proxy=paths.proxy)
        return RemoteRegistry(Http(federation.url, tls=context, max_body=MAX_ANSWER))
    context, now = tls_context(certificates=certificates), datetime.now(UTC)
    oauth = OAuth(federation.issuer, federation.client, tls=context)
    login = Logins(paths.state).fresh(federation.issuer, lambda held: oauth.refresh(held, now), now)
    return RemoteRegistry(Http(federation.url, tls=context, max_body=MAX_ANSWER), login.access)


def uid_of(api: Registry, vo: str, who: str) -> str:
    """The uid of a member. Raises NoSuchMember, BadRequest if several fit."""
    if who == "me" or UID.fullmatch(who):
        return who
    members = f"/vos/{vo}/members"
    if re.fullmatch(r"[0-9]{1,9}", who):
        number = int(who)
        found = api.ask("GET", members, limit=1, after=max(number - 1, 0))["items"]
        found = [each for each in found if each["id"] == number]
    else:
        name = Name.parse(who)
        words = (name.last_common_name or name.slash())[:200]
        found = [each for each in pages(api, members, search=words) if name.slash() in _names(each)]
    if not found:
        raise NoSuchMember(f"{who} is not a member of {vo}.")
    if len(found) > 1:
        raise BadRequest(_("Several members have that subject, from different authorities; give the member's number."))
    return str(found[0]["person"]["uid"])


def _names(member: Any) -> set[str]:
    return {each["dn"] for each in member["credentials"]}


def day(text: datetime | None) -> str | None:
    """A day that an option gives, as the API takes it."""
    return text.date().isoformat() if text else None
