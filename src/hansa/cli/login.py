"""`hansa login`, `logout`, `whoami`, `token`: who you are to the federation and its sites."""

import getpass
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import click

from hansa.base.errors import BadRequest, HansaError
from hansa.base.i18n import _
from hansa.cli.output import Row, emit_one, output_option, say
from hansa.cli.session import deadline, failures, profile_of, site_option, sites_of, tell_failures
from hansa.client.credentials import SCOPE, fresh_login, provider, shown
from hansa.client.errors import NoCredential
from hansa.client.fanout import Gathered, ask_all
from hansa.client.files import remove_private
from hansa.client.logins import Login, Logins, ProxyWish
from hansa.client.oauth import Pending
from hansa.client.profile import Profile, Site
from hansa.client.sites import Standing, standing_at

METHODS = ("proxy", "device")


@click.command(
    help=_(
        "Log in: with your certificate (a VOMS proxy), or in a browser on any device. "
        "Renewed by itself as long as the certificate or the login lasts."
    )
)
@click.option(
    "--method",
    type=click.Choice(METHODS),
    help=_("Certificate or browser; by default the certificate if you have one."),
)
@click.option(
    "--voms", "vos", multiple=True, help=_("A VO, or vo:/vo/group/Role=role; default: the profile's VO. Repeatable.")
)
@click.option(
    "--hours", type=click.IntRange(1, 168), default=12, show_default=True, help=_("How long the proxy lasts.")
)
@click.pass_context
def login(ctx: click.Context, method: str | None, vos: tuple[str, ...], hours: int) -> None:
    profile = profile_of(ctx)
    chosen = method or _best(profile)
    if chosen == "device":
        return _by_device(profile)
    return _by_certificate(profile, vos or ((profile.vo,) if profile.vo else ()), hours)


def _best(profile: Profile) -> str:
    paths = profile.paths
    has_certificate = paths.user_cert.exists() or paths.user_cert.with_name("usercred.p12").exists()
    if has_certificate:
        return "proxy"
    if profile.federation:
        return "device"
    raise NoCredential(
        _("There is no certificate {path}, and your profile names no federation to log in at.").format(
            path=paths.user_cert
        ),
        next=_("put your certificate into ~/.globus, or add [federation] with its url to {path}").format(
            path=profile.path
        ),
    )


def _by_certificate(profile: Profile, vos: tuple[str, ...], hours: int) -> None:
    from hansa.client.login import Wish, load_user, make_proxy, memberships, owner  # only here: it costs start-up time

    paths = profile.paths
    issuer = load_user(paths.user_cert, paths.user_key, _passphrase)
    say(_("You are {name}.").format(name=owner(issuer).slash()))
    wish = Wish(memberships=memberships(vos), lifetime=timedelta(hours=hours))
    made = make_proxy(wish, issuer, paths, paths.proxy, lambda _step, _text, _server: None)
    Logins(paths.state).keep_proxy(ProxyWish(vos, hours))
    end = min(certificate.not_valid_after_utc for certificate in made.chain)
    say(_("Logged in until {end:%Y-%m-%d %H:%M %Z}.").format(end=end.astimezone()))


def _passphrase() -> str:
    return getpass.getpass(_("Passphrase of your key: "))


def _by_device(profile: Profile) -> None:
    oauth = provider(profile)
    pending = oauth.start(SCOPE, _now())
    _invite(pending)
    made = oauth.wait(pending, _now)
    Logins(profile.paths.state).keep(made)
    say(_("Logged in at {issuer}.").format(issuer=made.issuer))
    name = oauth.userinfo(made).get("name")
    if isinstance(name, str):
        say(_("Hello, {name}.").format(name=name))


def _invite(pending: Pending) -> None:
    say(_("Open {page} in a browser, on any device, and enter the code:").format(page=pending.page))
    say(f"\n    {pending.user_code}\n")
    if pending.address:
        say(_("Or open this address, and compare the code: {address}").format(address=pending.address))
    say(_("Waiting until {end:%H:%M} …").format(end=pending.ends.astimezone()))


@click.command(help=_("Log out: end the login at its provider, and remove proxy and tokens from this computer."))
@click.pass_context
def logout(ctx: click.Context) -> None:
    profile = profile_of(ctx)
    logins = Logins(profile.paths.state)
    ended = [_end_login(profile, logins, each) for each in logins.all()]
    logins.keep_proxy(None)
    try:
        remove_private(profile.paths.proxy)
        ended.append(_("Removed {path}.").format(path=profile.paths.proxy))
    except FileNotFoundError:
        pass
    for line in ended or [_("You were not logged in.")]:
        say(line)


