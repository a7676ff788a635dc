"""What the commands for machines share: the profile, the sites asked, their failures told."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

import click

from hansa.base.errors import Forbidden, HansaError, Unauthenticated
from hansa.base.i18n import _
from hansa.cli.errors import ExitCode
from hansa.cli.output import Row, say
from hansa.client.credentials import shown
from hansa.client.errors import NoCredential, NoSite
from hansa.client.fanout import Failure, Gathered, ask_all
from hansa.client.machines import Machine, choose, machines
from hansa.client.occi import Occi
from hansa.client.profile import Profile, Site, load_profile

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])


def site_option(command: F) -> F:
    """`--site`: only these sites."""
    option = click.option(
        "--site", "sites", multiple=True, help=_("Only this site: a name of the profile, or an address. Repeatable.")
    )
    return option(command)


def profile_of(ctx: click.Context) -> Profile:
    return load_profile(getattr(ctx.obj, "profile", None))


def sites_of(profile: Profile, names: Sequence[str]) -> tuple[Site, ...]:
    """The sites named, or all of the profile. Raises NoSite if that is none."""
    sites = tuple(profile.site(name) for name in names) or profile.sites
    if not sites:
        raise NoSite(
            _("Your profile names no site."),
            next=_("add a [[site]] with name and endpoint to {path}, or give --site https://…").format(
                path=profile.path
            ),
        )
    return sites


def open_site(profile: Profile, site: Site, *, timeout: float = 60.0) -> Occi:
    """A session at a site with the user's proxy, or the token of a login."""
    credential = shown(profile, secure=site.endpoint.startswith("https:"))
    return Occi(site.endpoint, tls=credential.tls, bearer=credential.bearer, timeout=timeout)


def at_site(profile: Profile, site: Site, work: Callable[[Occi], T]) -> T:
    """Do `work` in a session at the site; a refused credential is explained from the proxy's own content."""
    try:
        with open_site(profile, site) as occi:
            return work(occi)
    except NoCredential:
        raise
    except (Unauthenticated, Forbidden) as error:
        raise _explained(error, profile) from error


def _explained(error: HansaError, profile: Profile) -> HansaError:
    from hansa.client.proxy import summarize  # only here: it costs start-up time

    if not profile.paths.proxy.exists():
        return error
    summary = summarize(profile.paths.proxy.read_bytes())
    if summary.not_after <= datetime.now(UTC):
        cause = _("Your proxy expired on {date:%Y-%m-%d %H:%M} UTC.").format(date=summary.not_after)
    elif not summary.acs:
        cause = _("Your proxy carries no VO membership.")
    else:
        return error
    vo = f" --voms {profile.vo}" if profile.vo else ""
    return type(error)(error.message, **{"cause": cause, "next": f"hansa proxy init{vo}", **error.details})


def gather(profile: Profile, sites: Sequence[Site], work: Callable[[Site, Occi], T]) -> Gathered[T]:
    """`work` at every site at once; the slow ones are named."""

    def ask(site: Site) -> T:
        return at_site(profile, site, lambda occi: work(site, occi))

    def on_slow(waiting: Sequence[Site]) -> None:
        say(_("Still waiting for {sites} …").format(sites=", ".join(site.name for site in waiting)))

    return ask_all(sites, ask, deadline=deadline(), on_slow=on_slow)


def deadline() -> float:
    """Seconds that `hansa --deadline` gives slow sites."""
    seconds: float = click.get_current_context().find_root().obj.deadline
    return seconds


def failures(gathered: Gathered[T]) -> list[Row]:
    return [{"site": f.site.name, "code": f.error.code, "message": _reason(f)} for f in gathered.failures]


def tell_failures(gathered: Gathered[T]) -> int:
    """Name the sites that are missing; the exit code that says so."""
    for failure in gathered.failures:
        say(f"{failure.site.name}: {_reason(failure)}")
    if not gathered.failures:
        return ExitCode.OK
    if gathered.answers:
        return ExitCode.PARTIAL
    if isinstance(gathered.failures[0].error, HansaError):
        raise gathered.failures[0].error
    return ExitCode.ERROR


def _reason(failure: Failure) -> str:
    return str(getattr(failure.error, "message", failure.error))


def find(profile: Profile, names: Sequence[str], wanted: str) -> Machine:
    """The machine of that name, identifier or prefix, wherever it is."""
    return find_all(profile, names, [wanted])[0]


def find_all(profile: Profile, names: Sequence[str], wanted: Sequence[str]) -> list[Machine]:
    """As `find`, for several machines; all of them or none."""
    gathered = gather(profile, sites_of(profile, names), machines)
    if gathered.failures and not gathered.answers:
        tell_failures(gathered)
    known = [machine for answer in gathered.answers for machine in answer.value]
    try:
        return [choose(each, known) for each in wanted]
    except HansaError:
        for failure in gathered.failures:
            say(f"{failure.site.name}: {_reason(failure)}")
        raise
