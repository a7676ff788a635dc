"""`hansa vm delete`."""

import sys
from functools import partial

import click

from hansa.base.i18n import _
from hansa.cli.output import printable, say
from hansa.cli.session import at_site, find_all, profile_of, site_option
from hansa.cli.vm.ssh import known_hosts_of
from hansa.cli.vm.wait import wait_until_gone
from hansa.client.occi import Occi


@click.command(help=_("Delete machines with their disks, for ever."))
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.option("-y", "--yes", is_flag=True, help=_("Do not ask."))
@click.option("--wait", is_flag=True, help=_("Return when they are gone."))
@click.option("--timeout", type=float, default=300.0, show_default=True, help=_("Seconds to wait."))
@click.option("--dry-run", is_flag=True, help=_("Only say what would be deleted."))
@site_option
@click.pass_context
def delete(
    ctx: click.Context,
    names: tuple[str, ...],
    yes: bool,
    wait: bool,
    timeout: float,
    dry_run: bool,
    sites: tuple[str, ...],
) -> None:
    profile = profile_of(ctx)
    for machine in find_all(profile, sites, names):
        what = _("{name} ({id}) at {site}").format(name=machine.name, id=machine.id, site=machine.site.name)
        if dry_run:
            say(_("Would delete {what}.").format(what=what))
            continue
        if not yes and sys.stdin.isatty():
            click.confirm(_("Delete {what}?").format(what=printable(what)), abort=True, err=True)
        at_site(profile, machine.site, partial(Occi.delete, location=machine.location))
        known_hosts_of(profile, machine).unlink(missing_ok=True)
        if wait:
            wait_until_gone(profile, machine, seconds=timeout)
        say(_("Deleted {what}.").format(what=what))