def _end_login(profile: Profile, logins: Logins, kept: Login) -> str:
    """The tokens go from here whatever the provider says."""
    logins.forget(kept.issuer)
    try:
        told = profile.federation is not None and kept.issuer == profile.federation.issuer
        if told and provider(profile).revoke(kept):
            return _("Logged out at {issuer}.").format(issuer=kept.issuer)
    except HansaError as error:
        return _("The tokens of {issuer} are removed, but it could not be told: {reason}").format(
            issuer=kept.issuer, reason=error.message
        )
    return _("The tokens of {issuer} are removed; it was not told.").format(issuer=kept.issuer)


@click.command(help=_("Print an access token, renewed if need be: for curl, for other programs (fedcloud, rclone …)."))
@click.pass_context
def token(ctx: click.Context) -> None:
    click.echo(fresh_login(profile_of(ctx), _now()).access)


@click.command(help=_("Who you are: your proxy, your login, and what each site takes you for."))
@site_option
@click.option("--offline", is_flag=True, help=_("Ask nobody; say what is on this computer."))
@output_option
@click.pass_context
def whoami(ctx: click.Context, sites: tuple[str, ...], offline: bool, output: str) -> int:
    profile = profile_of(ctx)
    row = {**_of_proxy(profile), **_of_login(profile, offline=offline)}
    if not row:
        raise NoCredential(_("You are not logged in."), next="hansa login")
    if offline or not (sites or profile.sites):
        emit_one(row, output)
        return 0
    gathered = _ask_sites(profile, sites_of(profile, sites))
    known = [_at_site(answer.site, answer.value) for answer in gathered.answers]
    if output == "table":
        row |= {f"at {each['site']}": _sentence(each) for each in known}
    else:
        row |= {"sites": known, "errors": failures(gathered)}
    emit_one(row, output)
    return tell_failures(gathered)


def _ask_sites(profile: Profile, sites: tuple[Site, ...]) -> Gathered[Standing]:
    def ask(site: Site) -> Standing:
        return standing_at(site, shown(profile, secure=site.endpoint.startswith("https:")))

    return ask_all(sites, ask, deadline=deadline())


def _at_site(site: Site, standing: Standing) -> Row:
    return {
        "site": site.name,
        "user": standing.user,
        "project": standing.project,
        "roles": list(standing.roles),
        "expires": standing.expires,
    }


def _sentence(row: Row) -> str:
    roles = ", ".join(row["roles"])
    return _("{user} in project {project} ({roles})").format(user=row["user"], project=row["project"], roles=roles)


def _of_proxy(profile: Profile) -> Mapping[str, Any]:
    path = profile.paths.proxy
    if not path.exists():
        return {}
    from hansa.client.proxy import summarize  # only here: it costs start-up time

    summary = summarize(path.read_bytes())
    found: dict[str, Any] = {"certificate": summary.identity.slash(), "proxy until": summary.not_after.isoformat()}
    if summary.not_after <= _now():
        found["proxy"] = _("expired")
    for ac in summary.acs:
        found[ac.vo] = " ".join(str(fqan) for fqan in ac.fqans)
    return found


def _of_login(profile: Profile, *, offline: bool) -> Mapping[str, Any]:
    if profile.federation is None or (kept := Logins(profile.paths.state).of(profile.federation.issuer)) is None:
        return {}
    found: dict[str, Any] = {"issuer": kept.issuer, "token until": kept.expires.isoformat()}
    if offline:
        return found
    try:
        fresh = fresh_login(profile, _now())
        claims = provider(profile).userinfo(fresh)
    except BadRequest:
        raise
    except HansaError as error:
        return {**found, "login": error.message}
    found["token until"] = fresh.expires.isoformat()
    names = {"sub": "subject", "name": "name", "preferred_username": "login name", "email": "e-mail"}
    found |= {shown_as: claims[claim] for claim, shown_as in names.items() if isinstance(claims.get(claim), str)}
    groups = claims.get("eduperson_entitlement") or claims.get("entitlements") or claims.get("wlcg.groups")
    return found | ({"groups": groups} if groups else {})


def _now() -> datetime:
    return datetime.now(UTC)
