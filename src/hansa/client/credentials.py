"""What the user shows to a site: the proxy if there is a good one, else the token of a login, both renewed silently.

Renewal happens only for what `hansa login` made: it knows which proxy or token the user wanted, and asks nothing.
"""

import ssl
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path

from hansa.base.errors import HansaError
from hansa.base.i18n import _
from hansa.client.errors import NoCredential
from hansa.client.files import read_private
from hansa.client.http import tls_context
from hansa.client.logins import Login, Logins
from hansa.client.oauth import OAuth
from hansa.client.profile import Federation, Profile

SCOPE = "openid profile email offline_access eduperson_entitlement"
"""What `hansa login` asks a provider for; providers give of it what they know."""
RENEW_PROXY = timedelta(minutes=10)
"""A proxy with less to live is made anew before it is used."""


@dataclass(frozen=True, slots=True)
class Shown:
    """How to speak with a site: the TLS context, one without our certificate, and the access token to show beside it."""

    tls: ssl.SSLContext | None
    anonymous: ssl.SSLContext | None = None
    bearer: str | None = field(default=None, repr=False)


def shown(profile: Profile, *, secure: bool = True) -> Shown:
    """The user's credential. Raises NoCredential when there is none; `secure=False`: for a site without TLS, none is shown."""
    if not secure:
        return Shown(None)
    now = datetime.now(UTC)
    paths = profile.paths
    anonymous = _context(paths.certificates, None, 0)
    logins = Logins(paths.state)
    has_token = profile.federation is not None and logins.of(profile.federation.issuer) is not None
    if paths.proxy.exists():
        _renew_proxy(profile, logins, now)
        if not has_token or _end(paths.proxy) > now:
            read_private(paths.proxy)  # refuses one that others may read
            return Shown(_context(paths.certificates, paths.proxy, _stamp(paths.proxy)), anonymous)
    if has_token:
        login = fresh_login(profile, now)
        return Shown(anonymous, anonymous, login.access)
    raise NoCredential(
        _("You have no proxy at {path}.").format(path=paths.proxy),
        next="hansa login"
        if profile.federation
        else "hansa proxy init" + (f" --voms {profile.vo}" if profile.vo else ""),
    )


def fresh_login(profile: Profile, now: datetime) -> Login:
    """The login at the issuer of the profile, renewed if need be. Raises NoCredential, LoginRefused."""
    federation = federation_of(profile)
    oauth = provider(profile)
    return Logins(profile.paths.state).fresh(federation.issuer, lambda old: oauth.refresh(old, now), now)


def provider(profile: Profile) -> OAuth:
    """The issuer of the profile. Raises NoCredential if it names none."""
    federation = federation_of(profile)
    return OAuth(federation.issuer, federation.client, tls=provider_tls(profile))


def provider_tls(profile: Profile, *, proxy: Path | None = None) -> ssl.SSLContext:
    """For the federation's web interface and the issuer."""
    of_grid = federation_of(profile).trust == "grid"
    return tls_context(certificates=profile.paths.certificates if of_grid else None, proxy=proxy)


def federation_of(profile: Profile) -> Federation:
    """Raises NoCredential if the profile names no federation."""
    if profile.federation is None:
        raise NoCredential(
            _("Your profile names no federation to log in at."),
            next=_("add [federation] with its url to {path}, or use a certificate: hansa proxy init").format(
                path=profile.path
            ),
        )
    return profile.federation


def _renew_proxy(profile: Profile, logins: Logins, now: datetime) -> None:
    """Make the proxy of `hansa login` anew when it is about to end; failing that, the old one must do."""
    wish = logins.proxy
    if wish is None or _end(profile.paths.proxy) > now + RENEW_PROXY:
        return
    from hansa.client.login import Wish, load_user, make_proxy, memberships  # only here: it costs start-up time

    with suppress(HansaError):
        issuer = load_user(profile.paths.user_cert, profile.paths.user_key, _no_passphrase)
        lifetime = timedelta(hours=wish.hours)
        made = Wish(memberships=memberships(wish.vos), lifetime=lifetime)
        make_proxy(made, issuer, profile.paths, profile.paths.proxy, lambda _step, _text, _server: None)


def _no_passphrase() -> str:
    raise NoCredential(_("The key has a passphrase."), next="hansa login")


def _end(proxy: Path) -> datetime:
    """When the proxy's last certificate ends; the distant past if it cannot be read."""
    from hansa.client.proxy import summarize  # only here: it costs start-up time
    from hansa.standards.errors import StandardError

    try:
        return summarize(read_private(proxy)).not_after
    except (StandardError, NoCredential):
        return datetime.min.replace(tzinfo=UTC)


def _stamp(path: Path) -> int:
    return path.stat().st_mtime_ns


@lru_cache(maxsize=8)
def _context(certificates: Path, proxy: Path | None, _stamp: int) -> ssl.SSLContext:
    return tls_context(certificates=certificates, proxy=proxy)
